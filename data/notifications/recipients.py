"""Whom an alert reaches: those in charge, those who belong to the place, and the people to be called, on call first."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from data.notifications.policy import Settled, Step

OUTGOING = ("push", "email", "telegram", "sms")
LAST_RESORT = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the organization and what they are in it: (role, the thing it is limited to)."""

    user_id: UUID
    name: str
    roles: frozenset[tuple[str, UUID | None]]

    def may(self, allowed: AbstractSet[str], scope_id: UUID | None) -> bool:
        """Whether one of their roles is among these, everywhere or for that thing."""
        return any(role in allowed and scope in (None, scope_id) for role, scope in self.roles)


@dataclass(frozen=True, slots=True)
class Callee:
    """A contact: one of the people, or somebody from outside. `is_on_call` is about the instant in question."""

    contact_id: UUID
    name: str
    user_id: UUID | None = None
    phone: str | None = None
    email: str | None = None
    priority: int = 0
    scope_id: UUID | None = None
    is_on_call: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One person (or contact) by one way."""

    channel: str
    name: str
    user_id: UUID | None = None
    contact_id: UUID | None = None


def readers(people: Iterable[Member], allowed: AbstractSet[str], scope_id: UUID | None) -> Sequence[Member]:
    """Who may see it, and so finds it in the inbox."""
    return [member for member in people if member.may(allowed, scope_id)]


def in_charge(policy: Settled, people: Iterable[Member], allowed: AbstractSet[str], scope_id: UUID | None) -> Sequence[Member]:
    """Who is told at first: those with one of the policy's roles, and those who belong to that very place."""
    roles = frozenset(policy.notify_roles)
    return [
        member
        for member in readers(people, allowed, scope_id)
        if member.may(roles, scope_id) or (scope_id is not None and any(scope == scope_id for _, scope in member.roles))
    ]


def first_calls(
    policy: Settled, people: Iterable[Member], contacts: Iterable[Callee], *, allowed: AbstractSet[str], scope_id: UUID | None
) -> Sequence[Call]:
    """Who is told as soon as there is an alert: whoever is on call first, then those in charge."""
    channels = [c for c in OUTGOING if c in policy.initial_channels]
    on_call = [c for c in _of(contacts, scope_id) if c.is_on_call] if policy.are_contacts_told else []
    called = {contact.user_id for contact in on_call}
    calls = [call for contact in on_call for call in _by_all(contact, channels)]
    return calls + [
        Call(channel, member.name, member.user_id)
        for member in in_charge(policy, people, allowed, scope_id)
        if member.user_id not in called
        for channel in channels
    ]


def step_calls(
    step: Step, policy: Settled, people: Iterable[Member], contacts: Iterable[Callee], *,
    allowed: AbstractSet[str], scope_id: UUID | None,
) -> Sequence[Call]:  # fmt: skip
    """Who is called by a step: whoever is on call, then the contacts up to its priority. Where there are none, those in charge again."""
    found = [c for c in _of(contacts, scope_id) if c.is_on_call or step.priority is None or c.priority <= step.priority]
    if policy.are_contacts_told and found:
        return [call for contact in found for call in _by_all(contact, step.channels)]
    return [
        Call(channel, member.name, member.user_id)
        for member in in_charge(policy, people, allowed, scope_id)
        for channel in OUTGOING
        if channel in step.channels
    ]


def names(calls: Collection[Call]) -> str:
    """Who they are, each once, in the order in which they are called."""
    return ", ".join(dict.fromkeys(call.name for call in calls))


def by_channel(calls: Iterable[Call]) -> Mapping[str, Sequence[str]]:
    """Channel → names."""
    found: dict[str, list[str]] = {}
    for call in calls:
        found.setdefault(call.channel, []).append(call.name)
    return found


def by_ways(calls: Iterable[Call]) -> Mapping[tuple[str, ...], Sequence[str]]:
    """The names of those who are reached by the same ways."""
    ways: dict[str, list[str]] = {}
    for call in calls:
        ways.setdefault(call.name, []).append(call.channel)
    found: dict[tuple[str, ...], list[str]] = {}
    for name, channels in ways.items():
        found.setdefault(tuple(dict.fromkeys(channels)), []).append(name)
    return found


def _of(contacts: Iterable[Callee], scope_id: UUID | None) -> Sequence[Callee]:
    ours = [c for c in contacts if c.scope_id is None or c.scope_id == scope_id]
    return sorted(ours, key=lambda c: (not c.is_on_call, c.priority, c.name))


def _by_all(contact: Callee, channels: Collection[str]) -> Sequence[Call]:
    """Every way of the step that reaches them; whoever could not be reached so is reached by whatever way they have."""
    has = {"sms": bool(contact.phone or contact.user_id), "email": bool(contact.email or contact.user_id)}
    ways = [c for c in OUTGOING if c in channels and has.get(c, contact.user_id is not None)]
    if not ways:
        ways = [next(c for c in LAST_RESORT if has[c])]
    return [Call(channel, contact.name, contact.user_id, contact.contact_id) for channel in ways]
