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

    "deliveries.view":          frozenset({O, A, M, S}),
    "deliveries.dispatch":      frozenset({O, A, M}),
    "deliveries.drive":         frozenset({D}),

    "tracking.view":            frozenset({O, A, M, S, V}),
    "tracking.edit":            frozenset({O, A}),

    "trees.view":               frozenset({O, A, M, T}),
    "trees.review":             frozenset({O, A, T}),
    "trees.approve_device":     frozenset({O, A}),
})  # fmt: skip

GRANTABLE: Mapping[Role, frozenset[Role]] = MappingProxyType({
    O: frozenset(Role) - {O},
    A: frozenset({M, S, V, K, D, C, T, I}),
    M: frozenset({S, V, K, D, T}),
})
"""Which roles each role may give to others; ownership is handed over, never given away."""


def rights(roles: Iterable[tuple[Role, UUID | None]]) -> Mapping[str, Scopes]:
    """What a set of (role, scope) adds up to: permission → scopes, None meaning everywhere."""
    held = tuple(roles)
    result: dict[str, Scopes] = {}
    for permission, allowed in PERMISSIONS.items():
        scopes = {scope for role, scope in held if role in allowed}
        if scopes:
            result[permission] = None if None in scopes else frozenset(s for s in scopes if s)
    return MappingProxyType(result)
