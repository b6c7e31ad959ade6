"""What follows from judging units: their states are written, alerts open and end, and people are told."""

from data.cold_chain.commands.states.clock import KINDS, Kind, note_manual_logs, note_trends, pass_time
from data.cold_chain.commands.states.following import raise_and_resolve, tell_people
from data.cold_chain.commands.states.saving import save
from data.cold_chain.commands.states.words import (
    EXCURSION,
    FAULT,
    INTERRUPTED,
    RECOVERED,
    REPLACED,
    RISE,
    TOO_COLD,
    TOO_WARM,
)

__all__ = [
    "EXCURSION", "FAULT", "INTERRUPTED", "KINDS", "RECOVERED", "REPLACED", "RISE", "TOO_COLD", "TOO_WARM", "Kind", "note_manual_logs",
    "note_trends", "pass_time", "raise_and_resolve", "save", "tell_people",
]  # fmt: skip
