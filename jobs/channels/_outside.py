"""Addresses that people typed are knocked at with care: never our own network, never where they send us on to."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isnan
from urllib.parse import urlsplit, urlunsplit

import anyio
import httpx

from data.core.time import now
from jobs.channels import TryLater, Undeliverable

TIMEOUT = httpx.Timeout(10, connect=5)
MOST_TOLD = 300
"""Characters of an answer that are kept to say what went wrong."""
MOST_READ = 20_000
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def client() -> httpx.AsyncClient:
    """What all channels talk through: no redirects, no proxy or password taken from the environment."""
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False, limits=httpx.Limits(max_connections=60))


def is_public(address: str) -> bool:
    """Whether an address lies on the open internet, however it is written (IPv4 inside IPv6 too)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in NAT64:
            return False
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


async def post(
    over: httpx.AsyncClient, url: str, *, content: bytes, headers: Mapping[str, str], may_be_private: bool = False,
    is_allowed: Callable[[str], bool] = is_public,
) -> tuple[int, str, httpx.Headers]:  # fmt: skip
    """POST to an address that somebody else chose; the status, the beginning of the answer, its headers.

    Unless it may be private: https only, and the very address that was looked up and found public is the one connected
    to, so that a name cannot point elsewhere a moment later. `is_allowed` says which addresses are public. Raises
    Undeliverable, TryLater.
    """
    target, extensions, sent = url, {}, dict(headers)
    if not may_be_private:
        target, host = await pinned(url, is_allowed)
        sent["host"], extensions = urlsplit(url).netloc.rpartition("@")[2], {"sni_hostname": host}
    try:
        async with over.stream("POST", target, content=content, headers=sent, extensions=extensions) as reply:
            return reply.status_code, await _beginning(reply), reply.headers
    except httpx.InvalidURL as reason:
        raise Undeliverable(f"the address cannot be read: {reason}", is_dead=True) from reason
    except httpx.HTTPError as reason:
        raise unreachable(reason) from reason


def unreachable(reason: httpx.HTTPError) -> TryLater:
    """The other side did not answer."""
    return TryLater(f"no answer: {str(reason) or type(reason).__name__}"[:MOST_TOLD])


def retry_after_s(headers: httpx.Headers) -> float | None:
    """What a Retry-After header asks for (seconds or a date), at most an hour."""
    said = headers.get("retry-after", "")
    try:
        wait_s = float(said)
    except ValueError:
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return None
        wait_s = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now()).total_seconds()
    return None if isnan(wait_s) else min(max(wait_s, 0.0), 3600.0)


async def pinned(url: str, is_allowed: Callable[[str], bool] = is_public) -> tuple[str, str]:
    """The address with the very number that was looked up and found public, and the name it stands for. Raises Undeliverable, TryLater."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or not host:
        raise Undeliverable("the address does not begin with https://", is_dead=True)
    try:
        found = await anyio.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as reason:
        raise TryLater(f"the name {host} is not known: {reason}") from reason
    addresses = [str(address[0]) for *_, address in found]
    if not addresses or not all(is_allowed(address) for address in addresses):
        raise Undeliverable(f"{host} lies in a private network", is_dead=True)
    literal = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    return urlunsplit((parts.scheme, f"{literal}:{parts.port or 443}", parts.path or "/", parts.query, "")), host


async def _beginning(reply: httpx.Response) -> str:
    read = b""
    async for piece in reply.aiter_bytes():
        read += piece
        if len(read) >= MOST_READ:
            break
    return read[:MOST_READ].decode(errors="replace")
