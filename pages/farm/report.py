"""A farm's report on the screen at once: the same facts and words as on paper."""

from datetime import UTC, datetime

from nicegui import ui

from data.core.time import zone
from data.farm.reports import queries
from data.farm.reports.asked import Kind
from pages._sheet import html
from pages._shell import Looker, screen
from pages.farm import _report_words as words
from pages.farm._report_asking import PATH, wanted
from pages.farm._report_sheet import blocks, subtitle
from ui.empty import empty_state
from ui.form import button
from ui.words import _

MOST_SHOWN = 3_000
"""Lines that a screen can hold; of more the summary is shown."""


@screen("/farm/report", title="Report", place="farm", permission="farm.view")
async def report(look: Looker, kind: str = "", farm: str = "", first: str = "", last: str = "", step: str = "") -> None:
    today = datetime.now(UTC).astimezone(zone(look.time_zone)).date()
    async with look.transaction() as tx:
        asks, _farms = await wanted(tx, kind, farm, first, last, step, today=today)
        facts = await queries.draw(tx, await asks.question(tx)) if asks else None
    if asks is None or facts is None:
        empty_state(_("There are no farms yet."), icon="agriculture", action=_("Farm"), href="/farm")
        return
    ui.label(f"{_(words.KIND_WORDS[facts.kind])} · {subtitle(facts)}").classes("st-h2").props("role=heading aria-level=2")
    with ui.element("div").classes("st-row"):
        button(_("Make the PDF"), kind="primary", icon="picture_as_pdf", href=f"{PATH}?{asks.query()}")
        button(_("CSV"), icon="download", href=f"/farm/report.csv?{asks.query()}").props("download")
    if not facts.devices or (facts.kind is Kind.METRICS and not facts.lines):
        empty_state(words.headline(facts)[1], _("Choose other days, or another place."), icon="event_busy", action=_("Choose"), href=f"{PATH}?{asks.query()}")
        return
    made = blocks(facts)
    is_small = facts.lines <= MOST_SHOWN
    with ui.element("article").classes("st-card"):
        ui.html(html(made if is_small else made[:2]), sanitize=False).classes("st-paper")
    if not is_small:
        ui.label(_("This is the summary. The CSV has every line.")).classes("st-soft")
