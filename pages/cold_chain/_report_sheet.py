"""A report as its reader gets it, on a screen or on paper: a first page for whoever has a minute, then everything."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from data.cold_chain.reports.facts import Calibrated, Facts, UnitFact, Verdict
from data.cold_chain.reports.minutes import LATE_AFTER, TOLERANCE
from data.cold_chain.reports.picture import Picture
from data.cold_chain.reports.queries import Drawn
from data.cold_chain.values import ReportKind
from data.core.sheet import Block, Cell, Column, Figure, Figures, Heading, Items, Paper, Sheet, Table, Words
from data.core.sheet import Verdict as VerdictBlock
from pages.cold_chain import _report_words as words
from pages.cold_chain._report_unit import alert_blocks, is_worth_telling, shares_block, unit_blocks
from ui.words import Reader, _, moment, n_, number, reading_as

WORST_FIRST = list(Verdict)
MOST_NAMES = 6


def sheet(drawn: Drawn, look: Paper, *, seal: str, origin: str) -> Sheet:
    """The whole report in the language and unit of `look`; `seal` is the fingerprint of its facts."""
    facts = drawn.facts
    with reading_as(Reader(look.language, facts.time_zone, "f" if look.units == "fahrenheit" else "c")):
        kind = _(words.KIND_WORDS[facts.kind])
        return Sheet(
            language=look.language, paper=look.paper, title=kind, subtitle=subtitle(facts),
            running=f"{facts.organization} · {kind}", pages=_("{page} of {pages}", page="{page}", pages="{pages}"),
            seal_label=_("Fingerprint"), seal=seal, address_label=_("Check it at"), address=f"{origin}/verify/{seal}",
            blocks=[*summary(facts, has_links=True), *_rest(facts, drawn.pictures), *_appendix(facts)],
        )  # fmt: skip


def subtitle(facts: Facts) -> str:
    """Whose, of what, and of which days."""
    place = facts.organization if facts.scope == "organization" else f"{facts.organization} · {facts.scope_name}"
    return f"{place} · {words.period(facts.first_day, facts.last_day)}"


def summary(facts: Facts, *, has_links: bool) -> list[Block]:
    """What fits on the first page."""
    tone, headline = words.headline(facts)
    made = _("Made {when} for {name}. Times are those of {zone}.", when=moment(facts.as_of, facts.time_zone), name=facts.made_for, zone=facts.time_zone)
    blocks: list[Block] = [
        VerdictBlock(tone, headline, "" if facts.is_empty else _how_it_is_known(facts)),
    ]
    if facts.is_empty:
        return [*blocks, Words(made, "soft")]
    blocks += [shares_block(facts.minutes), _figures(facts)]
    if unknown := _not_known(facts):
        blocks += [Heading(_("What is not known"), 3), Items(unknown, "offline")]
    return [*blocks, Heading(_("Units"), 3), _units(facts, has_links), Words(_responsible(facts), "soft"), Words(made, "soft")]


def _how_it_is_known(facts: Facts) -> str:
    minutes = facts.minutes
    return _(
        "Of the time of all units {measured} was measured by sensors, {late} was told late, {manual} was covered by hand, and of {unknown} nothing is known.",
        measured=words.share(minutes.measured, minutes.total), late=words.share(minutes.late, minutes.total),
        manual=words.share(minutes.manual, minutes.total), unknown=words.share(minutes.unknown, minutes.total),
    )  # fmt: skip


def _figures(facts: Facts) -> Figures:
    confirmed = [one for unit in facts.units for one in unit.confirmed]
    answered = sum(bool(one.action_ids) for one in confirmed)
    alerts = [*facts.site_alerts, *(alert for unit in facts.units for alert in unit.alerts)]
    acknowledged = sum(alert.acknowledged_at is not None for alert in alerts)
    sensors = [sensor for unit in facts.units for sensor in unit.sensors]
    valid = sum(sensor.calibrated is Calibrated.VALID for sensor in sensors)
    logs = [log for unit in facts.units for log in unit.logs if not log.is_corrected]
    missed = sum(len(unit.missed) for unit in facts.units)
    return Figures(
        [
            Figure(
                _("Excursions"), number(len(confirmed)), _("{n} with an action", n=number(answered)) if confirmed else "",
                "critical" if answered < len(confirmed) else "warning" if confirmed else "ok",
            ),
            Figure(_("Alerts"), number(len(alerts)), _("{n} answered", n=number(acknowledged)) if alerts else ""),
            Figure(_("By hand"), number(len(logs)), _("{n} missed", n=number(missed)) if missed else "", "critical" if missed else ""),
            Figure(
                _("Sensors calibrated"), _("{n} of {all}", n=number(valid), all=number(len(sensors))),
                tone="" if valid == len(sensors) else "warning",
            ),
        ]
    )  # fmt: skip


def _not_known(facts: Facts) -> list[str]:
    """Said plainly, each in one sentence."""
    found = []
    if facts.as_of < max(_day_starts(facts.last_day + timedelta(days=1), unit) for unit in facts.units):
        found.append(_("These days were not over when the report was made: it ends with {when}.", when=moment(facts.as_of, facts.time_zone)))
    if newer := [unit for unit in facts.units if unit.since > _day_starts(facts.first_day, unit) + timedelta(minutes=1)]:
        first = min(unit.since for unit in newer)
        found.append(_("Not in use from the first day on (the earliest from {when}): {names}.", when=moment(first, facts.time_zone), names=_names(newer)))
    if nothing := [unit for unit in facts.units if unit.verdict is Verdict.NOTHING_KNOWN]:
        found.append(_("Nothing at all is known of: {names}.", names=_names(nothing)))
    if missed := [unit for unit in facts.units if unit.missed and unit not in nothing]:
        found.append(_("The sensor was silent and nobody wrote a temperature down in time: {names}.", names=_names(missed)))
    shorter = [unit for unit in facts.units if unit.minutes.unknown and unit not in nothing and unit not in missed]
    if shorter:
        most = max(unit.minutes.unknown for unit in shorter)
        found.append(_("Shorter times are not known, at most {most} of one unit: {names}.", most=words.lasted(most), names=_names(shorter)))
    if late := [unit for unit in facts.units if unit.minutes.late]:
        found.append(
            _("Readings came too late to alarm anybody ({minutes} in all): {names}.",
              minutes=words.lasted(sum(unit.minutes.late for unit in late)), names=_names(late))
        )  # fmt: skip
    doubtful = [unit for unit in facts.units if not unit.sensors or any(s.calibrated is not Calibrated.VALID for s in unit.sensors)]
    if doubtful:
        found.append(_("No valid calibration for all of the time: {names}.", names=_names(doubtful)))
    return found


def _day_starts(day: date, unit: UnitFact) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(unit.time_zone))


def _names(units: list[UnitFact]) -> str:
    names = ", ".join(unit.name for unit in units[:MOST_NAMES])
    return names if len(units) <= MOST_NAMES else _("{names} and {n} more", names=names, n=number(len(units) - MOST_NAMES))


def _units(facts: Facts, has_links: bool) -> Table:
    ordered = sorted(facts.units, key=lambda unit: (WORST_FIRST.index(unit.verdict), facts.units.index(unit)))
    has_sites = len({unit.site_id for unit in facts.units}) > 1
    columns = [Column(_("Unit"), 1.5), Column(_("Limits"), 1.1), Column(_("Verdict"), 1.2), Column(_("Known"), align="end"), Column(_("Excursions"), align="end"), Column(_("Action"))]
    rows = []
    for unit in ordered:
        tone, verdict = words.VERDICT_WORDS[unit.verdict]
        answered = sum(bool(one.action_ids) for one in unit.confirmed)
        is_shown = has_links and _has_page(unit, facts.kind)
        action = Cell("–") if not unit.confirmed else Cell(_("taken"), "ok") if answered == len(unit.confirmed) else Cell(
            _("{n} of {all}", n=number(answered), all=number(len(unit.confirmed))), "critical"
        )  # fmt: skip
        place = f"{unit.site} · {unit.area}" if has_sites else unit.area
        rows.append(
            [
                Cell(unit.name, note=place, href=f"unit-{unit.id}" if is_shown else ""), Cell(words.all_limits(unit)), Cell(_(verdict), tone),
                Cell(words.known_words(unit.minutes)), Cell(number(len(unit.confirmed))), action,
            ]
        )  # fmt: skip
    return Table(columns, rows)


def _responsible(facts: Facts) -> str:
    people = ", ".join(f"{one.name} ({_(words.ROLE_WORDS.get(one.role, one.role))})" for one in facts.people)
    return _("Who answers for this: {people}.", people=people) if people else _("Nobody is named as answering for this.")


def _has_page(unit: UnitFact, kind: ReportKind) -> bool:
    if kind is ReportKind.EXCEPTIONS:
        return is_worth_telling(unit)
    if kind is ReportKind.MANUAL:
        return bool(unit.logs or unit.missed)
    return True


def _rest(facts: Facts, pictures: Mapping[UUID, Picture]) -> list[Block]:
    shown = [unit for unit in facts.units if _has_page(unit, facts.kind)]
    blocks = [block for unit in shown for block in unit_blocks(unit, pictures[unit.id], facts.kind)]
    quiet = len(facts.units) - len(shown)
    if facts.kind is ReportKind.EXCEPTIONS and quiet:
        blocks.append(Words(n_("Nothing out of order: {n} unit.", "Nothing out of order: {n} units.", quiet), "ok"))
    if facts.site_alerts and facts.kind in (ReportKind.COMPLIANCE, ReportKind.EXCEPTIONS):
        blocks += [Heading(_("Whole sites"), 2, starts_page=True), *alert_blocks(facts.site_alerts, facts.time_zone)]
    return blocks


def _appendix(facts: Facts) -> list[Block]:
    if facts.is_empty:
        return []
    late = number(LATE_AFTER.total_seconds() / 60)
    return [
        Heading(_("How each figure is made"), 2, starts_page=True),
        Items(
            [
                _("Measured: in this minute, or not longer ago than {factor} times the interval at which the sensor speaks and half a minute, its reading was taken, and it arrived within {late} minutes.", factor=number(TOLERANCE), late=late),
                _("Told late: the same, but the reading arrived later than that. It counts here, and alarmed nobody then."),
                _("By hand: neither, and somebody wrote a temperature down no longer ago than the interval at which that is asked."),
                _("Unknown: none of these. The four are always all minutes of the time, also where clocks are changed."),
                _("Limits are those that held at that moment: of the unit, else of its site, else of the organization, field by field, as the history of the rules tells."),
                _("An excursion begins with the first reading outside the limits and ends with the first that is well inside again. Shorter than the rule excuses, it is counted and not listed. Its size is the area between the temperature and the limit."),
                _("The kinetic mean is the one steady temperature that ages goods as much as all these together, after Haynes with 83.144 kJ/mol. It and the average weigh each reading by how long it stands."),
                _("An action answers an excursion when it was recorded with its alert, or for its unit until twelve hours after its end."),
                _("Calibrated: at every moment of the time some comparison with a reference was valid."),
                _("What became known after this report was asked for is not in it."),
                _("The fingerprint is SHA-256 over the facts that are attached to this document as facts.json. Whoever changes a figure changes it. The page that is named below tells whether it is genuine, and whether the file is the one that was handed out."),
            ],
            "soft",
        ),
    ]  # fmt: skip
