import asyncio
from typing import Any

import psycopg
import pytest
from sqlmodel import select

from data.alerts import queries as alerts
from data.core.errors import Conflict, Refusal
from data.core.session import transaction
from data.core.time import now
from data.trees import media
from data.trees.commands import jobs, rounds, uploads
from data.trees.queries import jobs as known_jobs
from data.trees.queries import review as known_review
from data.trees.queries import rounds as known_rounds
from data.trees.rules import progress
from data.trees.rules.asking import new_job
from data.trees.tables import Customer, Tree
from data.trees.words import JobStatus, RiskRating
from jobs.trees import bring_rounds_to_review
from tests.factories.people import World
from tests.factories.trees import JOB, job, jpeg, phone, submitted, wav


async def test_jobs_made_at_once_have_numbers_without_twins_or_gaps(world: World) -> None:
    one, next_door = await phone(world.owner), await phone(world.stranger)
    made = await asyncio.gather(*(job(one, customer_name=f"Customer {n % 3}") for n in range(8)))
    assert sorted(j.job_number for j in made) == [f"J{n:04d}" for n in range(1, 9)]
    assert (await job(next_door)).job_number == "J0001", "each organization counts for itself"
    async with transaction(world.owner) as tx:
        assert sorted(await tx.exec(select(Customer.customer_code))) == ["C0001", "C0002", "C0003"]


async def test_a_job_asked_for_twice_with_one_key_is_made_once(world: World) -> None:
    one = await phone(world.owner)
    await job(one)

    async def ask() -> tuple[str, bool]:
        async with transaction(one.actor) as tx:
            made, is_new = await jobs.create(tx, one.id, new_job(JOB), idempotency_key="again-1")
        return made.job_number, is_new

    answers = await asyncio.gather(*(ask() for _ in range(4)))
    assert {number for number, _ in answers} == {"J0002"}
    assert sum(is_new for _, is_new in answers) == 1
    assert (await job(one)).job_number == "J0003", "no number was lost"


async def test_customers_are_told_apart_by_name_phone_and_address(world: World) -> None:
    one = await phone(world.owner)
    first, same, other = await job(one), await job(one, job_name="Another tree"), await job(one, job_phone="099 999 999")
    assert first.customer_id == same.customer_id != other.customer_id
    assert first.billing_profile_id == other.billing_profile_id


async def test_trees_are_counted_for_each_customer(world: World) -> None:
    one = await phone(world.owner)
    async with transaction(one.actor) as tx:
        customer = (await jobs.create(tx, one.id, new_job(JOB | {"tree_number": "three"})))[0].customer_id
    async with transaction(one.actor) as tx:
        assert (await jobs.resolve_tree(tx, customer, 3)).tree_number == 3
        assert (await jobs.resolve_tree(tx, customer, None)).tree_number == 4
    async with transaction(one.actor) as tx:
        assert sorted(await tx.exec(select(Tree.tree_number))) == [3, 4]


