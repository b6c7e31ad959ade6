"""Who may do what: the one table of roles and permissions."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from uuid import UUID

from data.core.actor import Scopes
from data.identity.tables import Role

O, A, M, S, V, K, D, C, T, I = (
    Role.OWNER, Role.ADMIN, Role.MANAGER, Role.STAFF, Role.VIEWER,
    Role.KEEPER, Role.DRIVER, Role.CUSTOMER, Role.ASSESSOR, Role.INSPECTOR,
)  # fmt: skip

PERMISSIONS: Mapping[str, frozenset[Role]] = MappingProxyType({
    "organization.edit":        frozenset({O, A}),
    "organization.delete":      frozenset({O}),
    "people.view":              frozenset({O, A, M}),
    "people.invite":            frozenset({O, A, M}),
    "people.edit":              frozenset({O, A}),
    "tokens.edit":              frozenset({O, A}),
    "audit.view":               frozenset({O, A, M}),
    "operations.view":          frozenset({O, A}),
    "billing.view":             frozenset({O, A}),
    "billing.edit":             frozenset({O}),
    "inspectors.edit":          frozenset({O, A}),
    "channels.edit":            frozenset({O, A}),

    "alerts.view":              frozenset({O, A, M, S, V, K, T}),
    "alerts.acknowledge":       frozenset({O, A, M, S, K, T}),
    "alerts.resolve":           frozenset({O, A, M}),
    "alerts.suppress":          frozenset({O, A, M}),
    "alerts.act":               frozenset({O, A, M, S, K, T}),

    "notifications.edit":       frozenset({O, A}),
    "contacts.view":            frozenset({O, A, M, S, V, K, T}),
    "contacts.edit":            frozenset({O, A, M}),

    "cold_chain.view":          frozenset({O, A, M, S, V, I}),
    "cold_chain.edit":          frozenset({O, A, M}),
    "cold_chain.delete":        frozenset({O, A}),
    "cold_chain.log":           frozenset({O, A, M, S}),
    "cold_chain.rules":         frozenset({O, A}),
    "cold_chain.devices":       frozenset({O, A, M}),
    "cold_chain.networks":      frozenset({O, A}),
    "cold_chain.export":        frozenset({O, A, M, I}),
    "cold_chain.feedback":      frozenset({O, A, M, S}),

    "farm.view":                frozenset({O, A, M, S, V, K}),
    "farm.switch":              frozenset({O, A, M, S, K}),
    "farm.stop_all":            frozenset({O, A, M}),
    "farm.batch":               frozenset({O, A, M}),
    "farm.edit":                frozenset({O, A, M}),
    "farm.schedule":            frozenset({O, A, M, K}),
    "farm.record":              frozenset({O, A, M, S, K}),
    "farm.answer":              frozenset({O, A, M, S, V, K}),
    "farm.delete":              frozenset({O}),
    "farm.downgrade":           frozenset({O}),

    "deliveries.view":          frozenset({O, A, M, S}),
    "deliveries.dispatch":      frozenset({O, A, M}),
    "deliveries.drive":         frozenset({D}),

    "tracking.view":            frozenset({O, A, M, S, V}),
    "tracking.edit":            frozenset({O, A}),

    "trees.view":               frozenset({O, A, M, T}),
    "trees.review":             frozenset({O, A, T}),
    "trees.approve_device":     frozenset({O, A}),
})  # fmt: skip

WHOLE = frozenset({
    "organization.edit", "organization.delete", "tokens.edit", "operations.view", "billing.view", "billing.edit", "inspectors.edit",
    "channels.edit", "deliveries.view", "deliveries.dispatch", "trees.approve_device",
})  # fmt: skip
"""What nobody has for one thing only: who is an administrator of one farm runs that farm, and not the organization."""

GRANTABLE: Mapping[Role, frozenset[Role]] = MappingProxyType({
    O: frozenset(Role) - {O},
    A: frozenset({M, S, V, K, D, C, T, I}),
    M: frozenset({S, V, K, D, T}),
})
"""Which roles each role may give to others; ownership is handed over, never given away."""

OF_ONE_THING = (A, M, K, V)
"""What somebody can be on one farm."""


def grantable(roles: Iterable[tuple[Role, UUID | None]], scope: UUID | None) -> frozenset[Role]:
    """Which roles these let one give, everywhere or for one thing: there, administrators make others their equals."""
    there = {role for role, held_for in roles if held_for in (None, scope)}
    given = {role for role in there for role in GRANTABLE.get(role, ())}
    if scope is None:
        return frozenset(given)
    return frozenset(given | ({A} if A in there else set())) & frozenset(OF_ONE_THING)


def rights(roles: Iterable[tuple[Role, UUID | None]]) -> Mapping[str, Scopes]:
    """What a set of (role, scope) adds up to: permission → scopes, None meaning everywhere."""
    held = tuple(roles)
    result: dict[str, Scopes] = {}
    for permission, allowed in PERMISSIONS.items():
        scopes = {scope for role, scope in held if role in allowed and (scope is None or permission not in WHOLE)}
        if scopes:
            result[permission] = None if None in scopes else frozenset(s for s in scopes if s)
    return MappingProxyType(result)
