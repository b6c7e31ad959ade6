"""An application at The Things Stack is set up step by step; what each step found is on the screen while it happens."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from data.cold_chain.commands import connections
from data.cold_chain.commands.connections import Facts, Told
from data.cold_chain.networks import STEPS, missing_rights
from data.core.actor import Actor
from data.core.errors import Conflict
from data.core.session import transaction
from data.core.settings import Settings
from data.platform.tables import BackgroundJob
from jobs.background import Outcome, Progress, Work
from jobs.networks.ttn_api import TtnApi, TtnFailed, device_id

KIND = connections.KIND
RIGHTS_MISSING = "The key lacks these rights: {rights}. Add them to it in The Things Stack's console, or make a new key."
NO_APPLICATION = "There is no application called {application}, and without an organization's key none can be made."
NO_PLAN = "Choose the frequency plan first: sensors cannot be registered without one."
TAKEN = "{eui}: {reason}"
BROKEN = "Something went wrong with this. It has been noted; try it again."
Found = Mapping[str, Any]


def work(settings: Settings) -> Work:
    """Setting one connection up, from the step that its job names to the last."""

    async def provision(actor: Actor, job: BackgroundJob, say: Progress) -> Outcome:
        connection_id = UUID(job.arguments["connection_id"])
        begun = STEPS.index(job.arguments["step"])
        for place, step in enumerate(STEPS[begun:], begun):
            say(100 * place / len(STEPS), step)
            await _step(actor, connection_id, step, settings)
        async with transaction(actor) as tx:
            await connections.finish(tx, connection_id)
        return Outcome()

    return provision


async def _step(actor: Actor, connection_id: UUID, step: str, settings: Settings) -> None:
    """Read what is needed, let go of the database, talk to the network, write down what came of it."""
    async with transaction(actor) as tx:
        await connections.begin_step(tx, connection_id, step)
        facts = await connections.facts(tx, connection_id)
    try:
        async with TtnApi(facts.servers, facts.application_id, may_be_private=settings.network_private_addresses) as api:
            found = await DOING[step](api, facts)
    except TtnFailed as reason:
        async with transaction(actor) as tx:
            await connections.fail_step(
                tx, connection_id, step, error=reason.message, told=reason.told, registered=reason.registered, **reason.values
            )
        raise Conflict(reason.message, **reason.values) from reason
    except Exception:  # an edge: the screen must not say for ever that it is being done
        async with transaction(actor) as tx:
            await connections.fail_step(tx, connection_id, step, error=BROKEN, told=Told())
        raise
    async with transaction(actor) as tx:
        await connections.end_step(tx, connection_id, step, **found)


async def _rights(api: TtnApi, facts: Facts) -> Found:
    """Whether the key allows what we need. Without one of the application's own, whose the organization's is."""
    if facts.api_key:
        held, told = await api.rights(facts.api_key)
        if lacking := missing_rights(held):
            raise TtnFailed(RIGHTS_MISSING, told, rights=", ".join(lacking))
        return {"told": told}
    assert facts.org_api_key
    _kind, owner, told = await api.whose(facts.org_api_key)
    return {"told": told, "owner": owner}


async def _application(api: TtnApi, facts: Facts) -> Found:
    """There is one, or one is made, and we have a key of its own."""
    key = facts.org_api_key or facts.api_key
    assert key
    exists, told = await api.application_exists(key)
    if not exists and not facts.org_api_key:
        raise TtnFailed(NO_APPLICATION, told, application=facts.application_id)
    if not exists:
        kind, owner, _told = await api.whose(key)
        told = await api.create_application(key, kind, owner)
    if facts.api_key:
        return {"told": told, "was_made": not exists}
    made, told = await api.create_key(key)
    return {"told": told, "was_made": not exists, "made_key": made}


async def _webhook(api: TtnApi, facts: Facts) -> Found:
    return {"told": await api.set_webhook(_key(facts), facts.webhook_url, facts.webhook_secret)}


async def _devices(api: TtnApi, facts: Facts) -> Found:
    """Sensors whose keys we have are made known, each where it is not; those that people registered there stay as they are.

    One that is refused does not keep the others from it.
    """
    known, told = await api.devices(_key(facts))
    done, refused, made = list[UUID](), list[TtnFailed](), 0
    for sensor in facts.sensors:
        name = known.get(sensor.device_eui)
        if name is None or (name == device_id(sensor.device_eui) and not sensor.is_registered):
            if not facts.frequency_plan_id:
                raise TtnFailed(NO_PLAN, told, registered=done)
            try:
                told = await api.register(_key(facts), sensor, facts.frequency_plan_id, is_named=name is not None)
            except TtnFailed as reason:
                refused.append(_of(sensor.device_eui, reason))
                if not reason.is_about_one:
                    break
                continue
            made += 1
        done.append(sensor.device_id)
    if refused:
        first = refused[0]
        raise TtnFailed(first.message, first.told, registered=done, **first.values)
    return {"told": told, "registered": done, "made": made, "known": len(done) - made, "keyless": facts.keyless_count}


def _of(eui: str, reason: TtnFailed) -> TtnFailed:
    text = str(reason.values.get("said") or reason.values.get("reason") or "")
    return TtnFailed(TAKEN, reason.told, eui=eui, reason=text)


async def _gateways(api: TtnApi, facts: Facts) -> Found:
    """The organization's gateways; an application's key does not reach them."""
    if not facts.org_api_key:
        return {"told": Told(), "skipped": True}
    found, told = await api.gateways(facts.org_api_key)
    return {"told": told, "gateways": found, "found": len(found)}


def _key(facts: Facts) -> str:
    key = facts.api_key or facts.org_api_key
    assert key, "a connection has a key"
    return key


DOING: Mapping[str, Callable[[TtnApi, Facts], Awaitable[Found]]] = {
    "rights": _rights, "application": _application, "webhook": _webhook, "devices": _devices, "gateways": _gateways,
}  # fmt: skip
