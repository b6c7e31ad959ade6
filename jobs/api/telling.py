"""How an organization sends text messages, and whose digest comes when."""

from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from data.core.session import Transaction, transaction
from data.core.time import now
from data.notifications import queries
from data.notifications.commands import channels, preferences
from data.notifications.tables import Channel, NotificationPreference, SmsConfig
from jobs.api._door import Reader, Setter, answer, door
from jobs.api._organization import of_organization

sms = of_organization("/alerts/sms/config", "Text messages")
digests = door("/api/preferences/digest", "Digests")


class SmsGiven(BaseModel):
    """The account at Telnyx. A key that is not given stays; without a public key nothing that Telnyx tells is believed."""

    number: Annotated[str, Field(max_length=40)]
    api_key: Annotated[str | None, Field(max_length=500)] = None
    public_key: Annotated[str | None, Field(max_length=100)] = None
    profile_id: Annotated[str | None, Field(max_length=100)] = None
    is_enabled: bool = True


class DigestGiven(BaseModel):
    """`time` is by the person's own clock; no `site_ids` means all sites. What is not said stays."""

    daily: bool | None = None
    weekly: bool | None = None
    is_email_enabled: bool | None = None
    at: Annotated[time | None, Field(alias="time")] = None
    site_ids: Annotated[list[UUID] | None, Field(max_length=500)] = None


@sms.get("")
async def show_sms(actor: Reader) -> dict[str, Any]:
    """How text messages are sent; of the key its last four signs. `null` where they are not set up."""
    async with transaction(actor) as tx:
        return answer(await _sms(tx))


@sms.put("")
async def change_sms(actor: Setter, given: SmsGiven) -> dict[str, Any]:
    """Set the account up, or change it."""
    async with transaction(actor) as tx:
        await channels.set_sms(tx, **given.model_dump())
        return answer(await _sms(tx))


@sms.delete("")
async def remove_sms(actor: Setter) -> dict[str, Any]:
    """Send none any more; the key is forgotten."""
    async with transaction(actor) as tx:
        await channels.remove_sms(tx)
    return answer({})


@digests.get("")
async def show_digest(actor: Reader) -> dict[str, Any]:
    """When one's own digests come, and of which sites they tell."""
    async with transaction(actor) as tx:
        return answer(_digest(await queries.own_preference(tx)))


@digests.patch("")
async def change_digest(actor: Setter, given: DigestGiven) -> dict[str, Any]:
    """Ask for them, or for others."""
    async with transaction(actor) as tx:
        return answer(await _choose(tx, given))


@digests.post("/disable-all")
async def disable_all(actor: Setter) -> dict[str, Any]:
    """No digest at all."""
    async with transaction(actor) as tx:
        return answer(await _choose(tx, DigestGiven(daily=False, weekly=False)))


async def _sms(tx: Transaction) -> dict[str, Any] | None:
    found = await queries.set_up(tx)
    return _account(found.sms, found.rests_until(Channel.SMS, now())) if found.sms else None


def _account(config: SmsConfig, rests_until: datetime | None) -> dict[str, Any]:
    return {
        "number": config.telnyx_phone_number, "api_key_last_four": config.telnyx_api_key_last_four, "public_key": config.telnyx_public_key,
        "profile_id": config.telnyx_messaging_profile_id, "is_enabled": config.is_enabled, "last_test_at": config.last_test_at,
        "rests_until": rests_until, "updated_at": config.updated_at,
    }  # fmt: skip


async def _choose(tx: Transaction, given: DigestGiven) -> dict[str, Any]:
    held = await queries.own_preference(tx)
    flags = {"digest_daily": given.daily, "digest_weekly": given.weekly, "is_email_enabled": given.is_email_enabled}
    sites = [str(one) for one in given.site_ids or ()] if "site_ids" in given.model_fields_set else held.digest_site_ids
    await preferences.set_preferences(
        tx, flags={name: value for name, value in flags.items() if value is not None}, least_severity=held.least_severity,
        quiet_from=held.quiet_from, quiet_until=held.quiet_until, digest_time=given.at or held.digest_time, digest_site_ids=sites,
    )  # fmt: skip
    await tx.flush()
    return _digest(await queries.own_preference(tx))


def _digest(chosen: NotificationPreference) -> dict[str, Any]:
    return {
        "daily": chosen.digest_daily, "weekly": chosen.digest_weekly, "time": chosen.digest_time.isoformat(timespec="minutes"),
        "site_ids": chosen.digest_site_ids, "is_email_enabled": chosen.is_email_enabled,
        "daily_sent_on": chosen.digest_daily_sent_on, "weekly_sent_on": chosen.digest_weekly_sent_on,
    }  # fmt: skip


router = APIRouter()
for each in (sms, digests):
    router.include_router(each)
