import io
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from PIL import Image
from sqlalchemy.exc import ProgrammingError
from sqlmodel import col, select, update

from data.alerts import commands, queries, rules
from data.alerts.commands import Photo, Trouble
from data.alerts.queries import Wanted
from data.alerts.rules import Window
from data.alerts.tables import AlertStatus, CorrectiveAction, Decision, Severity
from data.alerts.values import Subject
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from tests.factories.alerts import AT, SITE, UNIT, again, minute, minutes_pass, raised, sent, story, system, trouble
from tests.factories.people import World, person

WARM = Severity.WARNING


def after(count: float) -> datetime:
    return AT + timedelta(minutes=count)


async def over(world: World, at: datetime, subject: UUID = UNIT) -> None:
    async with transaction(system(world)) as tx:
        await commands.resolve_open(tx, subject, "temp_excursion", at=at, because="It is cold again.")


@pytest.mark.parametrize(
    ("window", "is_silent"),
    [
        (Window(UUID(int=0), AT, after(60), "-"), True),
        (Window(UUID(int=0), after(1), after(60), "-"), False),
        (Window(UUID(int=0), after(-60), AT, "-"), False),
        (Window(UUID(int=0), AT, after(60), "-", subject_id=UNIT), True),
        (Window(UUID(int=0), AT, after(60), "-", subject_id=SITE), False),
        (Window(UUID(int=0), AT, after(60), "-", scope_id=SITE, alert_type="temp_excursion"), True),
        (Window(UUID(int=0), AT, after(60), "-", scope_id=SITE, alert_type="silent"), False),
    ],
)
def test_silence_holds_for_all_that_it_names_and_only_in_its_time(window: Window, is_silent: bool) -> None:
    assert (rules.silence([window], UNIT, SITE, "temp_excursion", AT) is not None) is is_silent


def test_the_silence_that_ends_last_counts() -> None:
    windows = [Window(UUID(int=n), AT, after(n), str(n)) for n in (10, 30, 20)]
    found = rules.silence(windows, UNIT, SITE, "temp_excursion", AT)
    assert found and found.reason == "30"


@pytest.mark.parametrize(
    ("severity", "minutes", "may"),
    [("critical", 60, True), ("critical", 61, False), ("warning", 61, True), ("warning", 7 * 24 * 60 + 1, False), ("warning", 0, False)],
)
def test_what_is_critical_can_be_put_off_for_an_hour_at_most(severity: str, minutes: int, may: bool) -> None:
    assert (rules.refusal_to_snooze(severity, until=after(minutes), at=AT) is None) is may


@pytest.mark.parametrize(
    ("at", "morning"),
    [
        (datetime(2026, 11, 20, 20, tzinfo=UTC), datetime(2026, 11, 21, 0, tzinfo=UTC)),  # 03:00 there: the same morning
        (datetime(2026, 11, 20, 1, tzinfo=UTC), datetime(2026, 11, 21, 0, tzinfo=UTC)),  # 08:00 there: the next one
    ],
)
def test_until_the_morning_is_seven_on_the_clocks_of_the_place(at: datetime, morning: datetime) -> None:
    assert rules.next_morning(at, "Asia/Phnom_Penh") == morning


async def test_an_alert_in_agreed_silence_is_shown_and_not_told_until_it_ends(world: World) -> None:
    async with transaction(world.owner) as tx:
        await commands.suppress(tx, starts_at=AT, ends_at=after(60), reason="Defrosting", scope_id=SITE, at=AT)
    [alert] = await raised(world, at=after(5))
    await minutes_pass(world, after(5), 54)
    assert (alert.is_suppressed, await sent(world)) == (True, [])
    async with transaction(world.viewer) as tx:
        assert [a.id for a in (await queries.page(tx, Wanted("suppressed")))[0]] == [alert.id]
    await minute(world, after(60))
    assert await story(world, alert.id) == [(5, "raised"), (5, "suppressed"), (60, "freed"), (60, "told")]
    assert await sent(world) and not (await again(world, alert.id)).is_suppressed


