"""A sealed report opens for its own tag only, and a vendor's key file is taken whole or refused by its row."""

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.tracking.tags import keys_of
from data.tracking.values import Sighting, TagKeys
from jobs.codecs.find_my import decrypt, opened, request_body, sightings
from jobs.codecs.find_my_finder import encrypt_like_a_finder

NOW = datetime(2026, 2, 12, 15, 16, tzinfo=UTC)
AT = NOW - timedelta(hours=2)

# The point pair of NIST's first P-224 key agreement vector, sealed with a P-224, AES and GCM written out by hand,
# so that neither side of this code had a part in it.
NIST_PRIVATE_KEY = base64.b64decode("g0amD8byk8paDSr2i6cdHdOJ5eQIN5Qt8+Q8vQ==")
SEALED_BY_HAND = bytes.fromhex(
    "2f34f6000204af33cd0629bc7e996320a3f40368f74de8704fa37b8fab69abaae280882092ccbba7930f419a8a4f9bb16978bbc3838729"
    "992559a6f2e2d7f1718ab30a9c39ba246947447adbe3fc646e10533acf67e242b2"
)
OPENED_BY_HAND = Sighting(
    hashed_advertisement_key="D4zGlB1teTSx1TPLICUo1JKZXLisVnasTZ2Z1sR6nMI=",
    recorded_at=datetime(2026, 2, 5, 16, 0, tzinfo=UTC),
    latitude=52.5163,
    longitude=-13.3777,
    horizontal_accuracy_m=18,
    confidence=2,
    battery=2,
)
# x of the generator and of its double, from the tables of point multiples on NIST's curves.
FIRST_MULTIPLES = {
    1: "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
    2: "706a46dc76dcb76798e60e6d89474788d16dc18032d268fd1a704fa6",
}


def tag(number: int) -> TagKeys:
    return keys_of(base64.b64encode(number.to_bytes(28, "big")).decode(), f"Tag {number}")


PALLET = tag(1001)
KEYS = {PALLET.hashed_advertisement_key: PALLET.private_key}


def sealed(keys: TagKeys = PALLET, **said: Any) -> bytes:
    words: dict[str, Any] = {"recorded_at": AT, "latitude": 52.5, "longitude": 13.4} | said
    return encrypt_like_a_finder(base64.b64decode(keys.advertisement_key), **words)


def result(payload: bytes, keys: TagKeys = PALLET) -> dict[str, Any]:
    return {"id": keys.hashed_advertisement_key, "datePublished": 1, "payload": base64.b64encode(payload).decode()}


def test_a_report_sealed_by_somebody_else_opens() -> None:
    assert decrypt(SEALED_BY_HAND, NIST_PRIVATE_KEY) == OPENED_BY_HAND


def test_the_longer_form_of_a_report_has_one_byte_more_before_the_confidence() -> None:
    assert decrypt(SEALED_BY_HAND[:4] + b"\x00" + SEALED_BY_HAND[4:], NIST_PRIVATE_KEY) == OPENED_BY_HAND


@pytest.mark.parametrize(("private", "advertised"), FIRST_MULTIPLES.items())
def test_a_tag_advertises_the_x_of_its_public_point(private: int, advertised: str) -> None:
    assert base64.b64decode(tag(private).advertisement_key).hex() == advertised


@given(
    private=st.integers(1, 2**200),
    latitude=st.integers(-900_000_000, 900_000_000),
    longitude=st.integers(-1_800_000_000, 1_800_000_000),
    accuracy_m=st.integers(0, 255),
    battery=st.integers(0, 3),
    seconds=st.integers(978_307_200, 978_307_200 + 2**32 - 1),
    is_newer_phone=st.booleans(),
)
def test_what_a_finder_seals_its_tag_opens(
    private: int, latitude: int, longitude: int, accuracy_m: int, battery: int, seconds: int, is_newer_phone: bool
) -> None:
    keys = tag(private)
    at = datetime.fromtimestamp(seconds, UTC)
    payload = encrypt_like_a_finder(
        base64.b64decode(keys.advertisement_key),
        recorded_at=at,
        latitude=latitude / 1e7,
        longitude=longitude / 1e7,
        accuracy_m=accuracy_m,
        battery=battery,
        is_newer_phone=is_newer_phone,
    )
    assert len(payload) == (89 if is_newer_phone else 88)
    assert decrypt(payload, base64.b64decode(keys.private_key)) == Sighting(
        keys.hashed_advertisement_key, at, latitude / 1e7, longitude / 1e7, accuracy_m, 3, battery
    )


