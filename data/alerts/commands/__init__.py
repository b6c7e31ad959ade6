"""What may become of an alert."""

from data.alerts.commands.actions import Photo, bring_photo, take_action
from data.alerts.commands.answering import acknowledge, acknowledge_several, snooze
from data.alerts.commands.ending import resolve, resolve_all_open, resolve_open
from data.alerts.commands.joining import join
from data.alerts.commands.raising import Trouble, raise_alert, raise_alerts
from data.alerts.commands.silence import lift, suppress
from data.alerts.commands.story import write_story

__all__ = [
    "Photo", "Trouble", "acknowledge", "acknowledge_several", "bring_photo", "join", "lift", "raise_alert", "raise_alerts", "resolve",
    "resolve_all_open", "resolve_open", "snooze", "suppress", "take_action", "write_story",
]  # fmt: skip
