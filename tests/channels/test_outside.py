"""An address that somebody typed is connected to where it was looked up, under its own name and certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fastapi import FastAPI, Request

from data.core.time import now
from jobs.channels import TryLater, Undeliverable
from jobs.channels._outside import client, post, retry_after_s
from jobs.demonstration.haystack import _Server
from tests.factories.served import free_port

LOOPBACK = {"127.0.0.1", "::1"}


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed one for this name, and its key."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now() - timedelta(days=1)).not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@asynccontextmanager
async def secure(folder: Path, name: str) -> AsyncIterator[tuple[int, httpx.AsyncClient, list[str]]]:
    """A server with a certificate for that name, a client that trusts it, and the host names that it was asked for."""
    asked: list[str] = []
    app = FastAPI()

    @app.post("/hook")
    async def hook(request: Request) -> dict[str, int]:
        asked.append(request.headers["host"])
        return {"length": len(await request.body())}

    certfile, keyfile = certificate(folder, name)
    port = free_port()
    server = _Server(uvicorn.Config(app, port=port, log_level="warning", ssl_certfile=certfile, ssl_keyfile=keyfile, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(certfile)), trust_env=False) as over:
        yield port, over, asked
    server.should_exit = True
    await task


async def test_the_very_address_that_was_looked_up_is_connected_to_under_the_name_of_the_other_side(tmp_path: Path) -> None:
    async with secure(tmp_path, "localhost") as (port, over, asked):
        def is_allowed(address: str) -> bool:
            return address in LOOPBACK

        url = f"https://localhost:{port}/hook?x=1"
        status, said, _ = await post(over, url, content=b"12345", headers={"content-type": "text/plain"}, is_allowed=is_allowed)
        assert (status, said, asked) == (200, '{"length":5}', [f"localhost:{port}"])
        with pytest.raises(Undeliverable, match="private network"):
            await post(over, url, content=b"", headers={})
        with pytest.raises(Undeliverable, match="private network"):  # one address of many that is private is enough
            await post(over, url, content=b"", headers={}, is_allowed=lambda address: False)


async def test_a_certificate_for_another_name_is_not_believed(tmp_path: Path) -> None:
    async with secure(tmp_path, "elsewhere.example") as (port, over, asked):
        with pytest.raises(TryLater, match="certificate"):
            await post(over, f"https://localhost:{port}/hook", content=b"", headers={}, is_allowed=lambda address: True)
        assert asked == []


async def test_a_name_that_nobody_has_may_be_known_later() -> None:
    async with client() as over:
        with pytest.raises(TryLater, match="is not known"):
            await post(over, "https://nowhere.invalid/", content=b"", headers={})


@pytest.mark.parametrize(
    ("said", "wait_s"), [("7", 7), ("", None), ("soon", None), ("99999999", 3600), ("-5", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("nan", None), ("1e400", 3600)]
)
def test_how_long_to_wait_is_read_with_care(said: str, wait_s: float | None) -> None:
    assert retry_after_s(httpx.Headers({"retry-after": said} if said else {})) == wait_s