async def test_silence_holds_back_what_was_told_already_and_what_is_over_stays_untold(world: World) -> None:
    [told, mended] = await raised(world, trouble(), trouble(UUID(int=5)))
    before = len(await sent(world))
    async with transaction(world.owner) as tx:
        await commands.suppress(tx, starts_at=after(-10), ends_at=after(100), reason="Repair", at=after(1))
    await minutes_pass(world, after(1), 90)
    assert len(await sent(world)) == before
    await over(world, after(95), UUID(int=5))
    await minutes_pass(world, after(100), 2)
    assert [line for line in await story(world, told.id) if line[0] == 100] == [(100, "freed"), (100, "told")]
    assert [line for line in await story(world, mended.id) if line[0] >= 96] == []


async def test_ending_the_silence_early_tells_what_is_open(world: World) -> None:
    async with transaction(world.owner) as tx:
        window = await commands.suppress(tx, starts_at=AT, ends_at=after(600), reason="Repair", subject_id=UNIT, scope_id=SITE, at=AT)
    [alert] = await raised(world, at=after(5))
    async with transaction(world.owner) as tx:
        await commands.lift(tx, window.id, at=after(20))
        with pytest.raises(Conflict):
            await commands.lift(tx, window.id, at=after(21))
    await minute(world, after(20))
    assert (await story(world, alert.id))[-1] == (20, "told")


async def test_who_may_agree_on_silence_and_where(world: World) -> None:
    local = await person(world.organization, "Mony Manager", (Role.MANAGER, SITE))

    async def silence(who: object, scope: UUID | None) -> UUID:
        async with transaction(who) as tx:  # type: ignore[arg-type]
            return (await commands.suppress(tx, starts_at=AT, ends_at=after(60), reason="-", scope_id=scope, at=AT)).id

    everywhere = await silence(world.owner, None)
    assert await silence(local, SITE)
    for who, scope in ((local, None), (local, uuid4()), (world.colleague, SITE), (world.viewer, None)):
        with pytest.raises(Forbidden):
            await silence(who, scope)
    with pytest.raises(Forbidden):
        async with transaction(local) as tx:
            await commands.lift(tx, everywhere, at=AT)
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await commands.lift(tx, everywhere, at=AT)
    async with transaction(world.stranger) as tx:
        assert await queries.suppressions(tx, at=AT) == []
    for wrong in ({"ends_at": AT}, {"reason": " "}, {"starts_at": after(-20), "ends_at": after(-10)}):
        with pytest.raises(Invalid):
            async with transaction(world.owner) as tx:
                await commands.suppress(tx, **({"starts_at": AT, "ends_at": after(9), "reason": "-", "at": AT} | wrong))  # type: ignore[arg-type]


async def test_trouble_that_comes_back_soon_is_counted_and_only_what_is_critical_is_told_at_once(world: World) -> None:
    await raised(world, trouble(severity=WARM))
    await over(world, after(5))
    [back] = await raised(world, trouble(severity=WARM), at=after(9))
    assert await story(world, back.id) == [(9, "raised"), (9, "came_back")]
    await minutes_pass(world, after(9), 6)
    assert await sent(world, back.id) == []
    await minute(world, after(15))
    assert (await story(world, back.id))[-1] == (15, "told")
    await over(world, after(20))
    [critical] = await raised(world, trouble(), at=after(22))
    assert await story(world, critical.id) == [(22, "raised"), (22, "came_back"), (22, "told")]
    async with transaction(system(world)) as tx:
        [times] = await tx.exec(select(Decision.reason_values["times"]).where(Decision.alert_id == critical.id, Decision.decision == "came_back"))
    assert times == 3
    await over(world, after(30))
    [later] = await raised(world, trouble(), at=after(46))
    assert await story(world, later.id) == [(46, "raised"), (46, "told")]


