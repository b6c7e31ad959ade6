"""The Things Stack keeps an application in four servers, each asked by its own address; every request names the fields it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from data.cold_chain.commands.connections import Registrable, Told
from data.cold_chain.networks import LORAWAN_VERSIONS, RIGHTS, WEBHOOK_ID, Servers
from jobs.channels import TryLater, Undeliverable
from jobs.channels._outside import client, pinned

AGENT = "Steading/1"
PAGE = 1000
KEPT = 2000
MOST_READ = 5_000_000
NO_ANSWER = "The Things Stack does not answer: {reason}"
REFUSED = "The Things Stack refuses: {said}"
NOT_UNDERSTOOD = "The Things Stack answered something that is not understood."
Body = dict[str, Any]


class TtnFailed(Exception):
    """A step cannot be done: a sentence (an English template and its values), and what the network said.

    `registered` are sensors that it knows all the same.
    """

    def __init__(self, message: str, told: Told, /, *, registered: Sequence[UUID] = (), **values: Any) -> None:
        self.message, self.told, self.values, self.registered = message, told, values, registered
        super().__init__(message.format(**values))

    @property
    def status(self) -> int | None:
        return self.told.http_status

    @property
    def is_about_one(self) -> bool:
        """It refuses this one thing; others may go well."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in (401, 403, 429)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how it is to be noted."""

    body: Body
    told: Told


class TtnApi:
    """One application at one installation. `may_be_private`: the server may be in our own network, and without TLS."""

    def __init__(self, servers: Servers, application_id: str, *, may_be_private: bool = False) -> None:
        self._servers, self._id, self._may_be_private = servers, application_id, may_be_private
        self._over = client()

    async def __aenter__(self) -> "TtnApi":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._over.aclose()

    # --- the Identity Server: who may what, applications, devices' names, gateways

    async def rights(self, key: str) -> tuple[set[str], Told]:
        """What a key allows at the application."""
        answer = await self._identity("GET", f"/applications/{self._id}/rights", key)
        return set(answer.body.get("rights", [])), answer.told

    async def whose(self, key: str) -> tuple[str, str, Told]:
        """Whom an organization's or a person's key belongs to: 'organizations' or 'users', and its name."""
        answer = await self._identity("GET", "/auth_info", key)
        ids = answer.body.get("api_key", {}).get("entity_ids", {})
        for kind, field in (("organizations", "organization"), ("users", "user")):
            if name := ids.get(f"{field}_ids", {}).get(f"{field}_id"):
                return kind, str(name), answer.told
        raise TtnFailed("This key belongs to neither an organization nor a person.", answer.told)

    async def application_exists(self, key: str) -> tuple[bool, Told]:
        """Whether there is one of that name that this key reaches."""
        try:
            return True, (await self._identity("GET", f"/applications/{self._id}", key, {"field_mask": "name"})).told
        except TtnFailed as reason:
            if reason.status == 404:
                return False, reason.told
            raise

    async def create_application(self, key: str, kind: str, owner: str) -> Told:
        body = {"application": {"ids": {"application_id": self._id}, "name": "Steading"}}
        return (await self._identity("POST", f"/{kind}/{owner}/applications", key, body=body)).told

    async def create_key(self, key: str) -> tuple[str, Told]:
        """A key of the application's own, with the rights that we need and no others."""
        answer = await self._identity("POST", f"/applications/{self._id}/api-keys", key, body={"name": "Steading", "rights": list(RIGHTS)})
        return str(answer.body["key"]), answer.told

    async def devices(self, key: str) -> tuple[dict[str, str], Told]:
        """The devices of the application: their names by device EUI."""
        found: dict[str, str] = {}
        page = 1
        while True:
            asked = {"field_mask": "ids", "limit": str(PAGE), "page": str(page)}
            answer = await self._identity("GET", f"/applications/{self._id}/devices", key, asked)
            listed = answer.body.get("end_devices", [])
            found |= {one["ids"]["dev_eui"].upper(): one["ids"]["device_id"] for one in listed if one["ids"].get("dev_eui")}
            if len(listed) < PAGE:
                return found, answer.told
            page += 1

    async def gateways(self, key: str) -> tuple[list[Body], Told]:
        """The gateways that an organization's key reaches, as rows of ours."""
        asked = {"field_mask": "name,description,frequency_plan_id,antennas", "limit": str(PAGE)}
        answer = await self._identity("GET", "/gateways", key, asked)
        return [_gateway(one) for one in answer.body.get("gateways", [])], answer.told

    # --- a device, which all four must know, in this order

    async def register(self, key: str, sensor: Registrable, frequency_plan_id: str, *, is_named: bool) -> Told:
        """Make it known; `is_named` where the Identity Server has it from an attempt that stopped half-way."""
        host = self._servers.host
        ids = {
            "device_id": device_id(sensor.device_eui), "dev_eui": sensor.device_eui, "join_eui": sensor.join_eui,
            "application_ids": {"application_id": self._id},
        }  # fmt: skip
        addresses = {"network_server_address": host, "application_server_address": host}
        if not is_named:
            named = {"ids": ids, "name": (sensor.name or sensor.device_eui)[:50], "join_server_address": host} | addresses
            await self._identity("POST", f"/applications/{self._id}/devices", key, body={"end_device": named})
        mac, phy = LORAWAN_VERSIONS[sensor.lorawan_version]
        of_join = {"ids": ids, "root_keys": {"app_key": {"key": sensor.app_key}}} | addresses
        of_network = {
            "ids": ids, "frequency_plan_id": frequency_plan_id, "lorawan_version": mac, "lorawan_phy_version": phy, "supports_join": True,
        }  # fmt: skip
        await self._set("js", key, of_join, (*addresses, "root_keys.app_key.key"))
        await self._set("ns", key, of_network, ("frequency_plan_id", "lorawan_version", "lorawan_phy_version", "supports_join"))
        return await self._set("as", key, {"ids": ids}, ())

    async def _set(self, server: str, key: str, device: Body, paths: Sequence[str]) -> Told:
        name = device["ids"]["device_id"]
        mask = [*paths, "ids.device_id", "ids.dev_eui", "ids.join_eui", "ids.application_ids.application_id"]
        body = {"end_device": device, "field_mask": {"paths": mask}}
        return (await self._cluster("PUT", f"/{server}/applications/{self._id}/devices/{name}", key, body)).told

    # --- the Application Server's webhooks

    async def set_webhook(self, key: str, url: str, secret: str) -> Told:
        """Let uplinks and joins be posted to us with the secret; makes the webhook, or brings it up to date."""
        webhook = {
            "ids": {"application_ids": {"application_id": self._id}, "webhook_id": WEBHOOK_ID}, "base_url": url, "format": "json",
            "headers": {"X-Webhook-Secret": secret}, "uplink_message": {}, "join_accept": {},
        }  # fmt: skip
        body = {"webhook": webhook, "field_mask": {"paths": ["base_url", "format", "headers", "uplink_message", "join_accept"]}}
        return (await self._cluster("PUT", f"/as/webhooks/{self._id}/{WEBHOOK_ID}", key, body)).told

    # --- asking

    async def _identity(self, method: str, path: str, key: str, asked: Mapping[str, str] | None = None, *, body: Body | None = None) -> Answer:
        return await self._ask(method, f"{self._servers.identity}/api/v3{path}", key, asked, body)

    async def _cluster(self, method: str, path: str, key: str, body: Body) -> Answer:
        return await self._ask(method, f"{self._servers.cluster}/api/v3{path}", key, None, body)

    async def _ask(self, method: str, url: str, key: str, asked: Mapping[str, str] | None, body: Body | None) -> Answer:
        headers = {"authorization": f"Bearer {key}", "accept": "application/json", "user-agent": AGENT}
        target, extensions = url, {}
        try:
            if not self._may_be_private:
                target, host = await pinned(url)
                headers["host"], extensions = urlsplit(url).netloc, {"sni_hostname": host}
            request = self._over.build_request(method, target, headers=headers, params=asked, json=body, extensions=extensions)
            reply = await self._over.send(request, stream=True)
            try:
                content = await _bounded(reply)
            finally:
                await reply.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, Undeliverable, TryLater) as reason:
            raise TtnFailed(NO_ANSWER, Told(), reason=str(reason) or type(reason).__name__) from reason
        return _understood(reply, content, key)


