"""Roads that lead everywhere, and drives that a car could drive."""

from itertools import combinations, islice

import pytest

from jobs.demonstration.city import CORNERS, STREETS, geojson, heading, metres, route
from jobs.demonstration.driving import Drive, Receiver, day_on_the_road, rounds


def test_every_corner_can_be_reached_from_every_other() -> None:
    for start, end in combinations(CORNERS, 2):
        way = route(start, end)
        assert way[0].start == start and way[-1].end == end
        assert all(one.end == other.start for one, other in zip(way, way[1:], strict=False))


def test_no_detour_is_longer_than_it_is_worth() -> None:
    """The quickest way never takes longer than going straight through the slowest street would."""
    slowest = min(street.kmh for street in STREETS) / 3.6
    for start, end in combinations(CORNERS, 2):
        taken_s = sum(leg.duration_s for leg in route(start, end))
        assert taken_s < 3.2 * metres(CORNERS[start], CORNERS[end]) / slowest + 60


def test_a_way_from_a_corner_to_itself_is_empty_and_an_unknown_corner_has_none() -> None:
    assert route("palace", "palace") == ()
    with pytest.raises(KeyError):
        route("palace", "the moon")


@pytest.mark.parametrize(("to", "degrees"), [((12.0, 105.0), 0), ((11.5, 105.5), 90), ((11.0, 105.0), 180), ((11.5, 104.5), 270)])
def test_headings_count_from_north_over_east(to: tuple[float, float], degrees: float) -> None:
    assert heading((11.5, 105.0), to) == pytest.approx(degrees)


def test_the_overlay_has_streets_and_rivers_with_both_names_and_says_that_it_is_approximate() -> None:
    features = geojson()["features"]
    assert {feature["properties"]["kind"] for feature in features} == {"street", "river"}
    for feature in features:
        assert feature["properties"]["name"] and feature["properties"]["name_km"]
        assert "approximate" in feature["properties"]["accuracy"]
        for longitude, latitude in feature["geometry"]["coordinates"]:
            assert 104.7 < longitude < 105.2 and 11.3 < latitude < 11.9


def test_a_drive_begins_and_ends_where_it_should_and_never_jumps() -> None:
    drive = Drive("tuol_kork", "chbar_ampov", seed=4)
    places = [drive.at(second)[0] for second in range(int(drive.duration_s) + 2)]
    assert places[0] == CORNERS["tuol_kork"] and metres(places[-1], CORNERS["chbar_ampov"]) < 1
    assert max(metres(*pair) for pair in zip(places, places[1:], strict=False)) < 15
    assert 8 * 60 < drive.duration_s < 40 * 60


def test_a_car_stands_before_and_after_its_drive() -> None:
    drive = Drive("palace", "station", seed=1)
    assert drive.at(-5) == drive.at(0) or drive.at(-5)[1] == 0
    assert drive.at(drive.duration_s + 5)[1] == 0
    assert Drive("palace", "palace", seed=1).at(3) == (CORNERS["palace"], 0.0, 0.0)


def test_the_same_seed_drives_the_same_and_another_does_not() -> None:
    first, again, other = (Drive("airport", "palace", seed=seed) for seed in (7, 7, 8))
    assert first.at(200) == again.at(200) and first.duration_s == again.duration_s
    assert first.duration_s != other.duration_s


def test_a_receiver_errs_by_metres_and_does_not_jump() -> None:
    receiver, here = Receiver(3), CORNERS["palace"]
    fixes = [receiver.fix(here, 0, 0) for _ in range(500)]
    assert 1 < max(metres(here, fix[:2]) for fix in fixes) < 30
    assert max(metres(one[:2], other[:2]) for one, other in zip(fixes, fixes[1:], strict=False)) < 15
    assert all(fix.accuracy_m > 0 for fix in fixes)


def test_rounds_begin_and_end_at_the_depot() -> None:
    ways = list(islice(rounds(5, "tuol_kork", ["palace", "station", "airport"]), 200))
    assert ways[0][0] == "tuol_kork"
    assert all(one[1] == other[0] for one, other in zip(ways, ways[1:], strict=False))
    assert all(start != end for start, end in ways)


def test_a_shift_is_told_thinly_in_order_and_no_longer_than_it_lasts() -> None:
    told = list(day_on_the_road(9, "tuol_kork", ["palace", "station", "airport"], seconds=4 * 3600))
    times = [seconds for seconds, _ in told]
    assert times == sorted(times) and times[-1] < 4 * 3600
    assert 150 < len(told) < 500
