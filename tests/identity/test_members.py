"""People are invited by mail or text message, join with an account or a new one, and lose at once what they had when they go."""

from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from data.core.session import across_tenants, transaction
from data.flows import joining
from data.flows.joining import Invited
from data.identity import commands, door, members
from data.identity.door import Browser
from data.identity.phones import dialled
from data.identity.tables import Role
from tests.factories.channels import set_up
from tests.factories.people import PASSWORD, World, person

BROWSER = Browser("127.0.0.1", "Mozilla/5.0 (Linux; Android 13) Chrome/120.0")
ORIGIN = "https://farm.example"
FARM = uuid4()


async def invite(who: Actor, *, role: Role = Role.KEEPER, scope_id: UUID | None = FARM, **more: str) -> Invited:
    async with transaction(who) as tx:
        return await joining.invite(tx, origin=ORIGIN, role=role, scope_id=scope_id, **more)


def token_of(made: Invited) -> str:
    assert made.link.startswith(f"{ORIGIN}/invitation/")
    return made.link.rpartition("/")[2]


async def accept(token: str, address: str, *, name: str = "Nary New", password: str = PASSWORD) -> Actor:
    session = await commands.accept_invitation(token, BROWSER, name=name, email=address, password=password, language="km")
    actor = await door.who(session, BROWSER)
    assert actor
    return actor


async def test_an_invitation_by_mail_says_who_invites_as_what_and_where_to_go(world: World, owner_connection: psycopg.Connection) -> None:
    made = await invite(world.owner, email="nary@example.org", language="km")
    assert (made.to, made.why_not) == ("nary@example.org", None)
    sent = owner_connection.execute(
        "select channel, purpose, recipient, message_values, payload from notifications.notification_deliveries"
    ).fetchone()
    assert sent and sent[:3] == ("email", "code", "nary@example.org") and sent[4] == {"language": "km"}
    assert sent[3] == {"who": "Olga Owner", "organization": "Green Steading", "role": "keeper", "link": made.link}
    async with transaction(world.owner) as tx:
        (waiting,) = await members.invitations(tx, scope_id=FARM)
    assert timedelta(days=6) < waiting.expires_at - waiting.created_at <= timedelta(days=7, minutes=1)
    actor = await accept(token_of(made), "nary@example.org")
    assert (actor.organization_id, actor.language) == (world.organization_id, "km")
    assert actor.may("farm.switch", FARM) and not actor.may("farm.switch", uuid4())


async def test_without_text_messages_a_phone_gets_its_link_by_hand(world: World) -> None:
    made = await invite(world.owner, phone="012 345 678", name="Sok")
    assert (made.to, made.why_not) == ("+85512345678", "Text messages are not set up.")
    with pytest.raises(Invalid) as wrong:
        await accept(token_of(made), "sok@example.org")
    assert wrong.value.field == "email", "the invitation is for that number"
    await accept(token_of(made), "+855 12 345 678")
    for written in ("012345678", "+85512345678", "00855 12 345 678"):
        assert await door.sign_in(written, PASSWORD, BROWSER)


async def test_with_text_messages_the_link_goes_to_the_phone(world: World, owner_connection: psycopg.Connection) -> None:
    await set_up(world.owner)
    made = await invite(world.owner, phone="+85512345678")
    assert (made.to, made.why_not) == ("+85512345678", None)
    assert owner_connection.execute("select channel, status from notifications.notification_deliveries").fetchall() == [("sms", "pending")]


async def test_somebody_with_an_account_joins_by_its_password_and_nobody_by_a_wrong_one(world: World) -> None:
    await person(world.other, "Petra Present", Role.VIEWER, password=PASSWORD)
    address, token = "petra.other@example.org", token_of(await invite(world.owner))
    with pytest.raises(Unauthenticated):
        await accept(token, address, password="not hers at all")
    actor = await accept(token, address, name="")
    assert actor.name == "Petra Present" and actor.organization_id == world.organization_id
    assert [one.name for one in await door.organizations_of(actor.user_id or FARM)] == ["Green Steading", "Other Steading"]
    with pytest.raises(NotFound):
        await accept(token, address)


async def test_who_is_signed_in_joins_with_one_tap_unless_it_is_for_somebody_else(world: World) -> None:
    petra = await person(world.other, "Petra Present", Role.VIEWER, password=PASSWORD)
    theirs = token_of(await invite(world.owner, email="somebody@example.org"))
    with pytest.raises(Invalid):
        await commands.join(theirs, petra)
    assert await commands.join(token_of(await invite(world.owner)), petra) == world.organization_id


