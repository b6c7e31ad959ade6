"""Which firmware is newer, when a night is, and what speaks against giving it to a device."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from data.core.errors import Invalid
from data.farm.rules import FARM_STOPPED, OFFLINE, OUT_OF_USE
from data.farm.rules.firmware import (
    CANNOT,
    IS_ASKED,
    IS_ON,
    OTHER_KIND,
    RUNS_ALREADY,
    RUNS_NEWER,
    UNDER_WAY,
    WAS_ASKED,
    WAS_NOT_TOLD,
    WAS_ON,
    Member,
    Standing,
    after_answer,
    after_version,
    goes_back,
    hours,
    is_newer,
    newest,
    night,
    reason_to_go_back,
    refusal_to_update,
    release,
    runs,
    stage_size,
    why_not_told,
)

RELAY = Standing("tasmota", "Sonoff Basic", "14.2.0(tasmota)")


@pytest.mark.parametrize(
    ("said", "wanted", "is_it"),
    [
        ("14.3.0(release-tasmota)", "14.3.0", True), ("14.3.0", "14.3.0", True), ("14.3.0(minimal)", "14.3.0", False),
        ("14.3.0.1(tasmota)", "14.3.0", False), ("2.1", "2.1.0", False), (None, "1", False),
    ],
)  # fmt: skip
def test_a_device_runs_a_release_when_it_says_so_and_the_small_one_on_the_way_is_not_it(said: str | None, wanted: str, is_it: bool) -> None:
    assert runs(said, wanted) is is_it


@pytest.mark.parametrize(
    ("version", "than", "is_it"),
    [
        ("14.3.0", "14.2.9(tasmota)", True), ("14.10.0", "14.9.0", True), ("2.0", "2.0.0", False), ("14.2.0", "14.3.0", False), ("1.0", None, True),
        ("beta", "alpha", True), ("beta", "beta", False),
    ],
)  # fmt: skip
def test_versions_are_compared_number_by_number(version: str, than: str | None, is_it: bool) -> None:
    assert is_newer(version, than) is is_it


def test_the_newest_release_has_the_highest_version_whenever_it_was_added() -> None:
    assert newest([("14.2.0", "a"), ("14.10.0", "b"), ("14.9.0", "c")]) == "b"
    assert newest([]) is None


@pytest.mark.parametrize(
    ("zone", "at", "begins", "ends"),
    [
        ("Asia/Phnom_Penh", "2026-11-21T10:00Z", "2026-11-21T19:00Z", "2026-11-21T21:00Z"),
        ("Asia/Phnom_Penh", "2026-11-21T19:30Z", "2026-11-21T19:30Z", "2026-11-21T21:00Z"),  # in the middle of it
        ("Asia/Phnom_Penh", "2026-11-21T20:50Z", "2026-11-22T19:00Z", "2026-11-22T21:00Z"),  # too late for this one
        ("Asia/Phnom_Penh", "2026-11-21T18:00Z", "2026-11-21T19:00Z", "2026-11-21T21:00Z"),  # after midnight, before two
        ("Europe/Berlin", "2026-03-28T20:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z"),  # two o'clock does not exist
        ("Europe/Berlin", "2026-10-24T20:00Z", "2026-10-25T00:00Z", "2026-10-25T03:00Z"),  # two o'clock is there twice
        ("America/New_York", "2026-03-07T20:00Z", "2026-03-08T07:00Z", "2026-03-08T08:00Z"),
    ],
)  # fmt: skip
def test_the_night_is_from_two_until_four_by_the_farms_clock(zone: str, at: str, begins: str, ends: str) -> None:
    asked, first, last = (datetime.fromisoformat(one).astimezone(UTC) for one in (at, begins, ends))
    assert night(asked, ZoneInfo(zone)) == (first, last)
    assert hours(asked, ZoneInfo(zone), tonight=True) == (first, last)


def test_a_time_of_ones_own_lasts_two_hours_and_lies_ahead() -> None:
    at, zone, later = datetime(2026, 11, 20, 9, tzinfo=UTC), ZoneInfo("Asia/Phnom_Penh"), timedelta(days=30)
    assert hours(at, zone) == (at, at + timedelta(minutes=10))
    assert hours(at, zone, begins_at=at + later) == (at + later, at + later + timedelta(hours=2))
    for begins_at in (at - timedelta(seconds=1), at + later + timedelta(seconds=1)):
        with pytest.raises(Invalid, match="within 30 days"):
            hours(at, zone, begins_at=begins_at)


@pytest.mark.parametrize(
    ("standing", "now_says", "tonight_says"),
    [
        (RELAY, None, None),
        (replace(RELAY, model=" sonoff basic "), None, None),
        (replace(RELAY, dialect="esphome"), CANNOT["esphome"], CANNOT["esphome"]),
        (replace(RELAY, dialect="gateway"), CANNOT["gateway"], CANNOT["gateway"]),
        (replace(RELAY, model="Sonoff Dual"), OTHER_KIND, OTHER_KIND),
        (replace(RELAY, model=None), OTHER_KIND, OTHER_KIND),
        (replace(RELAY, is_active=False), OUT_OF_USE, OUT_OF_USE),
        (replace(RELAY, runs="14.3.0(tasmota)"), RUNS_ALREADY, RUNS_ALREADY),
        (replace(RELAY, runs="14.4.1"), RUNS_NEWER, RUNS_NEWER),
        (replace(RELAY, is_under_way=True), UNDER_WAY, UNDER_WAY),
        (replace(RELAY, is_stopped=True), FARM_STOPPED, None),
        (replace(RELAY, is_online=False), OFFLINE, None),
        (replace(RELAY, is_asked=True), IS_ASKED, None),
        (replace(RELAY, is_on=True, has_animals=True), IS_ON, None),
        (replace(RELAY, is_on=True), None, None),
        (replace(RELAY, has_animals=True), None, None),
    ],
)  # fmt: skip
def test_what_speaks_against_an_update_is_said(standing: Standing, now_says: str | None, tonight_says: str | None) -> None:
    for tonight, expected in ((False, now_says), (True, tonight_says)):
        found = refusal_to_update(standing, model="Sonoff Basic", dialect="tasmota", version="14.3.0", tonight=tonight)
        assert (found[0] if found else None) == expected


@pytest.mark.parametrize(
    ("said", "wanted", "back"),
    [
        ("14.4.1", "14.3.0", True), ("14.3.0(tasmota)", "14.3.0", False), ("14.2.0", "14.3.0", False), (None, "14.3.0", False),
        ("2.0.0", "1.9", True), ("night-5", "night", False),
    ],
)  # fmt: skip
def test_an_older_version_is_told_from_a_newer_one(said: str | None, wanted: str, back: bool) -> None:
    assert goes_back(said, wanted) is back


def test_what_is_older_needs_leave_and_nothing_else_is_left_out_by_it() -> None:
    newer = replace(RELAY, runs="14.4.1")
    ask = partial(refusal_to_update, model="Sonoff Basic", dialect="tasmota", version="14.3.0")
    assert ask(newer) == (RUNS_NEWER, {"version": "14.4.1"})
    assert ask(newer, may_be_older=True) is None
    assert ask(replace(newer, is_stopped=True), may_be_older=True) == (FARM_STOPPED, {})
    assert ask(replace(RELAY, runs="14.3.0"), may_be_older=True) == (RUNS_ALREADY, {})


@pytest.mark.parametrize("text", ["", "  because   ", "x" * 501])
def test_a_reason_to_go_back_is_words(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        reason_to_go_back(text)
    assert refusal.value.field == "older_because"


def test_an_output_that_is_on_may_stand_still_only_when_somebody_says_so() -> None:
    standing = replace(RELAY, is_on=True, has_animals=True)
    assert refusal_to_update(standing, model="Sonoff Basic", dialect="tasmota", version="14.3.0", may_be_on=True) is None
    assert why_not_told(standing, may_be_on=False)[0] == WAS_ON
    assert why_not_told(standing, may_be_on=True)[0] == WAS_NOT_TOLD
    assert why_not_told(replace(RELAY, is_asked=True), may_be_on=False)[0] == WAS_ASKED
    assert why_not_told(replace(RELAY, is_stopped=True, is_online=False), may_be_on=False)[0] == FARM_STOPPED
    assert why_not_told(replace(RELAY, is_online=False), may_be_on=False)[0] == OFFLINE


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"url": "http://files.example/a.bin"}, "url"), ({"url": "https://a:b@files.example/a.bin"}, "url"), ({"url": "https://"}, "url"),
        ({"url": "http://8.8.8.8/a.bin"}, "url"), ({"url": "http://127.0.0.1/a.bin"}, "url"), ({"url": "ftp://192.168.1.5/a.bin"}, "url"),
        ({"url": "http://192.168.1.5/a.bin", "dialect": "steading"}, "url"), ({"url": "https://files.example/a b.bin"}, "url"), ({"model": " "}, "model"), ({"version": "one two"}, "version"),
        ({"dialect": "esphome"}, "dialect"), ({"sha256": "abc"}, "sha256"), ({"size_bytes": 0}, "size_bytes"),
        ({"dialect": "steading", "sha256": "A" * 64}, "size_bytes"), ({"dialect": "steading", "size_bytes": 5}, "sha256"),
    ],
)  # fmt: skip
def test_a_release_is_checked_field_by_field(changed: dict[str, object], field: str) -> None:
    fine = {"model": "M", "dialect": "tasmota", "version": "14.3.0", "url": "https://files.example/a.bin", "size_bytes": None, "sha256": None}
    assert release(**fine)["url"] == fine["url"]  # type: ignore[arg-type]
    near = {"url": "http://192.168.1.5:8000/tasmota.bin.gz"}  # an ESP8266 cannot fetch by https
    assert release(**fine | near)["url"] == near["url"]  # type: ignore[arg-type]
    with pytest.raises(Invalid) as refusal:
        release(**fine | changed)  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_only_the_new_version_ends_an_update_well() -> None:
    def after(status: str, said: str) -> str | None:
        found = after_version(status, said=said, wanted="14.3.0", before="14.2.0(tasmota)")
        return found.status if found else None

    assert after("told", "14.3.0(tasmota)") == after("restarting", "14.3.0(tasmota)") == "done"
    assert after("told", "14.2.0(tasmota)") is None  # it has not begun yet
    assert after("restarting", "14.3.0(minimal)") is None  # half way
    assert after("restarting", "14.2.0(tasmota)") == "failed"  # it went back
    installed, failed = after_answer("told", is_installed=True, error=None), after_answer("told", is_installed=False, error="HTTP 404")
    assert installed and installed.status == "restarting"
    assert failed and (failed.status, failed.values) == ("failed", {"reason": "HTTP 404"})


@pytest.mark.parametrize(("total", "sizes"), [(1, (1, 1, 1)), (2, (1, 1, 2)), (9, (1, 5, 9)), (20, (2, 10, 20)), (100, (10, 50, 100))])
def test_a_tenth_comes_first_then_half_then_all(total: int, sizes: tuple[int, int, int]) -> None:
    assert tuple(stage_size(total, stage) for stage in (1, 2, 3)) == sizes


def test_the_next_stage_waits_until_each_board_has_been_back_for_ten_minutes() -> None:
    at = datetime(2026, 11, 21, 20, tzinfo=UTC)
    done = Member("done", was_told=True, ended_at=at - timedelta(minutes=10))
    assert done.is_settled(at) and not done.is_settled(at - timedelta(seconds=1)) and not replace(done, is_online=False).is_settled(at)
    assert Member().is_to_be_asked and not Member(needs_none=True).is_to_be_asked and Member(needs_none=True).is_settled(at)
    passed_by, lost = Member("timeout"), Member("timeout", was_told=True)
    assert passed_by.is_to_be_asked and not passed_by.has_failed and not passed_by.is_settled(at)
    assert lost.has_failed and not lost.is_to_be_asked and Member("failed", was_told=True).has_failed
    assert Member("canceled").is_settled(at) and not Member("told", was_told=True).is_settled(at)
