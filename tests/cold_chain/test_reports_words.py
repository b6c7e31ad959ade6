import ast
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.facts import DoorFact, Facts, LimitFact, ReadingFact, UnitFact, Verdict
from data.cold_chain.reports.minutes import Shares
from data.cold_chain.values import ReportKind, UnitType
from data.core.sheet import Cell, Chart, Column, Heading, Table, Tick, Words
from data.core.sheet_chart import svg
from pages._axes import along, scale
from pages._reports import presets
from pages._sheet import SCREEN, html
from pages.cold_chain._report_asking import wanted
from pages.cold_chain._report_sheet import summary
from pages.cold_chain._report_words import headline, lasted, limit_words, period, share
from ui.words import CATALOGS, Reader, reading_as

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 1, tzinfo=UTC)
NOTHING_READ = ReadingFact(0, 0, "0" * 64, None, None, None, None, None, None)


def unit(verdict: Verdict, minutes: Shares | None = None) -> UnitFact:
    return UnitFact(
        id=uuid4(), name="Fridge <1>", unit_type=UnitType.FRIDGE, area="Dock", site_id=uuid4(), site="Hall", time_zone="UTC", since=START,
        until=START + timedelta(days=1), interval_s=300, verdict=verdict, minutes=minutes or Shares(measured=1440), outside_minutes=0,
        limits=(LimitFact(START, 0.56, 5.0),), readings=NOTHING_READ, days=(), excursions=(), gaps=(), logs=(),
        doors=DoorFact(0, 0, 0, ()), alerts=(), actions=(), sensors=(),
    )  # fmt: skip


def facts(*units: UnitFact) -> Facts:
    return Facts(
        kind=ReportKind.COMPLIANCE, organization="Green", scope="organization", scope_name="Green", first_day=START.date(),
        last_day=START.date(), time_zone="UTC", as_of=START + timedelta(days=3), made_for="Olga", people=(), units=units, site_alerts=(),
    )  # fmt: skip


OK, ANSWERED, UNANSWERED, PARTLY, NOTHING = (
    Verdict.IN_LIMITS, Verdict.EXCURSIONS_ANSWERED, Verdict.EXCURSIONS_UNANSWERED, Verdict.NOT_FULLY_KNOWN, Verdict.NOTHING_KNOWN,
)  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "tone", "begins"),
    [
        ((), "offline", "There was no unit"),
        ((OK, OK), "ok", "All 2 units were within their limits."),
        ((OK, ANSWERED), "warning", "1 unit was outside its limits, and it was acted upon."),
        ((OK, ANSWERED, PARTLY), "offline", "Of 1 unit it cannot be shown"),
        ((NOTHING, PARTLY, UNANSWERED), "critical", "1 unit was outside its limits and no action"),
        ((NOTHING, NOTHING), "offline", "Nothing was measured"),
        ((NOTHING, OK), "offline", "Of 1 unit it cannot be shown"),
    ],
)
def test_the_first_sentence_says_the_worst(verdicts: tuple[Verdict, ...], tone: str, begins: str) -> None:
    found_tone, words = headline(facts(*(unit(one) for one in verdicts)))
    assert found_tone == tone and words.startswith(begins)


def test_what_is_not_known_is_never_called_in_order() -> None:
    blocks = summary(facts(unit(NOTHING, Shares(unknown=1440)), unit(OK)), has_links=False)
    said = html(blocks)
    assert "Nothing at all is known of: Fridge &lt;1&gt;." in said and "No valid calibration" in said and "What is not known" in said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 100, "0 %"), (100, 100, "100 %"), (1, 10_000_000, "< 0.1 %"), (9_999_999, 10_000_000, "> 99.9 %"), (1, 3, "33.3 %"), (1, 0, "–")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(part: int, whole: int, said: str) -> None:
    assert share(part, whole).replace("\u202f", " ") == said


@pytest.mark.parametrize(("minutes", "said"), [(0, "0 min"), (59.4, "59 min"), (60, "1 h 0 min"), (250, "4 h 10 min"), (4500, "3 d 3 h")])
def test_how_long_it_lasted(minutes: float, said: str) -> None:
    assert lasted(minutes) == said


