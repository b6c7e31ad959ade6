"""What somebody is told, in their own language, hours and degrees: as a mail, and as the line that a phone shows."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from data.alerts.tables import Severity
from data.notifications import unsubscribing
from data.notifications.sending import Outgoing, Written
from data.notifications.tables import Purpose
from pages.alerts._advice import advice
from pages.alerts._words import SEVERITY_STATE, SEVERITY_WORDS, STATUS_WORDS, sentence
from pages.notifications._report_letter import regular
from ui import letter
from ui.words import Reader, _, full_moment, moment, n_, noop, reading_as

LEADS = {
    Purpose.ESCALATION: noop("Nobody has answered yet"),
    Purpose.REMINDER: noop("Reminder"),
    Purpose.RESOLVED: noop("Over"),
}
"""What stands before the subject when it is not the first news."""
ADVISED = (Purpose.ALERT, Purpose.ESCALATION, Purpose.REMINDER)


def writer(origin: str) -> Callable[[Outgoing], Written]:
    """How messages are written for people; links in them begin with `origin`."""

    def write(outgoing: Outgoing) -> Written:
        has_language = outgoing.purpose is Purpose.CODE or (outgoing.purpose is Purpose.REPORT and outgoing.user_id is None)
        asked_in = (outgoing.payload or {}).get("language") if has_language else None
        reader = Reader(asked_in or outgoing.language, outgoing.place_zone or outgoing.time_zone, "f" if outgoing.units == "fahrenheit" else "c")
        with reading_as(reader):
            if outgoing.purpose is Purpose.DIGEST and outgoing.payload is not None:
                return _digest(outgoing, outgoing.payload, origin)
            if outgoing.purpose is Purpose.REPORT and outgoing.payload is not None:
                return regular(outgoing, outgoing.payload, origin, language=reader.language, way_out=_ending(outgoing, origin))
            return _news(outgoing, origin)

    return write


def _news(outgoing: Outgoing, origin: str) -> Written:
    words = sentence(outgoing.message, outgoing.values)
    subject = sentence(outgoing.subject, outgoing.values) if outgoing.subject else outgoing.about or outgoing.organization_name
    title = f"{_lead(outgoing)}: {subject}" if _lead(outgoing) else subject
    href = f"{origin}{outgoing.href}" if outgoing.href else ""
    why = sentence(outgoing.reason, outgoing.reason_values)
    is_elsewhere = outgoing.place_zone not in (None, outgoing.time_zone)
    when = full_moment(outgoing.created_at) if is_elsewhere else moment(outgoing.created_at)
    footer = [_("Why you get this: {reason}", reason=why), f"{outgoing.organization_name} · {when}"]
    todo = advice(outgoing.alert_type) if outgoing.purpose in ADVISED else ""
    settings = f"{origin}/settings/notifications"
    text = "\n\n".join(filter(None, [words, todo, href, "\n".join([*footer, settings if outgoing.user_id else ""]).strip()]))
    parts = [letter.paragraph(words), *([letter.paragraph(todo)] if todo else []), *([letter.call(_("Open it"), href)] if href else [])]
    small = [letter.small(line) for line in footer]
    if outgoing.user_id:
        small.append(letter.link(_("How you are told"), settings))
    html = letter.letter(title, parts, small + _way_out(outgoing, origin), language=outgoing.language, state=SEVERITY_STATE[outgoing.severity])
    if outgoing.purpose is Purpose.CODE:
        return Written(title, text, html, words)
    lead = _lead(outgoing) if outgoing.purpose in LEADS else ""
    return Written(title, text, html, f"{lead}: {words}" if lead else words)


def _lead(outgoing: Outgoing) -> str:
    if outgoing.purpose in LEADS:
        return _(LEADS[outgoing.purpose])
    is_alert = outgoing.purpose is Purpose.ALERT and outgoing.severity is not Severity.INFO
    return _(SEVERITY_WORDS[outgoing.severity]) if is_alert else ""


def _digest(outgoing: Outgoing, said: Mapping[str, Any], origin: str) -> Written:
    """`said`: days, count, and places [{name, units: [{name, alerts: [{message, values, severity, status, at}]}]}]."""
    day = _("The last 24 hours") if said["days"] == 1 else _("The last 7 days")
    count = n_("{n} alert", "{n} alerts", said["count"])
    title = f"{day}: {count}"
    parts, lines = [letter.paragraph(f"{outgoing.organization_name} · {count}", soft=True)], [title, outgoing.organization_name, ""]
    for place, unit, words, aside, state in _lines(said):
        if place:
            parts.append(letter.heading(place))
            lines += ["", place]
        if unit:
            parts.append(letter.paragraph(unit))
            lines.append(f"  {unit}")
        parts.append(letter.line(words, aside, state))
        lines.append(f"    {words} ({aside})")
    if said["count"] > said["shown"]:
        rest = n_("… and {n} more", "… and {n} more", said["count"] - said["shown"])
        parts.append(letter.paragraph(rest, soft=True))
        lines.append(rest)
    href = f"{origin}/alerts"
    parts.append(letter.call(_("See all alerts"), href))
    footer = [letter.small(_("You asked for this digest.")), letter.link(_("How you are told"), f"{origin}/settings/notifications")]
    html = letter.letter(title, parts, footer + _way_out(outgoing, origin), language=outgoing.language, state="accent")
    lines += ["", href, "", _("End it here: {link}", link=_ending(outgoing, origin))]
    return Written(title, "\n".join(lines), html, title)


def _lines(said: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Each alert with its place and unit, which are named at their first alert only."""
    for place in said["places"]:
        for at_unit, unit in enumerate(place["units"]):
            for at_alert, alert in enumerate(unit["alerts"]):
                severity = Severity(alert["severity"])
                aside = " · ".join((
                    _(SEVERITY_WORDS[severity]), moment(datetime.fromisoformat(alert["at"])), _(STATUS_WORDS[alert["status"]]),
                ))  # fmt: skip
                yield (
                    (place["name"] or _("Elsewhere")) if at_unit == at_alert == 0 else "", unit["name"] if at_alert == 0 else "",
                    sentence(alert["message"], alert["values"]), aside, SEVERITY_STATE[severity],
                )  # fmt: skip


def _way_out(outgoing: Outgoing, origin: str) -> list[str]:
    link = _ending(outgoing, origin)
    return [letter.link(_("Send me no more of these"), link)] if link else []


def _ending(outgoing: Outgoing, origin: str) -> str:
    token = unsubscribing.token(outgoing)
    return f"{origin}/unsubscribe?token={token}" if token else ""
