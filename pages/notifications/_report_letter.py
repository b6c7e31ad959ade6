"""The mail that brings a regular report: what it says in a few words, the document, and where anybody can check that it is genuine."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from data.cold_chain.values import ReportKind
from data.farm.reports.asked import Kind
from data.notifications.sending import Outgoing, Written
from pages.alerts._words import sentence
from pages.cold_chain import _report_words as cold_chain
from pages.farm import _report_words as farm
from ui import letter
from ui.words import _, n_, number, percent


def regular(outgoing: Outgoing, said: Mapping[str, Any], origin: str, *, language: str, way_out: str) -> Written:
    """`said` is what `data.flows.regular.mailing` keeps of it."""
    days = cold_chain.period(date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"]))
    title = f"{kind_words(said['domain'], said['kind'])} · {said['title']} · {days}"
    found, document = summary(said["domain"], said["summary"]), _document(said)
    href, check = f"{origin}{said['href']}", f"{origin}/verify/{said['fingerprint']}"
    proof = _("Anybody can check here that it is genuine:")
    why = _("Why you get this: {reason}", reason=sentence(outgoing.reason, outgoing.reason_values))
    is_member = outgoing.user_id is not None
    text = "\n\n".join(filter(None, [
        title, "\n".join(found), document, href if is_member else "", f"{proof}\n{check}",
        "\n".join(filter(None, [f"{why} · {outgoing.organization_name}", _("End it here: {link}", link=way_out) if way_out else ""])),
    ]))  # fmt: skip
    parts = [*(letter.paragraph(line) for line in found), letter.paragraph(document, soft=True)]
    if is_member:
        parts.append(letter.call(_("Open it"), href))
    footer = [f"{letter.small(proof)} {letter.link(said['fingerprint'][:12] + '…', check)}", letter.small(f"{why} · {outgoing.organization_name}")]
    if way_out:
        footer.append(letter.link(_("Send me no more of these"), way_out))
    html = letter.letter(title, parts, footer, language=language, state="critical" if said["summary"].get("excursion_count") else "accent")
    return Written(title, text, html, title)


def kind_words(domain: str, kind: str) -> str:
    """A kind of report in words."""
    return _(cold_chain.KIND_WORDS[ReportKind(kind)]) if domain == "cold_chain" else _(farm.KIND_WORDS[Kind(kind)])


def summary(domain: str, kept: Mapping[str, Any]) -> Sequence[str]:
    """What the report comes to, in a few sentences."""
    if domain == "farm":
        return [line for line in _of_farm(kept) if line]
    lines = [n_("{n} unit", "{n} units", kept["unit_count"])]
    excursions = kept["excursion_count"]
    lines.append(n_("{n} excursion", "{n} excursions", excursions) if excursions else _("No excursion: nothing was outside its limits for too long."))
    minutes = {name: float(value) for name, value in kept["minutes"].items()}
    if whole := sum(minutes.values()):
        shares = [minutes[name] / whole for name in ("measured", "late", "manual", "unknown")]
        measured, late, manual, unknown = (percent(share, 1) for share in shares)
        lines.append(_(
            "Of the time of all units {measured} was measured by sensors, {late} was told late, {manual} was covered by hand, and of {unknown} nothing is known.",
            measured=measured, late=late, manual=manual, unknown=unknown,
        ))  # fmt: skip
    return lines


def _of_farm(kept: Mapping[str, Any]) -> Sequence[str]:
    raised, uptime, automation = kept.get("raised_count"), kept.get("uptime"), kept.get("automation")
    return [
        n_("{n} device", "{n} devices", kept["device_count"]),
        "" if raised is None else n_("{n} alert", "{n} alerts", raised),
        "" if uptime is None else _("Devices were there for {share} of the time.", share=percent(float(uptime), 1)),
        "" if automation is None else _("Of what schedules tried, {share} was done.", share=percent(float(automation), 1)),
    ]


def _document(said: Mapping[str, Any]) -> str:
    if said["file"]:
        return _("The document is attached.")
    size = number(said["size_bytes"] / 2**20, 1)
    return _("The document is too large for a mail ({size} MB). Whoever signs in and may see it finds it under Reports.", size=size)
