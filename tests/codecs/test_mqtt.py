"""MQTT on the wire: what comes in pieces is whole, what is wrong is refused, and what we answer is read by a real client."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.codecs import mqtt
from jobs.codecs.mqtt import Acknowledged, Bare, Connect, Malformed, Publish, Reader, Subscribe, Unsubscribe


def read(*pieces: bytes) -> list[mqtt.Packet]:
    reader = Reader()
    return [packet for piece in pieces for packet in reader.feed(piece)]


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (b"\x30\x06\x00\x03a/bx", Publish("a/b", b"x")),
        (b"\x33\x08\x00\x03a/b\x00\x0ax", Publish("a/b", b"x", 1, True, 10)),
        (b"\x40\x02\x00\x0a", Acknowledged(mqtt.PUBACK, 10)),
        (b"\x62\x02\x00\x0a", Acknowledged(mqtt.PUBREL, 10)),
        (b"\x82\x0a\x00\x07\x00\x01#\x01\x00\x01+\x00", Subscribe(7, (("#", 1), ("+", 0)))),
        (b"\xa2\x05\x00\x07\x00\x01#", Unsubscribe(7, ("#",))),
        (b"\xc0\x00", Bare(mqtt.PINGREQ)),
        (b"\xe0\x00", Bare(mqtt.DISCONNECT)),
        (
            b"\x10\x25\x00\x04MQTT\x04\xe6\x00\x1e\x00\x03fan\x00\x03t/L\x00\x02no\x00\x03fan\x00\x06secret",
            Connect(4, "fan", True, 30, "fan", b"secret", Publish("t/L", b"no", 0, True)),
        ),
        (b"\x10\x0c\x00\x04MQTT\x05\x02\x00\x1e\x00\x00", Connect(5)),
    ],
)
def test_what_clients_say_is_read_in_whatever_pieces_it_comes(said: bytes, means: mqtt.Packet) -> None:
    assert read(said) == [means]
    assert read(*(said[n : n + 1] for n in range(len(said)))) == [means]
    assert read(said + said[:2], said[2:]) == [means, means]


@pytest.mark.parametrize(
    "said",
    [
        b"\x30\x06\x00\x03a/#x",  # a message to a wildcard
        b"\x30\x03\x00\x00x",  # to no topic
        b"\x36\x08\x00\x03a/b\x00\x01x",  # of quality 3
        b"\x32\x08\x00\x03a/b\x00\x00x",  # of number 0
        b"\x80\x06\x00\x07\x00\x01#\x01",  # flags that stand for nothing
        b"\x82\x06\x00\x07\x00\x01#\x03",
        b"\x82\x02\x00\x07",  # a wish for nothing
        b"\x82\x08\x00\x07\x00\x03a#b\x01",
        b"\x82\x09\x00\x07\x00\x04#/ab\x01",
        b"\x82\x08\x00\x07\x00\x09a/b\x01",  # longer than it is
        b"\x30\x05\x00\x03a\x00b",  # a null
        b"\x30\x05\x00\x03\xff\xfe\xfd",  # no text
        b"\x30\xff\xff\xff\xff\x01",  # a length without an end
        b"\x30\xff\xff\xff\x7f",  # too large
        b"\xf0\x00",
        b"\x20\x02\x00\x00",  # what only a broker says
    ],
)
def test_what_is_no_mqtt_is_refused(said: bytes) -> None:
    with pytest.raises(Malformed):
        read(said)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_end_their_connection(said: bytes) -> None:
    with suppress(Malformed):
        read(said)


@given(st.text(st.characters(exclude_characters="#+\0", exclude_categories=["Cs"]), min_size=1, max_size=50), st.binary(max_size=300), st.booleans())
def test_what_we_hand_on_is_what_was_said(topic: str, payload: bytes, retain: bool) -> None:
    message = Publish(topic, payload, 1, retain, 77)
    assert read(mqtt.publish(message, quality=1, retain=retain, number=77)) == [message]
