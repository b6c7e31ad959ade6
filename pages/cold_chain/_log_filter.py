"""Which of the lines by hand somebody wants to see; all of it stands in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from data.cold_chain.queries.logs import Wanted
from ui.words import zone


@dataclass(frozen=True, slots=True)
class Filter:
    """As it stands in the address: days are the reader's own, `out` leaves only what was out of limits."""

    site: UUID | None = None
    unit: UUID | None = None
    who: UUID | None = None
    since: date | None = None
    until: date | None = None
    out: bool = False

    def wanted(self, time_zone: str, search: str = "") -> Wanted:
        """The same for the query; the last day counts whole."""
        return Wanted(
            site_id=self.site, unit_ids=[self.unit] if self.unit else None, user_id=self.who, since=day_start(self.since, time_zone),
            until=day_start(self.until + timedelta(days=1) if self.until else None, time_zone), is_out_only=self.out, search=search,
        )  # fmt: skip

    def address(self, path: str, **changes: object) -> str:
        """The path with this filter, changed so."""
        values = {name: getattr(self, name) for name in self.__slots__} | changes
        query = urlencode({name: _text(value) for name, value in values.items() if value})
        return f"{path}?{query}" if query else path


def read(query: Mapping[str, str]) -> Filter:
    """What an address says; what makes no sense in it is left out."""
    return Filter(
        _id(query.get("site")), _id(query.get("unit")), _id(query.get("who")), day(query.get("since")), day(query.get("until")),
        query.get("out") == "1",
    )  # fmt: skip


def day_start(of: date | None, time_zone: str) -> datetime | None:
    return datetime.combine(of, time(), zone(time_zone)) if of else None


def day(text: str | None) -> date | None:
    """A day as it stands in an address, between 1990 and 2100."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 1990 <= found.year <= 2100 else None


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _text(value: object) -> str:
    return "1" if value is True else str(value)
