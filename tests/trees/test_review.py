import asyncio
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlmodel import select

from data.alerts import queries as alerts
from data.audit.log import verify
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.identity.tables import Role
from data.platform.commands import path_of
from data.trees import media
from data.trees.commands import jobs, review, rounds, uploads
from data.trees.queries import jobs as known_jobs
from data.trees.queries import review as known_review
from data.trees.queries import rounds as known_rounds
from data.trees.tables import JobAssignment, JobEvent, JobFinal, JobGeojsonExport, Tree
from data.trees.words import JobStatus, RoundStatus
from jobs.trees import bring_rounds_to_review
from tests.factories.people import World, person
from tests.factories.trees import job, phone, submitted, wav


async def story(actor: Actor) -> list[str]:
    async with transaction(actor) as tx:
        return list(await tx.exec(select(JobEvent.event_type).order_by(JobEvent.recorded_at, JobEvent.id)))  # type: ignore[arg-type]


async def test_the_reviewer_sends_a_round_back_and_then_approves_it_for_good(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    await submitted(one, of)
    await bring_rounds_to_review()
    async with transaction(world.assessor) as tx:
        await review.send_back(tx, of.id, note=" How deep is the cavity? ")
    async with transaction(one.actor) as tx:
        back = await known_rounds.numbered(tx, of.id, 1)
        assert (back.status, back.review_note) == (RoundStatus.DRAFT, "How deep is the cavity?")
    async with transaction(world.owner) as tx:
        assert not await alerts.open_alerts(tx)
    async with transaction(one.actor) as tx:
        await rounds.submit(tx, one.id, of.id, 1, form={"trunk": {"cavity_nest_hole_depth": 4}})
    await bring_rounds_to_review()
    async with transaction(world.assessor) as tx:
        await review.approve(tx, of.id)
    async with transaction(world.assessor) as tx:
        seen = await known_review.review(tx, of.id)
        (shape,) = await tx.exec(select(JobGeojsonExport))
        assert not (await tx.exec(select(JobAssignment))).all()
        tree = (await tx.exec(select(Tree))).one()
    assert (seen.row.job.status, seen.device) == (JobStatus.ARCHIVED, None)
    assert seen.final and seen.final.user_name == "Asha Assessor"
    assert seen.final.form["trunk"] == {"cavity_nest_hole_depth": 4}
    assert seen.final.form["overall_tree_risk_rating"] == {"rating": "high"}
    assert [image["image_id"] for image in seen.final.report_images] == ["img-1"]
    assert (tree.tree_species, tree.latitude) == ("Quercus robur", 11.5621)
    assert "client" not in json.dumps(shape.payload["features"][0]["properties"]["form_data"]["client_tree_details"])
    kept = {artifact.kind.value: path_of(file).read_bytes() for artifact, file in seen.artifacts}
    assert json.loads(kept["final_json"])["form"] == seen.final.form
    assert json.loads(kept["geojson"]) == shape.payload
    told = await story(world.owner)
    assert [e for e in told if e.startswith(("round_", "review", "final"))] == [
        "round_created", "round_submitted", "review_returned", "round_reopened", "round_submitted", "review_returned", "final_generated",
    ]  # fmt: skip


async def test_what_is_archived_stays_as_it_is(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    await submitted(one, of)
    await bring_rounds_to_review()
    async with transaction(world.owner) as tx:
        await review.approve(tx, of.id)
    for actor, act in (
        (world.owner, lambda tx: review.approve(tx, of.id)),
        (world.owner, lambda tx: review.send_back(tx, of.id, note="again")),
        (one.actor, lambda tx: rounds.start(tx, one.id, of.id)),
        (one.actor, lambda tx: jobs.change(tx, one.id, of.id, {"job_name": "x"})),
        (one.actor, lambda tx: uploads.put_recording(tx, one.id, of.id, section_id="trunk", recording_id="r", sound=media.sound(wav()))),
    ):
        with pytest.raises(Conflict):
            async with transaction(actor) as tx:
                await act(tx)
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(JobFinal))).all()) == 1
        assert not (await tx.exec(select(JobAssignment))).all(), "asking in vain claims nothing"


