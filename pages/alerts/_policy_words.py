"""A policy's fields in words: what each is called, what it says, and where that comes from."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from babel.dates import get_day_names

from data.alerts.tables import Severity
from data.identity.tables import Role
from data.notifications.policy import EVERY_DAY, Effective, Origin, Settled, Step
from pages.alerts._words import ROLE_WORDS, SEVERITY_WORDS, WAYS
from ui.words import _, current_language, n_, noop

FIELD_WORDS = {
    "is_enabled": noop("People are told"),
    "least_severity": noop("From which severity on"),
    "initial_channels": noop("At first by"),
    "notify_roles": noop("Who is in charge"),
    "are_contacts_told": noop("Contacts are called"),
    "steps": noop("When nobody answers"),
    "is_acknowledgement_required": noop("Somebody must answer"),
    "are_reminders_enabled": noop("Reminders"),
    "are_resolved_sent": noop("When it is over"),
    "quiet_from": noop("Quiet hours"),
    "days": noop("On which days"),
}
"""The fields as they are shown; some stand for two."""

PARTNERS = {
    "is_acknowledgement_required": ("acknowledgement_deadline_minutes",), "are_reminders_enabled": ("reminder_minutes",),
    "quiet_from": ("quiet_until",),
}  # fmt: skip
"""What is said together with a field."""

REACH = {0: noop("the first contacts"), 1: noop("the first and second contacts"), 2: noop("the first three contacts"), None: noop("all contacts")}


def yes_or_no(value: bool) -> str:
    return _("Yes") if value else _("No")


def ways(channels: Sequence[str]) -> str:
    """Channels in words."""
    return ", ".join(_(WAYS[channel]) for channel in channels) or _("nothing")


def roles(values: Sequence[str]) -> str:
    return ", ".join(_(ROLE_WORDS[Role(role)]) for role in values) or _("nobody")


def reach(priority: int | None) -> str:
    """Which contacts a step calls."""
    return _(REACH[priority]) if priority in REACH else _("contacts up to place {n}", n=(priority or 0) + 1)


def step_words(step: Step) -> str:
    said = n_("{n} minute later {who}, by {ways}", "{n} minutes later {who}, by {ways}", step.after_minutes, who=reach(step.priority), ways=ways(step.channels))
    return said + (" · " + _("again and again") if step.repeat else "")


def day_names() -> Mapping[int, str]:
    """ISO weekday → its name."""
    names = get_day_names("abbreviated", locale="km" if current_language() == "km" else "en_GB")
    monday = date(2026, 11, 16)
    return {(monday + timedelta(days=n)).isoweekday(): names[n] for n in range(7)}


def value_words(name: str, settled: Settled) -> list[str]:
    """What holds, in one or a few lines."""
    match name:
        case "is_enabled" | "are_contacts_told":
            return [yes_or_no(getattr(settled, name))]
        case "least_severity":
            return [_(SEVERITY_WORDS[Severity(settled.least_severity)])]
        case "initial_channels":
            return [ways(settled.initial_channels)]
        case "notify_roles":
            return [roles(settled.notify_roles)]
        case "steps":
            return [step_words(step) for step in settled.steps] or [_("Nobody else is called.")]
        case "is_acknowledgement_required":
            if not settled.is_acknowledgement_required or settled.acknowledgement_deadline_minutes is None:
                return [yes_or_no(settled.is_acknowledgement_required)]
            return [n_("Within {n} minute", "Within {n} minutes", settled.acknowledgement_deadline_minutes)]
        case "are_reminders_enabled":
            if not settled.are_reminders_enabled or not settled.reminder_minutes:
                return [_("None")]
            return [n_("Every {n} minute until somebody answers", "Every {n} minutes until somebody answers", settled.reminder_minutes)]
        case "are_resolved_sent":
            return [_("Whoever was told hears of it") if settled.are_resolved_sent else _("Nobody is told")]
        case "quiet_from":
            if settled.quiet_from is None or settled.quiet_until is None or settled.quiet_from == settled.quiet_until:
                return [_("None")]
            return [_("{begin} to {end}; what is critical passes", begin=f"{settled.quiet_from:%H:%M}", end=f"{settled.quiet_until:%H:%M}")]
        case _:
            if set(settled.days) == set(EVERY_DAY):
                return [_("Every day")]
            return [", ".join(day_names()[day] for day in sorted(settled.days)) + "; " + _("what is critical passes")]


def origin_words(name: str, effective: Effective, place: str, thing: str) -> str:
    """Where a value comes from."""
    said = effective.origins.get(name)
    if said is None:
        return _("Built in")
    where = {Origin.THING: thing or _("this thing"), Origin.SCOPE: place or _("this place"), Origin.ORGANIZATION: _("the whole organization")}
    words = _("Said for {where}", where=where[said.origin])
    return words + (" · " + _("this kind") if said.alert_type else "")
