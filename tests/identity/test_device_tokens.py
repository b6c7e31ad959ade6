import pytest

from data.core.errors import Forbidden, Unauthenticated
from data.core.session import transaction
from data.core.table import uuid7
from data.identity import commands, door, queries
from data.identity.tables import Role, TokenKind
from tests.factories.people import World, person


async def test_a_device_gets_its_token_from_whoever_may_register_it(world: World) -> None:
    device_id = uuid7()
    manager = await person(world.organization, "Mona Manager", Role.MANAGER)
    async with transaction(manager) as tx:
        with pytest.raises(Forbidden):
            await commands.make_token(tx, name="phone", kind=TokenKind.DEVICE)
        token, secret = await commands.make_token(
            tx, name="phone", kind=TokenKind.DEVICE, network="owntracks", subject_id=device_id, needs="deliveries.dispatch"
        )
    machine = await door.machine(secret, TokenKind.DEVICE, network="owntracks")
    assert (machine.subject_id, machine.organization_id) == (device_id, world.organization_id)
    async with transaction(world.stranger) as tx:
        assert await queries.tokens_of(tx, [device_id]) == []


async def test_a_device_that_is_taken_away_cannot_come_in_any_more(world: World) -> None:
    device_id = uuid7()
    async with transaction(world.owner) as tx:
        _, secret = await commands.make_token(tx, name="phone", kind=TokenKind.DEVICE, subject_id=device_id)
        _, other = await commands.make_token(tx, name="other phone", kind=TokenKind.DEVICE, subject_id=uuid7())
    async with transaction(world.owner) as tx:
        await commands.revoke_tokens_of(tx, device_id)
    with pytest.raises(Unauthenticated):
        await door.machine(secret, TokenKind.DEVICE)
    assert await door.machine(other, TokenKind.DEVICE)
    async with transaction(world.owner) as tx:
        assert await queries.tokens_of(tx, [device_id]) == []
