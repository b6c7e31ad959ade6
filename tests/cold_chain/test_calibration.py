"""Sensors are compared with a reference: what is kept, who may see it, and when somebody is told that it is due."""

import io
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from PIL import Image
from sqlmodel import select

from data.alerts import queries as alerts
from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain.certificates import MOST_BYTES, certificate
from data.cold_chain.commands import calibration, sensors
from data.cold_chain.machines import CalibrationState
from data.cold_chain.queries import machines
from data.cold_chain.tables import CalibrationRecord
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.platform.commands import path_of
from jobs import cold_chain as jobs
from tests.factories.cold_chain import ColdStore, another_unit, cold_store
from tests.factories.people import World

DAY = timedelta(days=1)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


def png() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(out, "PNG")
    return out.getvalue()


async def record(who: Actor, device_id: UUID, *, days_ago: float = 1, ends_in: float | None = 300, offset: float = -0.4, **more: object) -> CalibrationRecord:
    at = now()
    async with transaction(who) as tx:
        return await calibration.record(
            tx, device_id, calibrated_at=at - days_ago * DAY, offset_celsius=offset,
            expires_at=None if ends_in is None else at + ends_in * DAY, **more,  # type: ignore[arg-type]
        )  # fmt: skip


async def open_alerts(who: Actor) -> list[Alert]:
    async with transaction(who) as tx:
        return list(await alerts.open_alerts(tx))


async def sweep(organization_id: UUID, at: datetime) -> None:
    async with across_tenants("tests") as tx:
        assert organization_id in await calibration.where_due(tx, at)
    async with transaction(Actor.system(organization_id, "tests")) as tx:
        await calibration.judge(tx, at)


async def test_a_comparison_is_kept_with_its_paper_and_who_made_it(world: World, store: ColdStore) -> None:
    await record(
        world.owner, store.sensor_id, reference_celsius=-18.04, by="Thermo Lab", notes="ice bath", humidity_offset_percent=1.5,
        certificate=await certificate(PDF),
    )  # fmt: skip
    await record(world.owner, store.sensor_id, days_ago=400, ends_in=-35)
    async with transaction(world.viewer) as tx:
        view = await machines.sensor(tx, store.sensor_id)
        newest, older = await machines.calibrations(tx, view)
        assert newest.certificate
        file = await machines.certificate(tx, store.sensor_id, newest.record.id)
    assert (view.calibration, newest.by, float(newest.record.temperature_offset_celsius)) == (CalibrationState.VALID, "Thermo Lab", -0.4)
    assert older.by == "Olga Owner" and older.certificate is None
    assert path_of(file).read_bytes() == PDF and (file.mime_type, file.file_name[-4:]) == ("application/pdf", ".pdf")
    assert await open_alerts(world.owner) == []


