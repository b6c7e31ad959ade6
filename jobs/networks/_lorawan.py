"""LoRaWAN's networks differ in how they post; what is kept of a sensor's message, and what they are answered, is the same."""

from collections.abc import Sequence
from typing import Any

from fastapi.responses import JSONResponse

from data.cold_chain.values import Measurement, ReadingSource
from data.core.errors import Refusal
from data.core.intake import Store
from data.core.session import Transaction
from data.core.time import epoch_ms
from data.flows import uplink
from data.flows.uplink import Fate, Outcome
from data.identity.door import Machine
from jobs.codecs import sensors
from jobs.networks._door import intake

MESSAGES = {
    Fate.STORED: "The reading is stored.",
    Fate.LATE: "The reading is stored; newer ones are known already.",
    Fate.REPEATED: "This reading was stored before.",
    Fate.HEARD: "The sensor was heard; it told no temperature.",
    Fate.FAULTY: "The sensor was heard; it cannot measure.",
}


async def from_ttn(tx: Transaction, messages: Sequence[Measurement]) -> Sequence[Outcome | Refusal]:
    """An intake's store."""
    return await uplink.store(tx, messages, source=ReadingSource.TTN, decode=sensors.decode)


async def from_chirpstack(tx: Transaction, messages: Sequence[Measurement]) -> Sequence[Outcome | Refusal]:
    """An intake's store."""
    return await uplink.store(tx, messages, source=ReadingSource.CHIRPSTACK, decode=sensors.decode)


async def keep(machine: Machine, store: Store, measured: Measurement | None) -> JSONResponse:
    """200 once it is stored; 202 with a reason for a sensor nobody registered, so that the network does not send it again."""
    if measured is None:
        return JSONResponse({"success": True, "message": "This event holds no measurement.", "alertsTriggered": 0})
    outcome: Outcome = await intake.take(machine.organization_id, store, measured, by=machine.name)
    if outcome.fate is Fate.UNKNOWN:
        return JSONResponse(
            {"success": False, "accepted": True, "processed": False, "reason": outcome.reason}, status_code=202
        )
    return JSONResponse(
        {
            "success": True,
            "message": MESSAGES[outcome.fate],
            "reading": reading(outcome),
            "alertsTriggered": outcome.alerts_triggered,
        }
    )


def reading(outcome: Outcome) -> dict[str, Any] | None:
    """What a reading is known by: its unit, its sensor and its instant (epoch milliseconds too)."""
    if outcome.reading is None:
        return None
    at = outcome.reading.measured.recorded_at
    return {
        "unitId": str(outcome.reading.unit_id),
        "deviceId": str(outcome.reading.sensor.device_id),
        "recordedAt": at.isoformat(),
        "recordedAtMs": epoch_ms(at),
    }