async def test_an_untouched_draft_is_given_again_and_a_used_one_is_followed_by_the_next(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    async with transaction(one.actor) as tx:
        assert (await rounds.start(tx, one.id, of.id))[1]
    async with transaction(one.actor) as tx:
        again, is_new = await rounds.start(tx, one.id, of.id)
        assert (again.round_id, is_new) == ("round_1", False)
        await uploads.put_recording(tx, one.id, of.id, section_id="trunk", recording_id="r", sound=media.sound(wav()))
    async with transaction(one.actor) as tx:
        assert (await rounds.start(tx, one.id, of.id))[0].round_id == "round_2"


async def test_an_upload_sent_twice_is_kept_once_and_a_better_one_replaces_it(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    with pytest.raises(Refusal) as refused:
        async with transaction(one.actor) as tx:
            await uploads.put_image(tx, one.id, of.id, image_id="img-1", photo=media.photo(jpeg()))
    assert refused.value.status == 400
    async with transaction(one.actor) as tx:
        await rounds.start(tx, one.id, of.id)

    async def put(content: bytes) -> Any:
        async with transaction(one.actor) as tx:
            return (await uploads.put_image(tx, one.id, of.id, image_id="img-1", photo=media.photo(content))).file_id

    first, second = await asyncio.gather(put(jpeg()), put(jpeg()))
    assert first == second
    assert await put(jpeg(colour="navy")) != first
    async with transaction(one.actor) as tx:
        (image,) = await known_rounds.images_of(tx, (await known_rounds.open_round(tx, of.id)).id)
    assert image.file_id != first


async def test_a_round_has_five_photos_at_most_however_fast_they_come(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    async with transaction(one.actor) as tx:
        await rounds.start(tx, one.id, of.id)

    async def put(n: int) -> bool:
        try:
            async with transaction(one.actor) as tx:
                await uploads.put_image(tx, one.id, of.id, image_id=f"img-{n}", photo=media.photo(jpeg(colour=f"#0000{n:02d}")))
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(put(n) for n in range(8)))) == 5


async def test_a_complete_round_reaches_its_reviewer_with_what_its_form_says(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    await submitted(one, of)
    await bring_rounds_to_review()
    async with transaction(world.assessor) as tx:
        seen = await known_review.review(tx, of.id)
        assert [(a.alert_type, a.href) for a in await alerts.open_alerts(tx)] == [("trees.review_waiting", f"/trees/{of.id}")]
    assert seen.row.job.status is JobStatus.REVIEW_RETURNED
    assert seen.row.job.risk_rating is RiskRating.HIGH
    assert (seen.row.job.latitude, seen.row.job.tree_species) == (11.5621, "Quercus robur")
    assert seen.row.tree and seen.row.tree.tree_number == 1
    assert seen.form["client_tree_details"]["tree_number"] == "1"
    assert len(seen.images) == len(seen.recordings) == 1
    async with transaction(world.assessor) as tx:
        assert [p.job_id for p in await known_jobs.positions(tx)] == [of.id]


async def test_a_round_waits_for_what_its_manifest_names(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    lines = progress.manifest([{"artifact_id": "late", "section_id": "trunk"}], at=now())
    async with transaction(one.actor) as tx:
        await rounds.start(tx, one.id, of.id)
    async with transaction(one.actor) as tx:
        await rounds.set_manifest(tx, one.id, of.id, 1, lines)
    async with transaction(one.actor) as tx:
        done = await rounds.submit(tx, one.id, of.id, 1, form={})
    assert [line.artifact_id for line in done.missing] == ["late"]
    await bring_rounds_to_review()
    async with transaction(world.owner) as tx:
        assert (await known_jobs.job(tx, of.id)).status is JobStatus.SUBMITTED_FOR_PROCESSING
    with pytest.raises(Conflict):
        async with transaction(one.actor) as tx:
            await uploads.put_recording(tx, one.id, of.id, section_id="trunk", recording_id="other", sound=media.sound(wav()))
    async with transaction(one.actor) as tx:
        await uploads.put_recording(tx, one.id, of.id, section_id="trunk", recording_id="late", sound=media.sound(wav()))
    await bring_rounds_to_review()
    async with transaction(world.owner) as tx:
        assert (await known_jobs.job(tx, of.id)).status is JobStatus.REVIEW_RETURNED


async def test_a_round_whose_parts_never_come_fails_after_a_day_and_can_be_mended(
    world: World, owner_connection: psycopg.Connection[Any]
) -> None:
    one = await phone(world.owner)
    of = await job(one)
    lines = progress.manifest([{"artifact_id": "lost", "section_id": "trunk"}], at=now())
    async with transaction(one.actor) as tx:
        await rounds.start(tx, one.id, of.id)
    async with transaction(one.actor) as tx:
        await rounds.set_manifest(tx, one.id, of.id, 1, lines)
        await rounds.submit(tx, one.id, of.id, 1, form={})
    owner_connection.execute("update trees.job_rounds set submitted_at = submitted_at - interval '25 hours'")
    await bring_rounds_to_review()
    async with transaction(world.owner) as tx:
        row = await known_jobs.row(tx, of.id)
        assert (row.job.status, row.round and row.round.error_code) == (JobStatus.FAILED, "ARTIFACTS_MISSING")
        assert [a.alert_type for a in await alerts.open_alerts(tx)] == ["trees.round_failed"]
    async with transaction(one.actor) as tx:
        await rounds.set_manifest(tx, one.id, of.id, 1, [])
        await rounds.submit(tx, one.id, of.id, 1, form={"work_priority": 1})
    await bring_rounds_to_review()
    async with transaction(world.owner) as tx:
        assert [a.alert_type for a in await alerts.open_alerts(tx)] == ["trees.review_waiting"]


async def test_an_empty_round_is_not_handed_in_and_one_handed_in_is_closed(world: World) -> None:
    one = await phone(world.owner)
    of = await job(one)
    async with transaction(one.actor) as tx:
        await rounds.start(tx, one.id, of.id)
    with pytest.raises(Conflict, match="nothing"):
        async with transaction(one.actor) as tx:
            await rounds.submit(tx, one.id, of.id, 1, form={})
    async with transaction(one.actor) as tx:
        await rounds.submit(tx, one.id, of.id, 1, form={"work_priority": 1}, client_revision_id="c-1")
    async with transaction(one.actor) as tx:
        await rounds.submit(tx, one.id, of.id, 1, form={"work_priority": 4}, client_revision_id="c-1")
    for act in (
        lambda tx: rounds.submit(tx, one.id, of.id, 1, form={"work_priority": 4}, client_revision_id="c-2"),
        lambda tx: rounds.set_manifest(tx, one.id, of.id, 1, []),
        lambda tx: rounds.start(tx, one.id, of.id),
        lambda tx: jobs.change(tx, one.id, of.id, {"job_name": "x"}),
    ):
        with pytest.raises(Conflict):
            async with transaction(one.actor) as tx:
                await act(tx)
    async with transaction(one.actor) as tx:
        assert (await known_rounds.numbered(tx, of.id, 1)).form["work_priority"] == 1, "the repeat changed nothing"