async def test_putting_off_is_for_those_who_may_and_for_what_nobody_is_on(world: World) -> None:
    [alert] = await raised(world)
    for who, refusal in ((world.viewer, Forbidden), (world.driver, NotFound), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await commands.snooze(tx, alert.id, until=after(15), at=AT)
    with pytest.raises(Invalid) as refused:
        async with transaction(world.colleague) as tx:
            await commands.snooze(tx, alert.id, until=after(90), at=AT)
    assert refused.value.field == "until"
    async with transaction(world.colleague) as tx:
        await commands.snooze(tx, alert.id, until=after(15), at=AT)
        assert (await queries.counts(tx, at=after(1)))["snoozed"] == 1
        await commands.acknowledge(tx, alert.id, at=after(2))
    found = await again(world, alert.id)
    assert (found.snoozed_until_at, found.next_step_at) == (None, after(2)), "other systems hear of it, and nobody is called"
    with pytest.raises(Conflict, match="on this alert already"):
        async with transaction(world.colleague) as tx:
            await commands.snooze(tx, alert.id, until=after(15), at=after(3))


async def test_several_are_taken_on_at_once_as_far_as_one_may(world: World) -> None:
    mine, theirs = uuid4(), uuid4()
    cook = await person(world.organization, "Chan Cook", (Role.STAFF, mine))
    found = await raised(world, *(trouble(uuid4(), scope=scope) for scope in (mine, mine, theirs)))
    async with transaction(cook) as tx:
        assert await commands.acknowledge_several(tx, [a.id for a in found], note="all one door") == 2
        assert await commands.acknowledge_several(tx, [a.id for a in found]) == 0
        assert (await queries.counts(tx))["mine"] == 2
    with pytest.raises(Forbidden):
        async with transaction(world.viewer) as tx:
            await commands.acknowledge_several(tx, [a.id for a in found])
    async with transaction(world.stranger) as tx:
        assert await commands.acknowledge_several(tx, [a.id for a in found]) == 0


def picture(kind: str = "JPEG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(made, kind)
    return made.getvalue()


async def test_what_was_done_is_written_down_with_a_photo_and_may_end_the_alert(world: World) -> None:
    [alert] = await raised(world)
    async with transaction(world.colleague) as tx:
        await commands.take_action(
            tx, alert_id=alert.id, description="The door stood open.", action_taken="Closed it.", photo=Photo("door.png", picture("PNG"))
        )
    async with transaction(world.owner) as tx:
        await commands.take_action(tx, alert_id=alert.id, description="Ice on the seal.", action_taken="Scraped it off.", resolves=True)
    async with transaction(world.viewer) as tx:
        [second, first] = await queries.actions(tx, alert_id=alert.id)
        assert (first[0].action_taken, first[1], second[0].has_resolved_alert) == ("Closed it.", "Colin Colleague", True)
        assert (await queries.photo(tx, first[0].id)).mime_type == "image/png"
        assert (await queries.alert(tx, alert.id)).status is AlertStatus.RESOLVED
    async with transaction(world.stranger) as tx:
        assert await queries.actions(tx, alert_id=alert.id) == []
        with pytest.raises(NotFound):
            await queries.photo(tx, first[0].id)


async def test_an_action_may_be_about_a_thing_alone_and_never_changes(world: World) -> None:
    freezer = Subject("cold_chain.units", UNIT, "Freezer 3", "cold_chain.view", SITE)
    async with transaction(world.colleague) as tx:
        action = await commands.take_action(tx, subject=freezer, description="Too much ice.", action_taken="Defrosted.")
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with transaction(world.owner) as tx:
            await tx.execute(update(CorrectiveAction).where(col(CorrectiveAction.id) == action.id).values(action_taken="Nothing."))
    async with transaction(world.owner) as tx:
        assert [a.action_taken for a, _ in await queries.actions(tx, subject_id=UNIT)] == ["Defrosted."]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"description": " "}, "description"),
        ({"action_taken": ""}, "action_taken"),
        ({"photo": Photo("door.jpg", b"GIF89a")}, "photo"),
        ({"acted_at": now() + timedelta(hours=2)}, "acted_at"),
    ],
)
async def test_half_an_action_is_refused_at_its_field(world: World, wrong: dict[str, object], field: str) -> None:
    [alert] = await raised(world)
    with pytest.raises(Invalid) as refused:
        async with transaction(world.colleague) as tx:
            await commands.take_action(tx, **({"alert_id": alert.id, "description": "a", "action_taken": "b"} | wrong))  # type: ignore[arg-type]
    assert refused.value.field == field


