"""What people think of their weeks: one's own answers, and for those who run the business the averages and the words."""

from collections.abc import Sequence

from nicegui import ui

from data.cold_chain.events import FeedbackGiven
from data.cold_chain.queries import feedback as queries
from data.cold_chain.queries.feedback import GIVE, OVERVIEW, Question, Week
from data.cold_chain.tables import PilotFeedback
from data.core.time import now
from pages._shell import Looker, screen
from pages.cold_chain._feedback import QUESTIONS, ask, week_words
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _, n_, number

Voices = Sequence[tuple[PilotFeedback, str | None, str | None]]


@screen("/cold-chain/feedback", title="What people think", place="cold_chain", permission=GIVE)
async def feedback(look: Looker) -> None:
    async def ask_own() -> Sequence[Question]:
        async with look.transaction() as tx:
            return await queries.questions(tx, now())

    async def ask_all() -> tuple[Sequence[Week], Voices]:
        async with look.transaction() as tx:
            return await queries.weeks(tx), await queries.voices(tx)

    live(ask_own, lambda found: _own(look, found), look.topic(FeedbackGiven))
    if look.may(OVERVIEW):
        live(ask_all, _all, look.topic(FeedbackGiven))


def _own(look: Looker, found: Sequence[Question]) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("Your own answer")).classes("st-h2").props("role=heading aria-level=2")
        if not found:
            ui.label(_("For every site of yours somebody has spoken.")).classes("st-soft")
        for one in found:
            with ui.element("article").classes("st-item"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(one.site_name).classes("st-item-words")
                    ui.label(_("The week from {day}.", day=week_words(one.week_start))).classes("st-soft")
                button(_("Change") if one.given else _("Answer"), lambda one=one: ask(look, one), kind="plain" if one.given else "primary")


def _all(found: tuple[Sequence[Week], Voices]) -> None:
    weeks, voices = found
    if not weeks:
        empty_state(_("Nobody has said anything yet."), _("People are asked on the cold chain's page, once a week and site."), icon="rate_review")
        return
    with ui.element("section").classes("st-card"):
        ui.label(_("Averages, 1 to 5")).classes("st-h2").props("role=heading aria-level=2")
        for week in weeks:
            with ui.element("article").classes("st-item"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(_("The week from {day}.", day=week_words(week.week_start))).classes("st-item-words")
                    ui.label(n_("{n} voice", "{n} voices", week.voices)).classes("st-soft")
                with ui.element("div").classes("st-facts st-grow"):
                    for field, value in zip(QUESTIONS, (week.logging_speed, week.alert_fatigue, week.report_usefulness), strict=True):
                        with ui.element("div").classes("st-fact"):
                            ui.label(_(QUESTIONS[field][0])).classes("st-fact-label")
                            ui.label("–" if value is None else number(value, 1)).classes("st-fact-value")
    with ui.element("section").classes("st-card"):
        ui.label(_("In their words")).classes("st-h2").props("role=heading aria-level=2")
        said = [(one, site, who) for one, site, who in voices if one.notes]
        if not said:
            ui.label(_("Nobody has written anything.")).classes("st-soft")
        for one, site, who in said:
            with ui.element("article").classes("st-item"), ui.element("div").classes("st-item-main"):
                ui.label(one.notes or "").classes("st-item-words")
                ui.label(" · ".join(filter(None, (site, who, week_words(one.week_start))))).classes("st-soft")
