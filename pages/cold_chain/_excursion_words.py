"""Excursions in the reader's words."""

from data.cold_chain.queries.excursions import ExcursionView
from data.cold_chain.tables import Excursion
from data.cold_chain.values import Direction, ExcursionCause
from data.core.time import epoch_ms, now
from pages.cold_chain._report_words import CAUSE_WORDS, degree_minutes, lasted
from ui.badge import State
from ui.words import _, temperature

PATH = "/cold-chain/excursions"
BEFORE_AND_AFTER = 0.5
"""The picture shows so much of the excursion's own length on either side."""
LEAST_MS = 30 * 60_000


def face(one: Excursion) -> tuple[State, str]:
    """Whether it lasts, and whether anybody was called for it."""
    if one.ended_at is None:
        return ("critical", _("Lasts, alarm")) if one.confirmed_at else ("warning", _("Lasts"))
    return ("neutral", _("Over, alarm")) if one.confirmed_at else ("ok", _("Over, short"))


def direction_words(one: Excursion) -> str:
    return _("too warm") if one.direction is Direction.ABOVE else _("too cold")


def cause_words(one: Excursion, suspected: ExcursionCause) -> str:
    """What a person said it came from, else what it looks like."""
    if one.cause is not ExcursionCause.UNKNOWN:
        return _(CAUSE_WORDS[one.cause])
    if suspected is ExcursionCause.UNKNOWN:
        return _("Cause not known")
    return _("Looks like: {cause}", cause=_(CAUSE_WORDS[suspected]))


def lasted_words(view: ExcursionView) -> str:
    return lasted(view.lasted(now()).total_seconds() / 60)


def peak_words(view: ExcursionView) -> str:
    """The worst temperature and the limit it broke."""
    return _("{peak}, limit {limit}", peak=temperature(float(view.excursion.peak_celsius)), limit=temperature(view.limit_celsius))


def size_words(one: Excursion) -> str:
    return degree_minutes(float(one.degree_minutes))


def address(one: Excursion) -> str:
    """Its page, with the stretch of time that the picture there shows."""
    start, end = epoch_ms(one.started_at), epoch_ms(one.ended_at or now())
    around = max(LEAST_MS, int((end - start) * BEFORE_AND_AFTER))
    return f"{PATH}/{one.id}?from={start - around}&to={end + around}"
