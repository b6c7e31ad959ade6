"""Weather, cold rooms and houses: the same for whoever asks twice, and believable."""

from datetime import UTC, datetime

import numpy as np
import pytest

from data.cold_chain import rules
from jobs.demonstration import weather
from jobs.demonstration.cold_rooms import (
    ROOMS,
    WARM,
    ColdRoom,
    Fault,
    celsius,
    door_is_open,
    humidity,
    openings,
    past_faults,
)
from jobs.demonstration.farms import FARMS, House, house_celsius

BEGIN = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
MONTH = np.arange(BEGIN, BEGIN + 30 * 86_400, 300)


def test_the_afternoon_is_hot_and_the_hour_before_dawn_is_cool() -> None:
    hours, warmth = weather.hour_of_day(MONTH), weather.outdoor_celsius(MONTH)
    assert warmth[(hours > 13) & (hours < 15)].mean() - warmth[(hours > 4.5) & (hours < 6)].mean() > 6
    assert warmth.min() > 19 and warmth.max() < 37
    moist = weather.outdoor_humidity(MONTH)
    assert np.corrcoef(warmth, moist)[0, 1] < -0.8 and moist.min() > 35 and moist.max() < 98


def test_the_sun_is_down_at_night() -> None:
    hours = weather.hour_of_day(MONTH)
    assert weather.sun(MONTH)[(hours < 5.5) | (hours > 18.5)].max() == 0


def test_chance_is_even_and_always_the_same() -> None:
    drawn = weather.chance(3, np.arange(20_000))
    assert drawn.min() >= 0 and drawn.max() < 1 and abs(drawn.mean() - 0.5) < 0.01
    assert (drawn == weather.chance(3, np.arange(20_000))).all()
    assert abs(np.corrcoef(drawn, weather.chance(4, np.arange(20_000)))[0, 1]) < 0.03


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_keeps_its_limits_nearly_always_and_its_curve_is_no_straight_line(room: ColdRoom) -> None:
    rule = rules.settle({}, room.unit_type)
    curve = celsius(room, MONTH)
    out = np.mean([rules.is_out(rule, one) for one in curve])
    assert out < 0.02
    assert 0.2 < curve.std() < 3


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_what_was_is_the_same_whenever_it_is_asked(room: ColdRoom) -> None:
    alone = [float(celsius(room, [at])[0]) for at in MONTH[:50]]
    assert alone == celsius(room, MONTH)[:50].tolist()


def test_a_freezer_shows_its_defrosting() -> None:
    freezer = next(room for room in ROOMS if room.defrost_rise_celsius > 4)
    curve = celsius(freezer, MONTH)
    assert curve.max() - np.median(curve) > 0.8 * freezer.defrost_rise_celsius


def test_a_fault_makes_it_too_warm_and_then_it_recovers() -> None:
    at = np.arange(BEGIN, BEGIN + 3600, 20)
    curve = celsius(WARM, at, [Fault(BEGIN + 300, 300, 7.5)])
    rule, state, seen = rules.settle({"delay_minutes": 2}, WARM.unit_type), rules.State(), []
    for warmth, second in zip(curve.tolist(), at.tolist(), strict=True):
        state = rules.judge(state, rule, warmth, datetime.fromtimestamp(second, UTC))
        seen.append(state.status)
    assert rules.ALARM in seen and seen[0] is rules.OK and seen[-1] is rules.OK


def test_only_one_room_fails_and_it_does_so_some_times_a_month() -> None:
    faults = {room.name: past_faults(room, BEGIN, BEGIN + 30 * 86_400) for room in ROOMS}
    assert [name for name, found in faults.items() if found] == [WARM.name]
    assert 4 <= len(faults[WARM.name]) <= 24


def test_a_door_is_open_when_its_openings_say_so() -> None:
    room = next(room for room in ROOMS if room.has_door_sensor)
    found = openings(room, BEGIN, BEGIN + 86_400)
    assert 8 < len(found) < 80
    for opened_s, lasted_s in found:
        assert door_is_open(room, opened_s + lasted_s / 2) and not door_is_open(room, opened_s - 1)
    assert 40 < humidity(room, MONTH).mean() < 95


def test_twelve_relays_and_probes_on_two_farms() -> None:
    assert len(FARMS) == 2 and sum(len(farm.devices) for farm in FARMS) == 12
    topics = [device.topic for farm in FARMS for device in farm.devices]
    assert len(set(topics)) == 12


def test_a_fan_cools_a_house_slowly() -> None:
    house = House("House 1", {"fan": False})
    noon = BEGIN + 5 * 3600
    before, _ = house.air(1, noon)
    house.is_on["fan"] = True
    at_once, _ = house.air(1, noon + 20)
    later, _ = house.air(1, noon + 3600)
    assert abs(before - at_once) < 0.6
    assert float(house_celsius(1, [noon + 3600])[0]) - later == pytest.approx(2.6, abs=0.2)
