"""What the demonstration's devices were given once: their secrets, in a file that only its owner reads."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

FILE = "demonstration.json"


@dataclass(slots=True)
class Carried:
    """A driver's phone: whose, which app, the name it goes by, and its token."""

    driver_id: str
    app: str
    user: str
    token: str


@dataclass(slots=True)
class Kept:
    """The secrets by which devices prove themselves. `boards` maps a topic to its token; `gateway` is what the box in the third house
    fetched when it was claimed."""

    ttn: str
    trees: str
    boards: dict[str, str] = field(default_factory=dict)
    phones: list[Carried] = field(default_factory=list)
    gateway: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What was kept, or None where there is nothing that can be read."""
        try:
            found = json.loads((folder / FILE).read_text())
            return cls(found["ttn"], found["trees"], found["boards"], [Carried(**one) for one in found["phones"]], found.get("gateway", {}))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Keep it, readable by the owner alone, all of it or nothing."""
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{FILE}.part"
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=1)
        part.replace(folder / FILE)
