"""What is decided about an alert, and the sentences that say why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class _Gaps(dict[str, Any]):
    """What a sentence lacks stays as it is named there."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def in_english(message: str, values: Mapping[str, Any]) -> str:
    """A template with its values, for machines and files."""
    return message.format_map(_Gaps(values))


class Ruled(StrEnum):
    """What a line of an alert's story says."""

    RAISED = "raised"
    WORSENED = "worsened"
    CAME_BACK = "came_back"
    TOLD = "told"
    WAITS = "waits"
    NOT_TOLD = "not_told"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    WOKE = "woke"
    JOINED = "joined"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    FREED = "freed"
    ACTED = "acted"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One line of an alert's story; `reason` is an English template, `values` what goes into it."""

    alert_id: UUID
    ruled: Ruled
    reason: str
    at: datetime
    values: dict[str, Any] = field(default_factory=dict)
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What something is about; `permission` and `scope_id` say who may see it."""

    kind: str
    id: UUID
    name: str
    permission: str
    scope_id: UUID | None = None
