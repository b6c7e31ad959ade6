"""One excursion, from the sensor's bytes to the report that anybody can verify, through the real doors and the real channels."""

import base64
import struct
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from sqlmodel import select

from data.alerts import commands as alerts
from data.alerts.commands.actions import take_action
from data.alerts.tables import Alert, AlertStatus
from data.cold_chain.queries import units
from data.cold_chain.reports import commands as reports
from data.cold_chain.reports import queries
from data.cold_chain.reports.fingerprint import attached_facts, fingerprint
from data.cold_chain.tables import Device, Excursion
from data.cold_chain.values import ReportKind, UnitStatus
from data.core.session import transaction
from data.core.sheet import Paper
from data.core.time import now
from data.notifications.tables import Channel
from data.platform.commands import path_of
from jobs.alerts import climb
from jobs.channels import _outside
from jobs.networks import telnyx as telnyx_door
from jobs.networks import ttn
from jobs.verification import Verification
from tests.factories.channels import PHONE, reachable, set_up
from tests.factories.cold_chain import as_json, cold_store, secret
from tests.factories.doors import doors
from tests.factories.outside import Telnyx
from tests.factories.people import World
from tests.factories.reports import printer
from tests.jobs.test_outbox import worker

ZONE = ZoneInfo("Asia/Phnom_Penh")


def lht65n(celsius: float) -> str:
    """What a Dragino LHT65N puts on the air: battery, its own temperature and humidity, no probe."""
    return base64.b64encode(struct.pack(">HhHBHH", 0xCBF6, round(celsius * 100), 886, 1, 0x7FFF, 0x7FFF)).decode()


def uplink(celsius: float, at: datetime, count: int, eui: str) -> dict[str, Any]:
    """As The Things Stack posts an uplink that its network could not decode: the bytes alone."""
    heard = [{"gateway_ids": {"gateway_id": "roof"}, "rssi": -97, "snr": 5.2}]
    return {
        "end_device_ids": {"device_id": "freezer-1", "dev_eui": eui}, "received_at": at.isoformat(),
        "uplink_message": {"f_port": 2, "f_cnt": count, "frm_payload": lht65n(celsius), "received_at": at.isoformat(), "rx_metadata": heard},
    }  # fmt: skip


async def test_an_excursion_from_bytes_to_sms_acknowledgement_action_recovery_and_report(
    world: World, owner_connection: psycopg.Connection
) -> None:
    store = await cold_store(world.owner)
    begun = now() - timedelta(hours=3)
    async with transaction(world.owner) as tx:
        (await tx.get_one(Device, store.sensor_id)).model = "LHT65N"
    telnyx = Telnyx()
    await set_up(world.owner, public_key=telnyx.public_key)
    await reachable(world.owner, is_sms_enabled=True)
    feed = await secret(world.owner)

    async with doors(ttn.router, telnyx_door.router) as machines, _outside.client() as over, telnyx.running() as telnyx_url:
        sms = worker(Channel.SMS, over, telnyx_url=telnyx_url)
        counter = iter(range(1, 1000))

        async def say(celsius: float, minute: int) -> None:
            body = uplink(celsius, begun + timedelta(minutes=minute), next(counter), store.eui)
            answer = await machines.post("/feeds/ttn", content=as_json(body), headers={"X-Webhook-Secret": feed})
            assert answer.status_code == 200, answer.text

        # The compressor fails: it is too warm, and after ten minutes somebody must know.
        for minute, celsius in ((0, -20.0), (5, -20.1), (10, -17.0), (15, -15.5), (20, -14.0), (25, -12.5)):
            await say(celsius, minute)
        async with transaction(world.owner) as tx:
            unit = await units.unit(tx, store.unit_id)
            assert (unit.status, unit.last_celsius) == (UnitStatus.ALARM_ACTIVE, -12.5)
            alert = (await tx.exec(select(Alert).where(Alert.alert_type == "temp_excursion"))).one()
        await climb()
        await sms.send_due()
        (sent,) = telnyx.sent
        assert sent["to"] == PHONE and "Freezer 1" in sent["text"]

        # Telnyx says that it arrived.
        body, headers = telnyx.tells("message.finalized", {"id": "message-1", "to": [{"phone_number": PHONE, "status": "delivered"}], "errors": []})
        assert (await machines.post("/webhooks/telnyx", content=body, headers=headers)).status_code == 200

        # Somebody is on it: the ladder rests, and what was done is written down.
        async with transaction(world.colleague) as tx:
            await alerts.acknowledge(tx, alert.id, note="On my way")
        await climb()
        await sms.send_due()
        assert len(telnyx.sent) == 1, "who is on it is not called again"
        async with transaction(world.colleague) as tx:
            await take_action(tx, alert_id=alert.id, description="The compressor stood still", action_taken="Moved the stock to Freezer 2, reset the compressor")

        # It grows cold again.
        for minute, celsius in ((60, -16.0), (90, -19.5), (95, -20.0), (100, -20.2)):
            await say(celsius, minute)
        async with transaction(world.owner) as tx:
            assert (await units.unit(tx, store.unit_id)).status is UnitStatus.OK
            assert (await tx.get_one(Alert, alert.id)).status is AlertStatus.RESOLVED
            spell = (await tx.exec(select(Excursion))).one()
        assert (spell.started_at, spell.ended_at) == (begun + timedelta(minutes=10), begun + timedelta(minutes=90))
        assert float(spell.peak_celsius) == -12.5 and spell.alert_id == alert.id

    # The report says all of it, and anybody who holds it can verify it.
    await _and_its_report(world, store.unit_id, begun.astimezone(ZONE).date())


async def _and_its_report(world: World, unit_id: Any, day: date) -> None:
    async with transaction(world.owner) as tx:
        asked = await reports.question(tx, kind=ReportKind.COMPLIANCE, first_day=day, last_day=now().astimezone(ZONE).date(), unit_id=unit_id)
        ordered = await reports.ask(tx, asked, Paper())
    assert await printer().run_next()
    async with transaction(world.owner) as tx:
        made = await queries.report(tx, ordered.id)
        document = path_of(await queries.report_file(tx, ordered.id)).read_bytes()
        (unit,) = (await queries.draw(tx, asked)).facts.units
    (spell,) = unit.excursions
    (action,) = unit.actions
    assert spell.peak_celsius == -12.5 and spell.action_ids == (action.id,)
    assert action.action.startswith("Moved the stock") and action.by == "Colin Colleague"
    (told,) = [alert for alert in unit.alerts if alert.kind == "temp_excursion"]
    assert told.acknowledged_by == "Colin Colleague"
    assert [(one.who, one.outcome) for one in told.told if one.channel == "sms"] == [("Olga Owner", "delivered")]
    facts = attached_facts(document)
    assert facts and fingerprint(facts) == made.fingerprint
    assert made.fingerprint
    genuine = await Verification()(made.fingerprint)
    assert genuine and genuine.organization == world.organization.name
    async with transaction(world.stranger) as tx:
        assert await queries.reports(tx) == []
