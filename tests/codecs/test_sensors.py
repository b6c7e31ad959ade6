"""The bytes that sensors send, as their makers' guides write them, become what was measured."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.cold_chain.frames import COLDEST_BELIEVED_CELSIUS, HOTTEST_BELIEVED_CELSIUS, Fault, Said
from data.cold_chain.models import MODELS
from data.core.errors import Invalid
from jobs.codecs.sensors import DECODERS, decode

KEPT_AT = datetime(2021, 1, 19, 4, 27, 3, tzinfo=UTC)
MILESIGHT_KEPT_AT = datetime(2022, 10, 12, 8, 2, 38, tzinfo=UTC)


def said(model: str, hexed: str, port: int | None = None) -> Said:
    return decode(model, bytes.fromhex(hexed), port)


@pytest.mark.parametrize(
    ("model", "port", "hexed", "expected"),
    [
        # Dragino LHT65N: the device repository's example; no probe type; an unplugged probe; below zero; a clock instead of volts.
        ("lht65n", 2, "CBF60B0D0376010ADD7FFF",
         Said(celsius=28.29, humidity_percent=88.6, battery_v=3.062, probe_celsius=27.81)),
        ("lht65n", 2, "CBF60B0D0376007FFF7FFF", Said(celsius=28.29, humidity_percent=88.6, battery_v=3.062)),
        ("lht65n", 2, "CBBDF5C6022E01F5D07FFF",
         Said(celsius=-26.18, humidity_percent=55.8, battery_v=3.005, probe_celsius=-26.08)),
        ("lht65n", 2, "CBF60B0D0376017FFF7FFF",
         Said(celsius=28.29, humidity_percent=88.6, battery_v=3.062, probe_fault=Fault.DISCONNECTED)),
        ("lht65n", 2, "CBF60B0D0225020 9C47FFF".replace(" ", ""),
         Said(celsius=28.29, humidity_percent=54.9, battery_v=3.062, probe_celsius=25.0)),
        ("lht65n", 2, "09C40898C1460960065F97",
         Said(celsius=22.0, humidity_percent=32.6, probe_celsius=25.0, at=KEPT_AT)),
        # Dragino LHT52: the device repository's example, whose probe is not plugged in; a status frame.
        ("lht52", 2, "08CD02207FFF0161CD4EDD",
         Said(celsius=22.53, humidity_percent=54.4, probe_fault=Fault.DISCONNECTED, at=datetime(2021, 12, 30, 6, 17, 1, tzinfo=UTC))),
        ("lht52", 5, "09010001FF0B45", Said(battery_v=2.885)),
        # Dragino D2x: one probe (others unplugged), three probes below zero, the first unplugged, its alarm limits, its status.
        ("d2x", 2, "0CF6 0105 0000 0C 7FFF 7FFF", Said(celsius=26.1, battery_v=3.318)),
        ("d2x", 2, "0E10 FF3F 0000 0D FF38 FF51", Said(celsius=-19.3, probe_celsius=-20.0, battery_v=3.6)),
        ("d2x", 2, "0E10 7FFF 0000 0C 7FFF 7FFF", Said(fault=Fault.DISCONNECTED, battery_v=3.6)),
        ("d2x", 2, "0E10 FFFF 0000 0C 7FFF 7FFF", Said(celsius=-0.1, battery_v=3.6)),
        ("d2x", 2, "0E10 0000 EC05 7C EC05 EC05", Said()),
        ("d2x", 5, "19 0130 01 FF 0E10", Said(battery_v=3.6)),
        # Dragino LDS02: the guide's 147 openings and 37 minutes; open; counting only.
        ("lds02", 10, "0B88 01 000093 000025 00",
         Said(battery_v=2.952, door_is_open=False, door_open_count=147, door_open_s=37 * 60)),
        ("lds02", 10, "8B88 01 000094 000000 01",
         Said(battery_v=2.952, door_is_open=True, door_open_count=148, door_open_s=0)),
        ("lds02", 7, "8C60 00000A", Said(battery_v=3.168)),
        # Milesight: the guides' examples.
        ("em300-th", 85, "01755C 03673401 046865", Said(celsius=30.8, humidity_percent=50.5, battery_percent=92)),
        ("em300-th", 85, "01755C 0367B600 04685B", Said(celsius=18.2, humidity_percent=45.5, battery_percent=92)),
        ("em300-th", 85, "0367F6FF", Said(celsius=-1.0)),
        ("em300-th", 85, "FF0BFF FF0101 FF166136A00000000000 FF090300 FF0A0101 FF0F00", Said()),
        ("em300-th", 85, "20CE 9E744663 1001 5D 00",
         Said(earlier=(Said(celsius=27.2, humidity_percent=46.5, at=MILESIGHT_KEPT_AT),))),
        ("em300-mcs", 85, "01755C 03673401 046865 060001",
         Said(celsius=30.8, humidity_percent=50.5, battery_percent=92, door_is_open=True)),
        ("em300-mcs", 85, "20CE 9E744663 1001 5D 01",
         Said(earlier=(Said(celsius=27.2, humidity_percent=46.5, door_is_open=True, at=MILESIGHT_KEPT_AT),))),
        ("em320-th", 85, "01755C 03673401 046865", Said(celsius=30.8, humidity_percent=50.5, battery_percent=92)),
        ("em320-th", 85, "20CE 9E744663 1001 5D",
         Said(earlier=(Said(celsius=27.2, humidity_percent=46.5, at=MILESIGHT_KEPT_AT),))),
        ("ws301", 85, "017564 030001 040001", Said(battery_percent=100, door_is_open=True)),
        ("ws301", 85, "030000", Said(door_is_open=False)),
        # Elsys: the guide's example, the ERS of the device repository, an ELT-2 with pressure and a probe below zero.
        ("ers", 5, "0100E202290400270506060308070D62", Said(celsius=22.6, humidity_percent=41, battery_v=3.426)),
        ("ers", 5, "0100F5021C0301023D070E1E0C00EE0F0014000F4229",
         Said(celsius=24.5, humidity_percent=28, battery_v=3.614, probe_celsius=23.8)),
        ("elt-2", 5, "0100E20229030127051406010111", Said(celsius=22.6, humidity_percent=41)),
        ("elt-2", 5, "0100E2070D620CFF38", Said(celsius=22.6, battery_v=3.426, probe_celsius=-20.0)),
        ("elt-2", 5, "0100E2190 0A3".replace(" ", ""), Said(celsius=22.6, probe_celsius=16.3)),
        ("elt-2", 5, "0100E20C7FFF", Said(celsius=22.6, probe_fault=Fault.DISCONNECTED)),
        ("ers", 5, "3E0102030405", Said()),
    ],
)  # fmt: skip
def test_a_frame_says_what_its_makers_guide_says(model: str, port: int, hexed: str, expected: Said) -> None:
    assert said(model, hexed, port) == expected


def test_what_an_lht65n_kept_comes_back_entry_by_entry_without_the_empty_ones() -> None:
    kept = said("lht65n", "7FFF089801464160065F97" + "7FFF088E014B4160066009" + "00" * 11, 3)
    assert (kept.celsius, kept.battery_v) == (None, None)
    assert [(one.celsius, one.humidity_percent, one.at) for one in kept.earlier] == [
        (22.0, 32.6, KEPT_AT), (21.9, 33.1, datetime(2021, 1, 19, 4, 28, 57, tzinfo=UTC)),
    ]  # fmt: skip
    assert {one.probe_fault for one in kept.earlier} == {Fault.DISCONNECTED}


def test_what_an_lht52_kept_has_its_probe_first() -> None:
    (first, second) = said("lht52", "09C4022008CD0161CD4EDD" + "7FFF0220F5C60161CD4EE0", 3).earlier
    assert (first.celsius, first.probe_celsius, first.humidity_percent) == (22.53, 25.0, 54.4)
    assert (second.celsius, second.probe_fault) == (-26.18, Fault.DISCONNECTED)


def test_what_a_d2x_kept_has_its_first_probe_last() -> None:
    (one,) = said("d2x", "7FFF 7FFF FF38 00 60065F97", 3).earlier
    assert (one.celsius, one.at) == (-20.0, KEPT_AT)


@pytest.mark.parametrize(
    ("model", "port", "hexed", "fault"),
    [
        ("lht65n", 2, "CBF6 C350 0376 00 7FFF7FFF", Fault.OUT_OF_RANGE),
        ("em300-th", 85, "0367E803", None),
        ("em300-th", 85, "0367E805", Fault.OUT_OF_RANGE),
        ("em300-th", 85, "03670080", Fault.OUT_OF_RANGE),
        ("ers", 5, "017FFF", Fault.DISCONNECTED),
        ("ers", 5, "01FC18", Fault.OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_a_temperature_is_a_fault_of_the_sensor(model: str, port: int, hexed: str, fault: Fault | None) -> None:
    found = said(model, hexed, port)
    assert found.fault is fault and (found.celsius is None) is (fault is not None)


@pytest.mark.parametrize(
    ("model", "port", "hexed"),
    [
        ("lht65n", 2, ""), ("lht65n", 2, "CBF6"), ("lht65n", 3, "CBF60B"), ("lht52", 2, "08CD"), ("lht52", 9, "08CD02207FFF0161CD4EDD"),
        ("d2x", 2, "0E10FF3F"), ("d2x", 2, "0E10FF3F000004FF38FF51"), ("lds02", 10, "0B"), ("lds02", 10, "0B8801000093"),
        ("lds02", 4, "0B8801000093000025"), ("em300-th", 85, "0175"), ("em300-th", 85, "9999"), ("em300-mcs", 85, "0600"),
        ("ers", 5, "01"), ("ers", 5, "FF01"), ("elt-2", 5, "0C00"),
    ],
)  # fmt: skip
def test_bytes_that_a_model_never_sends_are_refused(model: str, port: int, hexed: str) -> None:
    with pytest.raises(Invalid) as refusal:
        said(model, hexed, port)
    assert refusal.value.field == "frm_payload"


def test_every_known_model_has_a_decoder_and_every_decoder_a_model() -> None:
    assert set(DECODERS) == set(MODELS)


def believable(said: Said) -> bool:
    temperatures = [t for t in (said.celsius, said.probe_celsius) if t is not None]
    percents = [p for p in (said.humidity_percent, said.battery_percent) if p is not None]
    return (
        all(COLDEST_BELIEVED_CELSIUS <= t <= HOTTEST_BELIEVED_CELSIUS for t in temperatures)
        and all(0 <= p <= 100 for p in percents)
        and (said.celsius is None or said.fault is None)
        and (said.battery_v is None or 0 <= said.battery_v < 66)
        and all(one.at is not None and believable(one) for one in said.earlier)
    )


@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=80), st.none() | st.integers(0, 255) | st.sampled_from([2, 3, 5, 10, 85]))
@example("em300-th", bytes.fromhex("20CEFFFFFFFF0000FF00"), 85)
@example("lht65n", bytes.fromhex("7FFF08980146417FFFFFFF"), 3)
def test_any_bytes_are_read_or_refused(model: str, octets: bytes, port: int | None) -> None:
    with suppress(Invalid):
        assert believable(decode(model, octets, port))


names = st.sampled_from(["0175", "0367", "0468", "0600", "20CE", "FF0B", "01", "02", "07", "0C", "0300", "FE10"])


@given(st.sampled_from(["em300-th", "em300-mcs", "em320-th", "ws301", "ers", "elt-2"]), st.lists(st.tuples(names, st.binary(max_size=9)), max_size=8))
def test_any_values_behind_known_names_are_read_or_refused(model: str, parts: list[tuple[str, Any]]) -> None:
    with suppress(Invalid):
        assert believable(decode(model, b"".join(bytes.fromhex(name) + value for name, value in parts), 85))
