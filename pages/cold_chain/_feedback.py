"""People are asked once a week what it was like, in a corner of the page, and may say: not now."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from nicegui import ui

from data.cold_chain.commands.feedback import give_feedback
from data.cold_chain.queries import feedback
from data.cold_chain.queries.feedback import GIVE, Question
from data.core.errors import Refusal
from data.core.time import now
from pages._shell import Looker, field_errors
from ui.dialog import panel
from ui.form import Form, button
from ui.words import _, day, noop

QUESTIONS = {
    "logging_speed_rating": (noop("Writing temperatures down"), noop("slow"), noop("quick")),
    "alert_fatigue_rating": (noop("Alerts"), noop("far too many"), noop("just right")),
    "report_usefulness_rating": (noop("Reports"), noop("no use"), noop("very useful")),
}
"""What is asked, and what 1 and 5 mean."""


def week_words(monday: date) -> str:
    """A week by its Monday."""
    return day(datetime.combine(monday, time(12), UTC), "UTC")


async def ask_gently(look: Looker) -> None:
    """A note on the page of units about the first site that nobody has spoken for; put away, it stays away for that week."""
    if not look.may(GIVE):
        return
    async with look.transaction() as tx:
        open_ones = [one for one in await feedback.questions(tx, now()) if one.given is None]
    if not open_ones:
        return
    one = open_ones[0]
    key = f"steading-asked-{one.site_id}-{one.week_start}"
    with ui.element("aside").classes("st-card").props(f'aria-label="{_("A question")}"') as note:
        note.props["hidden"] = True
        with ui.element("div").classes("st-head"):
            ui.icon("rate_review").props("aria-hidden=true")
            ui.label(_("What was the week from {day} like at {site}? Three questions, half a minute.", day=week_words(one.week_start), site=one.site_name)).classes("st-grow")
            button(_("Answer"), lambda: ask(look, one, on_given=lambda: _put_away(note, key)))
            button(_("Not now"), lambda: _put_away(note, key), kind="quiet")
    ui.run_javascript(f"if (!localStorage.getItem('{key}')) document.getElementById('{note.html_id}')?.removeAttribute('hidden')")


def _put_away(note: ui.element, key: str) -> None:
    ui.run_javascript(f"localStorage.setItem('{key}', '1')")
    note.delete()


def ask(look: Looker, one: Question, *, on_given: Any = None) -> None:
    """The three questions and a field for the rest."""
    with panel(one.site_name, _("The week from {day}.", day=week_words(one.week_start))) as dialog:
        form = Form()
        with form:
            for field, (label, worst, best) in QUESTIONS.items():
                choices = {5: f"5 · {_(best)}", 4: "4", 3: "3", 2: "2", 1: f"1 · {_(worst)}"}
                form.select(field, _(label), choices, getattr(one.given, field) if one.given else None)
            form.text("notes", _("What else?"), (one.given.notes or "") if one.given else "", lines=3)

        async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await give_feedback(tx, one.site_id, week_start=one.week_start, at=now(), **values)
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            with look.page:
                ui.notify(_("Thank you."), type="positive", position="top")
                if on_given:
                    on_given()
            return None

        form.buttons(_("Send it"), send, on_cancel=dialog.close)
    dialog.open()
