"""Two questions: what needs me now, and where is everything."""

from importlib.util import find_spec

from nicegui import ui

from pages._attention import SOURCES, Matter, matters
from pages._shell import Looker, screen
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.live import live
from ui.words import _, n_, noop

URGENCY_WORDS = {"critical": noop("Critical"), "warning": noop("Warning"), "offline": noop("Offline"), "waiting": noop("Waiting")}


@screen("/", title="Home", place="home")
async def home(look: Looker) -> None:
    topics = {event for source in SOURCES if look.may(source.permission) for event in source.events}

    async def ask() -> list[Matter]:
        return await matters(look)

    with ui.element("div").classes("st-home"):
        with ui.element("section").classes("st-home-now"):
            ui.label(_("What needs you now")).classes("st-h2").props("role=heading aria-level=2")
            live(ask, _show, *(look.topic(event) for event in topics), minimum_interval_s=1.0)
        if find_spec("pages._map"):
            from pages._map import live_map

            with ui.element("section").classes("st-home-map"):
                ui.label(_("Where everything is")).classes("st-h2").props("role=heading aria-level=2")
                await live_map(look)


def _show(found: list[Matter]) -> None:
    if not found:
        empty_state(_("Nothing needs you now."), _("What does will appear here by itself."), icon="task_alt")
        return
    for matter in found[:30]:
        link = ui.element("a").classes("st-item st-matter" + (" is-taken" if matter.is_taken else ""))
        link.props["href"] = matter.href
        with link:
            ui.icon(matter.icon).props("aria-hidden=true").classes("st-matter-icon")
            with ui.element("div").classes("st-item-main"):
                ui.label(matter.words).classes("st-item-words")
                with ui.element("div").classes("st-soft"):
                    age(matter.since)
                    if matter.is_taken:
                        ui.label(_("Someone is on it"))
            badge(matter.urgency, _(URGENCY_WORDS[matter.urgency]))
    if len(found) > 30:
        ui.link(n_("{n} more", "{n} more", len(found) - 30), "/alerts")
