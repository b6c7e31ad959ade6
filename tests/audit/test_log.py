import asyncio

import psycopg
import pytest

from data.audit.log import verify
from data.audit.rules import Break
from data.core.session import transaction
from data.identity.tables import ApiToken, TokenKind
from tests.factories.people import World


async def write_lines(world: World, count: int = 5) -> None:
    for number in range(count):
        async with transaction(world.owner) as tx:
            tx.record("test.happened", f"number {number}", ratio=0.1 * number, note="ភាសាខ្មែរ")


async def broken(world: World) -> list[Break]:
    async with transaction(world.owner) as tx:
        return await verify(tx, world.organization_id)


async def test_a_chain_that_nobody_touched_is_whole(world: World) -> None:
    await write_lines(world)
    assert await broken(world) == []


async def test_writers_at_once_make_one_chain(world: World) -> None:
    await asyncio.gather(*(write_lines(world, 5) for _ in range(6)))
    assert await broken(world) == []


@pytest.mark.parametrize(
    ("forgery", "kind"),
    [
        ("update audit.event_logs set title = 'nothing happened' where title = 'number 2'", "altered"),
        ("update audit.event_logs set event_data = '{}' where title = 'number 4'", "altered"),
        ("delete from audit.event_logs where title = 'number 2'", "missing"),
        ("delete from audit.event_logs where title = 'number 4'", "missing"),
        (
            "insert into audit.event_logs select organization_id, recorded_at, gen_random_uuid(), sequence, actor_type, actor_id,"
            " acting_user_id, impersonation_session_id, was_impersonated, actor_name, event_type, category, severity,"
            " 'made up', subject_id, event_data, ip_address, user_agent, previous_hash, event_hash"
            " from audit.event_logs where title = 'number 3'",
            "inserted",
        ),
    ],
)
async def test_a_forged_chain_is_found_out(
    world: World, owner_connection: psycopg.Connection, forgery: str, kind: str
) -> None:
    await write_lines(world)
    assert owner_connection.execute(forgery).rowcount == 1
    assert kind in {b.kind for b in await broken(world)}


async def test_a_change_of_a_row_is_logged_with_old_and_new_and_without_secrets(
    world: World, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        token = ApiToken(name="barn", kind=TokenKind.FEED, token_hash=b"very secret", last_four="cret")
        tx.add(token)
    async with transaction(world.owner) as tx:
        token = await tx.get_one(ApiToken, token.id)
        token.name, token.token_hash = "stable", b"other secret"
        tx.add(token)
    lines = owner_connection.execute(
        "select event_type, event_data, actor_name from audit.event_logs where subject_id = %s order by sequence", [token.id]
    ).fetchall()
    assert [line[0] for line in lines] == ["identity.api_tokens.created", "identity.api_tokens.changed"]
    assert "token_hash" not in lines[0][1]
    assert lines[1] == ("identity.api_tokens.changed", {"name": ["barn", "stable"], "token_hash": "changed"}, "Olga Owner")


async def test_the_application_cannot_rewrite_the_log(world: World) -> None:
    await write_lines(world, 1)
    from sqlalchemy import text
    from sqlalchemy.exc import ProgrammingError

    for statement in ("update audit.event_logs set title = ''", "delete from audit.event_logs"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with transaction(world.owner) as tx:
                await tx.execute(text(statement))
