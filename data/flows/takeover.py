"""An installation of version 1 moves in: its people join the organization, and its one schedule becomes a farm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.farm import commands as farm
from data.farm.rules.version_1 import House, Person, Plan, house, kept, person
from data.farm.tables import DeviceType, Schedule, ScheduleType, SwitchAction, TakenOver
from data.identity.commands import create_user, give_role
from data.identity.members import INVITATION_LIFE
from data.identity.secrets import new_token, token_hash
from data.identity.tables import Invitation, PasswordReset, Role, User, UserRole

USERS, PROFILES, SCHEDULES = "users", "user_profiles", "schedules"
DEVICES: Mapping[str, tuple[str, DeviceType]] = {
    "lights": ("Lights", DeviceType.RELAY), "feeder": ("Feeder", DeviceType.RELAY), "water": ("Water pump", DeviceType.RELAY),
    "climate": ("Climate", DeviceType.SENSOR),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class People:
    """Who was there, what they are to be here, and the address that their links begin with."""

    users: Sequence[Mapping[str, Any]]
    profiles: Sequence[Mapping[str, Any]]
    role: Role
    origin: str


@dataclass(slots=True)
class _Ledger:
    """What was taken over from one file before, and what is now."""

    tx: Transaction
    organization_id: UUID
    source: str
    known: dict[tuple[str, str, str], TakenOver] = field(default_factory=dict)

    @classmethod
    async def opened(cls, tx: Transaction, organization_id: UUID, source: str) -> "_Ledger":
        rows = select(TakenOver).where(TakenOver.organization_id == organization_id, TakenOver.source == source)
        return cls(tx, organization_id, source, {(row.source_table, row.source_id, row.part): row for row in await tx.exec(rows)})

    def told(self, table: str, row: Mapping[str, Any], part: str = "") -> str | None:
        """What is to be said of a row that was taken over before; None of a new one."""
        before = self.known.get((table, str(row["id"]), part))
        if before is None:
            return None
        said, says = before.row, kept(row)
        changed = [f"{name} was {said.get(name)!r}, is {says.get(name)!r}" for name in {**said, **says} if said.get(name) != says.get(name)]
        place = f"{table} {row['id']}"
        return f"{place}: changed since it was taken over ({'; '.join(changed)}); nothing was done about it" if changed else f"{place}: was taken over before"

    def add(self, table: str, row: Mapping[str, Any], to: tuple[str, str, str], *, is_dry: bool) -> str:
        """A row beside one that was taken over before; what is to be said of it."""
        if before := self.told(table, row):
            return before
        if not is_dry:
            self.note(table, row, self.known[to].target, self.known[to].target_id)
        return f"{table} {row['id']}: came after its person was taken over; {'would be' if is_dry else 'is'} kept beside them, and changed nothing"

    def note(self, table: str, row: Mapping[str, Any], target: str, target_id: UUID, part: str = "") -> None:
        self.tx.add(
            TakenOver(
                organization_id=self.organization_id, source=self.source, source_table=table, source_id=str(row["id"]), part=part,
                target=target, target_id=target_id, row=kept(row),
            )
        )  # fmt: skip


async def take_people(tx: Transaction, organization_id: UUID, people: People, *, source: str, is_dry: bool) -> list[str]:
    """Everybody by phone, or by an invitation that asks for an address; a line for each. Needs a transaction across tenants."""
    ledger = await _Ledger.opened(tx, organization_id, source)
    profiles = {str(profile["user_id"]): profile for profile in people.profiles}
    inviter = await _inviter(tx, organization_id)
    names, told, taken = {str(user["id"]) for user in people.users}, [], set[str]()
    for user in people.users:
        profile = profiles.get(str(user["id"]))
        if before := ledger.told(USERS, user):
            told += [before, *([ledger.add(PROFILES, profile, (USERS, str(user["id"]), ""), is_dry=is_dry)] if profile else [])]
            continue
        one = person(user, profile)
        target, target_id, line = await _take_person(tx, organization_id, people, one, inviter, taken, is_dry)
        told.append(f"users {one.source_id} ({one.name}): {line}" + (f"; {one.remark}" if one.remark else ""))
        if not is_dry and target_id:
            ledger.note(USERS, user, target, target_id)
            if profile:
                ledger.note(PROFILES, profile, target, target_id)
    told += [f"user_profiles {p['id']}: of nobody in the file (user {p['user_id']}); left in it" for p in people.profiles if str(p["user_id"]) not in names]
    return told


async def _take_person(
    tx: Transaction, organization_id: UUID, people: People, one: Person, inviter: UUID, taken: set[str], is_dry: bool
) -> tuple[str, UUID | None, str]:
    """What became of somebody: which table, which row, and the words about it."""
    role, days = people.role, INVITATION_LIFE.days
    if one.phone is None or one.phone in taken:
        shared = f"; {one.phone} is another's in this file" if one.phone else ""
        if is_dry:
            return "", None, f"would be invited as {role.value}, and give an e-mail address{shared}"
        token = new_token()
        invitation = Invitation(
            organization_id=organization_id, token_hash=token_hash(token), name=one.name, language="km", role=role, invited_by=inviter,
            expires_at=now() + INVITATION_LIFE,
        )
        tx.add(invitation)
        await tx.flush()
        return "identity.invitations", invitation.id, f"joins as {role.value} at {people.origin}/invitation/{token} (within {days} days){shared}"
    taken.add(one.phone)
    found = (await tx.exec(select(User).where(User.phone == one.phone, col(User.deleted_at).is_(None)))).first()
    if found:
        if not is_dry:
            await give_role(tx, found.id, role=role, organization_id=organization_id)
        return "identity.users", found.id, f"{one.phone} is {found.name}, who {'would be' if is_dry else 'is'} {role.value} too"
    if is_dry:
        return "", None, f"would be {role.value}, sign in with {one.phone} and choose a new password"
    user = await create_user(tx, name=one.name, phone=one.phone, language="km")
    await give_role(tx, user.id, role=role, organization_id=organization_id)
    token = new_token()
    tx.add(PasswordReset(user_id=user.id, token_hash=token_hash(token), expires_at=now() + INVITATION_LIFE))
    return "identity.users", user.id, f"is {role.value}, signs in with {one.phone} after choosing a password at {people.origin}/reset/{token} (within {days} days)"


async def _inviter(tx: Transaction, organization_id: UUID) -> UUID:
    owners = select(UserRole.user_id).where(UserRole.organization_id == organization_id, UserRole.role == Role.OWNER)
    found = (await tx.exec(owners.order_by(col(UserRole.created_at)).limit(1))).first()
    if found is None:
        raise Conflict("The organization has no owner yet, in whose name people are invited. Add one first: main.py user add.")
    return found


async def take_house(tx: Transaction, row: Mapping[str, Any], *, time_zone: str, source: str, is_dry: bool) -> list[str]:
    """One row of the flat table becomes a farm with its devices, schedules and limits; a line for each. The schedules stay paused:
    nobody knows yet which of today's devices they switch."""
    ledger = await _Ledger.opened(tx, tx.organization_id, source)
    if before := ledger.told(SCHEDULES, row, "farm"):
        return [before]
    found, place = house(row), f"schedules {row['id']}"
    verb = "would become" if is_dry else "became"
    used = [name for name in DEVICES if any(plan.device == name for plan in found.plans) or (name == "climate" and found.limits)]
    told = [f"{place}: {verb} the farm {_name(found)}"]
    told += [f"{place}: {verb} the device {DEVICES[name][0]}; give it its topic" for name in used]
    told += [f"{place}: {verb} the schedule {_words(plan)}; paused until somebody has seen to its device" for plan in found.plans]
    told += [f"{place}: {verb} the limit {name} = {value}" for name, value in found.limits.items()]
    told += [f"{place}: {column} cannot be taken over: {why}" for column, why in found.refused.items()]
    if not is_dry:
        await _take(tx, ledger, row, found, used, time_zone)
    return told


