from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from data.alerts.commands import Trouble, raise_alert
from data.alerts.tables import CorrectiveAction, Severity
from data.cold_chain.commands import rules
from data.cold_chain.reports import commands, queries
from data.cold_chain.reports.asked import MOST_DAYS, Asked
from data.cold_chain.reports.facts import Calibrated, Verdict
from data.cold_chain.reports.fingerprint import canonical, fingerprint
from data.cold_chain.reports.minutes import Shares
from data.cold_chain.tables import (
    AlertRule,
    AlertRuleHistory,
    CalibrationRecord,
    DoorEvent,
    Excursion,
    ManualTemperatureLog,
)
from data.cold_chain.values import Direction, ExcursionCause, ReportKind, UnitType
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.identity.tables import Role
from data.notifications.commands import tell
from data.notifications.tables import Channel, DeliveryStatus, NotificationDelivery
from tests.factories.cold_chain import another_unit, cold_store
from tests.factories.people import World, person
from tests.factories.reports import AS_OF, DAY, LATER, Fridge, all_day, at


@pytest.fixture
async def fridge(world: World) -> Fridge:
    return Fridge(await cold_store(world.owner, unit_type=UnitType.FRIDGE), world.owner)


async def test_a_quiet_day_is_measured_from_end_to_end(fridge: Fridge) -> None:
    await fridge.read(*all_day())
    facts = await fridge.facts()
    (unit,) = facts.units
    assert (unit.minutes, unit.verdict, unit.excursions, unit.gaps) == (Shares(measured=1440), Verdict.IN_LIMITS, (), ())
    assert (unit.readings.count, unit.readings.average_celsius, unit.limits[0].high_celsius) == (288, 3.0, 5.0)
    assert unit.readings.kinetic_celsius == pytest.approx(3.0) and (unit.since, unit.until) == (at(0), at(1440))
    assert facts.scope_name == "Freezer 1, Market hall" and facts.people[0].name == "Olga Owner" and not facts.is_empty


async def test_what_nobody_measured_is_said_to_be_unknown_and_what_came_late_to_be_late(fridge: Fridge) -> None:
    await fridge.read(*all_day(without=range(600, 1200)))
    await fridge.read((600, 3), (605, 3), delay_min=90)
    await fridge.add(log(fridge, 1000, 4.0))
    (unit,) = (await fridge.facts()).units
    assert unit.minutes == Shares(measured=843, late=10, manual=200, unknown=387)
    assert unit.minutes.total == 1440 and unit.readings.late_count == 2
    assert [(g.minutes, g.manual_minutes, g.is_missed) for g in unit.gaps] == [(587, 200, True)]
    assert unit.verdict is Verdict.NOT_FULLY_KNOWN


async def test_an_excursion_has_its_limits_cause_alert_and_action_and_who_was_told(fridge: Fridge, world: World) -> None:
    await fridge.read(*all_day(but={m: 7.5 for m in range(300, 331, 5)} | {900: 5.2}))
    trouble = Trouble(
        subject_kind="cold_chain.units", subject_id=fridge.store.unit_id, subject_name="Freezer 1", alert_type="temp_excursion",
        severity=Severity.CRITICAL, message="{unit} is too warm: {now_celsius}, the limit is {limit_celsius}",
        permission="cold_chain.view", values={"unit": "Freezer 1", "now_celsius": 7.5, "limit_celsius": 5.0}, scope_id=fridge.store.site_id,
    )  # fmt: skip
    async with transaction(world.owner) as tx:
        alert = await raise_alert(tx, trouble, at=at(310))
        assert alert
        await tell(tx, alert)
        alert.acknowledged_at, alert.acknowledged_by, alert.acknowledgement_note = at(315), world.colleague.user_id, "On it"
        tx.add(alert)
        tx.add(
            NotificationDelivery(
                alert_id=alert.id, user_id=world.colleague.user_id, channel=Channel.SMS, recipient="+85512345678",
                message="warm", reason="on call", status=DeliveryStatus.DELIVERED, sent_at=at(311), delivered_at=at(312),
            )
        )  # fmt: skip
    action = CorrectiveAction(
        alert_id=alert.id, subject_kind="cold_chain.units", subject_id=fridge.store.unit_id, subject_name="Freezer 1",
        permission="cold_chain.view", description="Door ajar", action_taken="Door shut, goods checked", acted_at=at(320),
        acted_by=world.colleague.user_id,
    )  # fmt: skip
    excursion = Excursion(
        unit_id=fridge.store.unit_id, alert_id=alert.id, direction=Direction.ABOVE, started_at=at(300), ended_at=at(335),
        peak_celsius=Decimal("7.5"), peak_at=at(300), last_reading_at=at(335), last_celsius=Decimal(3), cause=ExcursionCause.DOOR,
        cause_note="Delivery", cause_by=world.owner.user_id,
    )  # fmt: skip
    await fridge.add(action, excursion)
    (unit,) = (await fridge.facts(as_of=LATER)).units
    (worst,) = unit.confirmed
    assert (worst.started_at, worst.ended_at, worst.minutes, worst.outside_minutes) == (at(300), at(335), 35, 35)
    assert (worst.peak_celsius, worst.limit_celsius, worst.cause, worst.cause_by) == (7.5, 5.0, "door", "Olga Owner")
    assert worst.degree_minutes == pytest.approx(30 * 2.5 + 2.5 / 2 * 5 * 2.5 / 4.5)
    assert worst.action_ids == (action.id,) and unit.verdict is Verdict.EXCURSIONS_ANSWERED
    assert [one.minutes for one in unit.brief] == [5]
    (told,) = unit.alerts
    assert (told.acknowledged_by, told.note) == ("Colin Colleague", "On it")
    said = {(one.who, one.channel, one.outcome) for one in told.told}
    assert {("Colin Colleague", "sms", "delivered"), ("Colin Colleague", "in_app", "delivered")} <= said


