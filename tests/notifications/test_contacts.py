from datetime import timedelta
from uuid import uuid4

import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.identity.tables import Role
from data.notifications.commands import contacts
from data.notifications.queries import contacts as known
from data.notifications.roster import gaps
from tests.factories.alerts import AT, SITE, minutes_pass, raised, sent
from tests.factories.people import World, person

HOUR = timedelta(hours=1)


async def manager(world: World, scope: object = None) -> Actor:
    return await person(world.organization, "Mony Manager", (Role.MANAGER, scope) if scope else Role.MANAGER)  # type: ignore[arg-type]


async def test_a_manager_keeps_the_list_and_everybody_may_look(world: World) -> None:
    async with transaction(await manager(world)) as tx:
        await contacts.add_contact(tx, name="Sokha", phone="+855 12 345-678", priority=1)
        await contacts.add_contact(tx, user_id=world.colleague.user_id, priority=0)
    for who in (world.owner, world.colleague, world.viewer):
        async with transaction(who) as tx:
            assert [(v.contact.name, v.contact.phone) for v in await known.contacts(tx, at=AT)] == [
                ("Colin Colleague", None), ("Sokha", "+85512345678"),
            ]  # fmt: skip
    async with transaction(world.stranger) as tx:
        assert await known.contacts(tx, at=AT) == []


@pytest.mark.parametrize("who", ["colleague", "viewer"])
async def test_who_may_only_look_changes_nothing(world: World, who: str) -> None:
    with pytest.raises(Forbidden):
        async with transaction(getattr(world, who)) as tx:
            await contacts.add_contact(tx, name="Sokha", phone="+85512345678")


async def test_a_stranger_reaches_no_contact(world: World) -> None:
    async with transaction(world.owner) as tx:
        contact = await contacts.add_contact(tx, name="Sokha", phone="+85512345678")
    for step in (contacts.remove_contact, contacts.restore_contact):
        with pytest.raises(NotFound):
            async with transaction(world.stranger) as tx:
                await step(tx, contact.id)
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await contacts.add_shift(tx, contact.id, starts_at=AT, ends_at=AT + HOUR)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "", "phone": "+85512345678"}, "name"),
        ({"name": "A", "phone": "012 345 678"}, "phone"),
        ({"name": "A"}, "phone"),
        ({"name": "A", "email": "nobody"}, "email"),
        ({"name": "A", "phone": "+85512345678", "priority": 10}, "priority"),
        ({"user_id": uuid4()}, "user_id"),
    ],
)
async def test_a_contact_that_nobody_could_reach_is_refused_at_its_field(world: World, values: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        async with transaction(world.owner) as tx:
            await contacts.add_contact(tx, **values)  # type: ignore[arg-type]
    assert refused.value.field == field


async def test_whoever_is_taken_off_the_list_is_not_called_and_can_be_put_back(world: World) -> None:
    async with transaction(world.owner) as tx:
        contact = await contacts.add_contact(tx, name="Sokha", phone="+85512345678")
    async with transaction(world.owner) as tx:
        await contacts.remove_contact(tx, contact.id)
    [alert] = await raised(world)
    await minutes_pass(world, AT, 20)
    assert [d for d in await sent(world, alert.id) if d.contact_id] == []
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict):
            await contacts.add_shift(tx, contact.id, starts_at=AT, ends_at=AT + HOUR)
    async with transaction(world.owner) as tx:
        await contacts.restore_contact(tx, contact.id)
    async with transaction(world.owner) as tx:
        assert len(await known.contacts(tx, at=AT)) == 1


async def test_a_manager_of_one_place_keeps_that_places_contacts_only(world: World) -> None:
    limited = await manager(world, SITE)
    async with transaction(world.owner) as tx:
        everywhere = await contacts.add_contact(tx, name="Everywhere", phone="+85512345678")
        await contacts.add_contact(tx, name="Elsewhere", phone="+85512345678", scope_id=uuid4())
    async with transaction(limited) as tx:
        await contacts.add_contact(tx, name="Here", phone="+85512345678", scope_id=SITE)
        assert [v.contact.name for v in await known.contacts(tx, at=AT)] == ["Everywhere", "Here"]
    for scope in (None, uuid4()):
        with pytest.raises(Forbidden):
            async with transaction(limited) as tx:
                await contacts.add_contact(tx, name="There", phone="+85512345678", scope_id=scope)
    with pytest.raises(Forbidden):
        async with transaction(limited) as tx:
            await contacts.remove_contact(tx, everywhere.id)


async def test_the_roster_says_who_is_on_call_now(world: World) -> None:
    async with transaction(world.owner) as tx:
        day = await contacts.add_contact(tx, name="Day", phone="+85512345678")
        night = await contacts.add_contact(tx, name="Night", phone="+85512345679")
        await contacts.add_shift(tx, day.id, starts_at=AT, ends_at=AT + 12 * HOUR)
        shift = await contacts.add_shift(tx, night.id, starts_at=AT + 11 * HOUR, ends_at=AT + 24 * HOUR, note="phone stays on")
        with pytest.raises(Invalid):
            await contacts.add_shift(tx, night.id, starts_at=AT, ends_at=AT)

    async def on_call(hours: float) -> list[str]:
        async with transaction(world.viewer) as tx:
            return [v.contact.name for v in await known.contacts(tx, at=AT + hours * HOUR) if v.is_on_call]

    assert [await on_call(h) for h in (-1, 0, 11.5, 12, 24)] == [[], ["Day"], ["Day", "Night"], ["Night"], []]
    async with transaction(world.owner) as tx:
        await contacts.remove_shift(tx, shift.id)
    assert await on_call(12) == []


def test_gaps_are_the_times_in_which_nobody_is_on_call() -> None:
    def spans(*hours: tuple[float, float]) -> list[tuple[float, float]]:
        found = gaps([(AT + a * HOUR, AT + b * HOUR) for a, b in hours], AT, AT + 24 * HOUR)
        return [((a - AT) / HOUR, (b - AT) / HOUR) for a, b in found]

    assert spans() == [(0, 24)]
    assert spans((-3, 30)) == []
    assert spans((8, 16), (0, 8), (15, 20)) == [(20, 24)]
    assert spans((2, 4), (6, 8), (3, 5)) == [(0, 2), (5, 6), (8, 24)]
    assert spans((30, 40)) == [(0, 24)]
