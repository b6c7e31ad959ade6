"""Which limits held when."""

from datetime import UTC, datetime, timedelta

import pytest

from data.cold_chain.limits import BEGINNING, END, HIGH, LOW, Change, Said, Span, spans, within
from data.cold_chain.values import UnitType

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("said", "changes", "held"),
    [
        ({}, [], [(BEGINNING, 0.56, 5.0)]),
        ({"unit": {LOW: 1, HIGH: 4}}, [], [(BEGINNING, 1, 4)]),
        ({"unit": {LOW: 1, HIGH: 4}}, [Change(at(0), "unit", {LOW: 2})], [(BEGINNING, 2, 4), (at(0), 1, 4)]),
        ({"unit": {LOW: 1, HIGH: 4}}, [Change(at(0), "unit", {LOW: None, HIGH: None})], [(BEGINNING, 0.56, 5), (at(0), 1, 4)]),
        ({"unit": {HIGH: 4}, "site": {HIGH: 7}}, [Change(at(0), "site", {HIGH: 9})], [(BEGINNING, 0.56, 4)]),
        (
            {"site": {HIGH: 7}},
            [Change(at(-2), "unit", {HIGH: None}), Change(at(-1), "unit", {HIGH: 3})],
            [(BEGINNING, 0.56, 7), (at(-2), 0.56, 3), (at(-1), 0.56, 7)],
        ),
        ({"organization": {HIGH: "8.5"}}, [Change(at(1), "organization", {HIGH: "8"})], [(BEGINNING, 0.56, 8), (at(1), 0.56, 8.5)]),
        ({"unit": {HIGH: 4}}, [Change(at(0), "unit", {"delay_minutes": 3})], [(BEGINNING, 0.56, 4)]),
    ],
)
def test_limits_are_those_that_the_changes_lead_back_to(
    said: Said, changes: list[Change], held: list[tuple[datetime, float, float]]
) -> None:
    found = spans(UnitType.FRIDGE, said, changes)
    assert [(one.since, one.low_celsius, one.high_celsius) for one in found] == held
    assert [one.until for one in found] == [*(since for since, *_ in held[1:]), END]


def test_a_stretch_gets_the_limits_that_held_in_it_cut_to_it() -> None:
    both = [Span(BEGINNING, NOON, 1, 5), Span(NOON, END, 2, 6)]
    assert within(both, at(-3), at(-1)) == [Span(at(-3), at(-1), 1, 5)]
    assert within(both, at(-1), at(1)) == [Span(at(-1), NOON, 1, 5), Span(NOON, at(1), 2, 6)]
    assert within(both, NOON, at(1)) == [Span(NOON, at(1), 2, 6)]
