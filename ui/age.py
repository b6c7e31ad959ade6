"""How long ago something was heard, counted on in the browser without asking the server again."""
from __future__ import annotations

from datetime import UTC, datetime

from nicegui import ui

from ui.words import _, ago, current_language, full_moment


class Age(ui.element):
    """A `<time>` whose text ticks in the browser; see `age`."""

    def __init__(self, at: datetime | None, zone: str | None, stale_after_s: float | None, prefix: str) -> None:
        super().__init__('time')
        self.classes('st-age')
        self._zone, self._prefix = zone, prefix
        if stale_after_s is not None:
            self.props['data-stale-s'] = stale_after_s
        self.set(at)

    def set(self, at: datetime | None) -> None:
        """Count from another instant; None says 'never'."""
        if at is None:
            self._text = _('never')
            for name in ('data-at', 'datetime', 'title'):
                self.props.pop(name, None)
        else:
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            self._text = f'{self._prefix}{ago(at)}'
            self.props['data-at'] = int(at.timestamp() * 1000)
            self.props['data-prefix'] = self._prefix
            self.props['data-lang'] = current_language()
            self.props['datetime'] = at.isoformat()
            self.props['title'] = full_moment(at, self._zone)
        self.update()


def age(at: datetime | None, zone: str | None = None, *, stale_after_s: float | None = None, prefix: str = '') -> Age:
    """'2 minutes ago', ticking; the tooltip has the absolute time in `zone` (an IANA name, default the reader's).

    After `stale_after_s` seconds the text takes the warning colour. Naive datetimes are read as UTC.
    """
    return Age(at, zone, stale_after_s, prefix)
