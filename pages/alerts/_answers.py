"""What one does about an alert: take it on, put it off, call more people, write down what was done, close it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nicegui import events, ui

from data.alerts import commands, rules
from data.alerts.commands import Photo
from data.alerts.commands.answering import may_answer
from data.alerts.tables import Alert, AlertStatus
from data.core.errors import Refusal
from data.core.time import now
from data.notifications import commands as notifications
from pages._shell import Looker, field_errors
from pages.alerts._words import words
from ui.dialog import confirm, panel
from ui.form import Form, button
from ui.words import _, moment, zone

LARGEST_PHOTO = 8_000_000
ACKNOWLEDGE, RESOLVE, ACT = "alerts.acknowledge", "alerts.resolve", "alerts.act"
Made = Callable[[], ui.button]


def may_take_on(look: Looker, alert: Alert) -> bool:
    """Whether it waits for somebody, and one may be that."""
    return alert.status is not AlertStatus.RESOLVED and not alert.acknowledged_at and may_answer(look.actor, alert)


def take_on_button(look: Looker, alert: Alert, *, kind: Any = "primary") -> None:
    """One tap: somebody is on it."""

    async def take_on() -> None:
        async with look.command() as tx:
            await commands.acknowledge(tx, alert.id)

    button(_("I am on it"), take_on, icon="front_hand", kind=kind)


def other_answers(look: Looker, alert: Alert, zone_name: str, trouble_now: str = "") -> None:
    """The rest, as far as one may."""
    is_open = alert.status is not AlertStatus.RESOLVED
    if may_take_on(look, alert):
        button(_("I am on it, with a note"), lambda: _with_note(look, alert), icon="edit_note", kind="quiet")
        with button(_("Put off"), icon="snooze", kind="quiet"), ui.menu():
            for label, until in _pauses(alert, zone_name):
                ui.menu_item(label, lambda until=until: _put_off(look, alert.id, until))
            ui.menu_item(_("Until another time…"), lambda: _put_off_until(look, alert, zone_name))
    if look.may(ACT, alert.scope_id):
        button(_("Write down what was done"), lambda: _act(look, alert), icon="build", kind="quiet")
    if is_open and look.may(ACKNOWLEDGE, alert.scope_id):
        button(_("Call more people"), lambda: _call(look, alert), icon="group_add", kind="quiet")
    if is_open and look.may(RESOLVE, alert.scope_id):
        button(_("Close"), lambda: close(look, alert, trouble_now), icon="task_alt", kind="quiet")


def _pauses(alert: Alert, zone_name: str) -> list[tuple[str, datetime]]:
    at = now()
    morning = rules.next_morning(at, zone_name)
    offered = [
        (_("For 15 minutes"), at + timedelta(minutes=15)), (_("For an hour"), at + timedelta(hours=1)),
        (_("For 4 hours"), at + timedelta(hours=4)), (_("Until {time}", time=moment(morning, zone_name)), morning),
        (_("For a day"), at + timedelta(days=1)),
    ]  # fmt: skip
    return [(label, until) for label, until in offered if rules.refusal_to_snooze(alert.severity, until=until, at=at) is None]


async def _put_off(look: Looker, alert_id: UUID, until: datetime) -> None:
    async with look.command() as tx:
        await commands.snooze(tx, alert_id, until=until)


def _put_off_until(look: Looker, alert: Alert, zone_name: str) -> None:
    with panel(_("Put this alert off"), words(alert)) as dialog:
        form = Form()
        with form:
            soon = (now() + timedelta(minutes=30)).astimezone(zone(zone_name))
            form.time("until", _("Until"), soon.replace(tzinfo=None), zone=zone_name, required=True,
                      help=_("What is critical can be put off for at most an hour."))  # fmt: skip

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            until = values["until"].replace(tzinfo=zone(zone_name)).astimezone(UTC)
            try:
                async with look.transaction() as tx:
                    await commands.snooze(tx, alert.id, until=until)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Put off"), send, on_cancel=dialog.close)
    dialog.open()


def _with_note(look: Looker, alert: Alert) -> None:
    with panel(_("I am on it"), words(alert)) as dialog:
        form = Form()
        with form:
            form.text("note", _("Note"), lines=2, placeholder=_("On my way, ten minutes"))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.acknowledge(tx, alert.id, note=values["note"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("I am on it"), send, on_cancel=dialog.close)
    dialog.open()


async def _call(look: Looker, alert: Alert) -> None:
    if await confirm(_("Call more people now?"), _("The next step of the ladder is taken at once."), action=_("Call them"), danger=False):
        async with look.command() as tx:
            await notifications.escalate(tx, alert.id)


def close(look: Looker, alert: Alert, trouble_now: str = "") -> None:
    """Close it by hand, saying why; where the trouble lasts, that is said."""
    with panel(_("Close this alert"), words(alert)) as dialog:
        if trouble_now:
            with ui.element("div").classes("st-form-error").props("role=alert"):
                ui.label(trouble_now)
                ui.label(_("Closed now, nobody is told again until it has recovered."))
        form = Form()
        with form:
            form.text("because", _("Why is it over?"), required=True, lines=2)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.resolve(tx, alert.id, because=values["because"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Close the alert"), send, on_cancel=dialog.close)
    dialog.open()


def _act(look: Looker, alert: Alert) -> None:
    brought: list[Photo] = []
    with panel(_("Write down what was done"), words(alert)) as dialog:
        form = Form()
        with form:
            form.text("description", _("What was wrong?"), required=True, lines=2)
            form.text("action_taken", _("What was done about it?"), required=True, lines=2)
            _photo_field(form, brought)
            if alert.status is not AlertStatus.RESOLVED and look.may(RESOLVE, alert.scope_id):
                form.check("resolves", _("This ends the alert"))
            ui.label(_("What is written here stays as it is: it is evidence.")).classes("st-field-help")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.take_action(tx, alert_id=alert.id, photo=brought[-1] if brought else None, **values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _photo_field(form: Form, brought: list[Photo]) -> None:
    """A button that opens the camera or the file dialog; the uploader itself is not seen."""
    refusal = _("A photo may have at most {limit} million bytes.", limit=LARGEST_PHOTO // 1_000_000)
    with ui.element("div").classes("st-row"):
        opener = button(_("Add a photo"), icon="photo_camera")
        chosen = ui.label().classes("st-soft")
    upload = ui.upload(
        auto_upload=True, max_files=1, max_file_size=LARGEST_PHOTO, on_rejected=lambda: form.show_errors({"": refusal})
    )
    upload.props('accept="image/jpeg,image/png,image/webp"').classes("hidden")
    opener.on("click", js_handler=f"() => runMethod({upload.id}, 'pickFiles', [])")

    async def bring(event: events.UploadEventArguments) -> None:
        brought.append(Photo(event.file.name, await event.file.read()))
        chosen.set_text(event.file.name)
        upload.reset()

    upload.on_upload(bring)
