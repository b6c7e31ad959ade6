"""A macless-haystack export becomes tags, or is refused by its field."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.tracking.tags import keys_of
from jobs.codecs.find_my_json import tags_from_json


def key(number: int) -> str:
    return base64.b64encode(number.to_bytes(28, "big")).decode()


def exported(**more: Any) -> dict[str, Any]:
    return {"id": 1, "name": "Pallet", "privateKey": key(1), "additionalKeys": [], "isActive": True} | more


def test_an_export_becomes_tags() -> None:
    written = json.dumps([exported(), exported(name="", id="9", privateKey=key(2))])
    assert tags_from_json(written) == [keys_of(key(1), "Pallet"), keys_of(key(2), "9")]


def test_a_tag_with_more_keys_becomes_more_tags() -> None:
    found = tags_from_json(json.dumps([exported(additionalKeys=[key(2), key(3)])]))
    assert [(tag.name, tag.private_key) for tag in found] == [
        ("Pallet", key(1)),
        ("Pallet (2)", key(2)),
        ("Pallet (3)", key(3)),
    ]


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("[", "body"),
        ("{}", "body"),
        ("[1]", "[0]"),
        (json.dumps([exported(privateKey="x")]), "[0].privateKey"),
        (json.dumps([exported(privateKey=None)]), "[0].privateKey"),
        (json.dumps([exported(privateKey=5)]), "[0].privateKey"),
        (json.dumps([exported(id=None, name=None)]), "[0].name"),
        (json.dumps([exported(additionalKeys=[""])]), "[0].additionalKeys[0]"),
        (json.dumps([exported(additionalKeys="x")]), "[0].additionalKeys"),
        (json.dumps([exported(), exported(privateKey=key(2))]), "[1].name"),
        (json.dumps([exported(), exported(name="Other")]), "[1].privateKey"),
    ],
)
def test_a_bad_export_is_refused_by_its_field(written: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        tags_from_json(written)
    assert refusal.value.field == field


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(written: bytes) -> None:
    with suppress(Invalid):
        tags_from_json(written)