@pytest.mark.parametrize(("who", "refusal"), [("viewer", Forbidden), ("keeper", NotFound), ("stranger", NotFound)])
async def test_who_may_not_writes_nothing_down(world: World, who: str, refusal: type[Exception]) -> None:
    [alert] = await raised(world)
    with pytest.raises(refusal):
        async with transaction(getattr(world, who)) as tx:
            await commands.take_action(tx, alert_id=alert.id, description="a", action_taken="b")


async def test_closing_by_hand_wants_a_reason_and_staff_may_not_do_it_by_an_action_either(world: World) -> None:
    [alert] = await raised(world)
    with pytest.raises(Invalid):
        async with transaction(world.owner) as tx:
            await commands.resolve(tx, alert.id, because="  ")
    with pytest.raises(Forbidden):
        async with transaction(world.colleague) as tx:
            await commands.take_action(tx, alert_id=alert.id, description="a", action_taken="b", resolves=True)


async def test_the_list_is_narrowed_by_view_severity_domain_and_name(world: World) -> None:
    await raised(world, trouble(UUID(int=1), WARM, name="Fridge 1"), trouble(UUID(int=2), name="Freezer 2"), trouble(UUID(int=3), name="Freezer 3"))
    await over(world, after(1), UUID(int=3))

    async def names(wanted: Wanted) -> list[str]:
        async with transaction(world.owner) as tx:
            return [a.subject_name for a in (await queries.page(tx, wanted))[0]]

    assert await names(Wanted("open")) == ["Freezer 2", "Fridge 1"]
    assert await names(Wanted("all", search="FREEZER")) == ["Freezer 2", "Freezer 3"]
    assert await names(Wanted("open", severity=WARM)) == ["Fridge 1"]
    assert await names(Wanted("resolved", domain="cold_chain")) == ["Freezer 3"]
    assert await names(Wanted("all", domain="cold%")) == []
    assert await names(Wanted("active", scope_id=SITE, subject_id=UUID(int=2))) == ["Freezer 2"]
    assert await names(Wanted("acknowledged")) == await names(Wanted("all", scope_id=UUID(int=99))) == await names(Wanted(alert_type="door_open")) == []
    assert len(await names(Wanted(since=AT, until=after(1)))) == 3 and await names(Wanted(since=after(1))) == []


async def test_alerts_are_counted_by_kind_and_severity_for_those_who_may_see_them(world: World) -> None:
    cold, _warm, _gone = await raised(world, trouble(UUID(int=1)), trouble(UUID(int=2), WARM), trouble(UUID(int=3)))
    await over(world, after(30), UUID(int=3))
    async with transaction(world.owner) as tx:
        await commands.acknowledge(tx, cold.id, at=after(5))
        critical, warning = await queries.tally(tx, Wanted(since=AT), at=after(60))
    assert (critical.severity, critical.count, critical.open, critical.active, critical.acknowledged, critical.mean_minutes) == ("critical", 2, 1, 0, 1, 45)
    assert (warning.count, warning.active, warning.mean_minutes) == (1, 1, 60)
    async with transaction(world.stranger) as tx:
        assert await queries.tally(tx, Wanted()) == []


async def test_what_has_been_over_on_a_farm_for_three_months_is_found_by_its_name_only(world: World, owner_connection: psycopg.Connection) -> None:
    on_farm = Trouble("farm.devices", uuid4(), "Old fan", "device_offline", Severity.WARNING, "{name} is offline.", "farm.view", {"name": "Old fan"})
    cold = Trouble("cold_chain.units", uuid4(), "Old freezer", "door_open", Severity.WARNING, "{name} is open.", "cold_chain.view", {"name": "x"})
    found = await raised(world, on_farm, cold)
    owner_connection.execute("update alerts.alerts set status = 'resolved', resolved_at = now() - interval '91 days'")
    assert len(found) == 2

    async def seen(wanted: Wanted) -> set[str]:
        async with transaction(world.owner) as tx:
            return {one.subject_name for one in (await queries.page(tx, wanted))[0]}

    assert await seen(Wanted("all")) == {"Old freezer"} == await seen(Wanted("resolved"))
    assert await seen(Wanted("all", search="old")) == {"Old fan", "Old freezer"}
    owner_connection.execute("update alerts.alerts set resolved_at = now() - interval '89 days'")
    assert await seen(Wanted("all")) == {"Old fan", "Old freezer"}
