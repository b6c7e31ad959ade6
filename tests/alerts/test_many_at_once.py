from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import select

from data.alerts.commands import Trouble, raise_alert, raise_alerts, resolve_all_open, resolve_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.core.session import transaction
from data.notifications.commands import tell
from data.notifications.tables import Notification
from data.platform.commands import Stranger, note_unknown_device, note_unknown_devices
from data.platform.tables import UnknownDevice
from tests.factories.people import World

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


def trouble(number: int, alert_type: str = "too_warm") -> Trouble:
    return Trouble(
        "cold_chain.units", UUID(int=number), f"Unit {number}", alert_type, Severity.WARNING, "{n} is warm",
        permission="cold_chain.view", values={"n": number},
    )  # fmt: skip


async def test_only_the_troubles_that_have_no_open_alert_of_their_kind_are_raised(world: World) -> None:
    async with transaction(world.owner) as tx:
        assert await raise_alert(tx, trouble(1), at=AT)
    async with transaction(world.owner) as tx:
        raised = await raise_alerts(tx, [(trouble(1), AT), (trouble(2), AT), (trouble(2), AT), (trouble(1, "silent"), AT)])
    assert {(a.subject_id.int, a.alert_type) for a in raised} == {(2, "too_warm"), (1, "silent")}


async def test_many_subjects_are_resolved_each_at_its_own_instant_and_no_others(world: World) -> None:
    async with transaction(world.owner) as tx:
        await raise_alerts(tx, [(trouble(n), AT) for n in (1, 2, 3)])
        later = AT + timedelta(minutes=5)
        closed = await resolve_all_open(tx, {UUID(int=1): AT, UUID(int=2): later}, "too_warm", because="It is cold again.")
        assert {(a.subject_id.int, a.resolved_at) for a in closed} == {(1, AT), (2, later)}
        assert await resolve_open(tx, UUID(int=3), "silent", at=later, because="-") == []
    async with transaction(world.owner) as tx:
        still = (await tx.exec(select(Alert).where(Alert.status != AlertStatus.RESOLVED))).all()
        assert [a.subject_id.int for a in still] == [3]


async def test_everybody_who_may_see_them_is_told_of_each(world: World) -> None:
    async with transaction(world.owner) as tx:
        await tell(tx, *await raise_alerts(tx, [(trouble(1), AT), (trouble(2), AT)]))
    async with transaction(world.owner) as tx:
        told = (await tx.exec(select(Notification.user_id))).all()
    assert sorted(told) == sorted([world.owner.user_id, world.colleague.user_id, world.viewer.user_id] * 2)


async def test_strangers_are_counted_and_their_last_words_kept(world: World) -> None:
    async with transaction(world.owner) as tx:
        await note_unknown_device(tx, network="ttn", identifier="A", reason="unknown", at=AT, message={"n": 1})
        await note_unknown_devices(tx, [], network="ttn", at=AT)
        await note_unknown_devices(
            tx, [Stranger("B", "unknown"), Stranger("A", "nowhere", {"n": 3}, message_count=2)], network="ttn", at=AT
        )
    async with transaction(world.owner) as tx:
        seen = {d.identifier: (d.message_count, d.reason, d.last_message) for d in await tx.exec(select(UnknownDevice))}
    assert seen == {"A": (3, "nowhere", {"n": 3}), "B": (1, "unknown", None)}
