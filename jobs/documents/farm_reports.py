"""A farm's report is drawn up, put into words, set on paper and handed over with its fingerprint."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import anyio.to_thread

from data.core.actor import Actor
from data.core.fingerprint import as_canonical, fingerprint
from data.core.session import Transaction, transaction
from data.core.sheet import Paper, Sheet
from data.farm.reports import commands, queries
from data.farm.reports.asked import Asked
from data.farm.reports.facts import Facts
from data.platform.tables import BackgroundJob, File
from jobs.background import Made, Outcome, Progress, Work
from jobs.documents.press import printed
from jobs.documents.reports import laid_out

Write = Callable[[Facts, Paper, str], Sheet]
"""Puts a report into its reader's words, given the fingerprint. Handed in by main: jobs know no language."""


def work(write: Write) -> Work:
    """How a report that somebody asked for is made."""

    async def make(actor: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        asked = Asked.from_arguments(job.arguments)
        look = Paper(*(job.arguments[name] for name in ("language", "units", "paper")))
        progress(2, "Reading what was measured")
        async with transaction(actor) as tx:
            facts = await queries.draw(tx, asked, far=lambda done, of: progress(2 + 48 * done / of, "Reading what was measured"))
        commands.check_printable(facts)
        progress(50, "Putting it into words")
        files, seal = await anyio.to_thread.run_sync(_written, facts, look, write)
        progress(65, "Setting the pages")
        pdf = await printed(files, at=asked.as_of)
        commands.check_size(pdf)
        name = f"{facts.kind.value} {facts.farm} {asked.first_day}.pdf"
        return Outcome({"fingerprint": seal}, Made(pdf, name, "application/pdf"), partial(_keep, UUID(job.arguments["report_id"]), facts, seal))

    return make


async def _keep(report_id: UUID, facts: Facts, seal: str, tx: Transaction, file: File | None) -> None:
    assert file
    await commands.keep(tx, report_id, facts, seal, file)


def _written(facts: Facts, look: Paper, write: Write) -> tuple[dict[str, bytes], str]:
    content = as_canonical(facts)
    seal = fingerprint(content)
    return laid_out(write(facts, look, seal), {}, content), seal
