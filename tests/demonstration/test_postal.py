"""The demonstration's post office takes what the real channels hand over, and tells of it as Telnyx does."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI, Request

from jobs.channels import Letter
from jobs.channels._outside import client
from jobs.channels.email import Email
from jobs.channels.sms import Sms
from jobs.demonstration.haystack import serving
from jobs.demonstration.postal import KEY, NUMBER, Postbox, delivering
from jobs.networks.telnyx import _is_signed
from tests.factories.served import free_port

MAIL = Letter("1", "olga@example.org", "First line.\n.A line with a point before it.\nត្រី", "Freezer <3>", "<p>Hello</p>")


async def test_mails_can_be_read_and_text_messages_arrive_with_a_signed_word_of_it() -> None:
    told: list[tuple[bytes, str, str]] = []

    async def hear(request: Request) -> dict[str, Any]:
        told.append((await request.body(), request.headers["telnyx-timestamp"], request.headers["telnyx-signature-ed25519"]))
        return {}

    home = FastAPI()
    home.post("/webhooks/telnyx")(hear)
    http_port, smtp_port = free_port(), free_port()
    async with serving(home) as address, client() as over:
        postbox = Postbox("a key for tests only", address.rstrip("/"))
        async with delivering(postbox, http_port=http_port, smtp_port=smtp_port):
            for _ in range(2):
                await Email(f"smtp://127.0.0.1:{smtp_port}", "steading@demo.example").send(MAIL)
            await Sms(over, api_key=KEY, number=NUMBER, address=f"http://127.0.0.1:{http_port}").send(Letter("2", "+85512000001", "Freezer 3"))
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http_port}") as reader:
                page = (await reader.get("/")).text
                assert (await reader.get("/mail/0")).text.strip() == "<p>Hello</p>" and (await reader.get("/mail/9")).status_code == 404
            async with asyncio.timeout(10):
                while len(told) < 2:
                    await asyncio.sleep(0.05)
    assert [one.text.strip() for one in postbox.items] == [MAIL.text, MAIL.text, "Freezer 3"]
    assert "Freezer &lt;3&gt;" in page and "Freezer <3>" not in page
    assert all(_is_signed(body, stamp, signature, postbox.public_key) for body, stamp, signature in told)