async def _take(
    tx: Transaction, ledger: _Ledger, row: Mapping[str, Any], found: House, used: Sequence[str], time_zone: str
) -> None:
    place = await farm.create_farm(tx, name=_name(found), time_zone=time_zone, description="Taken over from version 1.")
    ledger.note(SCHEDULES, row, "farm.farms", place.id, "farm")
    devices: dict[str, UUID] = {}
    for name in used:
        words, kind = DEVICES[name]
        device = await farm.register_device(tx, place.id, name=words, topic=f"v1-{name}-{place.id.hex[-12:]}", device_type=kind)
        devices[name] = device.id
        ledger.note(SCHEDULES, row, "farm.devices", device.id, f"device {name}")
    for plan in found.plans:
        schedule = Schedule(
            farm_id=place.id, device_id=devices[plan.device], name=plan.part.capitalize(), action=SwitchAction.ON, is_enabled=False,
            schedule_type=ScheduleType.DURATION if plan.off_s else ScheduleType.TIME, cron_expression=plan.cron, start_time=plan.start,
            end_time=plan.end, on_duration_s=plan.on_s if plan.off_s else None, off_duration_s=plan.off_s,
            action_duration_s=None if plan.off_s else plan.on_s,
        )  # fmt: skip
        tx.add(schedule)
        ledger.note(SCHEDULES, row, "farm.schedules", schedule.id, plan.part)
    if found.limits:
        await farm.set_configs(tx, devices["climate"], [farm.Chosen(name, value) for name, value in found.limits.items()])
        for name in found.limits:
            ledger.note(SCHEDULES, row, "farm.devices", devices["climate"], f"limit {name}")


def _name(found: House) -> str:
    return "Version 1 farm" + (f" {found.source_id}" if found.source_id != "1" else "")


def _words(plan: Plan) -> str:
    if plan.off_s:
        return f"{plan.part}: {plan.on_s} s on, {plan.off_s} s off"
    if plan.cron:
        return f"{plan.part}: {plan.cron}, {plan.on_s} s each"
    return f"{plan.part}: from {plan.start:%H:%M} to {plan.end:%H:%M}"
