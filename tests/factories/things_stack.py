"""The Things Stack's API on loopback, as strict as the real one: addresses, keys and their rights, names, and field masks."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from data.cold_chain.networks import RIGHTS
from jobs.demonstration.haystack import serving

ID = re.compile(r"[a-z0-9](?:[-]?[a-z0-9]){2,}")
EUI = re.compile(r"[0-9A-F]{16}")
MASKS = {
    "js": {
        "ids.application_ids.application_id", "ids.dev_eui", "ids.device_id", "ids.join_eui", "network_server_address",
        "application_server_address", "root_keys.app_key.key", "root_keys.app_key", "root_keys.nwk_key.key", "net_id",
    },
    "ns": {
        "ids.application_ids.application_id", "ids.dev_eui", "ids.device_id", "ids.join_eui", "frequency_plan_id", "lorawan_version",
        "lorawan_phy_version", "supports_join", "mac_settings", "supports_class_c",
    },
    "as": {"ids.application_ids.application_id", "ids.dev_eui", "ids.device_id", "ids.join_eui", "formatters", "version_ids"},
    "webhook": {"base_url", "format", "headers", "uplink_message", "join_accept", "downlink_api_key", "paused", "uplink_normalized"},
}  # fmt: skip
"""What may be named in a field mask of each registry's Set (a part of it)."""
WITHHELD = {"name", "description", "join_server_address"}
"""Fields of a device that only the Identity Server keeps."""


def key(name: str) -> str:
    """A key that looks like one."""
    return f"NNSXS.{name.upper():A<39.39}.{secrets.token_hex(26).upper()}"


