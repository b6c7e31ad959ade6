"""A report is drawn up, put into words, set on paper and handed over with its fingerprint."""

import io
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

import anyio.to_thread
import segno
from PIL import Image, ImageOps

from data.cold_chain.reports import commands, gathering, queries
from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.fingerprint import canonical, fingerprint
from data.cold_chain.reports.queries import Drawn
from data.core.actor import Actor
from data.core.session import Transaction, transaction
from data.core.sheet import Chart, Paper, Photos, Sheet
from data.core.sheet_chart import Colours, svg
from data.platform.commands import path_of
from data.platform.tables import BackgroundJob, File
from jobs.background import Made, Outcome, Progress, Work
from jobs.documents.press import as_json, printed

THUMBNAIL_PX = (420, 320)
PAPER = Colours(
    surface="#ffffff", line="#23629b", rule="#c9d1d9", frame="#c3ccd4",
    areas={"ok": "#e8f4ec", "warning": "#fdf3dc", "critical": "#f3b6b2", "offline": "#e2e6ea", "soft": "#dce8f3", "": "#eeeeee"},
    marks={"ok": "#2f8f57", "critical": "#c0392b"},
)  # fmt: skip

Write = Callable[[Drawn, Paper, str], Sheet]
"""Puts a report into its reader's words, given the fingerprint. Handed in by main: jobs know no language."""


def work(write: Write) -> Work:
    """How a report that somebody asked for is made."""

    async def make(actor: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        asked = Asked.from_arguments(job.arguments)
        look = Paper(*(job.arguments[name] for name in ("language", "units", "paper")))
        progress(2, "Reading what was measured")
        async with transaction(actor) as tx:
            drawn = await queries.draw(tx, asked, far=lambda done, of: progress(2 + 48 * done / of, "Reading what was measured"))
        progress(50, "Putting it into words")
        content, seal, sheet = await anyio.to_thread.run_sync(_written, drawn, look, write)
        async with transaction(actor) as tx:
            photos = await gathering.photos(tx, sheet.photos())
        files = await anyio.to_thread.run_sync(laid_out, sheet, photos, content)
        progress(65, "Setting the pages")
        pdf = await printed(files, at=asked.as_of)
        name = f"{sheet.title} {drawn.facts.scope_name} {asked.first_day}.pdf"
        keep = partial(_keep, UUID(job.arguments["report_id"]), drawn, seal)
        return Outcome({"fingerprint": seal}, Made(pdf, name, "application/pdf"), keep)

    return make


async def _keep(report_id: UUID, drawn: Drawn, seal: str, tx: Transaction, file: File | None) -> None:
    assert file
    await commands.keep(tx, report_id, drawn.facts, seal, file)


def _written(drawn: Drawn, look: Paper, write: Write) -> tuple[bytes, str, Sheet]:
    content = canonical(drawn.facts)
    seal = fingerprint(content)
    return content, seal, write(drawn, look, seal)


def laid_out(sheet: Sheet, photos: Mapping[str, File], facts: bytes) -> dict[str, bytes]:
    """Everything that the press needs, by file name."""
    plain = sheet.plain()
    files = {"facts.json": facts, "code.png": code(sheet.address)}
    for number, (block, made) in enumerate(zip(plain["blocks"], sheet.blocks, strict=True)):
        if isinstance(made, Chart):
            block["file"], block["lines"] = f"chart-{number}.svg", []
            files[block["file"]] = svg(made, PAPER).encode()
        elif isinstance(made, Photos):
            for photo in block["photos"]:
                photo["file"] = ""
                if (kept := photos.get(photo["sha256"])) and (small := thumbnail(kept)):
                    photo["file"] = f"photo-{photo['sha256'][:20]}.jpg"
                    files[photo["file"]] = small
    return files | {"sheet.json": as_json(plain)}


def code(address: str) -> bytes:
    """The address as a code to scan."""
    drawn = io.BytesIO()
    segno.make(address, error="m").save(drawn, kind="png", border=0, scale=8)
    return drawn.getvalue()


def thumbnail(kept: File) -> bytes | None:
    """A small picture of it; None where the bytes are gone or are no picture."""
    try:
        with Image.open(path_of(kept), formats=("JPEG", "PNG", "WEBP")) as opened:
            small = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    small.thumbnail(THUMBNAIL_PX)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return out.getvalue()
