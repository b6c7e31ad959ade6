"""How the installation itself fares: what its process needs, how late its turn comes, what waits."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from nicegui import ui

from data.core.time import now
from data.platform import system_metrics
from data.platform.system_metrics import Metric
from pages._shell import Looker
from ui.chart import ChartData, Series, chart
from ui.empty import empty_state
from ui.live import live
from ui.words import _, noop, number, span

QUEUE_WORDS: Mapping[str, str] = {
    "intake": noop("Messages to be stored"), "commands": noop("Wishes to be sent"), "messages": noop("Notices to be sent"),
    "background_jobs": noop("Documents and other long work"), "uncounted_hours": noop("Hours to be counted"),
}  # fmt: skip
ANSWER_WORDS: Mapping[str, str] = {
    "requests": noop("Requests a minute"), "events": noop("Taps a minute"), "failures": noop("Failed requests a minute"),
}  # fmt: skip
FRESH = timedelta(minutes=10)
GAP_MS = 5 * 60_000


def machine_section(look: Looker) -> None:
    """The last minute in figures, and the last days as pictures."""
    ui.label(_("This installation")).classes("st-h2").props("role=heading aria-level=2")

    async def ask() -> Sequence[Metric]:
        async with look.transaction() as tx:
            return await system_metrics.latest(tx, since=now() - FRESH)

    live(ask, _figures)
    for above, below, title, unit, unit_below in (
        (("request_ms", "event_ms"), "answers", _("How long people and machines wait, and what fails"), "ms", ""),
        (("cpu_percent",), "memory_mb", _("Processor and memory"), "%", "MB"),
        (("loop_lag_ms",), "queue_length", _("How late its turn comes, and what waits"), "ms", ""),
    ):  # fmt: skip
        with ui.element("section").classes("st-card"):
            _chart(look, above, below, title, unit, unit_below)


def _figures(found: Sequence[Metric]) -> None:
    if not found:
        empty_state(_("Nothing was written down in the last minutes."), icon="monitor_heart")
        return
    by = {(one.kind, one.part, one.percentile): one.value for one in found}
    connections = sum(one.value for one in found if one.kind == "connections")
    facts = [
        (_("Processor"), _number(by.get(("cpu_percent", "process", "")), "%", 0)),
        (_("Memory"), _number(by.get(("memory_mb", "process", "")), "MB", 0)),
        (_("Answer to a request (95 %)"), _number(by.get(("request_ms", "process", "p95")), "ms", 0)),
        (_("Change after a tap (95 %)"), _number(by.get(("event_ms", "process", "p95")), "ms", 0)),
        (_("Requests in the last minute"), _number(by.get(("answers", "requests", "")))),
        (_("Failed requests"), _number(by.get(("answers", "failures", "")))),
        (_("Lag of the event loop (95 %)"), _number(by.get(("loop_lag_ms", "process", "p95")), "ms", 1)),
        (_("Connections to the database"), number(connections)),
        (_("Running for"), span(by.get(("uptime_s", "process", ""), 0))),
        *((_(QUEUE_WORDS.get(one.part, one.part)), number(one.value)) for one in found if one.kind == "queue_length"),
    ]  # fmt: skip
    with ui.element("div").classes("st-facts"):
        for label, value in facts:
            with ui.element("div").classes("st-fact"):
                ui.label(label).classes("st-fact-label")
                ui.label(value).classes("st-fact-value")


def _chart(look: Looker, above: tuple[str, ...], below: str, title: str, unit: str, unit_below: str) -> None:
    async def ask(start: datetime, end: datetime, most: int) -> ChartData:
        async with look.transaction() as tx:
            each = [(kind, await system_metrics.past(tx, kind, start, end, most=most // 2)) for kind in (*above, below)]
        gap_ms = max(GAP_MS, 3 * (end - start).total_seconds() * 1000 / (most // 2))
        return ChartData(
            [
                Series(f"{kind}.{line.part}.{line.percentile}", _name(kind, line.part, line.percentile), line.times_ms, line.values, gap_ms, is_below=kind == below)
                for kind, lines in each
                for line in lines
            ]
        )  # fmt: skip

    ui.label(title).classes("st-h3").props("role=heading aria-level=3")
    chart(ask, title=title, unit=unit, unit_below=unit_below, name=above[0], height="260px", ranges=("1h", "24h", "7d", "30d"))


def _name(kind: str, part: str, percentile: str) -> str:
    if kind == "queue_length":
        return _(QUEUE_WORDS.get(part, part))
    if kind == "answers":
        return _(ANSWER_WORDS.get(part, part))
    named = {
        "cpu_percent": _("Processor"), "memory_mb": _("Memory"), "loop_lag_ms": _("Lag of the event loop"),
        "request_ms": _("Answer to a request"), "event_ms": _("Change after a tap"),
    }[kind]  # fmt: skip
    return f"{named} {percentile}".strip()


def _number(value: float | None, unit: str = "", decimals: int = 0) -> str:
    return "–" if value is None else f"{number(value, decimals)} {unit}".strip()
