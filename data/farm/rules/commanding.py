"""What a farm's device may be asked, and what is said when it cannot be."""

import re
from datetime import timedelta

from data.core.errors import Invalid

ANSWER_WITHIN = timedelta(seconds=30)
"""How long a device may take to confirm what it was asked."""
SILENT_AFTER = timedelta(minutes=11)
"""Devices speak every five minutes; twice missed and a little more is gone, even where the broker has not noticed."""

NO_ANSWER = "The device did not answer within {seconds} seconds."
NOT_SENT = "The message broker could not be reached for {seconds} seconds."
REPLACED = "Something else was asked before the device answered."
OFFLINE = "The device is offline. Check its power and its network, then try again."
OUT_OF_USE = "The device is out of use."
NOT_SWITCHED = "This device only measures; it cannot be switched."
STATE_UNKNOWN = "It is not known whether the device is on, so it cannot be toggled."

TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", re.ASCII)
COMMON_TOPICS = frozenset({"tasmotas", "sonoffs"})


def refusal_to_switch(*, is_switched: bool, is_active: bool, is_online: bool) -> str | None:
    """Why this device cannot be asked to switch now, as a template for its reader; None when it can."""
    if not is_switched:
        return NOT_SWITCHED
    if not is_active:
        return OUT_OF_USE
    return None if is_online else OFFLINE


def topic_of(text: str, *, field: str = "topic") -> str:
    """A topic that names one device and nobody else's; Invalid(field) otherwise. One level, so that it contains no other."""
    topic = text.strip()
    if not TOPIC.fullmatch(topic):
        raise Invalid(field, "A topic has 1 to 50 letters, digits, hyphens and underscores.")
    if topic.lower() in COMMON_TOPICS:
        raise Invalid(field, "All devices listen to {topic}. Choose a topic of its own.", topic=topic)
    return topic
