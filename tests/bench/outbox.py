"""How fast what people shall be told leaves the house: queued, claimed, sent over real SMTP and HTTP on loopback, written down."""

import asyncio
import time
from uuid import uuid4

import psycopg

from data.alerts.tables import Severity
from data.core.session import transaction
from data.core.settings import Settings
from data.core.time import now
from data.notifications.outbox import Message, queue
from data.notifications.sending import Outgoing, Written
from data.notifications.tables import Channel, Purpose
from jobs.outbox import running
from tests.bench.figures import AtLeast, Figure, Reference
from tests.bench.stage import SECRET_KEY, Installation, Stage, tuned_garbage_collection
from tests.factories.channels import SECRET, endpoint, set_up, system
from tests.factories.outside import MailServer, Partner, TelegramServer, Telnyx

PLAIN_INSERT = """
insert into notifications.notification_deliveries (id, organization_id, channel, purpose, severity, recipient, message, message_values,
  level, reason, reason_values, status, next_attempt_at, retry_count)
select gen_random_uuid(), organization_id, channel, purpose, severity, recipient, message, message_values, level, reason, reason_values,
  'pending', now(), 0 from notifications.notification_deliveries"""
PLAIN_UPDATE = "update notifications.notification_deliveries set status = 'sent', sent_at = now() where status = 'pending'"


async def figures(stage: Stage) -> list[Figure]:
    most = stage.size(1_000, 60)
    async with stage.installation("outbox") as here:
        mail, telnyx, telegram, partner = MailServer(), Telnyx(), TelegramServer(), Partner(SECRET)
        await set_up(here.world.owner)
        with mail.running() as smtp, tuned_garbage_collection():
            async with telnyx.running() as sms_url, telegram.running() as telegram_url, partner.running() as partner_url:
                settings = Settings(
                    _env_file=None, secret_key=SECRET_KEY, public_url="https://steading.example", smtp_url=smtp,
                    telnyx_url=sms_url, telegram_url=telegram_url, webhook_private_addresses=True,
                )  # type: ignore[call-arg]  # fmt: skip
                place = await endpoint(here.world.owner, partner_url)
                async with running(settings, _written):
                    begun = time.perf_counter()
                    await _queue(here, most, place)
                    queued = time.perf_counter() - begun
                    await _sent(here, most)
                    spent = time.perf_counter() - begun
        with here.owner() as connection:
            plain = _plain(connection)
    return [
        Figure(f"{most:,} messages queued, sent and written down", most / spent * 60, "a minute",
               Reference("the same rows by plain SQL", most / plain * 60), aim=AtLeast(1_000)),
        Figure("  of that, queued", most / queued * 60, "a minute"),
    ]  # fmt: skip


async def _queue(here: Installation, most: int, place: object) -> None:
    """Mail, text messages, the bot and a webhook in turn, a hundred a transaction, each to somebody else."""
    to = {
        Channel.EMAIL: lambda n: {"address": f"person{n}@example.org"}, Channel.WEBHOOK: lambda n: {"endpoint_id": place},
        Channel.TELEGRAM: lambda n: {"address": str(1_000 + n)},
    }  # fmt: skip
    ways = list(to)
    for first in range(0, most, 100):
        messages = [
            Message(
                ways[n % len(ways)], "{unit} is too warm", "Because.", values={"unit": f"Freezer {n}"}, purpose=Purpose.EVENT,
                severity=Severity.CRITICAL, event_type="alert.raised", payload={"n": n}, dedupe_key=f"bench-{uuid4()}", **to[ways[n % len(ways)]](n),
            )
            for n in range(first, min(first + 100, most))
        ]  # fmt: skip
        async with transaction(system(here.world)) as tx:
            await queue(tx, messages, at=now())


async def _sent(here: Installation, most: int) -> None:
    with here.owner() as connection:
        for _ in range(1_200):
            found = connection.execute(
                "select status::text, count(*), min(error_message) from notifications.notification_deliveries group by 1"
            ).fetchall()
            counts = {status: count for status, count, _error in found}
            if counts.get("sent", 0) + counts.get("delivered", 0) >= most:
                return
            assert not {"failed", "suppressed"} & counts.keys(), found
            await asyncio.sleep(0.05)
    raise AssertionError(f"the messages were not sent within a minute: {found}")


def _plain(connection: psycopg.Connection) -> float:
    begun = time.perf_counter()
    connection.execute(PLAIN_INSERT)
    connection.execute(PLAIN_UPDATE)
    return time.perf_counter() - begun


def _written(outgoing: Outgoing) -> Written:
    text = outgoing.message.format(**outgoing.values)
    return Written("Steading", text, f"<p>{text}</p>", text)
