import asyncio
from uuid import UUID, uuid4

import pytest

from data.alerts import commands, queries
from data.alerts.commands import Trouble
from data.alerts.tables import Alert, AlertStatus, Severity
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from data.notifications import commands as notifications
from data.notifications import queries as inbox
from tests.factories.people import World, person

UNIT = UUID(int=77)


def trouble(subject: UUID = UNIT, *, permission: str = "cold_chain.view", scope: UUID | None = None) -> Trouble:
    return Trouble(
        "cold_chain.units", subject, "Freezer 3", "temp_excursion", Severity.CRITICAL,
        "{name} is too warm: {celsius}", permission, {"name": "Freezer 3", "celsius": "-4.0"}, scope_id=scope,
    )  # fmt: skip


async def raised(world: World, **options: object) -> Alert:
    async with transaction(Actor.system(world.organization_id, "test")) as tx:
        alert = await commands.raise_alert(tx, trouble(**options), at=now())  # type: ignore[arg-type]
        assert alert is not None
        return alert


async def test_there_is_one_open_alert_a_subject_and_kind_however_often_it_is_raised(world: World) -> None:
    async def once() -> bool:
        async with transaction(Actor.system(world.organization_id, "test")) as tx:
            return await commands.raise_alert(tx, trouble(), at=now()) is not None

    assert sorted(await asyncio.gather(*(once() for _ in range(8)))) == [False] * 7 + [True]
    async with transaction(Actor.system(world.organization_id, "test")) as tx:
        assert len(await commands.resolve_open(tx, UNIT, "temp_excursion", at=now(), because="cold again")) == 1
    assert await once()


async def test_somebody_takes_an_alert_on_and_nobody_else_can(world: World) -> None:
    alert = await raised(world)
    async with transaction(world.colleague) as tx:
        await commands.acknowledge(tx, alert.id, note="on my way")
    async with transaction(world.owner) as tx:
        found = await queries.alert(tx, alert.id)
        assert (found.status, found.acknowledged_by, found.acknowledgement_note) == (
            AlertStatus.ACKNOWLEDGED, world.colleague.user_id, "on my way",
        )  # fmt: skip
        with pytest.raises(Conflict, match="already acknowledged"):
            await commands.acknowledge(tx, alert.id)


@pytest.mark.parametrize(("who", "refusal"), [("viewer", Forbidden), ("keeper", NotFound), ("stranger", NotFound), ("driver", NotFound)])
async def test_who_may_not_cannot_acknowledge(world: World, who: str, refusal: type[Exception]) -> None:
    alert = await raised(world)
    with pytest.raises(refusal):
        async with transaction(getattr(world, who)) as tx:
            await commands.acknowledge(tx, alert.id)


async def test_closing_by_hand_is_for_managers_and_says_why(world: World) -> None:
    alert = await raised(world)
    with pytest.raises(Forbidden):
        async with transaction(world.colleague) as tx:
            await commands.resolve(tx, alert.id, because="looks fine")
    async with transaction(world.owner) as tx:
        await commands.resolve(tx, alert.id, because="door was open for cleaning")
    async with transaction(world.owner) as tx:
        found = await queries.alert(tx, alert.id)
        assert found.status is AlertStatus.RESOLVED and found.resolved_by == world.owner.user_id
        with pytest.raises(Conflict, match="already over"):
            await commands.acknowledge(tx, alert.id)


async def test_one_sees_the_alerts_of_ones_own_farm_only(world: World) -> None:
    ours, theirs = uuid4(), uuid4()
    keeper = await person(world.organization, "Kosal Keeper", (Role.KEEPER, ours))
    mine = await raised(world, subject=uuid4(), permission="farm.view", scope=ours)
    await raised(world, subject=uuid4(), permission="farm.view", scope=theirs)
    async with transaction(keeper) as tx:
        assert [a.id for a in await queries.open_alerts(tx)] == [mine.id]
        assert (await queries.page(tx))[1] == 1
    async with transaction(world.owner) as tx:
        assert len(await queries.open_alerts(tx)) == 2
    async with transaction(world.stranger) as tx:
        assert await queries.open_alerts(tx) == []


async def test_whoever_may_see_an_alert_finds_it_in_the_inbox(world: World) -> None:
    async with transaction(Actor.system(world.organization_id, "test")) as tx:
        alert = await commands.raise_alert(tx, trouble(), at=now())
        assert alert
        await notifications.tell(tx, alert)
    for who, expected in (("owner", 1), ("colleague", 1), ("viewer", 1), ("driver", 0), ("keeper", 0), ("stranger", 0)):
        async with transaction(getattr(world, who)) as tx:
            assert (who, await inbox.unread_count(tx)) == (who, expected)
    async with transaction(world.owner) as tx:
        [message] = await inbox.inbox(tx)
        await notifications.mark_read(tx, message.id)
    async with transaction(world.owner) as tx:
        assert await inbox.unread_count(tx) == 0
    async with transaction(world.viewer) as tx:
        assert await inbox.unread_count(tx) == 1