async def test_a_new_link_closes_the_old_one_and_what_was_taken_back_opens_nothing(world: World) -> None:
    old = await invite(world.owner)
    async with transaction(world.owner) as tx:
        new = await joining.invite_again(tx, old.invitation.id, origin=ORIGIN)
    assert await commands.offered(token_of(old)) is None
    offer = await commands.offered(token_of(new))
    assert offer and (offer.organization_name, offer.role) == ("Green Steading", Role.KEEPER)
    for who, refusal in ((world.colleague, NotFound), (world.keeper, NotFound), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await members.revoke_invitation(tx, new.invitation.id)
    async with transaction(world.owner) as tx:
        await members.revoke_invitation(tx, new.invitation.id)
    assert await commands.offered(token_of(new)) is None
    with pytest.raises(NotFound):
        await accept(token_of(new), "late@example.org")
    with pytest.raises(Conflict):
        async with transaction(world.owner) as tx:
            await members.revoke_invitation(tx, new.invitation.id)


async def test_who_is_removed_loses_at_once_what_they_had_there(world: World) -> None:
    actor = await accept(token_of(await invite(world.owner)), "nary@example.org")
    assert actor.user_id
    await commands.change_password(actor, PASSWORD, "a fresh password")
    session = await door.sign_in("nary@example.org", "a fresh password", BROWSER)
    async with transaction(world.owner) as tx:
        await members.change_role(tx, actor.user_id, role=Role.VIEWER, scope_id=FARM)
    viewer = await door.who(session, BROWSER)
    assert viewer and viewer.may("farm.view", FARM) and not viewer.may("farm.switch")
    async with transaction(world.owner) as tx:
        await members.remove(tx, actor.user_id, scope_id=FARM)
    gone = await door.who(session, BROWSER)
    assert gone and gone.organization_id is None and not gone.rights


async def test_a_password_is_changed_by_who_knows_it_and_signs_out_every_other_browser(world: World) -> None:
    await person(world.organization, "Orla Other", Role.MANAGER, password=PASSWORD)
    here, there = [await door.sign_in("orla.green@example.org", PASSWORD, BROWSER) for _ in range(2)]
    me = await door.who(here, BROWSER)
    assert me
    with pytest.raises(Invalid) as wrong:
        await commands.change_password(me, "a wrong one", "a fresh password")
    assert wrong.value.field == "present"
    with pytest.raises(Invalid) as short:
        await commands.change_password(me, PASSWORD, "short")
    assert short.value.field == "fresh"
    await commands.change_password(me, PASSWORD, "a fresh password")
    assert await door.who(here, BROWSER) and await door.who(there, BROWSER) is None
    for _ in range(5):
        with pytest.raises(Invalid):
            await commands.change_password(me, "a wrong one", "another password")
    with pytest.raises(Forbidden):
        await commands.change_password(me, "a fresh password", "another password")


async def test_a_session_that_does_not_stay_ends_when_nobody_touches_it_for_an_hour(world: World, owner_connection: psycopg.Connection) -> None:
    await person(world.organization, "Orla Other", Role.MANAGER, password=PASSWORD)
    mine = await door.sign_in("orla.green@example.org", PASSWORD, BROWSER)
    shared = await door.sign_in("orla.green@example.org", PASSWORD, BROWSER, stays=False)
    held = await door.who(shared, BROWSER)
    assert held and held.idle_after_s == 3600
    owner_connection.execute("update identity.auth_sessions set last_seen_at = now() - interval '59 minutes'")
    assert await door.who(shared, BROWSER), "it was touched in time"
    owner_connection.execute("update identity.auth_sessions set last_seen_at = now() - interval '61 minutes'")
    assert await door.who(shared, BROWSER) is None and await door.who(shared, BROWSER) is None
    assert await door.who(mine, BROWSER)


async def test_a_new_password_is_asked_for_by_phone_five_times_in_an_hour(world: World) -> None:
    async with across_tenants("tests") as tx:
        user = await commands.create_user(tx, name="Sok", phone="+85512345678")
        await commands.give_role(tx, user.id, role=Role.KEEPER, organization_id=world.organization_id)
    asked = [await commands.ask_for_reset("012 345 678") for _ in range(6)]
    assert [one is not None for one in asked] == [True] * 5 + [False]
    first = asked[0]
    assert first and (first.user.name, first.organization_id) == ("Sok", world.organization_id)
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        assert not await joining.send_reset(tx, "+85512345678", "https://farm.example/reset/x", language="km")
    await commands.reset_password(first.token, PASSWORD)
    assert await door.sign_in("012345678", PASSWORD, BROWSER)


@pytest.mark.parametrize(
    ("written", "number"),
    [("012 345 678", "+85512345678"), ("+1 (415) 555-0100", "+14155550100"), ("0044 20 7946 0000", "+442079460000"), ("somebody", None), ("12", None)],
)
def test_a_number_is_dialled_in_one_way(written: str, number: str | None) -> None:
    assert dialled(written) == number