async def test_an_excursion_that_nobody_answered_is_said_to_be_so(fridge: Fridge) -> None:
    await fridge.read(*all_day(but=dict.fromkeys(range(300, 331, 5), 7.5)))
    assert (await fridge.facts()).units[0].verdict is Verdict.EXCURSIONS_UNANSWERED


async def test_limits_are_those_of_the_time_not_those_of_today(fridge: Fridge) -> None:
    await fridge.read(*all_day(but=dict.fromkeys(range(300, 331, 5), 7.5) | dict.fromkeys(range(900, 931, 5), 7.5)))
    rule = AlertRule(unit_id=fridge.store.unit_id, temperature_max_celsius=Decimal(8))
    await fridge.add(rule)
    await fridge.made_on(at(-1440))
    change = AlertRuleHistory(
        alert_rule_id=rule.id, unit_id=fridge.store.unit_id, change_type="changed", changed_at=at(600),
        old_values={"temperature_max_celsius": None}, new_values={"temperature_max_celsius": "8.00"},
    )  # fmt: skip
    await fridge.add(change)
    (unit,) = (await fridge.facts()).units
    assert [(one.since, one.high_celsius) for one in unit.limits] == [(at(0), 5.0), (at(600), 8.0)]
    assert [one.started_at for one in unit.confirmed] == [at(300)]


async def test_a_rule_that_was_said_while_the_unit_was_set_up_holds_from_its_first_reading(fridge: Fridge) -> None:
    await fridge.read(*all_day(but=dict.fromkeys(range(300, 331, 5), 7.5)))
    async with transaction(fridge.who) as tx:
        await rules.set_limits(tx, fridge.store.unit_id, low_celsius=0, high_celsius=8, delay_minutes=None)
    (unit,) = (await fridge.facts()).units
    assert [(one.since, one.high_celsius) for one in unit.limits] == [(at(0), 8.0)] and not unit.excursions


async def test_manual_logs_doors_and_calibrations_are_in_it_and_a_corrected_log_does_not_count(fridge: Fridge) -> None:
    await fridge.read(*all_day(without=range(600, 1000)))
    wrong = log(fridge, 700, 40.0, is_in_range=False)
    await fridge.add(wrong)
    await fridge.add(log(fridge, 700, 4.0, corrects_id=wrong.id))
    await fridge.add(
        CalibrationRecord(
            device_id=fridge.store.sensor_id, calibrated_at=at(-1440 * 300), expires_at=at(720), calibrated_by_name="Lab",
            created_at=at(-1440 * 300),
        )
    )  # fmt: skip
    for minute, is_open, lasted in ((100, True, None), (101, False, 60), (200, True, None), (212, False, 720)):
        await fridge.add(
            DoorEvent(
                organization_id=fridge.store.organization_id, unit_id=fridge.store.unit_id, device_id=fridge.store.sensor_id,
                recorded_at=at(minute), is_open=is_open, duration_s=lasted, received_at=at(minute),
            )
        )  # fmt: skip
    (unit,) = (await fridge.facts(as_of=LATER)).units
    assert [(one.celsius, one.is_in_limits, one.is_corrected, one.by) for one in unit.logs] == [(40, False, True, "Sokha"), (4, True, False, "Sokha")]
    assert unit.minutes.manual == 240 and unit.verdict is not Verdict.EXCURSIONS_UNANSWERED
    assert (unit.doors.openings, unit.doors.open_minutes, unit.doors.long_openings) == (2, 13, ((at(200), 12),))
    (sensor,) = unit.sensors
    assert (sensor.calibrated, sensor.calibrations[0].by) == (Calibrated.PARTLY, "Lab")


async def test_the_same_question_has_the_same_answer_whatever_became_known_later(fridge: Fridge) -> None:
    await fridge.read(*all_day())
    before = await fridge.facts()
    await fridge.read((2.5, 20.0), delay_min=5000)  # it arrived after the report was asked for
    after = await fridge.facts()
    assert canonical(before) == canonical(after)
    assert fingerprint(canonical(await fridge.facts(as_of=AS_OF + timedelta(days=9)))) != fingerprint(canonical(after))