@pytest.mark.parametrize(("raw", "confidence"), [(0, 1), (1, 1), (2, 2), (3, 3), (5, 3), (100, 3)])
def test_confidence_is_low_medium_or_high(raw: int, confidence: int) -> None:
    assert decrypt(sealed(confidence=raw), base64.b64decode(PALLET.private_key)).confidence == confidence


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        sealed()[:-1],
        sealed() + b"\x00\x00",
        sealed()[:-1] + bytes([sealed()[-1] ^ 1]),
        sealed(tag(1002)),
        sealed(confidence=101),
        sealed(latitude=90.1),
        sealed(longitude=-180.1),
        sealed()[:5] + b"\x04" + b"\x01" * 56 + sealed()[62:],
    ],
    ids=["empty", "short", "long", "altered", "another tag", "no confidence", "latitude", "longitude", "no point"],
)
def test_a_foreign_altered_or_impossible_report_is_refused(payload: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        decrypt(payload, base64.b64decode(PALLET.private_key))
    assert refusal.value.field == "payload"


@pytest.mark.parametrize("key", [b"", b"\x01" * 27, b"\x00" * 28, b"\xff" * 28])
def test_what_is_no_private_key_is_refused(key: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        decrypt(sealed(), key)
    assert refusal.value.field == "private_key"


@given(st.binary(min_size=88, max_size=89) | st.binary(max_size=100), st.binary(min_size=28, max_size=28))
def test_any_bytes_are_opened_or_refused(payload: bytes, key: bytes) -> None:
    with suppress(Invalid):
        decrypt(payload, key)
    with suppress(Invalid):
        list(opened(payload, KEYS, now=NOW))


def test_the_endpoint_is_asked_for_a_few_keys_and_days() -> None:
    assert request_body(["abc="], 3) == {"ids": ["abc="], "days": 3}
    for ids, days, field in (([], 7, "ids"), (["x"] * 65, 7, "ids"), (["x"], 0, "days"), (["x"], 8, "days")):
        with pytest.raises(Invalid) as refusal:
            request_body(ids, days)
        assert refusal.value.field == field


def test_a_reply_becomes_sightings_oldest_first() -> None:
    later = AT + timedelta(hours=1)
    found = sightings({"results": [result(sealed(recorded_at=later)), result(sealed())]}, KEYS, now=NOW)
    assert [each.recorded_at for each in found] == [AT, later]


def test_one_unreadable_result_does_not_spoil_the_others() -> None:
    stranger = tag(7)
    reply = {
        "results": [
            result(sealed()),
            result(sealed(stranger)),
            result(sealed(stranger), stranger),
            {"id": PALLET.hashed_advertisement_key, "payload": "not base64"},
            result(sealed(latitude=0, longitude=0)),
            result(sealed(recorded_at=NOW + timedelta(hours=1))),
            result(sealed(recorded_at=NOW - timedelta(days=8))),
        ]
    }
    found = list(opened(reply, KEYS, now=NOW, oldest=NOW - timedelta(days=7)))
    assert [each.field for each in found if isinstance(each, Invalid)] == [
        "results[1].payload",
        "results[2].id",
        "results[3].payload",
        "results[4].payload",
        "results[5].payload",
        "results[6].payload",
    ]
    assert len(sightings(reply, KEYS, now=NOW, oldest=NOW - timedelta(days=7))) == 1


def test_reports_of_known_instants_stay_closed() -> None:
    later = AT + timedelta(hours=1)
    reply = {"results": [result(sealed(recorded_at=later)), result(sealed(recorded_at=AT)[:-1]), {"id": 1}, result(b"")]}
    assert list(opened(reply, KEYS, now=NOW, known={AT, later}))[1:] and sightings(reply, KEYS, now=NOW, known={later}) == []
    assert [type(each) for each in opened(reply, KEYS, now=NOW, known={AT})][0] is Sighting


@pytest.mark.parametrize(
    ("reply", "field"),
    [
        (b"<html>", "body"),
        ({}, "results"),
        ({"results": 4}, "results"),
        (b"null", "body"),
        (b'{"results":[1]}', "results[0]"),
    ],
)
def test_a_reply_that_is_none_is_refused(reply: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        sightings(reply, KEYS, now=NOW)
    assert refusal.value.field == field


def test_a_finder_refuses_what_is_no_key() -> None:
    for key in (b"", b"\xff" * 28):
        with pytest.raises(Invalid):
            encrypt_like_a_finder(key, recorded_at=AT, latitude=1, longitude=1)