@pytest.mark.parametrize("act", [lambda tx, i: review.approve(tx, i), lambda tx, i: review.send_back(tx, i, note="no")], ids=["approve", "return"])
async def test_only_reviewers_review(world: World, act: Callable[..., Any]) -> None:
    one = await phone(world.owner)
    of = await job(one)
    await submitted(one, of)
    await bring_rounds_to_review()
    manager = await person(world.organization, "Mona Manager", Role.MANAGER)
    for actor, refusal in ((world.colleague, Forbidden), (manager, Forbidden), (one.actor, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(actor) as tx:
                await act(tx, of.id)


async def test_two_reviewers_at_once_make_one_final(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    await submitted(one, of)
    await bring_rounds_to_review()

    async def approve(actor: Actor) -> bool:
        try:
            async with transaction(actor) as tx:
                await review.approve(tx, of.id)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(approve(world.owner), approve(world.assessor))) == [False, True]


async def test_returning_needs_a_reason(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    await submitted(one, of)
    await bring_rounds_to_review()
    with pytest.raises(Invalid):
        async with transaction(world.owner) as tx:
            await review.send_back(tx, of.id, note="  ")


async def test_an_assessor_of_one_customer_sees_that_customers_jobs_only(world: World) -> None:
    one = await phone(world.owner)
    mine, other = await job(one), await job(one, customer_name="Somebody else")
    limited = await person(world.organization, "Lia Limited", (Role.ASSESSOR, mine.customer_id))
    async with transaction(limited) as tx:
        found, total = await known_jobs.page(tx)
        assert ([row.job.id for row in found], total) == ([mine.id], 1)
        with pytest.raises(NotFound):
            await known_review.review(tx, other.id)


async def test_the_list_is_searched_filtered_and_sorted(world: World) -> None:
    one = await phone(world.owner)
    first = await job(one, job_address="Zoo 1", tree_number=9)
    second = await job(one, job_address="Allee 100%")
    await submitted(one, first)
    async with transaction(world.owner) as tx:
        async def numbers(**ask: Any) -> list[str]:
            return [row.job.job_number for row in (await known_jobs.page(tx, **ask))[0]]

        assert await numbers() == ["J0002", "J0001"]
        assert await numbers(sort="address") == ["J0002", "J0001"]
        assert await numbers(sort="tree", descending=True) == ["J0001", "J0002"], "what has none comes last"
        assert await numbers(status=JobStatus.SUBMITTED_FOR_PROCESSING) == ["J0001"]
        assert await numbers(search="100%") == ["J0002"] and await numbers(search="%") == ["J0002"]
        assert await numbers(search="quercus") == ["J0001"] and await numbers(search="school") == ["J0002", "J0001"]
        assert second.status is JobStatus.NOT_STARTED
    async with transaction(world.stranger) as tx:
        assert await known_jobs.page(tx) == ([], 0)
    with pytest.raises(Forbidden):
        async with transaction(world.colleague) as tx:
            await known_jobs.page(tx)


async def test_a_file_is_given_only_with_its_own_job(world: World) -> None:
    one = await phone(world.owner)
    of, other = await job(one), await job(one)
    await submitted(one, of)
    async with transaction(world.owner) as tx:
        image = (await known_review.review(tx, of.id)).images[0]
        assert path_of(await known_review.file_of(tx, of.id, image.report_file_id)).read_bytes()[:2] == b"\xff\xd8"
        with pytest.raises(NotFound):
            await known_review.file_of(tx, other.id, image.file_id)
    for actor, refusal in ((world.stranger, NotFound), (world.colleague, Forbidden)):
        with pytest.raises(refusal):
            async with transaction(actor) as tx:
                await known_review.file_of(tx, of.id, image.file_id)


async def test_the_event_log_of_it_all_holds(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    await submitted(one, of)
    await bring_rounds_to_review()
    async with transaction(world.owner) as tx:
        await review.approve(tx, of.id)
    async with across_tenants("tests") as tx:
        assert await verify(tx, world.organization_id) == []


async def test_the_story_cannot_be_rewritten(world: World, app_conninfo: str) -> None:
    await phone(world.owner)
    with psycopg.connect(app_conninfo) as connection:
        connection.execute(f"set app.organization_id = '{world.organization_id}'")
        for statement in ("update trees.job_events set actor_name = 'x'", "delete from trees.job_events"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)
