"""The tree risk form as its reviewer reads it: what is there, section by section, and what nobody filled in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nicegui import ui

from data.trees.form import FORM, Field, Kind
from data.trees.rules.filling import Form
from data.trees.rules.risk import Disagreement
from data.trees.tables import JobEvent
from data.trees.words import RiskRating
from pages.trees._words import EVENT_WORDS, RATING_STATES, rating_word
from ui.badge import badge
from ui.words import _, noop, number

SECTION_LABELS = {field.name: field.label for field in FORM} | {
    "risk_categorization_crown": noop("Risk: crown"),
    "risk_categorization_trunk": noop("Risk: trunk"),
    "risk_categorization_roots": noop("Risk: roots"),
    "job_photos": noop("Photos"),
}
CONCLUSION = noop("Conclusion")
OPTION_WORDS = {"n/a": noop("Not applicable"), "somewhat": noop("Somewhat likely"), "very_likely": noop("Very likely")}
RATINGS = frozenset({"risk_rating", "residual_risk", "overall_tree_risk_rating", "overall_residual_risk"})
ELSEWHERE = frozenset({"gps"})
CONCLUDING = frozenset({
    "overall_tree_risk_rating", "overall_residual_risk", "recommended_inspection_interval", "inspection_limitations",
})  # fmt: skip


def option_word(option: str) -> str:
    """One of the form's words, as people say it."""
    return _(OPTION_WORDS.get(option, option.replace("_", " ").capitalize()))


def section_word(section_id: str) -> str:
    """A section of the form, as its heading says it."""
    return _(SECTION_LABELS.get(section_id, section_id))


def event_sentence(event: JobEvent) -> str:
    """A line of the job's story."""
    section = section_word(str(event.event_data.get("section_id", "")))
    return _(EVENT_WORDS.get(event.event_type, "{who}"), who=event.actor_name, round=event.round_number or "", section=section)


def show_form(form: Form, disagreements: Sequence[Disagreement]) -> None:
    """Draw all that is filled in; the sections without anything are named at the end."""
    sections = [field for field in FORM if field.kind is Kind.GROUP and field.name not in CONCLUDING]
    for field in sections:
        if field.name in form:
            with ui.element("section").classes("st-card"):
                ui.label(_(field.label)).classes("st-h2").props("role=heading aria-level=2")
                _fields(field.fields, form[field.name])
                if field.name == "risk_categorization":
                    _disagreements([d for d in disagreements if d.row])
    last = [field for field in FORM if field.kind is not Kind.GROUP or field.name in CONCLUDING]
    if any(field.name in form for field in last):
        with ui.element("section").classes("st-card"):
            ui.label(_(CONCLUSION)).classes("st-h2").props("role=heading aria-level=2")
            _fields(*_flat(last, form))
            _disagreements([d for d in disagreements if not d.row])
    if empty := [_(field.label) for field in sections if field.name not in form]:
        ui.label(_("Nothing was filled in for: {sections}.", sections=", ".join(empty))).classes("st-soft")


def _flat(fields: Sequence[Field], form: Form) -> tuple[list[Field], Form]:
    """The concluding sections have one thing each: that thing, under the section's name."""
    flat, values = [], {}
    for field in fields:
        if field.name in form:
            is_one = field.kind is Kind.GROUP and len(field.fields) == 1
            inner = field.fields[0] if is_one else field
            flat.append(replace(inner, name=field.name, label=field.label))
            values[field.name] = form[field.name][inner.name] if is_one else form[field.name]
    return flat, values


def _fields(fields: Sequence[Field], values: Form) -> None:
    given = [field for field in fields if field.name in values and field.name not in ELSEWHERE]
    facts = [field for field in given if field.kind in (Kind.TEXT, Kind.NUMBER, Kind.WORD)]
    _flags([field for field in given if field.kind is Kind.FLAG], values)
    if facts:
        with ui.element("div").classes("st-facts"):
            for field in facts:
                with ui.element("div").classes("st-fact"):
                    ui.label(_(field.label)).classes("st-fact-label")
                    _value(field, values[field.name])
    for field in given:
        if field.kind is Kind.GROUP:
            ui.label(_(field.label)).classes("st-soft")
            _fields(field.fields, values[field.name])
        elif field.kind is Kind.ROWS:
            for row in values[field.name]:
                with ui.element("div").classes("st-item"), ui.element("div").classes("st-item-main"):
                    _fields(field.fields, row)


def _value(field: Field, value: Any) -> None:
    if field.name in RATINGS:
        rating = RiskRating(value)
        with ui.element("div"):
            badge(RATING_STATES[rating], rating_word(rating))
        return
    ui.label(words_of(field, value)).classes("st-fact-value")


def words_of(field: Field, value: Any) -> str:
    """A field's value with its unit, or the word that a number stands for."""
    if field.names:
        return _(field.names[int(value) - 1]).capitalize()
    if field.kind is Kind.NUMBER:
        return f"{number(value)} {field.unit}".strip().replace(" %", "%").replace(" °", "°")
    return option_word(value) if field.kind is Kind.WORD else str(value)


def _flags(fields: Sequence[Field], values: Form) -> None:
    """What is so stands out; what was denied is said in a line."""
    yes, no = ([_(f.label) for f in fields if values[f.name] is answer] for answer in (True, False))
    if yes:
        with ui.element("div").classes("st-row"):
            for word in yes:
                badge("neutral", word, icon="check")
    if no:
        ui.label(_("Not so: {things}", things=", ".join(no))).classes("st-soft")


def _disagreements(found: Sequence[Disagreement]) -> None:
    for one in found:
        with ui.element("div").classes("st-row").props("role=note"):
            badge("warning", _("Differs from the matrix"))
            words = {"written": option_word(one.written), "computed": option_word(one.computed), "row": one.row}
            if one.row:
                ui.label(_("Condition {row}: written as {written}, the ISA matrix gives {computed}.", **words))
            else:
                ui.label(_("Written as {written}, the conditions give {computed}.", **words))
