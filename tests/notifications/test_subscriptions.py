"""What somebody says of one kind by one way goes before what they said of everything; quiet hours may span midnight."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from data.alerts import commands as alerts
from data.alerts.commands import Trouble
from data.alerts.tables import Alert, Severity
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from data.notifications import commands, queries
from data.notifications.commands import tell
from data.notifications.commands.subscriptions import own_subscriptions, subscribe
from data.notifications.rules import KindWish, Wishes, by_wishes
from data.notifications.tables import Channel, DeliveryStatus
from tests.factories.channels import reachable, set_up, system
from tests.factories.people import World, person

KIND = "temperature_high"
EVENING = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)  # 22:30 in Phnom Penh
NIGHT = KindWish(True, time(20), time(6))


async def raised(world: World, farm_id: Any, *, severity: Severity = Severity.WARNING, kind: str = KIND, at: datetime | None = None) -> Alert:
    at = at or now()
    trouble = Trouble(
        "farm.devices", farm_id, "Probe", kind, severity, "It is too hot at {name}.", "farm.view", {"name": "Probe"}, scope_id=farm_id,
        time_zone="Asia/Phnom_Penh",
    )  # fmt: skip
    async with transaction(system(world)) as tx:
        made = await alerts.raise_alert(tx, trouble, at=at)
        assert made
        await tell(tx, made, at=at)
    return made


async def wish(who: Actor, wishes: dict[Channel, bool | None], kind: str = KIND, **hours: time) -> None:
    async with transaction(who) as tx:
        await subscribe(tx, kind, wishes, **hours)


async def heard(who: Actor) -> dict[str, DeliveryStatus]:
    async with transaction(who) as tx:
        return {one.channel.value: one.status for one in await queries.own_deliveries(tx, limit=50) if one.channel is not Channel.IN_APP}


@pytest.mark.parametrize(
    ("kind", "severity", "is_sent", "hour"),
    [
        (None, "warning", False, None),
        (KindWish(False), "critical", False, None),
        (KindWish(True), "warning", True, None),
        (KindWish(True), "info", True, None),
        (NIGHT, "warning", True, 6),
        (NIGHT, "critical", True, None),
        (KindWish(True, time(6), time(20)), "warning", True, None),
    ],
    ids=["off for everything", "off for this kind", "on for this kind", "a kind asked for is told however light", "until six in the morning", "critical passes", "quiet by day only"],
)
def test_a_wish_about_one_kind_goes_first(kind: KindWish | None, severity: str, is_sent: bool, hour: int | None) -> None:
    wishes = Wishes(zone="Asia/Phnom_Penh")
    verdict = by_wishes(wishes, channel="sms", purpose="alert", severity=severity, at=EVENING, kind=kind)
    assert verdict.is_suppressed is not is_sent
    assert (verdict.not_before.astimezone(UTC).hour if verdict.not_before else None) == ((hour - 7) % 24 if hour else None)


async def test_a_keeper_who_asks_for_a_kind_by_text_message_gets_it_and_others_do_not(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.keeper, is_sms_enabled=False)
    await wish(world.keeper, {Channel.SMS: True})
    await raised(world, world.organization_id)
    assert await heard(world.keeper) == {"sms": DeliveryStatus.PENDING}
    assert await heard(world.viewer) == {}
    await wish(world.keeper, {Channel.SMS: None})
    await raised(world, world.other.id)
    assert len(await heard(world.keeper)) == 1 and await own(world.keeper) == {}


async def own(who: Actor) -> dict[tuple[str, str], bool]:
    async with transaction(who) as tx:
        return {(one.alert_type, one.channel.value): one.is_enabled for one in await own_subscriptions(tx)}


async def test_who_turns_a_kind_off_by_one_way_is_told_by_the_others(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.owner)
    await wish(world.owner, {Channel.EMAIL: False})
    await raised(world, world.organization_id)
    told = await heard(world.owner)
    assert (told["email"], told["telegram"]) == (DeliveryStatus.SUPPRESSED, DeliveryStatus.PENDING)


async def test_who_asks_for_a_light_kind_is_told_although_nobody_else_is(world: World) -> None:
    await wish(world.owner, {Channel.EMAIL: True}, kind="firmware_available")
    await raised(world, world.organization_id, severity=Severity.INFO, kind="firmware_available")
    assert await heard(world.owner) == {"email": DeliveryStatus.PENDING}


async def test_asking_does_not_let_one_see_what_one_may_not(world: World) -> None:
    elsewhere = await person(world.organization, "Else Where", (Role.KEEPER, world.other.id))
    await wish(elsewhere, {Channel.EMAIL: True})
    await wish(world.stranger, {Channel.EMAIL: True})
    await raised(world, world.organization_id)
    assert await heard(elsewhere) == {} and await heard(world.stranger) == {}


async def test_a_wish_must_be_one_that_can_be(world: World) -> None:
    wrong: tuple[tuple[str, str, dict[Channel, bool | None], dict[str, time]], ...] = (
        ("channel", KIND, {Channel.WEBHOOK: True}, {}), ("alert_type", " ", {Channel.SMS: True}, {}),
        ("quiet_until", KIND, {Channel.SMS: True}, {"quiet_from": time(20)}), ("quiet_from", KIND, {Channel.SMS: True}, {"quiet_until": time(6)}),
    )  # fmt: skip
    for field, kind, wishes, hours in wrong:
        with pytest.raises(Invalid) as refusal:
            await wish(world.keeper, wishes, kind, **hours)
        assert refusal.value.field == field


async def test_any_member_of_a_farm_answers_its_alerts_and_a_viewer_those_of_no_other_place(world: World) -> None:
    one = await raised(world, world.organization_id)
    async with transaction(world.viewer) as tx:
        await alerts.acknowledge(tx, one.id)
    cold = Trouble("cold_chain.units", world.other.id, "Freezer", "door_open", Severity.WARNING, "{name} is open.", "cold_chain.view", {"name": "Freezer"})
    async with transaction(system(world)) as tx:
        other = await alerts.raise_alert(tx, cold, at=now())
    assert other
    with pytest.raises(Forbidden):
        async with transaction(world.viewer) as tx:
            await alerts.acknowledge(tx, other.id)
    for who, refusal in ((world.driver, NotFound), (world.stranger, NotFound), (world.keeper, Conflict)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await alerts.acknowledge(tx, one.id)


async def test_a_notice_is_read_put_back_and_deleted_by_its_reader_alone(world: World) -> None:
    await raised(world, world.organization_id)

    async def inbox(who: Actor) -> list[bool]:
        async with transaction(who) as tx:
            return [one.is_read for one in await queries.inbox(tx)]

    async with transaction(world.keeper) as tx:
        (mine,) = await queries.inbox(tx)
        await commands.mark_read(tx, mine.id)
    async with transaction(world.owner) as tx:
        await commands.forget(tx, mine.id)
    assert await inbox(world.keeper) == [True] and await inbox(world.owner) == [False]
    async with transaction(world.keeper) as tx:
        await commands.mark_unread(tx, mine.id)
        assert await queries.unread_count(tx) == 1
        await commands.forget_read(tx)
    assert await inbox(world.keeper) == [False]
    async with transaction(world.keeper) as tx:
        await commands.forget(tx, mine.id)
        assert await queries.unread_count(tx) == 0
    assert await inbox(world.keeper) == []
    async with transaction(world.keeper) as tx:
        await commands.remember(tx, mine.id)
    assert await inbox(world.keeper) == [False]
