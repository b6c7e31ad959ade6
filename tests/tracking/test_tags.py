"""A vendor's file of keys is taken whole, or refused by its row and column."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.tracking.tags import csv_template, keys_of, numbered_rows, read_file, tag_rows, tags_from_csv
from data.tracking.values import TagKeys


def tag(number: int) -> TagKeys:
    return keys_of(base64.b64encode(number.to_bytes(28, "big")).decode(), f"Tag {number}")


PALLET = tag(1001)


def row(keys: TagKeys, **cells: str) -> str:
    known = {
        "name": keys.name,
        "advertisement": keys.advertisement_key,
        "private": keys.private_key,
        "hash": keys.hashed_advertisement_key,
        "mac": "",
    }
    return ",".join((known | cells).values()) + "\r\n"


def test_a_vendors_file_becomes_tags() -> None:
    written = csv_template() + row(PALLET, mac="aa-bb-cc-00-11-22") + "\r\n,,,,\r\n" + row(tag(2), hash="")
    first, second = tags_from_csv(written)
    assert first.mac_address == "AA:BB:CC:00:11:22"
    assert (first.name, first.advertisement_key, first.private_key) == (
        PALLET.name,
        PALLET.advertisement_key,
        PALLET.private_key,
    )
    assert second == tag(2)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_header_may_differ_in_case_order_and_separator(separator: str) -> None:
    cells = [PALLET.private_key, PALLET.name, "spare", PALLET.advertisement_key]
    header = ["PRIVATE KEY", "name", "Colour", "advertisement_key"]
    assert tags_from_csv("\ufeff" + "\n".join(separator.join(line) for line in (header, cells))) == [PALLET]


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (row(PALLET, private="short"), "row 3: Private Key"),
        (row(PALLET, private="AAAA"), "row 3: Private Key"),
        (row(PALLET, private="A" * 38 + "=="), "row 3: Private Key"),
        (row(PALLET, private=""), "row 3: Private Key"),
        (row(PALLET, name=""), "row 3: ID/Name"),
        (row(PALLET, name="a\x00"), "row 3: ID/Name"),
        (row(PALLET, advertisement=""), "row 3: Advertisement Key"),
        (row(PALLET, advertisement=tag(5).advertisement_key), "row 3: Advertisement Key"),
        (row(PALLET, hash=tag(5).hashed_advertisement_key), "row 3: Hashed Adv Key"),
        (row(PALLET, mac="aa:bb"), "row 3: MAC Address"),
        (row(PALLET, name="TAG 2"), "row 3: ID/Name"),
        (row(tag(2), name="Other"), "row 3: Advertisement Key"),
        (row(PALLET, mac="aabbcc001122"), "row 3: MAC Address"),
    ],
)
def test_a_bad_row_is_refused_by_its_number_and_column(written: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        tags_from_csv(csv_template() + row(tag(2), mac="AA:BB:CC:00:11:22") + written)
    assert refusal.value.field == field


def test_every_bad_row_can_be_told_at_once() -> None:
    written = csv_template() + row(PALLET, private="x") + row(tag(2)) + row(tag(3), name="")
    found = [each.field if isinstance(each, Invalid) else each.name for each in tag_rows(written)]
    assert found == ["row 2: Private Key", "Tag 2", "row 4: ID/Name"]


@pytest.mark.parametrize("written", ["", "Name\n", "Name,Private Key,Private Key,Advertisement Key\n"])
def test_a_file_without_its_columns_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match="this column"):
        tags_from_csv(written)


@given(st.text(max_size=200), st.booleans())
def test_any_text_is_read_or_refused(written: str, with_header: bool) -> None:
    with suppress(Invalid):
        tags_from_csv((csv_template() if with_header else "") + written)


def test_a_row_keeps_its_number_past_empty_lines() -> None:
    assert [number for number, _ in numbered_rows(csv_template() + row(PALLET) + ",,,,\r\n" + row(tag(2)))] == [2, 4]


def test_a_private_key_does_not_show_where_its_tag_is_printed() -> None:
    assert PALLET.private_key not in repr(PALLET)


def test_a_spreadsheets_file_is_read_with_its_mark_in_front() -> None:
    assert read_file(("\ufeff" + csv_template() + row(PALLET)).encode()) == [(2, PALLET)]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PK\x03\x04\xb5", b"," * 1_000_001])
def test_what_is_no_text_or_too_much_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        read_file(content)
    assert refusal.value.field == "body"
