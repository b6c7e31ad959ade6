"""A hub speaks: that it stands is noted, and what the sensors around it said goes the way of every uplink."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from data.cold_chain.commands import carriers
from data.cold_chain.queries import sensors
from data.cold_chain.values import Measurement, ReadingSource
from data.core.errors import Invalid, Refusal
from data.core.session import Transaction
from data.core.time import now
from data.flows import uplink
from data.flows.uplink import Outcome
from data.platform.commands import Stranger, note_unknown_devices

UNKNOWN_HUB = "This hub is not registered here."


@dataclass(frozen=True, slots=True)
class Report:
    """What one hub told at once. `hub_id` is the hub that its token was made for, None where the token is the network's."""

    mac: str
    firmware: str | None
    received_at: datetime
    hub_id: UUID | None
    readings: Sequence[Measurement]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of each reading; whether the hub itself is registered."""

    is_known: bool
    outcomes: Sequence[Outcome | Refusal]


async def store(tx: Transaction, reports: Sequence[Report]) -> Sequence[Answer | Refusal]:
    """Keep what hubs told. An unknown hub is noted, and the sensors behind it are heard all the same; a token that was made
    for one hub speaks for no other. An intake's store."""
    hubs = await sensors.hubs_by_mac(tx, {report.mac for report in reports})
    is_taken = [report.hub_id in (None, hubs.get(report.mac)) for report in reports]
    taken = [report for report, is_ours in zip(reports, is_taken, strict=True) if is_ours]
    told = [reading for report in taken for reading in report.readings]
    outcomes = iter(await uplink.store(tx, told, source=ReadingSource.HUB))
    answers: list[Answer | Refusal] = []
    for report, is_ours in zip(reports, is_taken, strict=True):
        if is_ours:
            answers.append(Answer(report.mac in hubs, [next(outcomes) for _ in report.readings]))
        else:
            answers.append(Invalid("mac", "This secret was made for another hub."))
    seen = {hubs[r.mac]: (r.received_at, r.firmware) for r in taken if r.mac in hubs}
    behind = {reading.device_eui: hubs[r.mac] for r in taken if r.mac in hubs for reading in r.readings}
    await carriers.note_hubs(tx, seen, [(hub_id, mac) for mac, hub_id in sorted(behind.items())])
    strangers = {r.mac: Stranger(r.mac, UNKNOWN_HUB, {"firmware": r.firmware}) for r in taken if r.mac not in hubs}
    await note_unknown_devices(tx, list(strangers.values()), network="hub", at=now())
    return answers
