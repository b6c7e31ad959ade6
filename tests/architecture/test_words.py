"""What people are told by rules and commands is said in Khmer too."""

import ast
from pathlib import Path

from ui.words import CATALOGS

ROOT = Path(__file__).parents[2]
SENTENCE = {"Unauthenticated": 0, "Forbidden": 0, "NotFound": 0, "Conflict": 0, "TooLarge": 0, "Busy": 0, "Invalid": 1, "Trouble": 5}
"""Where the sentence stands among the arguments."""
FOR_MACHINES = ("data/core/intake.py", "data/trees/rules", "data/trees/form.py", "data/tracking/tags.py", "data/tracking/rules.py")
"""Told to phones, feeds, and whoever keeps the installation's settings."""


def sentences(path: Path) -> list[str]:
    """Each literal sentence given to a refusal or an alert in a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        name = getattr(getattr(node, "func", None), "id", "")
        if isinstance(node, ast.Call) and name in SENTENCE:
            place = SENTENCE[name]
            words = node.args[place] if len(node.args) > place else next((k.value for k in node.keywords if k.arg == "message"), None)
            if isinstance(words, ast.Constant) and isinstance(words.value, str):
                found.append(words.value)
    return found


def test_every_refusal_and_alert_can_be_said_in_khmer() -> None:
    files = [p for p in (ROOT / "data").rglob("*.py") if not str(p.relative_to(ROOT)).startswith(FOR_MACHINES)]
    missing = {str(p.relative_to(ROOT)): lacking for p in files if (lacking := [s for s in sentences(p) if s not in CATALOGS["km"]])}
    assert missing == {}