async def test_colleagues_record_nothing_and_strangers_find_no_paper(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger)
    made = await record(world.owner, store.sensor_id, certificate=await certificate(png()))
    for who, refusal in ((world.colleague, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await record(who, store.sensor_id)
        async with transaction(who) as tx:
            with pytest.raises(refusal):
                await calibration.strike(tx, made.id, because="mine")
    async with transaction(world.stranger) as tx:
        for device_id in (store.sensor_id, theirs.sensor_id):
            with pytest.raises(NotFound):
                await machines.certificate(tx, device_id, made.id)
    async with transaction(world.owner) as tx:
        with pytest.raises(NotFound):
            await machines.certificate(tx, theirs.sensor_id, made.id)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"days_ago": -0.01}, "calibrated_at"),
        ({"ends_in": -1}, "expires_at"),
        ({"offset": 20.5}, "offset_celsius"),
        ({"offset": float("nan")}, "offset_celsius"),
        ({"humidity_offset_percent": -31}, "humidity_offset_percent"),
        ({"reference_celsius": 201}, "reference_celsius"),
        ({"notes": "x" * 501}, "notes"),
        ({"by": "x" * 101}, "by"),
    ],
)
async def test_what_cannot_be_is_refused_at_its_field(world: World, store: ColdStore, said: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await record(world.owner, store.sensor_id, **said)  # type: ignore[arg-type]
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a PDF, or a picture"),
        (b"<html>", "a PDF, or a picture"),
        (b"%PDF-1.7 and no end", "end is missing"),
        (png()[:900], "damaged"),
        (b"%PDF-" + bytes(MOST_BYTES), "at most 10 million bytes"),
        (bytes(8_000_001), "at most 8 million bytes"),
    ],
)
async def test_a_certificate_is_known_by_its_bytes(content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        await certificate(content)
    assert refusal.value.field == "certificate"


async def test_a_record_is_never_edited_and_a_wrong_one_is_struck_with_a_reason(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await record(world.owner, store.sensor_id, days_ago=30, offset=0.2)
    wrong = await record(world.owner, store.sensor_id, offset=4)
    async with transaction(world.owner) as tx:
        with pytest.raises(Invalid, match="why"):
            await calibration.strike(tx, wrong.id, because=" ")
        await calibration.strike(tx, wrong.id, because="typed into the wrong row")
        with pytest.raises(Conflict):
            await calibration.strike(tx, wrong.id, because="again")
        (left,) = await machines.calibrations(tx, await machines.sensor(tx, store.sensor_id))
    assert float(left.record.temperature_offset_celsius) == 0.2
    (data,) = owner_connection.execute("select event_data from audit.event_logs where event_type = 'cold_chain.calibration_records.struck'").fetchone()  # type: ignore[misc]
    assert (data["because"], data["offset_celsius"]) == ("typed into the wrong row", "4")


async def test_it_is_due_two_weeks_before_it_ends_worse_when_it_has_and_over_with_the_next(world: World, store: ColdStore) -> None:
    await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    at = now()
    await record(world.owner, store.sensor_id, days_ago=340, ends_in=20)
    assert await open_alerts(world.owner) == []
    await sweep(world.organization_id, at + 7 * DAY)
    (due,) = await open_alerts(world.owner)
    assert (due.severity, due.subject_id, due.scope_id, due.permission) == (Severity.INFO, store.sensor_id, store.site_id, "cold_chain.devices")
    await sweep(world.organization_id, at + 8 * DAY)
    assert [one.id for one in await open_alerts(world.owner)] == [due.id]
    await sweep(world.organization_id, at + 21 * DAY)
    (ended,) = await open_alerts(world.owner)
    assert (ended.id, ended.severity, ended.message) == (due.id, Severity.WARNING, calibration.ENDED)
    assert await open_alerts(world.stranger) == [] and await open_alerts(world.viewer) == []
    await record(world.owner, store.sensor_id)
    assert await open_alerts(world.owner) == []


async def test_striking_the_newest_makes_an_older_one_count_again(world: World, store: ColdStore) -> None:
    await record(world.owner, store.sensor_id, days_ago=400, ends_in=-35)
    assert len(await open_alerts(world.owner)) == 1
    newest = await record(world.owner, store.sensor_id)
    assert await open_alerts(world.owner) == []
    async with transaction(world.owner) as tx:
        await calibration.strike(tx, newest.id, because="another sensor's")
    (again,) = await open_alerts(world.owner)
    assert again.severity is Severity.WARNING


async def test_a_sensor_out_of_service_is_not_due(world: World, store: ColdStore) -> None:
    await record(world.owner, store.sensor_id, days_ago=400, ends_in=-35)
    async with transaction(world.owner) as tx:
        await sensors.set_active(tx, store.sensor_id, active=False)
    await sweep(world.organization_id, now())
    async with transaction(world.owner) as tx:
        (over,) = (await tx.exec(select(Alert))).all()
    assert (over.status, over.resolution) == (AlertStatus.RESOLVED, calibration.NO_LONGER)
    async with across_tenants("tests") as tx:
        assert await calibration.where_due(tx, now()) == []


async def test_the_daily_job_names_the_due_of_every_organization(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger)
    async with across_tenants("tests") as tx:
        for organization_id, device_id in ((world.organization_id, store.sensor_id), (world.other.id, theirs.sensor_id)):
            tx.add(CalibrationRecord(organization_id=organization_id, device_id=device_id, calibrated_at=now() - DAY, expires_at=now() + DAY))
    await jobs.name_due_calibrations()
    for who in (world.owner, world.stranger):
        assert [one.message for one in await open_alerts(who)] == [calibration.ENDS]
