"""Which part of the records, of which units and days: all of it stands in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import QueryParams

from data.cold_chain.queries.inspection import Stretch
from data.core.time import now
from pages.cold_chain._log_filter import day, day_start
from ui.words import noop, zone

PARTS: Mapping[str, str] = {
    "temperatures": noop("Temperatures"), "exceptions": noop("Exceptions"), "actions": noop("Corrective actions"),
    "excursions": noop("Excursions"), "gaps": noop("Not measured"), "calibration": noop("Calibration"), "reports": noop("Reports"),
}  # fmt: skip
USUAL_DAYS, MOST_DAYS = 7, 366


@dataclass(frozen=True, slots=True)
class Asked:
    """As it stands in the address; without units it is all of them."""

    part: str
    since: date
    until: date
    unit_ids: tuple[UUID, ...] = ()
    by_hand: bool = False
    keep: Mapping[str, str] | None = None
    """What the reader chose for themselves: language and degrees."""

    def stretch(self, time_zone: str) -> Stretch:
        start, end = day_start(self.since, time_zone), day_start(self.until + timedelta(days=1), time_zone)
        assert start and end
        return Stretch(start, end, self.unit_ids)

    def address(self, path: str, **changes: object) -> str:
        values: dict[str, object] = {
            "part": self.part, "since": self.since, "until": self.until, "unit": list(map(str, self.unit_ids)),
            "by_hand": "1" if self.by_hand else "", **(self.keep or {}),
        }  # fmt: skip
        return f"{path}?{urlencode({name: value for name, value in (values | changes).items() if value}, doseq=True)}"


def read(query: QueryParams, time_zone: str) -> Asked:
    """What an address says; what makes no sense in it becomes the last seven days of everything."""
    today = now().astimezone(zone(time_zone)).date()
    until = day(query.get("until")) or today
    since = day(query.get("since")) or until - timedelta(days=USUAL_DAYS - 1)
    since = max(min(since, until), until - timedelta(days=MOST_DAYS - 1))
    part = query.get("part", "")
    keep = {name: query[name] for name in ("language", "degrees") if query.get(name)}
    return Asked(part if part in PARTS else "temperatures", since, until, _ids(query.getlist("unit")), query.get("by_hand") == "1", keep)


def _ids(texts: Sequence[str]) -> tuple[UUID, ...]:
    found = []
    for text in texts[:500]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return tuple(found)
