"""One unit in a report: its figures, its picture, and everything that happened to it."""

from collections.abc import Iterable, Sequence
from itertools import islice

from data.cold_chain.reports.facts import AlertFact, ExcursionFact, UnitFact
from data.cold_chain.reports.minutes import Shares as Minutes
from data.cold_chain.reports.picture import Picture
from data.cold_chain.values import ReportKind
from data.core.sheet import (
    Block,
    Cell,
    Column,
    Figure,
    Figures,
    Heading,
    Items,
    Photo,
    Photos,
    Share,
    Shares,
    Table,
    Words,
)
from pages.alerts._words import sentence
from pages.cold_chain import _report_words as words
from pages.cold_chain._report_chart import chart
from pages.cold_chain._words import TYPE_WORDS
from ui.words import _, n_, noop, number, temperature

DAY_COLUMNS = (
    noop("Lowest"), noop("Average"), noop("Highest"), noop("Measured"), noop("Late or by hand"), noop("Unknown"), noop("Outside"),
)
MOST_ROWS = 40
"""Of a table on paper; the rest is counted, and stands in the attached facts."""


def unit_blocks(unit: UnitFact, picture: Picture, kind: ReportKind) -> list[Block]:
    """A unit's part of the report."""
    tone, verdict = words.VERDICT_WORDS[unit.verdict]
    place = f"{_(TYPE_WORDS[unit.unit_type])} · {unit.site} · {unit.area} · {unit.time_zone}"
    blocks: list[Block] = [Heading(unit.name, 2, place, starts_page=True, id=f"unit-{unit.id}")]
    stretch = _("{since} to {until}", since=words.at(unit.since, unit.time_zone), until=words.at(unit.until, unit.time_zone))
    blocks.append(Words(stretch, "soft"))
    blocks.append(Words(f"{_(verdict)}. {_('Limits')}: {words.all_limits(unit)}.", tone))
    if kind is not ReportKind.MANUAL:
        blocks += [_figures(unit), shares_block(unit.minutes), chart(unit, picture)]
    blocks += _limit_changes(unit)
    if kind is not ReportKind.MANUAL:
        blocks += [*_excursions(unit), *_gaps(unit)]
    blocks += [*_missed(unit), *_logs(unit)]
    if kind is ReportKind.DAILY or kind is ReportKind.COMPLIANCE:
        blocks += _days(unit)
    if kind is not ReportKind.MANUAL and kind is not ReportKind.DAILY:
        blocks += [*alert_blocks(unit.alerts, unit.time_zone), *_actions(unit), *_doors(unit)]
    if kind is ReportKind.COMPLIANCE:
        blocks += _sensors(unit)
    return blocks


def is_worth_telling(unit: UnitFact) -> bool:
    """Whether anything was not as it should be."""
    return bool(unit.excursions or unit.missed or unit.alerts or unit.actions or any(not log.is_in_limits for log in unit.logs)) or (
        unit.minutes.unknown > 0
    )


def shares_block(minutes: Minutes) -> Shares:
    """How the time is known."""
    whole = max(1, minutes.total)
    return Shares(
        [
            Share(_("Measured"), minutes.measured / whole, words.share(minutes.measured, minutes.total), "ok"),
            Share(_("Told late"), minutes.late / whole, words.share(minutes.late, minutes.total), "warning"),
            Share(_("By hand"), minutes.manual / whole, words.share(minutes.manual, minutes.total), "soft"),
            Share(_("Unknown"), minutes.unknown / whole, words.share(minutes.unknown, minutes.total), "offline"),
        ]
    )


def _figures(unit: UnitFact) -> Figures:
    read = unit.readings
    kinetic = Figure(_("Kinetic mean"), temperature(read.kinetic_celsius, decimals=2))
    outside = Figure(_("Outside limits"), words.lasted(unit.outside_minutes), tone="critical" if unit.confirmed else "")
    return Figures(
        [
            Figure(_("Lowest"), temperature(read.lowest_celsius), words.at(read.lowest_at, unit.time_zone)),
            Figure(_("Average"), temperature(read.average_celsius), n_("{n} reading", "{n} readings", read.count)),
            Figure(_("Highest"), temperature(read.highest_celsius), words.at(read.highest_at, unit.time_zone)),
            kinetic, outside,
        ]
    )  # fmt: skip


def _limit_changes(unit: UnitFact) -> Iterable[Block]:
    if len(unit.limits) > 1:
        yield Heading(_("Limits that held"), 3)
        rows = [[Cell(words.at(one.since, unit.time_zone)), Cell(words.limit_words(one))] for one in unit.limits]
        yield Table([Column(_("From")), Column(_("Limits"), 1)], rows)


