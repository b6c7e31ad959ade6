import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlmodel import select

from data.alerts import queries as alerts
from data.audit.log import verify
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal, Unauthenticated
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.identity import door
from data.identity.tables import Role, TokenKind
from data.platform.commands import path_of
from data.trees import media
from data.trees.commands import devices, jobs, review, rounds, uploads
from data.trees.queries import jobs as known_jobs
from data.trees.queries import review as known_review
from data.trees.queries import rounds as known_rounds
from data.trees.rules import progress
from data.trees.rules.asking import new_job
from data.trees.tables import Customer, Device, JobAssignment, JobEvent, JobFinal, JobGeojsonExport, Tree
from data.trees.words import DeviceRole, DeviceStatus, JobStatus, RiskRating, RoundStatus
from jobs.trees import bring_rounds_to_review
from tests.factories.people import World, person
from tests.factories.trees import JOB, enrolling, job, jpeg, phone, submitted, wav


async def story(actor: Actor) -> list[str]:
    async with transaction(actor) as tx:
        return list(await tx.exec(select(JobEvent.event_type).order_by(JobEvent.recorded_at, JobEvent.id)))  # type: ignore[arg-type]


async def test_a_phone_waits_until_somebody_approves_it(world: World) -> None:
    async with transaction(enrolling(world.organization_id)) as tx:
        device = await devices.register(tx, "phone-1", device_name="Asha's phone")
    async with transaction(world.owner) as tx:
        assert [a.alert_type for a in await alerts.open_alerts(tx)] == ["trees.device_pending"]
    with pytest.raises(Forbidden):
        async with transaction(enrolling(world.organization_id)) as tx:
            await devices.issue_token(tx, "phone-1")
    async with transaction(world.owner) as tx:
        await devices.approve(tx, device.id)
    async with transaction(world.owner) as tx:
        assert not await alerts.open_alerts(tx)
    async with transaction(enrolling(world.organization_id)) as tx:
        _, token, secret = await devices.issue_token(tx, "phone-1", ttl_s=60)
    assert (await door.machine(secret, TokenKind.DEVICE, network="trees")).subject_id == device.id
    assert token.expires_at and token.expires_at < now() + timedelta(seconds=61)


async def test_a_new_token_retires_the_former_and_revoking_kills_all(world: World) -> None:
    one = await phone(world.owner)
    async with transaction(enrolling(world.organization_id)) as tx:
        _, _, second = await devices.issue_token(tx, one.device_id)
    with pytest.raises(Unauthenticated):
        await door.machine(one.token, TokenKind.DEVICE)
    assert await door.machine(second, TokenKind.DEVICE)
    async with transaction(world.owner) as tx:
        await devices.revoke(tx, one.id)
    with pytest.raises(Unauthenticated):
        await door.machine(second, TokenKind.DEVICE)
    async with transaction(enrolling(world.organization_id)) as tx:
        again = await devices.register(tx, one.device_id, app_version="2.0")
    assert (again.status, again.app_version) == (DeviceStatus.REVOKED, "2.0")


async def test_a_revoked_phone_loses_its_jobs_to_others(world: World) -> None:
    one, two = await phone(world.owner), await phone(world.owner, "phone-2")
    of = await job(one)
    with pytest.raises(Forbidden):
        async with transaction(two.actor) as tx:
            await rounds.start(tx, two.id, of.id)
    async with transaction(world.owner) as tx:
        await devices.revoke(tx, one.id)
    with pytest.raises(Forbidden):
        async with transaction(one.actor) as tx:
            await rounds.start(tx, one.id, of.id)
    async with transaction(two.actor) as tx:
        await rounds.start(tx, two.id, of.id)
    assert "job_assigned" in await story(world.owner)


async def test_only_those_who_may_approve_do_and_the_neighbour_sees_no_phone(world: World) -> None:
    async with transaction(enrolling(world.organization_id)) as tx:
        device = await devices.register(tx, "phone-1")
    for actor, refusal in ((world.colleague, Forbidden), (world.assessor, Forbidden), (world.stranger, NotFound)):
        for act in (devices.approve, devices.revoke):
            with pytest.raises(refusal):
                async with transaction(actor) as tx:
                    await act(tx, device.id)


async def test_two_phones_that_register_at_once_under_one_name_are_one(world: World) -> None:
    async def register() -> Any:
        async with transaction(enrolling(world.organization_id)) as tx:
            return (await devices.register(tx, "phone-1")).id

    assert len(set(await asyncio.gather(*(register() for _ in range(4))))) == 1


async def test_a_flood_of_phones_is_stopped(world: World, owner_connection: psycopg.Connection[Any]) -> None:
    owner_connection.execute(
        "insert into trees.devices (id, organization_id, device_id, status, role) "
        "select gen_random_uuid(), %s, 'flood-' || n, 'pending', 'arborist' from generate_series(1, 100) n",
        [world.organization_id],
    )
    with pytest.raises(Conflict):
        async with transaction(enrolling(world.organization_id)) as tx:
            await devices.register(tx, "one-more")
    async with transaction(enrolling(world.organization_id)) as tx:
        await devices.register(tx, "flood-7", device_name="known before")


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


async def test_an_admins_phone_sees_every_job_and_an_arborists_only_its_own(world: World) -> None:
    one, chief = await phone(world.owner), await phone(world.owner, "chief", role=DeviceRole.ADMIN)
    of = await job(one)
    async with transaction(chief.actor) as tx:
        device = await tx.get_one(Device, chief.id)
        assert [row.job.id for row in await known_jobs.assigned(tx, device)] == [of.id]
        await rounds.start(tx, chief.id, of.id)
    async with transaction(one.actor) as tx:
        held = (await tx.exec(select(JobAssignment))).one()
    assert held.device_id == one.id, "an admin's help takes nothing away"


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
