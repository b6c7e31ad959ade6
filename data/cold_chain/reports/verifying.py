"""Somebody holds a report and wants to know whether it is genuine; they learn that, and nothing that is not on its first lines."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import text

from data.cold_chain.reports.commands import EXPORTED
from data.cold_chain.values import ReportKind
from data.core.session import Transaction

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


@dataclass(frozen=True, slots=True)
class Genuine:
    """A report of ours: whose, which, of which days, made when. `is_log_whole`: the event log up to its entry was followed from
    its beginning and holds; False: it does not; None: that is still being done. `files` are fingerprints of its documents."""

    organization: str
    kind: ReportKind
    first_day: date
    last_day: date
    made_at: datetime
    is_log_whole: bool | None
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """The same before the log was followed: where its entry stands."""

    organization_id: UUID
    sequence: int
    report: Genuine


class Verifier(Protocol):
    """Looks a fingerprint up; None where no report of ours has it. Handed to the pages by main."""

    async def __call__(self, fingerprint: str) -> Genuine | None: ...


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
