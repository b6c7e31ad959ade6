"""What stands on sensors, as people type it and cameras read it."""

import pytest

from data.cold_chain.labels import LOOKALIKE_FREE, Label, new_code, read_label, written_code, written_key
from data.core.errors import Invalid

SPEC = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C"
"""The example of the recommendation, with each of its optional parts."""


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("0004A30B001C0530", Label("0004A30B001C0530")),
        (" 00:04:a3:0b:00:1c:05:30 ", Label("0004A30B001C0530")),
        ("00-04-A3-0B-00-1C-05-30", Label("0004A30B001C0530")),
        (SPEC, Label("AABBCCDDEEFF0011", "1122334455667788", "AABB", "1122", "YYWWNNNNNN")),
        (SPEC.rpartition(":")[0], Label("AABBCCDDEEFF0011", "1122334455667788", "AABB", "1122", "YYWWNNNNNN")),
        ("LW:D0:70B3D57ED0000010:0018B20000000101:000AF8BE", Label("0018B20000000101", "70B3D57ED0000010", "000A", "F8BE")),
        (
            "lw:d0:0000000000000000:34c5d0fa68ceffa5:FFFF0BEB:S241218QR10005",
            Label("34C5D0FA68CEFFA5", "0000000000000000", "FFFF", "0BEB", "241218QR10005"),
        ),
    ],
)  # fmt: skip
def test_a_label_is_read_however_it_is_written(text: str, label: Label) -> None:
    assert read_label(text) == label


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "16 hex digits"),
        ("0004A30B001C053", "16 hex digits"),
        ("https://example.org/0004A30B001C0530", "16 hex digits"),
        (SPEC.replace("FOOBAR", "FOOBAZ"), "not read right"),
        (SPEC.replace("CAF2C", "CAF2"), "not read right"),
        (SPEC.replace("AABB1122", "AABB112"), "not read right"),
        (SPEC.replace("LW:D0", "LW:D1"), "a kind that is not known"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011", "a kind that is not known"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF001G:AABB1122", "16 hex digits"),
    ],
)
def test_what_is_no_label_is_refused_at_its_field(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        read_label(text)
    assert refusal.value.field == "device_eui"


def test_codes_have_six_characters_nobody_mistakes_and_are_never_the_same() -> None:
    made = {new_code() for _ in range(500)}
    assert len(made) == 500
    assert {len(code) for code in made} == {6} and set("".join(made)) <= set(LOOKALIKE_FREE)
    assert not set("IL1O0") & set(LOOKALIKE_FREE)
    assert written_code(" ab2-cd3 ") == "AB2CD3"


def test_an_application_key_has_32_hex_digits() -> None:
    assert written_key("00112233 44556677 8899aabb ccddeeff") == "00112233445566778899AABBCCDDEEFF"
    with pytest.raises(Invalid, match="32 hex digits"):
        written_key("0011")
