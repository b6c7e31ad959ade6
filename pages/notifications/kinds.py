"""What one is told of, kind by kind: by which ways, and when not."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.notifications.commands.subscriptions import WAYS, own_subscriptions, subscribe
from data.notifications.events import ChannelsChanged
from data.notifications.tables import AlertSubscription, Channel
from pages._shell import Looker, field_errors, screen
from pages.alerts._words import DOMAIN_WORDS, kind_words
from pages.notifications._words import CHANNEL_ICONS, CHANNEL_WORDS
from ui.dialog import panel
from ui.form import Form, button
from ui.live import live
from ui.words import _

KINDS: Mapping[str, Sequence[str]] = {
    "farm": (
        "temperature_high", "temperature_low", "humidity_high", "humidity_low", "co2_high", "house_temperature", "device_offline",
        "device_silent", "device_unreachable", "device_refused", "device_on_too_long", "schedule_failed", "schedule_fail_safe", "low_battery",
        "gateway_offline", "firmware_available", "firmware_failed", "anomaly", "flock_mortality", "flock_drinking_less", "flock_growing_less", "farm_stopped",
    ),
    "cold_chain": (
        "temp_excursion", "rapid_rise", "suspected_cooling_failure", "monitoring_interrupted", "missed_manual_entry", "door_open",
        "sensor_fault", "low_battery", "gateway_offline", "site_outage", "slow_drift", "danger_zone", "site_warming", "sensors_apart",
        "calibration_due",
    ),
}  # fmt: skip
USUAL, YES, NO = "usual", "yes", "no"
Said = Mapping[str, Mapping[Channel, AlertSubscription]]


@screen("/settings/notifications/kinds", title="What you are told of", place="settings")
async def kinds(look: Looker) -> None:
    assert look.frame and look.actor.user_id
    with look.frame.actions:
        button(_("How you are told"), kind="quiet", icon="arrow_back", href="/settings/notifications")
    ui.label(_("Without a choice here, what you chose for everything holds. Your inbox shows all of it.")).classes("st-soft")

    async def ask() -> Said:
        said: dict[str, dict[Channel, AlertSubscription]] = defaultdict(dict)
        async with look.transaction() as tx:
            for one in await own_subscriptions(tx):
                said[one.alert_type][one.channel] = one
        return said

    def show(said: Said) -> None:
        for domain, there in KINDS.items():
            if not look.may(f"{domain}.view"):
                continue
            ui.label(_(DOMAIN_WORDS[domain])).classes("st-h2").props("role=heading aria-level=2")
            for kind in there:
                _row(look, kind, said.get(kind, {}))

    live(ask, show, look.topic(ChannelsChanged, user_id=look.actor.user_id), minimum_interval_s=0.3)


def _row(look: Looker, kind: str, said: Mapping[Channel, AlertSubscription]) -> None:
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(kind_words(kind)).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                if not said:
                    ui.label(_("As for everything"))
                for channel in WAYS:
                    if one := said.get(channel):
                        with ui.element("span").classes("st-row").style("gap: 4px"):
                            ui.icon(CHANNEL_ICONS[channel] if one.is_enabled else "notifications_off").props("aria-hidden=true")
                            way = _(CHANNEL_WORDS[channel])
                            ui.label(way if one.is_enabled else _("not by {way}", way=way))
                if hours := _hours(said):
                    ui.label(_("quiet {start} – {end}", start=f"{hours[0]:%H:%M}", end=f"{hours[1]:%H:%M}"))
        changes = button(_("Change"), lambda: _choose(look, kind, said), kind="plain")
        changes.props["aria-label"] = f"{_('Change')}: {kind_words(kind)}"


def _hours(said: Mapping[Channel, AlertSubscription]) -> tuple[time, time] | None:
    return next(((one.quiet_from, one.quiet_until) for one in said.values() if one.quiet_from and one.quiet_until), None)


def _choose(look: Looker, kind: str, said: Mapping[Channel, AlertSubscription]) -> None:
    hours = _hours(said)
    with panel(kind_words(kind), _("By which ways do you want to be told of it?")) as dialog:
        form = Form()
        with form:
            for channel in WAYS:
                held = said.get(channel)
                chosen = USUAL if held is None else YES if held.is_enabled else NO
                form.select(
                    channel.value, _(CHANNEL_WORDS[channel]), {USUAL: _("As for everything"), YES: _("Yes"), NO: _("No")}, chosen, required=True
                )
            form.clock(
                "quiet_from", _("Quiet from"), hours[0] if hours else None, zone=look.time_zone,
                help=_("For the ways chosen here. What is critical reaches you all the same."),
            )  # fmt: skip
            form.clock("quiet_until", _("Quiet until"), hours[1] if hours else None, zone=look.time_zone)

        async def save(values: dict[str, Any]) -> dict[str, str] | None:
            wishes = {channel: {USUAL: None, YES: True, NO: False}[values[channel.value]] for channel in WAYS}
            try:
                async with look.transaction() as tx:
                    await subscribe(tx, kind, wishes, quiet_from=values["quiet_from"], quiet_until=values["quiet_until"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), save, on_cancel=dialog.close)
    dialog.open()
