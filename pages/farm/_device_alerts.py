"""What is wrong with a device now, to be answered where it is read."""

from collections.abc import Sequence
from uuid import UUID

from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert
from data.core.time import now
from pages._shell import Looker
from pages.alerts._answers import may_take_on, other_answers, take_on_button
from pages.alerts._words import SEVERITY_WORDS, standing, state, words
from ui.age import age
from ui.badge import badge
from ui.live import live
from ui.words import _


def open_alerts(look: Looker, device_id: UUID, zone: str) -> None:
    """The device's open alerts, the worst first; nothing at all where there are none."""

    async def ask() -> Sequence[Alert]:
        async with look.transaction() as tx:
            found = await alerts.open_of(tx, [device_id])
        return sorted(found, key=lambda alert: (alert.acknowledged_at is not None, alert.severity.value != "critical", alert.triggered_at))

    def show(found: Sequence[Alert]) -> None:
        for alert in found:
            _line(look, alert, zone)

    live(ask, show, look.topic(AlertChanged), minimum_interval_s=1.0, skeleton=lambda: None)


def _line(look: Looker, alert: Alert, zone: str) -> None:
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.link(words(alert), f"/alerts/{alert.id}").classes("st-item-words")
            with ui.element("div").classes("st-row"):
                badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
                if more := standing(alert, now()):
                    badge(*more)
                age(alert.triggered_at, zone)
        with ui.element("div").classes("st-row"):
            if may_take_on(look, alert):
                take_on_button(look, alert, kind="plain")
            other_answers(look, alert, zone)
