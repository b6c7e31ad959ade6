"""An alert's story is written down as it happens, a line for each decision, and never changed."""

import json
from collections.abc import Sequence

from sqlalchemy import text

from data.alerts.values import Ruling
from data.core import columns
from data.core.session import Transaction, plain
from data.core.table import uuid7

_WRITE = text("""
insert into alerts.decisions (id, organization_id, alert_id, decided_at, decision, reason, reason_values, user_id)
select v.id, :organization_id, v.alert_id, v.decided_at, v.decision, v.reason, cast(v.reason_values as jsonb), v.user_id
from unnest(:ids, :alert_ids, :decided_at, :decisions, :reasons, :values, :user_ids)
  v (id, alert_id, decided_at, decision, reason, reason_values, user_id)
""")


async def write_story(tx: Transaction, rulings: Sequence[Ruling]) -> None:
    """Write the lines, in one statement however many."""
    if not rulings:
        return
    await tx.execute(
        _WRITE,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids([uuid7() for _ in rulings]),
            "alert_ids": columns.ids([r.alert_id for r in rulings]),
            "decided_at": columns.instants(r.at for r in rulings),
            "decisions": columns.texts(r.ruled for r in rulings),
            "reasons": columns.texts(r.reason for r in rulings),
            "values": columns.texts(json.dumps(r.values, default=plain) for r in rulings),
            "user_ids": columns.ids([r.user_id for r in rulings]),
        },
    )
