"""Somebody holds a farm's report and wants to know whether it is genuine."""

from sqlalchemy import text

from data.core.session import Transaction
from data.farm.reports.commands import EXPORTED
from data.platform.genuine import Entry, Genuine

_FOUND = text(f"""
select r.organization_id, o.name, r.kind, r.first_day, r.last_day, r.generated_at, f.sha256, e.sequence
from farm.reports r
join identity.organizations o on o.id = r.organization_id
join audit.event_logs e on e.organization_id = r.organization_id and e.subject_id = r.id and e.event_type = '{EXPORTED}'
  and e.event_data ->> 'fingerprint' = r.fingerprint
left join platform.files f on f.organization_id = r.organization_id and f.id = r.file_id
where r.fingerprint = :fingerprint and r.generated_at is not null
order by r.generated_at, r.id
""")


async def find(tx: Transaction, fingerprint: str) -> Entry | None:
    """The report with that fingerprint, whosesoever (across tenants): only one that stands in the event log counts."""
    rows = (await tx.execute(_FOUND, {"fingerprint": fingerprint})).all()
    if not rows:
        return None
    first = rows[0]
    return Entry(
        first.organization_id, first.sequence,
        Genuine(
            organization=first.name, kind=first.kind, first_day=first.first_day, last_day=first.last_day, made_at=first.generated_at,
            is_log_whole=None, files=frozenset(row.sha256 for row in rows if row.sha256),
        ),
    )  # fmt: skip
