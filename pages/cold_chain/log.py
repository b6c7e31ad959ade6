"""Temperatures written down by hand, with wet hands and no signal: a page that lives on the phone and sends when it can."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from nicegui import app

from data.cold_chain.by_hand import Written, rounded
from data.cold_chain.commands.logs import write_down
from data.cold_chain.queries import logs as queries
from data.cold_chain.queries.logs import LOG, RoundUnit
from data.cold_chain.values import UnitStatus
from data.core.actor import Actor
from data.core.errors import Conflict, Invalid, Refusal, TooLarge, Unauthenticated
from data.core.session import transaction
from data.core.time import epoch_ms, now
from data.platform.pictures import picture
from pages._offline import LOG as PATH
from pages._offline import ROUND, shown_words
from pages._plain import PERSON, UNSHARED, actor_of, html, no_right, person_tag, read_by, refused, theme_of, to_sign_in
from pages._shell import translated
from pages.cold_chain._words import STATUS_STATES, STATUS_WORDS
from pages.cold_chain.logs import (
    PATH as SEND_TO,  # its page is there first: it would take the place of what else answers there
)
from ui.words import _, current_language, current_reader

MOST_ROWS, MOST_BYTES, MOST_UNITS = 100, 16_000_000, 2_000


@app.get(PATH, include_in_schema=False)
async def page(request: Request) -> Response:
    """The round, without its units: those come as JSON, so that both can be kept on the phone."""
    who = actor_of(request)
    if who is None or who.organization_id is None:
        return to_sign_in(request)
    read_by(who, request)
    if not who.may(LOG):
        return no_right(current_language())
    return html(
        _("Temperatures by hand"), _body(), language=current_language(), theme=await theme_of(who), said=_said(who),
        scripts=("offline/shown.js", "offline/queue.js", "offline/log.js"), headers={PERSON: person_tag(who)},
    )  # fmt: skip


def _body() -> str:
    return (
        f'<main class="plain-main"><div class="plain-top"><a class="plain-back" href="/cold-chain" aria-label="{escape(_("Cold chain"))}">←</a>'
        f'<h1>{escape(_("Temperatures by hand"))}</h1>'
        f'<label hidden><span class="st-sr">{escape(_("Site"))}</span><select id="site" class="hand-select"></select></label></div>'
        '<div id="banner" class="hand-banner" role="status"></div><ul id="waiting" class="hand-lines"></ul>'
        '<div class="hand-head"><strong id="sum"></strong><span id="as-of" class="st-soft"></span></div>'
        f'<p id="empty" class="st-soft" hidden>{escape(_("There are no units here to write down."))}</p>'
        f'<div id="units" class="hand-units"></div><a class="hand-button" href="/cold-chain/logs">{escape(_("What was written down"))}</a></main>'
    )


def _said(who: Actor) -> dict[str, Any]:
    """Everything the page's script says and needs to know."""
    return shown_words() | {
        "person": person_tag(who), "unit": current_reader().temperature_unit, "send_to": SEND_TO, "round_from": ROUND,
        "sign": _("Above or below zero"), "temperature_of": _("Temperature of {unit}"), "save": _("Save"), "more": _("Humidity, note, time"),
        "humidity": _("Humidity, %"), "notes": _("Note"), "read_at": _("Read at"), "action": _("What did you do about it?"),
        "actions": [_("Moved the food."), _("Shut the door."), _("Set it colder."), _("Called the technician."), _("Threw the food away.")],
        "photo": _("Take a photo"), "photo_again": _("Take another photo"), "photo_broken": _("This photo cannot be read. Take another."),
        "is_out": _("This is out of limits."), "not_a_number": _("Type a number, such as 3.5."),
        "needs_action": _("This is out of limits. Say what you did about it."),
        "not_kept": _("The phone cannot keep this. Is its memory full?"), "due": _("Due"), "by_hand_now": _(STATUS_WORDS[UnitStatus.MANUAL_REQUIRED]),
        "last": _("Last {value}, {age}"), "last_by_hand": _("Last {value} by hand, {age}"), "sent": _("sent"), "waits": _("waits"),
        "refused": _("not taken"), "sum": _("{due} of {all} due"), "n_waiting": _("{n} waiting"),
        "waiting_for_signal": _("Will be sent when there is a signal."), "waiting_for_sign_in": _("Kept on this phone. Sign in to send."),
        "sending": _("Sending…"), "all_sent": _("All sent"), "sign_in": _("Sign in"),
        "others_waiting": _("{n} of somebody else wait on this phone until they sign in."), "send_again": _("Send again"),
        "throw_away": _("Throw away"), "throw_away_sure": _("Throw away {value} of {unit}? It has not been sent."),
    }  # fmt: skip





@app.get(ROUND, include_in_schema=False)
async def round_of(request: Request) -> JSONResponse:
    """The units of this person's sites, those to be written down first; what they may be, and what was last known."""
    who = actor_of(request)
    read_by(who, request)
    if who is None or who.organization_id is None:
        return refused(Unauthenticated("Sign in first."))
    at = now()
    async with transaction(who) as tx:
        units = await queries.round_of(tx, at, limit=MOST_UNITS)
    body = {"at": epoch_ms(at), "units": [_unit(one) for one in units]}
    return JSONResponse(body, headers={**UNSHARED, PERSON: person_tag(who)})


