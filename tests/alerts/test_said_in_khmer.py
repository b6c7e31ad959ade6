"""Why something was decided is said in Khmer too."""

from types import ModuleType

import pytest

from data.alerts import reasons, rules
from data.notifications import policy, turns
from data.notifications.commands import ladder
from ui.words import CATALOGS


@pytest.mark.parametrize("module", [reasons, policy, turns, ladder])
def test_every_reason_can_be_said_in_khmer(module: ModuleType) -> None:
    said = [value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)]
    assert said and [sentence for sentence in said if sentence not in CATALOGS["km"]] == []


def test_why_something_cannot_be_put_off_can_be_said_in_khmer() -> None:
    constants = [c for c in rules.refusal_to_snooze.__code__.co_consts if isinstance(c, str) and c.endswith(".") and " " in c]
    said = [c for c in constants if c != rules.refusal_to_snooze.__doc__]
    assert len(said) == 3 and [sentence for sentence in said if sentence not in CATALOGS["km"]] == []
