"""Which topics a filter means: as the standard has it, and the same when asked from the other side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.networks._filters import Filters, is_within

LEVELS = st.sampled_from(["a", "b", "", "$x"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)
FILTERS = st.tuples(st.lists(st.sampled_from(["a", "b", "", "+", "$x"]), min_size=1, max_size=4), st.booleans()).map(
    lambda made: "/".join([*made[0], "#"] if made[1] else made[0])
)


@pytest.mark.parametrize(
    ("asked", "allowed", "is_so"),
    [
        ("cmnd/fan/POWER", "cmnd/fan/#", True), ("cmnd/fan", "cmnd/fan/#", True), ("cmnd/fan/#", "cmnd/fan/#", True),
        ("cmnd/fan/+", "cmnd/fan/#", True), ("cmnd/fan/+/x", "cmnd/fan/#", True), ("a/b/config", "a/+/config", True),
        ("a/+/config", "a/+/config", True), ("cmnd/fan2/POWER", "cmnd/fan/#", False), ("cmnd/+/POWER", "cmnd/fan/#", False),
        ("cmnd/#", "cmnd/fan/#", False), ("#", "cmnd/fan/#", False), ("+/fan/POWER", "cmnd/fan/#", False), ("a/#", "a/+", False),
        ("a/b/c", "a/+", False), ("a/b/c", "a/b", False), ("a", "a/b", False), ("$SYS/x", "#", False), ("$SYS/x", "+/x", False),
    ],
)  # fmt: skip
def test_a_filter_is_within_another_when_all_its_topics_are(asked: str, allowed: str, is_so: bool) -> None:
    assert is_within(asked, allowed) is is_so


@given(TOPICS, FILTERS, FILTERS)
def test_whoever_is_within_hears_nothing_that_the_other_does_not(topic: str, asked: str, allowed: str) -> None:
    if is_within(asked, allowed) and is_within(topic, asked):
        assert is_within(topic, allowed)


@given(TOPICS, st.lists(FILTERS, max_size=6))
def test_everybody_who_listens_is_found(topic: str, wanted: list[str]) -> None:
    filters: Filters[int] = Filters()
    for number, one in enumerate(wanted):
        filters.add(one, number, number % 2)
    assert filters.of(topic) == {number: number % 2 for number, one in enumerate(wanted) if is_within(topic, one)}
    for number in range(len(wanted)):
        filters.forget(number)
    assert filters.of(topic) == {} and not filters._tree.below
