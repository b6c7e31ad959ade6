"""A farm's report as its reader gets it, on a screen or on paper: what it amounts to first, then each device."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from data.core.sheet import (
    Area,
    Block,
    Cell,
    Chart,
    Column,
    Figure,
    Figures,
    Heading,
    Items,
    Paper,
    Sheet,
    Table,
    Tick,
    Verdict,
    Words,
)
from data.core.time import zone
from data.farm.reports.asked import Kind
from data.farm.reports.facts import DeviceFact, Facts, MeasuredFact
from pages._axes import along, scale, steps
from pages.farm import _report_words as words
from pages.farm._device_words import TYPE_WORDS
from ui.words import Reader, _, number, reading_as

VERY_RELIABLE, UNRELIABLE = 9.5, 8


def sheet(facts: Facts, look: Paper, *, seal: str, origin: str) -> Sheet:
    """The whole report in the language and unit of `look`; `seal` is the fingerprint of its facts."""
    with reading_as(Reader(look.language, facts.time_zone, "f" if look.units == "fahrenheit" else "c")):
        kind = _(words.KIND_WORDS[facts.kind])
        return Sheet(
            language=look.language, paper=look.paper, title=kind, subtitle=subtitle(facts), running=f"{facts.organization} · {kind}",
            pages=_("{page} of {pages}", page="{page}", pages="{pages}"), seal_label=_("Fingerprint"), seal=seal,
            address_label=_("Check it at"), address=f"{origin}/verify/{seal}", blocks=blocks(facts),
        )  # fmt: skip


def subtitle(facts: Facts) -> str:
    """Whose, of what, and of which days."""
    return f"{facts.organization} · {facts.farm} · {words.period(facts.first_day, facts.last_day)}"


def blocks(facts: Facts) -> list[Block]:
    """All of it."""
    tone, headline = words.headline(facts)
    made: list[Block] = [Verdict(tone, headline)]
    if facts.kind is Kind.METRICS:
        made += _metrics(facts)
    elif facts.kind is Kind.USAGE:
        made += [_usage_figures(facts), _usage(facts)]
    else:
        made += _performance(facts)
    return [*made, Words(words.zone_note(facts), "soft"), Heading(_("How each figure is made"), 3), Items(list(_notes(facts)), "soft")]


def _metrics(facts: Facts) -> Iterator[Block]:
    measured = [(device, one) for device in facts.devices for one in device.measured]
    if not measured:
        return
    titles = (_("Device"), _("Quantity"), _("Least"), _("Most"), _("Average"), _("Deviation"), _("Readings"))
    columns = [Column(title, 1.2 if n < 2 else 0, "start" if n < 2 else "end") for n, title in enumerate(titles)]
    yield Table(columns, [[Cell(device.name, note=device.room or ""), Cell(words.quantity(one.sensor_type)), *_statistics(one)] for device, one in measured])
    for number_there, (device, one) in enumerate(measured):
        room = f" · {device.room}" if device.room else ""
        yield Heading(f"{device.name} · {words.quantity(one.sensor_type)}{room}", 2, starts_page=number_there == 0)
        if len(one.steps) > 1:
            yield chart(facts, device, one)
        step_titles = (_(words.STEP_WORDS[facts.step]), _("Least"), _("Most"), _("Average"), _("Deviation"), _("Readings"))
        yield Table(
            [Column(title, 1.4 if n == 0 else 1, "start" if n == 0 else "end") for n, title in enumerate(step_titles)],
            [
                [
                    Cell(words.at_step(step.since, facts)), Cell(words.value(step.minimum, one.unit)), Cell(words.value(step.maximum, one.unit)),
                    Cell(words.value(step.average, one.unit)), Cell(words.deviation(step, one.unit)), Cell(number(step.count)),
                ]
                for step in one.steps
            ],
            is_dense=True,
        )  # fmt: skip


def _statistics(one: MeasuredFact) -> list[Cell]:
    whole = one.whole
    values = [Cell(words.value(value, one.unit)) for value in (whole.minimum, whole.maximum, whole.average)]
    return [*values, Cell(words.deviation(whole, one.unit)), Cell(number(whole.count))]


def chart(facts: Facts, device: DeviceFact, one: MeasuredFact) -> Chart:
    """The average over time before the least and the most of each step; where nothing was measured the line is broken."""
    clock = zone(facts.time_zone)
    start = datetime.combine(facts.first_day, time(), clock)
    end = datetime.combine(facts.last_day + timedelta(days=1), time(), clock)
    length, piece = (end - start).total_seconds(), words.STEP_LENGTH[facts.step]
    lowest, highest = (words.value_of(found, one.unit) for found in (min(s.minimum for s in one.steps), max(s.maximum for s in one.steps)))
    bottom, top, apart = scale(lowest, highest)

    def height(value: float) -> float:
        return (words.value_of(value, one.unit) - bottom) / (top - bottom)

    def across(at: datetime) -> float:
        return min(max((at - start).total_seconds() / length, 0.0), 1.0)

    line: list[list[tuple[float, float]]] = [[]]
    last: datetime | None = None
    for step in one.steps:
        if last is not None and step.since - last > piece * 1.5:
            line.append([])
        line[-1].append((across(step.since + piece / 2), height(step.average)))
        last = step.since
    band = [Area(across(step.since), across(step.since + piece), "soft", height(step.minimum), height(step.maximum)) for step in one.steps]
    ticks = [Tick((level - bottom) / (top - bottom), f"{number(level, 0 if apart == int(apart) else 1)} {words.unit_of(one.unit)}".replace("-", "−")) for level in steps(bottom, top, apart)]
    return Chart(
        lines=line, areas=band, marks=[], across=ticks, along=along(start, end, facts.time_zone),
        legend=[("line", "", _("Average")), ("area", "soft", _("Between least and most"))],
        describes=f"{device.name}: {words.quantity(one.sensor_type)}",
    )  # fmt: skip


def _usage_figures(facts: Facts) -> Figures:
    used = [one.usage for one in facts.devices if one.usage]
    asked, done = sum(one.asked for one in used), sum(one.done for one in used)
    return Figures(
        [
            Figure(_("On"), words.hours(sum(one.on_minutes or 0 for one in used))),
            Figure(_("Times switched on"), number(sum(one.cycles or 0 for one in used))),
            Figure(_("There"), words.share(facts.uptime), tone=words.tone_of(facts.uptime, words.GOOD_UPTIME, words.POOR_UPTIME)),
            Figure(_("Reliability (0–10)"), number(10 * done / asked, 1) if asked else "–", _("{n} of {all}", n=number(done), all=number(asked)) if asked else ""),
        ]
    )  # fmt: skip


def _usage(facts: Facts) -> Table:
    titles = (_("Device"), _("On"), _("Times switched on"), _("There"), _("Asked"), _("Done"), _("Reliability (0–10)"))
    rows = []
    for device in facts.devices:
        if (used := device.usage) is None:
            continue
        reliable = None if used.reliability is None else words.tone_of(used.reliability, VERY_RELIABLE, UNRELIABLE)
        rows.append(
            [
                Cell(device.name, note=" · ".join(filter(None, (_(TYPE_WORDS[device.device_type]), device.room)))),  # type: ignore[index]
                Cell(words.hours(used.on_minutes)), Cell("–" if used.cycles is None else number(used.cycles)),
                Cell(words.share(used.uptime), words.tone_of(used.uptime, words.GOOD_UPTIME, words.POOR_UPTIME)),
                Cell(number(used.asked)), Cell(number(used.done)), Cell(words.reliability(used), reliable or ""),
            ]
        )  # fmt: skip
    return Table([Column(title, 1.6 if n == 0 else 1, "start" if n == 0 else "end") for n, title in enumerate(titles)], rows)


def _performance(facts: Facts) -> Iterator[Block]:
    online = sum(device.is_online for device in facts.devices)
    raised, answered = sum(one.count for one in facts.raised), sum(one.answered for one in facts.raised)
    yield Figures(
        [
            Figure(_("Devices there now"), _("{n} of {all}", n=number(online), all=number(len(facts.devices))), tone="ok" if online == len(facts.devices) else "warning"),
            Figure(_("There"), words.share(facts.uptime), tone=words.tone_of(facts.uptime, words.GOOD_UPTIME, words.POOR_UPTIME)),
            Figure(_("Alerts"), number(raised), _("{n} answered", n=number(answered)) if raised else ""),
            Figure(_("Schedules that did it"), words.share(facts.automation), tone=words.tone_of(facts.automation, words.GOOD_SHARE, 0.9)),
        ]
    )  # fmt: skip
    yield Heading(_("Alerts"), 3)
    if facts.raised:
        titles = (_("Severity"), _("Raised"), _("Answered"), _("Still open"), _("Until it was answered"), _("Until it was over"))
        yield Table(
            [Column(title, 1, "start" if n == 0 else "end") for n, title in enumerate(titles)],
            [
                [
                    Cell(words.severity(one.severity)), Cell(number(one.count)), Cell(number(one.answered)),
                    Cell(number(one.still_open), "critical" if one.still_open else ""), Cell(words.lasted(one.minutes_to_answer)),
                    Cell(words.lasted(one.minutes_to_end)),
                ]
                for one in facts.raised
            ],
        )  # fmt: skip
    else:
        yield Words(_("Nothing was raised in this time."), "ok")
    yield Heading(_("Schedules"), 3)
    if facts.schedules:
        run_titles = (_("Schedule"), _("Done"), _("Failed"), _("Left out"), _("Success"))
        yield Table(
            [Column(title, 1.6 if n == 0 else 1, "start" if n == 0 else "end") for n, title in enumerate(run_titles)],
            [
                [
                    Cell(one.name, note=one.device), Cell(number(one.executed)), Cell(number(one.failed), "critical" if one.failed else ""),
                    Cell(number(one.skipped)), Cell(words.share(one.success), words.tone_of(one.success, words.GOOD_SHARE, 0.9)),
                ]
                for one in facts.schedules
            ],
        )  # fmt: skip
    else:
        yield Words(_("No schedule was due in this time."), "soft")
    yield Heading(_("Devices"), 3)
    yield _usage(facts)


def _notes(facts: Facts) -> Iterator[str]:
    if facts.kind is Kind.METRICS:
        yield _("Hours, days and weeks (from Monday) are those of the farm's own clock, also where clocks are changed.")
        yield _("The deviation is that of a sample: how far single values are from their average.")
        return
    yield _("A switch is on from the word that says so to its next word. What came in the last minutes may not be counted yet.")
    yield _("There: the share of the time in which the device was online, from the event log, since it was first heard.")
    yield _("Reliability: ten times the share of what was asked that the device did. What somebody took back does not count.")
    if facts.kind is Kind.PERFORMANCE:
        yield _("Success: of the runs that were tried, those that the device did. Runs that were left out on purpose do not count.")