def _state(one: RoundUnit) -> str:
    return STATUS_STATES[one.status] if one.last_at else "waiting"


def _unit(one: RoundUnit) -> dict[str, Any]:
    return {
        "id": str(one.id), "name": one.name, "area": one.area_name, "site_id": str(one.site_id), "site": one.site_name,
        "status": one.status.value, "state": _state(one), "words": _(STATUS_WORDS[one.status]) if one.last_at else _("Waiting for the first reading"),
        "low": one.rule.low_celsius, "high": one.rule.high_celsius, "last": one.last_celsius,
        "last_at": None if one.last_at is None else epoch_ms(one.last_at), "is_by_hand": one.is_by_hand, "is_due": one.is_due,
    }  # fmt: skip


@app.post(SEND_TO, include_in_schema=False)
async def take(request: Request) -> JSONResponse:
    """A phone's queue, or a part of it: for each line whether it is kept, else why not and which field is wrong.

    The gate has seen that the request comes from our own page. 409 where it was written by somebody else.
    """
    who = actor_of(request)
    read_by(who, request)
    try:
        if who is None or who.organization_id is None:
            raise Unauthenticated("Sign in first.")
        if request.headers.get(PERSON) != person_tag(who):
            raise Conflict("These were written down by somebody else.")
        rows = await _rows(request)
        answers, lines = await _lines(rows)
        async with transaction(who) as tx:
            answers |= {str(line_id): answer for line_id, answer in (await write_down(tx, lines, at=now())).items()}
    except Refusal as refusal:
        return refused(refusal)
    return JSONResponse([_answer(line_id, answer) for line_id, answer in answers.items()], headers=UNSHARED)


def _answer(line_id: str, refusal: Refusal | None) -> dict[str, Any]:
    if refusal is None:
        return {"id": line_id, "kept": True}
    field = refusal.field if isinstance(refusal, Invalid) else None
    return {"id": line_id, "kept": False, "field": field, "message": translated(refusal)}


async def _rows(request: Request) -> Sequence[Mapping[str, Any]]:
    body = bytearray()
    async for chunk in request.stream():
        body.extend(chunk)
        if len(body) > MOST_BYTES:
            raise TooLarge("A message may have at most {limit} bytes.", limit=MOST_BYTES)
    try:
        rows = json.loads(bytes(body))
    except (ValueError, RecursionError) as reason:
        raise Invalid("body", "This is not JSON: {reason}", reason=str(reason)) from reason
    if not isinstance(rows, list) or not all(isinstance(row, dict) and _is_name(row.get("id")) for row in rows):
        raise Invalid("body", "This must be a list of lines, each with its id.")
    if len(rows) > MOST_ROWS:
        raise TooLarge("A message may have at most {limit} lines.", limit=MOST_ROWS)
    return rows


def _is_name(line_id: object) -> bool:
    return isinstance(line_id, str) and line_id.isascii() and len(line_id) <= 64


async def _lines(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Refusal | None], list[Written]]:
    """The lines that can be read, and for the others why not."""
    answers: dict[str, Refusal | None] = {}
    lines = []
    for row in rows:
        try:
            lines.append(await line_of(row))
        except Invalid as refusal:
            answers[row["id"]] = refusal
    return answers, lines


async def line_of(row: Mapping[str, Any]) -> Written:
    """One line as a phone sends it: the temperature in the unit that its person reads (`c` or `f`), the photo as base64."""
    line_id = _id(row, "id")
    if line_id.version != 7:
        raise Invalid("id", "This must be a UUID of version 7.")
    degrees = _number(row, "temperature")
    if row.get("unit") not in ("c", "f"):
        raise Invalid("unit", "This must be c or f.")
    celsius = (degrees - 32) * 5 / 9 if row["unit"] == "f" else degrees
    return Written(
        line_id, _id(row, "unit_id"), rounded(celsius), _instant(row),
        None if row.get("humidity") is None else _number(row, "humidity"),
        _text(row, "notes"), _text(row, "action"), await picture(_bytes(row)) if row.get("photo") else None,
    )  # fmt: skip


def _id(row: Mapping[str, Any], field: str) -> UUID:
    try:
        return UUID(row[field])
    except (KeyError, ValueError, TypeError, AttributeError) as reason:
        raise Invalid(field, "This must be a UUID.") from reason


def _number(row: Mapping[str, Any], field: str) -> Decimal:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Invalid(field, "This must be a number.")
    try:
        number = Decimal(str(value))
    except InvalidOperation as reason:
        raise Invalid(field, "This must be a number.") from reason
    if not number.is_finite() or abs(number) > 1000:
        raise Invalid(field, "This must be a number.")
    return round(number, 2)


def _instant(row: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(row["recorded_at"])
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (KeyError, ValueError, TypeError, OverflowError) as reason:
        raise Invalid("recorded_at", "This must be a time.") from reason


def _text(row: Mapping[str, Any], field: str) -> str | None:
    value = row.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not _is_text(value):
        raise Invalid(field, "This must be text.")
    return value.strip() or None


def _is_text(value: str) -> bool:
    """What the database can keep: no zero bytes, no halves of a sign."""
    return not any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in value)


def _bytes(row: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(row["photo"], validate=True)
    except (binascii.Error, ValueError, TypeError) as reason:
        raise Invalid("photo", "This photo is damaged.") from reason
