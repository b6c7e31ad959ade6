"""How risky a tree is, by the two matrices of the International Society of Arboriculture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.trees.form import CONSEQUENCES, FAILURE_AND_IMPACT, IMPACT, RATING
from data.trees.rules.filling import Form

_IMPACT, _CONSEQUENCES, RATINGS = IMPACT.split(), CONSEQUENCES.split(), RATING.split()

_HITS: dict[str, tuple[str, ...]] = {
    "imminent": ("unlikely", "somewhat", "likely", "very_likely"),
    "probable": ("unlikely", "unlikely", "somewhat", "likely"),
    "possible": ("unlikely", "unlikely", "unlikely", "somewhat"),
    "improbable": ("unlikely", "unlikely", "unlikely", "unlikely"),
}
"""Likelihood of failure → of failing and hitting, by likelihood of impact from very low to high."""

_RISKS: dict[str, tuple[str, ...]] = {
    "very_likely": ("low", "moderate", "high", "extreme"),
    "likely": ("low", "moderate", "high", "high"),
    "somewhat": ("low", "low", "moderate", "moderate"),
    "unlikely": ("low", "low", "low", "low"),
}
"""Likelihood of failing and hitting → risk, by consequences from negligible to severe."""


def failure_and_impact(failure: str, impact: str) -> str:
    """How likely a part fails and then hits the target."""
    return _HITS[failure][_IMPACT.index(impact)]


def rating(failure_and_impact: str, consequences: str) -> str:
    """The risk of one condition for one target."""
    return _RISKS[failure_and_impact][_CONSEQUENCES.index(consequences)]


def highest(ratings: Sequence[str]) -> str | None:
    """A tree is as risky as its riskiest part."""
    return max(ratings, key=RATINGS.index, default=None)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Somebody wrote another result than the matrix gives; the row counts from 1, 0 means the whole tree."""

    row: int
    field: str
    written: str
    computed: str


def rated(form: Form) -> tuple[Form, list[Disagreement]]:
    """The form with the results that follow from it filled in. What was written stays; where it differs, it is named."""
    differ: list[Disagreement] = []

    def settle(row: dict[str, Any], at: int, field: str, computed: str | None) -> None:
        if computed is None:
            return
        written = row.setdefault(field, computed)
        if written != computed:
            differ.append(Disagreement(at, field, written, computed))

    rows = [dict(row) for row in form.get("risk_categorization", {}).get("rows", [])]
    for at, row in enumerate(rows, start=1):
        failure, impact, consequences = (row.get(k) for k in ("failure_likelihood", "impact_likelihood", "consequences"))
        settle(row, at, "failure_and_impact", failure_and_impact(failure, impact) if failure and impact else None)
        hits = row.get("failure_and_impact")
        settle(row, at, "risk_rating", rating(hits, consequences) if hits and consequences else None)
    overall = dict(form.get("overall_tree_risk_rating", {}))
    settle(overall, 0, "rating", highest([row["risk_rating"] for row in rows if "risk_rating" in row]))
    done = dict(form)
    if rows:
        done["risk_categorization"] = {**form["risk_categorization"], "rows": rows}
    if overall:
        done["overall_tree_risk_rating"] = overall
    return done, differ


assert FAILURE_AND_IMPACT.split() == list(reversed(_RISKS))