async def _bounded(reply: httpx.Response) -> bytes:
    content = b""
    async for piece in reply.aiter_bytes():
        content += piece
        if len(content) > MOST_READ:
            break
    return content


def _understood(reply: httpx.Response, content: bytes, key: str) -> Answer:
    text = content[:KEPT].decode(errors="replace").replace(key, "…")
    try:
        body = httpx.Response(200, content=content).json() if content else {}
    except ValueError:
        body = None
    detail = _detail(body)
    told = Told(reply.status_code, detail.get("name"), detail.get("correlation_id"), text if reply.is_error else None)
    if reply.is_success and isinstance(body, dict):
        return Answer(body, told)
    if reply.is_success:
        raise TtnFailed(NOT_UNDERSTOOD, told)
    message = str(body.get("message", "")) if isinstance(body, dict) else ""
    raise TtnFailed(REFUSED, told, said=_plain(message) or f"{reply.status_code} {reply.reason_phrase}".strip())


def _detail(body: Any) -> dict[str, str]:
    """The first of an error's details that is The Things Stack's own."""
    details = body.get("details", []) if isinstance(body, dict) else []
    return next((one for one in details if isinstance(one, dict) and str(one.get("@type", "")).endswith("ErrorDetails")), {})


def _plain(message: str) -> str:
    """`error:pkg/auth/rights:no_rights (no rights for …)` without its address."""
    if message.startswith("error:") and message.endswith(")") and " (" in message:
        return message.partition(" (")[2][:-1][:300]
    return message[:300]


def device_id(device_eui: str) -> str:
    """What we call a device there: unlike what people call theirs, so that nothing of theirs is written over."""
    return f"steading-{device_eui.lower()}"


def _gateway(one: Body) -> Body:
    location: Body = next((antenna["location"] for antenna in one.get("antennas", []) if antenna.get("location")), {})
    has_place = location.get("latitude") is not None or location.get("longitude") is not None
    return {
        "gateway_id": one["ids"]["gateway_id"], "eui": (one["ids"].get("eui") or "").upper(), "name": one.get("name"),
        "description": one.get("description"), "frequency_plan_id": one.get("frequency_plan_id"),
        "latitude": location.get("latitude", 0.0) if has_place else None, "longitude": location.get("longitude", 0.0) if has_place else None,
        "altitude_m": location.get("altitude"),
    }  # fmt: skip