def _excursions(unit: UnitFact) -> Iterable[Block]:
    if unit.confirmed:
        yield Heading(_("Outside limits"), 3)
        columns = [
            Column(_("From")), Column(_("To")), Column(_("Lasted")), Column(_("Worst")), Column(_("Limit")), Column(_("Size")),
            Column(_("Cause and action"), 1),
        ]  # fmt: skip
        yield _cut(columns, [_excursion_row(unit, one) for one in unit.confirmed])
    if unit.brief:
        worst = max(unit.brief, key=lambda one: abs(one.peak_celsius - one.limit_celsius))
        yield Words(
            n_(
                "Besides, {n} short stretch outside, no longer than the rule excuses; {minutes} in all, at worst {worst}.",
                "Besides, {n} short stretches outside, none longer than the rule excuses; {minutes} in all, at worst {worst}.",
                len(unit.brief), minutes=words.lasted(sum(one.minutes for one in unit.brief)), worst=temperature(worst.peak_celsius),
            ),
            "soft",
        )  # fmt: skip


def _excursion_row(unit: UnitFact, one: ExcursionFact) -> list[Cell]:
    done = [action for action in unit.actions if action.id in one.action_ids]
    acted = "; ".join(action.action for action in done)
    return [
        Cell(words.at(one.started_at, unit.time_zone)),
        Cell(words.at(one.ended_at, unit.time_zone)) if one.ended_at else Cell(_("not over"), "critical"),
        Cell(words.lasted(one.minutes)),
        Cell(temperature(one.peak_celsius), "critical"),
        Cell(temperature(one.limit_celsius)),
        Cell(words.degree_minutes(one.degree_minutes)),
        Cell(words.cause_words(one), note=acted) if done else Cell(_("No action recorded"), "critical", words.cause_words(one)),
    ]


def _gaps(unit: UnitFact) -> Iterable[Block]:
    if not unit.gaps:
        return
    yield Heading(_("Sensor silent"), 3)
    longest = sorted(unit.gaps, key=lambda gap: (-gap.minutes, gap.starts_at))[:12]
    rows = [
        [
            Cell(words.at(gap.starts_at, unit.time_zone)), Cell(words.at(gap.ends_at, unit.time_zone)), Cell(words.lasted(gap.minutes)),
            Cell(words.lasted(gap.manual_minutes) if gap.manual_minutes else "–"),
            Cell(_("not measured in time"), "critical") if gap.is_missed else Cell(""),
        ]
        for gap in sorted(longest, key=lambda gap: gap.starts_at)
    ]  # fmt: skip
    others = len(unit.gaps) - len(rows)
    note = n_("{n} shorter gap is not listed here.", "{n} shorter gaps are not listed here.", others) if others else ""
    columns = [Column(_("From")), Column(_("To")), Column(_("Lasted")), Column(_("Of it by hand")), Column(_("Remark"), 1)]
    yield Table(columns, rows, note)


def _missed(unit: UnitFact) -> Iterable[Block]:
    if unit.missed:
        yield Words(
            n_(
                "{n} time nobody wrote a temperature down although the sensor was silent for longer than is allowed.",
                "{n} times nobody wrote a temperature down although the sensor was silent for longer than is allowed.",
                len(unit.missed),
            ),
            "critical",
        )  # fmt: skip


def _logs(unit: UnitFact) -> Iterable[Block]:
    if not unit.logs:
        return
    yield Heading(_("Written down by hand"), 3)
    columns = [Column(_("When")), Column(_("Temperature"), align="end"), Column(_("By")), Column(_("Arrived")), Column(_("Remark"), 1)]
    rows = [
        [
            Cell(words.at(log.recorded_at, unit.time_zone)),
            Cell(temperature(log.celsius), "soft" if log.is_corrected else "" if log.is_in_limits else "critical"),
            Cell(log.by), Cell(words.at(log.arrived_at, unit.time_zone)),
            Cell(_("replaced by a later entry") if log.is_corrected else "" if log.is_in_limits else _("outside limits"), note=log.notes or ""),
        ]
        for log in unit.logs
    ]  # fmt: skip
    yield _cut(columns, rows)
    yield from _photos((log.photo_sha256, f"{words.at(log.recorded_at, unit.time_zone)} · {log.by}") for log in unit.logs)


def _days(unit: UnitFact) -> Iterable[Block]:
    yield Heading(_("Day by day"), 3)
    columns = [Column(_("Day"), 1.4), *(Column(_(one), 1, "end") for one in DAY_COLUMNS)]
    rows = [
        [
            Cell(words.a_day(day.day)), Cell(temperature(day.lowest_celsius)), Cell(temperature(day.average_celsius)),
            Cell(temperature(day.highest_celsius)), Cell(words.share(day.minutes.measured, day.minutes.total)),
            Cell(words.share(day.minutes.late + day.minutes.manual, day.minutes.total)),
            Cell(words.share(day.minutes.unknown, day.minutes.total), "offline" if day.minutes.unknown else ""),
            Cell(words.lasted(day.outside_minutes) if day.outside_minutes else "–", "critical" if day.outside_minutes else ""),
        ]
        for day in unit.days
    ]  # fmt: skip
    yield Table(columns, rows, is_dense=True)


