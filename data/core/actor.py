"""Somebody or something acts, for one organization, with certain rights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Self
from uuid import UUID

from data.core.errors import Forbidden

Scopes = frozenset[UUID] | None
"""The things a right is limited to (a farm, a client), or None for all of the organization's."""


class ActorKind(StrEnum):
    PERSON = "person"
    MACHINE = "machine"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `rights` maps a permission to where it holds (see `Scopes`); a system actor may do everything."""

    kind: ActorKind
    organization_id: UUID | None
    name: str
    user_id: UUID | None = None
    rights: Mapping[str, Scopes] = field(default_factory=lambda: MappingProxyType({}))
    session_id: UUID | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    language: str = "en"
    time_zone: str = "UTC"
    units: str = "celsius"
    is_platform_admin: bool = False
    visit_id: UUID | None = None
    """Set while somebody who runs the installation looks into an organization that is not theirs."""
    idle_after_s: int | None = None
    """Their session ends when nobody touches it for so long."""

    @classmethod
    def system(cls, organization_id: UUID | None, name: str) -> Self:
        """Our own job acting for an organization, named as in the timetable."""
        return cls(ActorKind.SYSTEM, organization_id, name)

    @classmethod
    def machine(cls, organization_id: UUID, name: str, *permissions: str) -> Self:
        """A device or feed that proved which organization it belongs to."""
        return cls(ActorKind.MACHINE, organization_id, name, rights=MappingProxyType(dict.fromkeys(permissions)))

    def may(self, permission: str, scope: UUID | None = None) -> bool:
        """Has the right, everywhere or at this scope. Without a scope: has it anywhere at all."""
        if self.kind is ActorKind.SYSTEM:
            return True
        if permission not in self.rights:
            return False
        where = self.rights[permission]
        return where is None or scope is None or scope in where

    def require(self, permission: str, scope: UUID | None = None) -> None:
        """Forbidden unless `may`."""
        if not self.may(permission, scope):
            raise Forbidden("You do not have the right to do this.")

    def scopes(self, permission: str) -> Scopes:
        """Where the right holds: None for everywhere, else the things; empty when nowhere."""
        if self.kind is ActorKind.SYSTEM:
            return None
        return self.rights.get(permission, frozenset())
