from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data.core.errors import Invalid
from data.trees.form import FORM as FIELDS
from data.trees.form import Kind, every_field
from data.trees.rules import asking, progress, risk
from data.trees.rules.export import feature_collection
from data.trees.rules.filling import clean, merge
from data.trees.words import JobStatus, RoundStatus
from tests.factories.trees import FORM, JOB

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

FAILURE = ("improbable", "possible", "probable", "imminent")
IMPACT = ("very_low", "low", "medium", "high")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ("imminent", ("unlikely", "somewhat", "likely", "very_likely")),
        ("probable", ("unlikely", "unlikely", "somewhat", "likely")),
        ("possible", ("unlikely", "unlikely", "unlikely", "somewhat")),
        ("improbable", ("unlikely",) * 4),
    ],
)
def test_failing_and_hitting_follow_the_first_matrix(failure: str, expected: tuple[str, ...]) -> None:
    assert tuple(risk.failure_and_impact(failure, impact) for impact in IMPACT) == expected


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ("very_likely", ("low", "moderate", "high", "extreme")),
        ("likely", ("low", "moderate", "high", "high")),
        ("somewhat", ("low", "low", "moderate", "moderate")),
        ("unlikely", ("low",) * 4),
    ],
)
def test_risk_follows_the_second_matrix(hits: str, expected: tuple[str, ...]) -> None:
    assert tuple(risk.rating(hits, c) for c in ("negligible", "minor", "significant", "severe")) == expected


def test_more_likely_or_worse_is_never_less_risky() -> None:
    for f, failure in enumerate(FAILURE):
        for i, impact in enumerate(IMPACT):
            for worse in ((FAILURE[min(f + 1, 3)], impact), (failure, IMPACT[min(i + 1, 3)])):
                for c in ("negligible", "minor", "significant", "severe"):
                    here, there = (risk.rating(risk.failure_and_impact(*pair), c) for pair in ((failure, impact), worse))
                    assert risk.RATINGS.index(there) >= risk.RATINGS.index(here)


def test_results_that_nobody_wrote_are_filled_in() -> None:
    done, differ = risk.rated(FORM)
    row = done["risk_categorization"]["rows"][0]
    assert (row["failure_and_impact"], row["risk_rating"]) == ("likely", "high")
    assert done["overall_tree_risk_rating"]["rating"] == "high"
    assert differ == []
    assert "risk_rating" not in FORM["risk_categorization"]["rows"][0], "the form as written stays as it is"


def test_a_result_that_was_written_stays_and_the_difference_is_named() -> None:
    row = FORM["risk_categorization"]["rows"][0] | {"risk_rating": "low"}
    done, differ = risk.rated({"risk_categorization": {"rows": [row]}, "overall_tree_risk_rating": {"rating": "extreme"}})
    assert done["risk_categorization"]["rows"][0]["risk_rating"] == "low"
    assert differ == [risk.Disagreement(1, "risk_rating", "low", "high"), risk.Disagreement(0, "rating", "extreme", "low")]