def test_limits_and_days_in_words() -> None:
    assert limit_words(LimitFact(START, None, 5.0)) == "at most 5.0 °C" and limit_words(LimitFact(START, -20, None)) == "at least −20.0 °C"
    with reading_as(Reader("en", "UTC", "f")):
        assert limit_words(LimitFact(START, -23.33, -17.78)) == "−10.0 °F to 0.0 °F"
    assert period(date(2026, 11, 1), date(2026, 11, 30)) == "1 Nov 2026 – 30 Nov 2026"


@given(st.floats(-80, 60, allow_nan=False), st.floats(0, 100, allow_nan=False))
def test_a_scale_holds_everything_in_round_steps(lowest: float, span: float) -> None:
    bottom, top, step = scale(lowest, lowest + span)
    assert bottom <= lowest and top >= lowest + span and 1 <= round((top - bottom) / step) <= 9
    assert abs(bottom / step - round(bottom / step)) < 1e-6


@pytest.mark.parametrize("days", [0.2, 1, 2, 7, 31, 400])
def test_days_stand_at_their_own_midnights_and_never_too_many(days: float) -> None:
    ticks = along(START, START + timedelta(days=days), "Asia/Phnom_Penh")
    assert len(ticks) <= 10 and all(0 <= tick.at <= 1 for tick in ticks)
    if days >= 7:
        assert all(abs((tick.at * days * 24 + 7) % 24) < 1e-6 or abs((tick.at * days * 24 + 7) % 24 - 24) < 1e-6 for tick in ticks)


def test_a_sheet_on_the_screen_runs_nothing_that_people_typed() -> None:
    nasty = "<script>alert(1)</script>"
    chart = Chart([[(0, 0.5)], [(0.1, 0.2), (0.3, 0.4)]], (), (), [Tick(0.5, nasty)], (), [("line", "", nasty)], nasty)
    said = html([Heading(nasty, note=nasty), Words(nasty), Table([Column(nasty)], [[Cell(nasty, note=nasty)]], note=nasty), chart])
    assert "<script" not in said and said.count("&lt;script") >= 8
    assert svg(chart, SCREEN).count("<circle") == 1


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [("2026-11-01", "2026-11-02", (date(2026, 11, 1), date(2026, 11, 2))), ("nonsense", "2026-11-02", (date(2026, 11, 19), date(2026, 11, 19)))],
)
def test_an_address_is_understood_or_means_yesterday(first: str, last: str, expected: tuple[date, date]) -> None:
    asks = wanted("nonsense", "", first, last, today=date(2026, 11, 20))
    assert (asks.first, asks.last) == expected and asks.kind is ReportKind.COMPLIANCE and asks.of == "all"


def test_days_that_are_asked_for_again_and_again() -> None:
    with reading_as(Reader()):
        found = [(first.isoformat(), last.isoformat()) for _said, first, last in presets(date(2026, 3, 1))]  # a Sunday
    assert found == [("2026-02-28", "2026-02-28"), ("2026-02-16", "2026-02-22"), ("2026-02-01", "2026-02-28")]


@pytest.mark.parametrize(
    ("zone", "day", "hours"), [("Europe/Berlin", date(2026, 3, 29), 23), ("Europe/Berlin", date(2026, 10, 25), 25), ("Asia/Phnom_Penh", date(2026, 3, 29), 24)]
)
def test_a_stretch_is_whole_days_of_the_places_calendar(zone: str, day: date, hours: int) -> None:
    asked = Asked(ReportKind.DAILY, day, day, START, "Olga")
    since, until = asked.stretch(zone)
    assert until - since == timedelta(hours=hours)
    unfinished = replace(asked, as_of=since + timedelta(hours=5, seconds=20)).stretch(zone)
    assert unfinished == (since, since + timedelta(hours=5))
    assert replace(asked, as_of=since - timedelta(hours=1)).stretch(zone) == (since, since)


def test_every_step_of_the_making_can_be_said_in_khmer() -> None:
    found = [
        node.args[1].value
        for node in ast.walk(ast.parse((ROOT / "jobs/documents/reports.py").read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "progress" and isinstance(node.args[1], ast.Constant)
    ]
    assert len(found) >= 4 and all(words in CATALOGS["km"] for words in found)
