"""An organization is connected to its application at The Things Stack: with which keys, and how far setting it up came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.cold_chain import networks
from data.cold_chain.events import ConnectionChanged, GatewayChanged
from data.cold_chain.networks import STEPS, Servers
from data.cold_chain.queries import connections as queries
from data.cold_chain.queries.connections import NETWORKS
from data.cold_chain.tables import Device, LoraSensor, TtnConnection
from data.cold_chain.values import ProvisioningStatus
from data.core import columns
from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction, plain
from data.core.table import uuid7
from data.core.time import now
from data.identity import commands as identity
from data.identity import queries as identities
from data.identity.secrets import seal
from data.identity.tables import TokenKind
from data.platform import background

KIND = "ttn.provision"
STUCK_AFTER = timedelta(minutes=10)
LONGEST_KEPT = 2000
DONE, FAILED, RUNNING, SKIPPED = "done", "failed", "running", "skipped"


async def connect(
    tx: Transaction, *, application_id: str, webhook_url: str, region: str = "eu1", server_url: str | None = None,
    frequency_plan_id: str | None = None, api_key: str | None = None, org_api_key: str | None = None, may_be_private: bool = False,
) -> TtnConnection:  # fmt: skip
    """Describe the application, and make the secret that its webhook shall bring. One of the two keys is needed.

    Keys are sealed and never shown again. Nothing is sent yet: see `provision`.
    """
    _require(tx)
    name = networks.application_id(application_id)
    taken = select(TtnConnection.id).where(TtnConnection.ttn_application_id == name, col(TtnConnection.deleted_at).is_(None))
    if (await tx.exec(taken)).first():
        raise Conflict("The application {name} is connected already.", name=name)
    if not (api_key or org_api_key):
        raise Invalid("api_key", "A key is needed: the application's, or the organization's.")
    made = TtnConnection(ttn_application_id=name, ttn_webhook_url=webhook_url)
    _place(made, region, server_url, frequency_plan_id, may_be_private)
    _seal_keys(made, api_key, org_api_key)
    await _new_secret(tx, made)
    tx.add(made)
    await tx.flush()
    tx.emit(ConnectionChanged(connection_id=made.id))
    return made


async def edit(
    tx: Transaction, connection_id: UUID, *, region: str, server_url: str | None, frequency_plan_id: str | None,
    api_key: str | None = None, org_api_key: str | None = None, may_be_private: bool = False,
) -> None:  # fmt: skip
    """Change where the application is, and exchange keys: an empty one stays as it is."""
    connection = await _idle(tx, connection_id)
    before = networks.servers(connection.ttn_region, connection.server_url)
    is_elsewhere = networks.servers(region, _address(server_url, may_be_private)) != before
    if is_elsewhere and not (api_key or org_api_key):
        raise Invalid("api_key", "A key belongs to its server: enter one for the new address.")
    _place(connection, region, server_url, frequency_plan_id, may_be_private)
    if is_elsewhere:
        connection.ttn_api_key_encrypted = connection.ttn_org_api_key_encrypted = None
        connection.ttn_api_key_last_four = connection.ttn_org_api_key_last_four = None
    _seal_keys(connection, api_key, org_api_key)
    if api_key or org_api_key:
        connection.credentials_last_rotated_at, connection.app_rights_check_status = now(), None
    tx.add(connection)
    tx.emit(ConnectionChanged(connection_id=connection.id))


async def provision(tx: Transaction, connection_id: UUID) -> None:
    """Ask for it to be set up, from the step that failed last, else from the first."""
    connection = await _idle(tx, connection_id)
    failed = connection.provisioning_status is ProvisioningStatus.FAILED
    await _ask(tx, connection, connection.provisioning_step if failed and connection.provisioning_step else STEPS[0])


async def rotate_secret(tx: Transaction, connection_id: UUID) -> None:
    """Give the webhook a new secret. The old one is good until the network has the new one: no reading is lost between."""
    connection = await _idle(tx, connection_id)
    if connection.provisioning_status is not ProvisioningStatus.COMPLETE:
        raise Conflict("Finish setting it up first.")
    if connection.feed_token_id:
        held = connection.provisioning_step_details.get("retiring", [])
        connection.provisioning_step_details = connection.provisioning_step_details | {"retiring": [*held, str(connection.feed_token_id)]}
    await _new_secret(tx, connection)
    connection.credentials_last_rotated_at = now()
    await _ask(tx, connection, "webhook")


async def disconnect(tx: Transaction, connection_id: UUID) -> None:
    """Forget the keys and lock the webhook out. What is at the network stays there."""
    connection = await _idle(tx, connection_id)
    await _revoke(tx, [str(connection.feed_token_id), *connection.provisioning_step_details.get("retiring", [])])
    connection.deleted_at, connection.is_active = now(), False
    connection.ttn_api_key_encrypted = connection.ttn_org_api_key_encrypted = connection.ttn_webhook_secret_encrypted = None
    tx.add(connection)
    tx.emit(ConnectionChanged(connection_id=connection.id))


# --- what the job that talks to the network asks and tells ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Registrable:
    """A sensor that can be registered: its key is open here, and nowhere else."""

    device_id: UUID
    device_eui: str
    join_eui: str
    app_key: str
    lorawan_version: str
    name: str | None
    is_registered: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that setting it up needs, with the seals open. Never logged, never kept."""

    id: UUID
    application_id: str
    servers: Servers
    frequency_plan_id: str | None
    webhook_url: str
    webhook_secret: str
    api_key: str | None
    org_api_key: str | None
    sensors: Sequence[Registrable]
    keyless_count: int