def test_a_form_without_conditions_has_no_rating() -> None:
    assert risk.rated({}) == ({}, [])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"trunk": {"lean_degrees": "12.5"}}, {"trunk": {"lean_degrees": 12.5}}),
        ({"trunk": {"lean_degrees": 0}}, {"trunk": {"lean_degrees": 0}}),
        ({"trunk": {"cracks": False}}, {"trunk": {"cracks": False}}),
        ({"trunk": {"cracks": None, "lean_corrected": " "}}, {}),
        ({"crown_and_branches": {"load_on_defect": "N/A"}}, {"crown_and_branches": {"load_on_defect": "n/a"}}),
        ({"risk_categorization": [{"impact_likelihood": "Very low"}]}, {"risk_categorization": {"rows": [{"impact_likelihood": "very_low"}]}}),
        ({"risk_categorization": [{}, {"tree_part": "Trunk"}]}, {"risk_categorization": {"rows": [{"tree_part": "trunk"}]}}),
        ({"schema_name": "traq", "schema_version": "1", "data": {"work_priority": 2}}, {"work_priority": 2}),
        ({"tree_health_and_species": {"pests": "bark\x00  beetle"}}, {"tree_health_and_species": {"pests": "bark beetle"}}),
        (None, {}),
    ],
)
def test_a_form_is_kept_in_its_own_types_without_what_is_empty(given: Any, kept: dict[str, Any]) -> None:
    assert clean(given) == kept


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "form"),
        ({"trunk": []}, "form.trunk"),
        ({"trnk": {}}, "form.trnk"),
        ({"trunk": {"lean": 3}}, "form.trunk.lean"),
        ({"trunk": {"lean_degrees": 91}}, "form.trunk.lean_degrees"),
        ({"trunk": {"lean_degrees": "NaN"}}, "form.trunk.lean_degrees"),
        ({"trunk": {"lean_degrees": True}}, "form.trunk.lean_degrees"),
        ({"trunk": {"lean_degrees": 10**400}}, "form.trunk.lean_degrees"),
        ({"trunk": {"cracks": "yes"}}, "form.trunk.cracks"),
        ({"trunk": {"main_concerns": "x" * 89}}, "form.trunk.main_concerns"),
        ({"trunk": {"main_concerns": "\ud800"}}, "form.trunk.main_concerns"),
        ({"crown_and_branches": {"main_concerns": "x" * 216}}, "form.crown_and_branches.main_concerns"),
        ({"notes_explanations_descriptions": {"notes": "x" * 231}}, "form.notes_explanations_descriptions.notes"),
        ({"load_factors": {"crown_density": "thick"}}, "form.load_factors.crown_density"),
        ({"work_priority": 5}, "form.work_priority"),
        ({"work_priority": 1.5}, "form.work_priority"),
        ({"target_assessment": {"targets": [{}] * 5}}, "form.target_assessment.targets"),
        ({"target_assessment": {"targets": [{}, {"occupancy_rate": 0}]}}, "form.target_assessment.targets.1.occupancy_rate"),
        ({"risk_categorization": [{}] * 13}, "form.risk_categorization.rows"),
        ({"mitigation_options": {"options": [{}] * 5}}, "form.mitigation_options.options"),
        ({"client_tree_details": {"gps": {"latitude": 91, "longitude": 0}}}, "form.client_tree_details.gps.latitude"),
        ({"client_tree_details": {"gps": {"latitude": 9}}}, "form.client_tree_details.gps.longitude"),
        ({"schema_name": "traq", "data": {"x": 1}}, "form.data.x"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(given: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        clean(given)
    assert refused.value.field == field


def test_every_field_that_is_exactly_full_fits() -> None:
    for section in FIELDS:
        for field in section.fields:
            if field.kind is Kind.TEXT:
                assert clean({section.name: {field.name: "x" * field.limit}})


def test_field_names_are_unique_in_their_group() -> None:
    for field in (*every_field(),):
        names = [one.name for one in field.fields]
        assert len(names) == len(set(names)), field.name


def test_what_is_empty_wipes_nothing_and_what_is_new_replaces() -> None:
    old = {"trunk": {"cracks": True, "poor_taper": True}, "data_status": "preliminary", "work_priority": 2}
    new = {"trunk": {"cracks": False}, "data_status": "final", "work_priority": None}
    assert merge(old, new) == {"trunk": {"cracks": False, "poor_taper": True}, "data_status": "final", "work_priority": 2}


@pytest.mark.parametrize(
    ("said", "number"),
    [(3, 3), ("3", 3), (" 12 ", 12), ("#7", 7), ("three", 3), ("Ten", 10), ("eleven", None), (0, None), (-1, None), (True, None),
     ("", None), (None, None), (2.5, None), ("٣", None), (10**9, None)],
)  # fmt: skip
def test_a_tree_number_is_taken_as_people_say_it(said: object, number: int | None) -> None:
    assert progress.tree_number(said) == number


def line(**changes: Any) -> dict[str, Any]:
    return {"artifact_id": "rec-1", "section_id": "trunk"} | changes


def test_a_manifest_is_kept_in_the_phones_order() -> None:
    lines = progress.manifest([line(client_order=2), line(artifact_id="rec-2", client_order=1)], at=AT)
    assert [one.artifact_id for one in lines] == ["rec-2", "rec-1"]
    assert [progress.Entry.from_json(one.as_json()) for one in lines] == lines


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, "manifest"),
        ([1], "manifest.0"),
        ([line(artifact_id="../../etc")], "manifest.0.artifact_id"),
        ([line(section_id="bark")], "manifest.0.section_id"),
        ([line(kind="image")], "manifest.0.section_id"),
        ([line(kind="film")], "manifest.0.kind"),
        ([line(client_order=-1)], "manifest.0.client_order"),
        ([line(), line(artifact_id="")], "manifest.1.artifact_id"),
        ([line(recorded_at="2026-11-20T08:00:00")], "manifest.0.recorded_at"),
        ([line(recorded_at="2026-11-25T08:00:00Z")], "manifest.0.recorded_at"),
        ([line(recorded_at="1970-01-01T00:00:00Z")], "manifest.0.recorded_at"),
        ([line(), line(client_order=1)], "manifest"),
        ([line(artifact_id=f"r{n}") for n in range(201)], "manifest"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(raw: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        progress.manifest(raw, at=AT)
    assert refused.value.field == field


def test_what_a_manifest_names_and_has_not_come_is_missing() -> None:
    lines = progress.manifest([line(), line(artifact_id="img-1", section_id="job_photos", kind="image")], at=AT)
    assert [one.artifact_id for one in progress.missing(lines, {("recording", "trunk", "rec-1")})] == ["img-1"]
    assert [one.artifact_id for one in progress.missing(lines, {("recording", "roots", "rec-1")})] == ["rec-1", "img-1"]


def test_a_complete_round_goes_to_review_and_a_lacking_one_waits_a_day() -> None:
    lacking = progress.manifest([line()], at=AT)
    assert progress.verdict([], AT, AT) is RoundStatus.REVIEW_RETURNED
    assert progress.verdict(lacking, AT, AT + timedelta(hours=23)) is RoundStatus.SUBMITTED_FOR_PROCESSING
    assert progress.verdict(lacking, AT, AT + timedelta(hours=25)) is RoundStatus.FAILED


def test_a_submitted_round_still_takes_what_its_manifest_names_and_nothing_else() -> None:
    lines = progress.manifest([line()], at=AT)
    named, other = ("recording", "trunk", "rec-1"), ("recording", "trunk", "rec-2")
    waits = RoundStatus.SUBMITTED_FOR_PROCESSING
    assert progress.refusal_to_upload(waits, named, lines) is None
    assert progress.refusal_to_upload(waits, other, lines)
    assert progress.refusal_to_upload(RoundStatus.REVIEW_RETURNED, named, lines)
    assert progress.refusal_to_upload(RoundStatus.DRAFT, other, lines) is None


@pytest.mark.parametrize("status", JobStatus)
def test_only_what_waits_for_review_is_reviewed(status: JobStatus) -> None:
    assert (progress.refusal_to_review(status, RoundStatus.REVIEW_RETURNED) is None) == (status is not JobStatus.ARCHIVED)
    assert progress.refusal_to_review(JobStatus.DRAFT, RoundStatus.DRAFT)
    assert progress.refusal_to_review(JobStatus.NOT_STARTED, None)


@pytest.mark.parametrize("name", asking.REQUIRED)
def test_a_job_needs_its_six_fields(name: str) -> None:
    for gone in (None, "", "  "):
        with pytest.raises(Invalid) as refused:
            asking.new_job(JOB | {name: gone})
        assert refused.value.field == name


def test_of_a_job_only_its_own_words_can_be_changed() -> None:
    assert asking.job_changes({"location_notes": "", "job_name": "Ash"}) == {"location_notes": None, "job_name": "Ash"}
    for wrong in ({"status": "ARCHIVED"}, {"job_name": ""}, {"job_address": None}):
        with pytest.raises(Invalid) as refused:
            asking.job_changes(wrong)
        assert refused.value.field == next(iter(wrong))


def test_what_leaves_the_house_says_where_the_tree_is_and_not_whose() -> None:
    shape = feature_collection(FORM, job_number="J0001", user_name="Asha", images=[{"caption": "Crown", "uploaded_at": "x", "file_id": "f"}])
    feature = shape["features"][0]
    assert feature["geometry"] == {"type": "Point", "coordinates": [104.9165, 11.5621]}
    assert "client" not in feature["properties"]["form_data"]["client_tree_details"]
    assert feature["properties"]["images"] == [{"caption": "Crown", "uploaded_at": "x"}]
    assert FORM["client_tree_details"]["client"], "the form itself keeps it"
    assert feature_collection({}, job_number="J0001", user_name="", images=[])["features"][0]["geometry"] is None
