"""What will happen if nobody answers, told in advance by the very rules that will make it happen."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from data.notifications.policy import Settled
from data.notifications.recipients import Call, Callee, Member, first_calls, step_calls
from data.notifications.turns import Act, Told, take_turn

MOST_LINES = 8
CALLING = (Act.TELL, Act.ESCALATE, Act.REMIND)


@dataclass(frozen=True, slots=True)
class Foretold:
    """One thing that will be done. A line that waits or tells nobody says why."""

    at: datetime
    act: Act
    level: int = 0
    calls: Sequence[Call] = ()
    reason: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def foretell(
    policy: Settled, severity: str, *, at: datetime, zone: str, members: Sequence[Member],
    contacts_at: Callable[[datetime], Sequence[Callee]], allowed: AbstractSet[str], scope_id: UUID | None,
) -> Sequence[Foretold]:  # fmt: skip
    """What is done about an alert of that instant, as long as nobody answers and it is not over."""
    lines: list[Foretold] = []
    told = Told(severity, at)
    due: datetime | None = at
    while due is not None and len(lines) < MOST_LINES:
        turn = take_turn(told, policy, zone=zone, at=due)
        match turn.act:
            case Act.TELL | Act.REMIND:
                calls = first_calls(policy, members, contacts_at(due), allowed=allowed, scope_id=scope_id)
                lines.append(Foretold(due, turn.act, turn.level, calls))
            case Act.ESCALATE if turn.step:
                calls = step_calls(turn.step, policy, members, contacts_at(due), allowed=allowed, scope_id=scope_id)
                lines.append(Foretold(due, turn.act, turn.level, calls))
            case _ if turn.reason:
                lines.append(Foretold(due, turn.act, turn.level, (), turn.reason, turn.values))
        last = due if turn.act in CALLING else told.last_told_at
        told = Told(severity, at, turn.ladder_from_at or told.ladder_from_at, turn.level, last)
        due = turn.next_at
    return lines
