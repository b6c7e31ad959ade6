"""A farm's people over the JSON interface: as many doors as on its page, and the same rules behind them."""

from uuid import uuid4

import pytest

from data.core.errors import Forbidden, Invalid
from data.core.session import transaction
from data.identity import commands, members
from data.identity.door import Browser
from data.identity.tables import Role
from tests.api.conftest import Programs
from tests.factories.farm import build_farm
from tests.factories.people import PASSWORD, World, person


async def joined(link: str, name: str) -> None:
    await commands.accept_invitation(link.rsplit("/", 1)[1], Browser(), name=name, email=f"{name.lower()}@example.com", password=PASSWORD)


async def test_somebody_is_invited_comes_becomes_more_and_goes(world: World, asking: Programs) -> None:
    farm = (await build_farm(world.owner)).farm
    path, owner = f"/v1/farms/{farm.id}", await asking.of(world.owner)
    made = await owner.ask("POST", f"{path}/members", {"role": "keeper", "name": "Sokha", "language": "km", "email": "sokha@example.com"}, status=201)
    assert made["link"].startswith("https://farm.example/invitation/") and (made["role"], made["sent_to"]) == ("keeper", "sokha@example.com")
    [waiting], total = await owner.list(f"{path}/invitations")
    assert (waiting["id"], waiting["name"], total) == (made["id"], "Sokha", 1)
    await joined(made["link"], "Sokha")
    assert (await owner.list(f"{path}/invitations"))[1] == 0

    found, _ = await owner.list(f"{path}/members", limit=100)
    by_name = {one["name"]: one for one in found}
    assert (by_name["Sokha"]["roles"], by_name["Sokha"]["organization_roles"]) == (["keeper"], [])
    assert by_name["Olga Owner"]["organization_roles"] == ["owner"] and "Dara Driver" not in by_name
    sokha = f"{path}/members/{by_name['Sokha']['user_id']}"
    assert (await owner.ask("PUT", sokha, {"role": "manager"}))["roles"] == ["manager"]
    await owner.ask("DELETE", sokha)
    await owner.ask("DELETE", sokha, status=404)
    other = await owner.ask("POST", f"{path}/members", {"role": "viewer"}, status=201)
    assert other["sent_to"] is None
    await owner.ask("DELETE", f"{path}/invitations/{other['id']}")
    await owner.ask("DELETE", f"{path}/invitations/{other['id']}", status=409)


@pytest.mark.parametrize(
    ("role", "may_look", "may_invite", "may_change"),
    [(Role.ADMIN, 200, 201, 200), (Role.MANAGER, 200, 201, 403), (Role.KEEPER, 403, 403, 403), (Role.VIEWER, 403, 403, 403)],
)
async def test_each_role_on_one_farm_may_what_the_table_says(
    world: World, asking: Programs, role: Role, may_look: int, may_invite: int, may_change: int
) -> None:
    farm, elsewhere = (await build_farm(world.owner)).farm, (await build_farm(world.owner, prefix="other")).farm
    keeper = await person(world.organization, "Kosal Keeper", (Role.KEEPER, farm.id))
    program = await asking.of(await person(world.organization, "Rith Role", (role, farm.id)))
    path, body = f"/v1/farms/{farm.id}", {"role": "keeper"}
    await program.ask("GET", f"{path}/members", status=may_look)
    await program.ask("GET", f"{path}/invitations", status=may_look)
    await program.ask("POST", f"{path}/members", body, status=may_invite)
    await program.ask("POST", f"{path}/members", {"role": "owner"}, status=403)
    await program.ask("PUT", f"{path}/members/{keeper.user_id}", {"role": "viewer"}, status=may_change)
    await program.ask("DELETE", f"{path}/members/{world.keeper.user_id}", status=409 if may_change == 200 else 403)
    await program.ask("DELETE", f"{path}/members/{keeper.user_id}", status=may_change)
    for method, there in (("GET", "members"), ("POST", "members"), ("GET", "invitations")):
        await program.ask(method, f"/v1/farms/{elsewhere.id}/{there}", body if method == "POST" else None, status=404)


async def test_a_stranger_finds_none_of_it_and_what_is_wrong_is_named(world: World, asking: Programs) -> None:
    farm, second = (await build_farm(world.owner)).farm, (await build_farm(world.owner, prefix="other")).farm
    path, owner = f"/v1/farms/{farm.id}", await asking.of(world.owner)
    made = await owner.ask("POST", f"/v1/farms/{second.id}/members", {"role": "keeper"}, status=201)
    await owner.ask("DELETE", f"{path}/invitations/{made['id']}", status=404)
    for body, field in (
        ({"role": "king"}, "role"), ({"role": "keeper", "email": "no address"}, "email"), ({"role": "keeper", "phone": "12"}, "phone"),
        ({"role": "keeper", "language": "xx"}, "language"),
    ):  # fmt: skip
        assert (await owner.ask("POST", f"{path}/members", body, status=422))["details"]["field"] == field
    await owner.ask("PUT", f"{path}/members/{uuid4()}", {"role": "viewer"}, status=404)
    for program, status in ((await asking.of(world.stranger), 404), (asking.nobody, 401)):
        for method, end, given in (
            ("GET", "members", None), ("POST", "members", {"role": "keeper"}), ("PUT", f"members/{world.keeper.user_id}", {"role": "viewer"}),
            ("DELETE", f"members/{world.keeper.user_id}", None), ("GET", "invitations", None), ("DELETE", f"invitations/{made['id']}", None),
        ):  # fmt: skip
            await program.ask(method, f"/v1/farms/{second.id}/{end}", given, status=status)


async def test_who_invites_may_know_who_is_here_and_nothing_of_who_is_elsewhere(world: World) -> None:
    async with transaction(world.owner) as tx:
        await members.invite(tx, role=Role.VIEWER, email="vip@example.com", phone="012 345 678")
    async with transaction(world.owner) as tx:
        told = [await members.is_here(tx, email=email) for email in ("Colin.Green@example.org", "VIP@example.com", "sam.other@example.org", "x@y.z")]
        assert told == [True, True, False, False]
        assert [await members.is_here(tx, phone=phone) for phone in ("+85512345678", "+85512345679")] == [True, False]
        for given in ({"email": "no address"}, {"phone": "12"}):
            with pytest.raises(Invalid):
                await members.is_here(tx, **given)
    for who in (world.colleague, world.viewer):
        with pytest.raises(Forbidden):
            async with transaction(who) as tx:
                await members.is_here(tx, email="colin.green@example.org")