async def test_an_unfinished_day_ends_now_and_a_unit_begins_with_its_first_word(fridge: Fridge) -> None:
    await fridge.read(*[(m, 3.0) for m in range(600, 700, 5)])
    (unit,) = (await fridge.facts(as_of=at(800.5))).units
    assert (unit.since, unit.until, unit.minutes.total) == (at(600), at(800), 200)


async def test_of_a_day_without_any_unit_or_reading_it_says_so(fridge: Fridge, world: World) -> None:
    async with transaction(world.stranger) as tx:
        asked = await commands.question(tx, kind=ReportKind.DAILY, first_day=DAY, last_day=DAY, as_of=AS_OF)
        facts = (await queries.draw(tx, asked)).facts
    assert facts.is_empty and facts.units == ()
    (unit,) = (await fridge.facts(as_of=LATER)).units
    assert unit.readings.count == 0 and unit.readings.lowest_celsius is None
    assert unit.verdict is Verdict.NOTHING_KNOWN and unit.minutes.total == unit.minutes.unknown


async def test_a_unit_that_was_not_there_yet_is_not_in_the_report(fridge: Fridge, world: World) -> None:
    await fridge.read(*all_day())
    await another_unit(fridge.who, fridge.store, name="Freezer 2", eui="0004A30B001C0531")
    async with transaction(world.owner) as tx:
        asked = await commands.question(tx, kind=ReportKind.DAILY, first_day=DAY, last_day=DAY, as_of=AS_OF)
        assert [unit.name for unit in (await queries.draw(tx, asked)).facts.units] == ["Freezer 1"]


async def test_other_sensors_of_a_unit_are_not_heard(fridge: Fridge) -> None:
    second = await another_unit(fridge.who, fridge.store, name="Freezer 2", eui="0004A30B001C0531")
    await fridge.read(*all_day())
    await fridge.read((0, 99), unit_id=second)
    (unit,) = (await fridge.facts()).units
    assert unit.readings.highest_celsius == 3.0


async def test_nobody_else_may_ask_and_a_stranger_finds_nothing(fridge: Fridge, world: World) -> None:
    for other in (world.colleague, world.viewer, world.driver):
        with pytest.raises(Forbidden):
            await fridge.facts(who=other)
    with pytest.raises(NotFound):
        await fridge.facts(who=world.stranger)


async def test_a_role_at_one_site_reaches_its_own_units_only(fridge: Fridge, world: World) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0599", name="Airport")
    here = await person(world.organization, "Mara Manager", (Role.MANAGER, fridge.store.site_id))
    inspector = await person(world.organization, "Ina Inspector", Role.INSPECTOR)
    await fridge.read((0, 3.0))
    await fridge.read((0, 3.0), unit_id=other.unit_id)
    assert (await fridge.facts(who=here)).units
    async with transaction(here) as tx:
        everything = await commands.question(tx, kind=ReportKind.DAILY, first_day=DAY, last_day=DAY, as_of=AS_OF)
        assert {unit.site_id for unit in (await queries.draw(tx, everything)).facts.units} == {fridge.store.site_id}
        for wrong in ({"unit_id": other.unit_id}, {"site_id": other.site_id}, {"unit_id": uuid4()}):
            with pytest.raises(NotFound):
                await commands.question(tx, kind=ReportKind.DAILY, first_day=DAY, last_day=DAY, as_of=AS_OF, **wrong)
    async with transaction(inspector) as tx:
        asked = await commands.question(tx, kind=ReportKind.DAILY, first_day=DAY, last_day=DAY, as_of=AS_OF)
        assert {unit.site for unit in (await queries.draw(tx, asked)).facts.units} == {"Market hall", "Airport"}


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [(DAY, DAY - timedelta(days=1), "last_day"), (DAY - timedelta(days=MOST_DAYS), DAY, "last_day"), (date(2027, 2, 1), date(2027, 2, 2), "first_day")],
)
async def test_days_that_cannot_be_are_refused_by_name(fridge: Fridge, first: date, last: date, field: str) -> None:
    async with transaction(fridge.who) as tx:
        with pytest.raises(Invalid) as refused:
            await commands.question(tx, kind=ReportKind.DAILY, first_day=first, last_day=last, as_of=AS_OF)
    assert refused.value.field == field


def test_a_question_survives_its_journey_through_the_queue() -> None:
    asked = Asked(ReportKind.MANUAL, DAY, DAY, AS_OF, "Olga", uuid4(), None, (uuid4(),))
    assert Asked.from_arguments(asked.as_arguments()) == asked


def log(fridge: Fridge, minute: float, celsius: float, **more: Any) -> ManualTemperatureLog:
    return ManualTemperatureLog(
        unit_id=fridge.store.unit_id, user_id=fridge.who.user_id, user_name="Sokha", temperature_celsius=Decimal(str(celsius)),
        recorded_at=at(minute), created_at=at(minute), **more,
    )  # fmt: skip