@dataclass
class ThingsStack:
    """One installation, its Identity Server and its cluster in one. `failing` is (method, part of the path) → (status, name)."""

    org_key: str = field(default_factory=lambda: key("ORG"))
    failing: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    keys: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    applications: dict[str, dict[str, Any]] = field(default_factory=dict)
    devices: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    gateways: list[dict[str, Any]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    """Applications that were deleted while their keys went on to say what they had allowed."""
    asked: list[str] = field(default_factory=list)
    app: FastAPI = field(default_factory=FastAPI)

    def __post_init__(self) -> None:
        self.app.api_route("/api/v3/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])(self.answer)

    def application(self, name: str, rights: tuple[str, ...] = RIGHTS) -> str:
        """An application that is there, and a key of it."""
        self.applications[name] = {}
        made = key(name.replace("-", ""))
        self.keys[made] = (name, frozenset(rights))
        return made

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve; the address of the server."""
        async with serving(self.app) as url:
            yield url

    async def answer(self, request: Request, path: str) -> JSONResponse:
        self.asked.append(f"{request.method} {path}")
        if not request.headers.get("user-agent", "").startswith("Steading/"):
            return refused(400, "no_user_agent", "a client says who it is")
        for (method, part), (status, name) in self.failing.items():
            if request.method == method and part in path:
                return refused(status, name, "it is made to fail")
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or (bearer != self.org_key and bearer not in self.keys):
            return refused(401, "token_not_found", "token not found", "pkg/identityserver")
        body: Any = {}
        if request.method in ("POST", "PUT"):
            if request.headers.get("content-type") != "application/json":
                return refused(415, "content_type", "the body must be JSON")
            body = await request.json()
        try:
            return JSONResponse(self.route(request.method, path.split("/"), bearer, dict(request.query_params), body))
        except Refused as reason:
            return refused(reason.status, reason.name, reason.message, reason.namespace)

    def route(self, method: str, path: list[str], bearer: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        match method, path:
            case "GET", ["auth_info"]:
                owner = {"organization_ids": {"organization_id": "green"}} if bearer == self.org_key else {"application_ids": {"application_id": self.keys[bearer][0]}}
                return {"api_key": {"entity_ids": owner, "api_key": {"id": "X"}}}
            case "GET", ["applications", app, "rights"]:
                held = sorted(self.rights(bearer, app))
                return {"rights": held} if held else {}
            case "GET", ["applications", app]:
                self.need(bearer, app, "RIGHT_APPLICATION_INFO")
                self.mask(query, {"name", "description"})
                return {"ids": {"application_id": app}}
            case "POST", ["organizations", owner, "applications"]:
                return self.create_application(bearer, owner, body)
            case "POST", ["applications", app, "api-keys"]:
                self.need(bearer, app, "RIGHT_APPLICATION_SETTINGS_API_KEYS")
                made = key("MADE")
                self.keys[made] = (app, frozenset(body["rights"]))
                return {"id": "MADE", "key": made, "name": body["name"], "rights": body["rights"]}
            case "GET", ["applications", app, "devices"]:
                self.need(bearer, app, "RIGHT_APPLICATION_DEVICES_READ")
                self.mask(query, {"ids", "name"})
                return self.listed(app, int(query["page"]), int(query["limit"]))
            case "POST", ["applications", app, "devices"]:
                return self.create_device(bearer, app, body)
            case "PUT", [("js" | "ns" | "as") as server, "applications", app, "devices", device]:
                return self.set_device(server, bearer, app, device, body)
            case "PUT", ["as", "webhooks", app, webhook]:
                return self.set_webhook(bearer, app, webhook, body)
            case "GET", ["gateways"]:
                if bearer != self.org_key:
                    raise Refused(403, "no_gateway_rights", "an application has no gateways")
                self.mask(query, {"name", "description", "frequency_plan_id", "antennas"})
                return {"gateways": self.gateways}
        raise Refused(404, "not_found", f"no route {method} {'/'.join(path)}", "pkg/web")

    def rights(self, bearer: str, app: str) -> frozenset[str]:
        if app not in self.applications:
            return frozenset()
        if bearer == self.org_key:
            return frozenset({*RIGHTS, "RIGHT_APPLICATION_SETTINGS_API_KEYS"})
        name, held = self.keys[bearer]
        return held if name == app else frozenset()

    def need(self, bearer: str, app: str, *rights: str) -> None:
        if app in self.lost or (app not in self.applications and bearer == self.org_key):
            raise Refused(404, "application_not_found", f"application `{app}` not found", "pkg/identityserver/store")
        if not set(rights) <= self.rights(bearer, app):
            raise Refused(403, "no_application_rights", f"no rights for application `{app}`", "pkg/auth/rights")

    @staticmethod
    def mask(query: dict[str, str], allowed: set[str]) -> None:
        if not query.get("field_mask") or set(query["field_mask"].split(",")) - allowed:
            raise Refused(400, "forbidden_path", "forbidden path(s) in field mask", "pkg/ttnpb")

    def create_application(self, bearer: str, owner: str, body: dict[str, Any]) -> dict[str, Any]:
        name = body["application"]["ids"]["application_id"]
        if bearer != self.org_key or owner != "green":
            raise Refused(403, "no_organization_rights", "no rights for organization", "pkg/auth/rights")
        if not ID.fullmatch(name) or len(name) > 36 or name in self.applications:
            raise Refused(409, "id_taken", "ID already taken", "pkg/identityserver/store")
        self.applications[name] = body["application"]
        return body["application"]

    def listed(self, app: str, page: int, limit: int) -> dict[str, Any]:
        if not 1 <= limit <= 1000:
            raise Refused(400, "limit", "at most 1000")
        every = [{"ids": one["ids"]} for one in self.devices.get(app, {}).values()]
        found = every[(page - 1) * limit : page * limit]
        return {"end_devices": found} if found else {}

    def create_device(self, bearer: str, app: str, body: dict[str, Any]) -> dict[str, Any]:
        self.need(bearer, app, "RIGHT_APPLICATION_DEVICES_WRITE")
        device = body["end_device"]
        ids = self.checked(app, device)
        if set(device) - {"ids", "name", "description", "join_server_address", "network_server_address", "application_server_address"}:
            raise Refused(400, "forbidden_field", "the Identity Server keeps no such field")
        if len(device.get("name", "")) > 50 or "://" in device["join_server_address"]:
            raise Refused(400, "validation", "invalid `end_device`", "pkg/validate")
        there = self.devices.setdefault(app, {})
        if ids["device_id"] in there:
            raise Refused(409, "id_taken", "ID already taken", "pkg/identityserver/store")
        if any(one["ids"]["dev_eui"] == ids["dev_eui"] for devices in self.devices.values() for one in devices.values()):
            raise Refused(409, "end_device_euis_taken", f"an end device with DevEUI `{ids['dev_eui']}` is already registered", "pkg/identityserver/store")
        there[ids["device_id"]] = {"ids": ids, "is": device}
        return device

    def checked(self, app: str, device: dict[str, Any]) -> dict[str, Any]:
        ids: dict[str, Any] = device["ids"]
        good = ID.fullmatch(ids["device_id"]) and len(ids["device_id"]) <= 36
        if not good or not EUI.fullmatch(ids["dev_eui"]) or not EUI.fullmatch(ids["join_eui"]):
            raise Refused(400, "validation", "invalid `end_device`: embedded message failed validation", "pkg/validate")
        if ids["application_ids"]["application_id"] != app:
            raise Refused(400, "ids", "the identifiers do not match the path")
        return ids

    def set_device(self, server: str, bearer: str, app: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        needed = ("RIGHT_APPLICATION_DEVICES_WRITE", *(["RIGHT_APPLICATION_DEVICES_WRITE_KEYS"] if server == "js" else []))
        self.need(bearer, app, *needed)
        device, paths = body["end_device"], set(body["field_mask"]["paths"])
        ids = self.checked(app, device)
        if paths - MASKS[server]:
            raise Refused(400, "forbidden_path", f"forbidden path(s) in field mask: {sorted(paths - MASKS[server])}", "pkg/ttnpb")
        if set(device) & WITHHELD or ids["device_id"] != name:
            raise Refused(400, "forbidden_field", "this server keeps no such field")
        if name not in self.devices.get(app, {}):
            raise Refused(404, "end_device_not_found", "end device not found", "pkg/identityserver/store")
        kept = {path: _at(device, path) for path in paths}
        if server == "js" and not re.fullmatch(r"[0-9A-F]{32}", kept.get("root_keys.app_key.key") or ""):
            raise Refused(400, "no_root_keys", "no root keys")
        if server == "ns" and not (kept.get("frequency_plan_id") and kept.get("lorawan_version") and kept.get("supports_join")):
            raise Refused(400, "invalid_field", "the Network Server needs to know how it speaks")
        self.devices[app][name][server] = kept
        return device

    def set_webhook(self, bearer: str, app: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self.need(bearer, app, "RIGHT_APPLICATION_SETTINGS_BASIC", "RIGHT_APPLICATION_TRAFFIC_READ", "RIGHT_APPLICATION_TRAFFIC_DOWN_WRITE")
        webhook, paths = body["webhook"], set(body["field_mask"]["paths"])
        if webhook["ids"] != {"application_ids": {"application_id": app}, "webhook_id": name} or not ID.fullmatch(name):
            raise Refused(400, "ids", "the identifiers do not match the path")
        if paths - MASKS["webhook"]:
            raise Refused(400, "forbidden_path", "forbidden path(s) in field mask", "pkg/ttnpb")
        if any(len(k) > 64 or len(v) > 4096 for k, v in webhook["headers"].items()):
            raise Refused(400, "validation", "invalid `headers`", "pkg/validate")
        self.webhooks[app] = {path: webhook[path] for path in paths}
        return webhook


class Refused(Exception):
    def __init__(self, status: int, name: str, message: str, namespace: str = "pkg/test") -> None:
        self.status, self.name, self.message, self.namespace = status, name, message, namespace
        super().__init__(message)


def refused(status: int, name: str, message: str, namespace: str = "pkg/test") -> JSONResponse:
    """An error as The Things Stack words them."""
    detail = {
        "@type": "type.googleapis.com/ttn.lorawan.v3.ErrorDetails", "namespace": namespace, "name": name, "message_format": message,
        "correlation_id": "7d4a76e4b2074fdfbb6d0fac81d8647c", "code": 7,
    }  # fmt: skip
    return JSONResponse({"code": 7, "message": f"error:{namespace}:{name} ({message})", "details": [detail]}, status_code=status)


def _at(device: dict[str, Any], path: str) -> Any:
    found: Any = device
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