async def facts(tx: Transaction, connection_id: UUID) -> Facts:
    """For the job alone."""
    connection = await queries.connection(tx, connection_id)
    statement = (
        select(Device, LoraSensor)
        .outerjoin(LoraSensor, (col(LoraSensor.device_id) == Device.id) & (col(LoraSensor.organization_id) == Device.organization_id))
        .where(Device.device_type == "lora", col(Device.deleted_at).is_(None), col(Device.is_active))
        .order_by(col(Device.created_at))
    )
    rows = (await tx.exec(statement)).all()
    ready = [
        Registrable(
            device.id, device.device_eui, lora.join_eui, seal().open(lora.app_key_encrypted), lora.lorawan_version, device.name,
            lora.network_server_id == connection.ttn_application_id,
        )  # fmt: skip
        for device, lora in rows
        if lora is not None and lora.join_eui and lora.app_key_encrypted
    ]
    return Facts(
        connection.id, connection.ttn_application_id, networks.servers(connection.ttn_region, connection.server_url),
        connection.frequency_plan_id, connection.ttn_webhook_url or "", _opened(connection.ttn_webhook_secret_encrypted) or "",
        _opened(connection.ttn_api_key_encrypted), _opened(connection.ttn_org_api_key_encrypted), ready, len(rows) - len(ready),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What the network answered: its status, its own name and number of an error, and the beginning of what it said."""

    http_status: int | None = None
    error_name: str | None = None
    correlation_id: str | None = None
    body: str | None = None


async def begin_step(tx: Transaction, connection_id: UUID, step: str) -> None:
    """It is being done."""
    connection = await queries.connection(tx, connection_id, for_update=True)
    connection.provisioning_status, connection.provisioning_step = ProvisioningStatus.IN_PROGRESS, step
    _note(connection, step, state=RUNNING)
    _changed(tx, connection)


async def end_step(
    tx: Transaction, connection_id: UUID, step: str, *, told: Told, skipped: bool = False, made_key: str | None = None,
    registered: Sequence[UUID] = (), gateways: Sequence[Mapping[str, Any]] = (), **counts: Any,
) -> None:  # fmt: skip
    """It is done, and what came of it is kept."""
    connection = await queries.connection(tx, connection_id, for_update=True)
    _heard(connection, told)
    _note(connection, step, state=SKIPPED if skipped else DONE, http_status=told.http_status, **counts)
    connection.provisioning_error = connection.last_ttn_error_name = connection.last_ttn_correlation_id = None
    match step:
        case "rights":
            connection.app_rights_check_status = "complete"
        case "application" if made_key:
            _seal_keys(connection, made_key, None)
        case "webhook":
            details = dict(connection.provisioning_step_details)
            await _revoke(tx, details.pop("retiring", []))
            connection.provisioning_step_details = details
            connection.is_active = True
    if registered:
        await _note_registered(tx, registered, connection.ttn_application_id)
    if gateways:
        await _keep_gateways(tx, connection.id, gateways)
    _changed(tx, connection)


async def fail_step(
    tx: Transaction, connection_id: UUID, step: str, *, error: str, told: Told, registered: Sequence[UUID] = (), **values: Any
) -> None:
    """It went wrong: a sentence (an English template and its values), and what the network said. What was done before stays done."""
    connection = await queries.connection(tx, connection_id, for_update=True)
    _heard(connection, told)
    connection.provisioning_status, connection.provisioning_step, connection.provisioning_error = ProvisioningStatus.FAILED, step, error
    if step == "rights":
        connection.app_rights_check_status = "failed"
    _note(
        connection, step, state=FAILED, error=error, values=values, http_status=told.http_status, error_name=told.error_name,
        correlation_id=told.correlation_id,
    )  # fmt: skip
    if registered:
        await _note_registered(tx, registered, connection.ttn_application_id)
    _changed(tx, connection)


async def finish(tx: Transaction, connection_id: UUID) -> None:
    """All steps are done."""
    connection = await queries.connection(tx, connection_id, for_update=True)
    connection.provisioning_status, connection.provisioning_step = ProvisioningStatus.COMPLETE, None
    _changed(tx, connection)


# --- inside ------------------------------------------------------------------------------------------------------------


def _require(tx: Transaction) -> None:
    tx.actor.require(NETWORKS)
    if tx.actor.scopes(NETWORKS) is not None:
        raise Forbidden("You do not have the right to do this.")


async def _idle(tx: Transaction, connection_id: UUID) -> TtnConnection:
    """The connection, locked, for those who may change it, while nobody is setting it up."""
    _require(tx)
    connection = await queries.connection(tx, connection_id, for_update=True)
    if connection.provisioning_status is ProvisioningStatus.IN_PROGRESS and now() - connection.updated_at < STUCK_AFTER:
        raise Conflict("It is being set up at this moment.")
    return connection


async def _ask(tx: Transaction, connection: TtnConnection, step: str) -> None:
    connection.provisioning_status, connection.provisioning_step, connection.provisioning_error = ProvisioningStatus.IN_PROGRESS, step, None
    connection.provisioning_attempt_count += 1
    connection.updated_at = now()
    for name in STEPS[STEPS.index(step) :]:
        _note(connection, name, state="waiting")
    await background.ask(tx, KIND, {"connection_id": str(connection.id), "step": step})
    _changed(tx, connection)


def _place(connection: TtnConnection, region: str, server_url: str | None, frequency_plan_id: str | None, may_be_private: bool) -> None:
    if region not in networks.REGIONS:
        raise Invalid("region", "Choose one of {choices}.", choices=", ".join(networks.REGIONS))
    if frequency_plan_id and frequency_plan_id not in networks.FREQUENCY_PLANS:
        raise Invalid("frequency_plan_id", "Choose one of {choices}.", choices=", ".join(networks.FREQUENCY_PLANS))
    connection.ttn_region, connection.frequency_plan_id = region, frequency_plan_id or None
    connection.server_url = _address(server_url, may_be_private)


def _address(server_url: str | None, may_be_private: bool) -> str | None:
    return networks.server_address(server_url, may_be_private=may_be_private) if server_url and server_url.strip() else None


def _seal_keys(connection: TtnConnection, api_key: str | None, org_api_key: str | None) -> None:
    if api_key:
        key = networks.api_key(api_key)
        connection.ttn_api_key_encrypted, connection.ttn_api_key_last_four = seal().close(key), key[-4:]
    if org_api_key:
        key = networks.api_key(org_api_key, "org_api_key")
        connection.ttn_org_api_key_encrypted, connection.ttn_org_api_key_last_four = seal().close(key), key[-4:]


async def _new_secret(tx: Transaction, connection: TtnConnection) -> None:
    token, secret = await identity.make_token(
        tx, name=f"The Things Stack, {connection.ttn_application_id}", kind=TokenKind.FEED, network="ttn", needs=NETWORKS
    )
    connection.feed_token_id = token.id
    connection.ttn_webhook_secret_encrypted, connection.ttn_webhook_secret_last_four = seal().close(secret), secret[-4:]


async def _revoke(tx: Transaction, token_ids: Sequence[str]) -> None:
    for token_id in token_ids:
        if token_id != "None":
            await identity.revoke_token(tx, (await identities.token(tx, UUID(token_id))).id)


def _opened(sealed: bytes | None) -> str | None:
    return seal().open(sealed) if sealed else None


def _note(connection: TtnConnection, step: str, **said: Any) -> None:
    told = {name: plain(value) for name, value in said.items() if value is not None}
    connection.provisioning_step_details = connection.provisioning_step_details | {step: told | {"at": now().isoformat()}}


def _heard(connection: TtnConnection, told: Told) -> None:
    connection.last_http_status, connection.last_http_body = told.http_status, (told.body or "")[:LONGEST_KEPT] or None
    connection.last_ttn_error_name, connection.last_ttn_correlation_id = told.error_name, told.correlation_id
    connection.last_used_at = now()


def _changed(tx: Transaction, connection: TtnConnection) -> None:
    connection.updated_at = now()
    tx.add(connection)
    tx.emit(ConnectionChanged(connection_id=connection.id))


async def _note_registered(tx: Transaction, device_ids: Sequence[UUID], application_id: str) -> None:
    await tx.execute(
        text("""
update cold_chain.lora_sensors set network_server_id = :application_id, updated_at = now()
where organization_id = :organization_id and device_id = any(:ids)
"""),
        {"organization_id": tx.organization_id, "application_id": application_id, "ids": columns.ids(list(device_ids))},
    )


_GATEWAYS = text("""
insert into cold_chain.gateways (id, organization_id, ttn_connection_id, gateway_id, gateway_eui, name, description,
  frequency_plan_id, latitude, longitude, altitude_m, status, is_active)
select v.id, :organization_id, :connection_id, v.gateway_id, v.eui, v.name, v.description, v.plan, v.latitude, v.longitude,
  v.altitude, 'unknown', true
from unnest(:ids, :names, :euis, :labels, :descriptions, :plans, :latitudes, :longitudes, :altitudes)
  v (id, gateway_id, eui, name, description, plan, latitude, longitude, altitude)
where not exists (
  select from cold_chain.gateways g where g.organization_id = :organization_id and g.deleted_at is null
    and g.gateway_eui = v.eui and g.gateway_id <> v.gateway_id)
on conflict (organization_id, gateway_id) where deleted_at is null do update set
  ttn_connection_id = excluded.ttn_connection_id, name = coalesce(cold_chain.gateways.name, excluded.name),
  description = coalesce(cold_chain.gateways.description, excluded.description), frequency_plan_id = excluded.frequency_plan_id,
  gateway_eui = coalesce(excluded.gateway_eui, cold_chain.gateways.gateway_eui),
  latitude = coalesce(cold_chain.gateways.latitude, excluded.latitude),
  longitude = coalesce(cold_chain.gateways.longitude, excluded.longitude), updated_at = now()
returning id
""")
"""What people wrote here stays; the network fills what they left empty."""


async def _keep_gateways(tx: Transaction, connection_id: UUID, found: Sequence[Mapping[str, Any]]) -> None:
    def texts(name: str) -> columns.Column:
        return columns.texts(one.get(name) or None for one in found)

    rows = await tx.execute(
        _GATEWAYS,
        {
            "organization_id": tx.organization_id, "connection_id": connection_id, "ids": columns.ids([uuid7() for _ in found]),
            "names": texts("gateway_id"), "euis": texts("eui"), "labels": texts("name"), "descriptions": texts("description"),
            "plans": texts("frequency_plan_id"), "latitudes": columns.doubles(one.get("latitude") for one in found),
            "longitudes": columns.doubles(one.get("longitude") for one in found),
            "altitudes": columns.integers(one.get("altitude_m") for one in found),
        },
    )  # fmt: skip
    for (gateway_id,) in rows:
        tx.emit(GatewayChanged(gateway_id=gateway_id))
