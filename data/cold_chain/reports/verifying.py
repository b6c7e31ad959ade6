"""Somebody holds a report and wants to know whether it is genuine; they learn that, and nothing that is not on its first lines."""

from datetime import date

from sqlalchemy import text

from data.cold_chain.reports.commands import EXPORTED
from data.cold_chain.values import ReportKind
from data.core.session import Transaction
from data.platform.genuine import Entry, Genuine

_FOUND = text(f"""
select r.organization_id, o.name, r.kind::text, r.title, r.summary, r.generated_at, f.sha256, e.sequence
from cold_chain.reports r
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
    report = Genuine(
        organization=first.name, kind=ReportKind(first.kind), first_day=date.fromisoformat(first.summary["first_day"]),
        last_day=date.fromisoformat(first.summary["last_day"]), made_at=first.generated_at, is_log_whole=None,
        files=frozenset(row.sha256 for row in rows if row.sha256),
    )  # fmt: skip
    return Entry(first.organization_id, first.sequence, report)