def alert_blocks(alerts: Sequence[AlertFact], zone: str) -> Iterable[Block]:
    """Each alert: what, who was told by which way and when, and who answered."""
    if not alerts:
        return
    yield Heading(_("Alerts and who was told"), 3)
    columns = [Column(_("When")), Column(_("Alert"), 1.3), Column(_("Told"), 1.3), Column(_("Answered"), 1)]
    yield _cut(columns, [_alert_row(one, zone) for one in alerts])


def _alert_row(one: AlertFact, zone: str) -> list[Cell]:
    if one.acknowledged_at:
        answered = Cell(
            f"{one.acknowledged_by or '–'}, {words.at(one.acknowledged_at, zone)}", note=one.note or "",
        )  # fmt: skip
    else:
        answered = Cell(_("Nobody answered"), "" if one.resolved_at else "critical")
    over = _("over {when}", when=words.at(one.resolved_at, zone)) if one.resolved_at else _("not over")
    told = [
        f"{told.who} ({_(words.CHANNEL_NAMES.get(told.channel, told.channel))}, {words.at_clock(told.at, zone)}, {_(words.OUTCOME_WORDS[told.outcome])})"
        for told in islice(one.told, 8)
    ]
    more = [_("and {n} more", n=number(len(one.told) - 8))] if len(one.told) > 8 else []
    return [
        Cell(words.at(one.triggered_at, zone)), Cell(sentence(one.message, one.values), note=over),
        Cell("; ".join(told + more)) if told else Cell(_("Nobody was told"), "critical"), answered,
    ]  # fmt: skip


def _actions(unit: UnitFact) -> Iterable[Block]:
    if not unit.actions:
        return
    yield Heading(_("Corrective actions"), 3)
    columns = [Column(_("When")), Column(_("By")), Column(_("What was wrong"), 1), Column(_("What was done"), 1)]
    yield _cut(columns, [[Cell(words.at(a.acted_at, unit.time_zone)), Cell(a.by or "–"), Cell(a.description), Cell(a.action)] for a in unit.actions])
    yield from _photos((a.photo_sha256, f"{words.at(a.acted_at, unit.time_zone)} · {a.action}") for a in unit.actions)


def _doors(unit: UnitFact) -> Iterable[Block]:
    if not unit.doors.openings:
        return
    said = n_(
        "The door was opened {n} time, {minutes} in all, {longest} at the longest.",
        "The door was opened {n} times, {minutes} in all, {longest} at the longest.",
        unit.doors.openings, minutes=words.lasted(unit.doors.open_minutes), longest=words.lasted(unit.doors.longest_minutes),
    )  # fmt: skip
    yield Heading(_("Door"), 3)
    yield Words(said)
    if unit.doors.long_openings:
        longest = sorted(unit.doors.long_openings, key=lambda one: -one[1])[:8]
        listed = ", ".join(f"{words.at(opened, unit.time_zone)} ({words.lasted(minutes)})" for opened, minutes in sorted(longest))
        yield Words(_("The longest: {openings}", openings=listed), "soft")


def _sensors(unit: UnitFact) -> Iterable[Block]:
    yield Heading(_("Sensors and their calibration"), 3)
    if not unit.sensors:
        yield Words(_("No sensor is registered for this unit."), "offline")
    rows = []
    for sensor in unit.sensors:
        tone, said = words.CALIBRATED_WORDS[sensor.calibrated]
        certificate = sensor.calibrations[-1].certificate_sha256 if sensor.calibrations else None
        rows.append(
            [
                Cell(sensor.name, note=sensor.eui if sensor.name != sensor.eui else ""),
                Cell(_(said), tone, words.calibration_words(sensor, unit.time_zone)),
                Cell(_("on file, {mark}", mark=certificate[:12]) if certificate else _("none")),
            ]
        )
    if rows:
        yield Table([Column(_("Sensor")), Column(_("Calibration"), 1), Column(_("Certificate"))], rows)
    yield Items([_("Fingerprint of the {n} readings: {mark}", n=number(unit.readings.count), mark=unit.readings.sha256)], "soft")


def _photos(photos: Iterable[tuple[str | None, str]]) -> Iterable[Block]:
    found = [Photo(sha256, caption[:120]) for sha256, caption in photos if sha256]
    if found:
        yield Photos(found[:12])


def _cut(columns: list[Column], rows: list[list[Cell]]) -> Table:
    """A table of what fits; what does not is counted, never silently dropped."""
    others = len(rows) - MOST_ROWS
    if others <= 0:
        return Table(columns, rows)
    note = n_("{n} more is in the facts that are attached to this document.", "{n} more are in the facts that are attached to this document.", others)
    return Table(columns, rows[:MOST_ROWS], note)
