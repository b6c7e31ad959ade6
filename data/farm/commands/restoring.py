"""A device that had no power is brought to the state it shall start in, and what it should know by itself is set."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Invalid
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.asking import Asking, Wish, ask, is_switched, open_of
from data.farm.events import DeviceChanged, DeviceSettingsWanted
from data.farm.rules import NOT_SWITCHED, Urgency
from data.farm.tables import Commanded, Device, Farm, SwitchAction

LONGEST_ON_S = 7 * 86_400


async def restore(tx: Transaction, restarted: Sequence[Device], *, at: datetime) -> None:
    """Ask locked devices that have started anew for their start state, unless something is asked of them already.

    Where the farm is stopped, only what is to be off is asked for.
    """
    wanted = [d for d in restarted if d.startup_state in (SwitchAction.ON, SwitchAction.OFF) and d.is_active and is_switched(d)]
    if not wanted:
        return
    farms = {device.farm_id for device in wanted}
    stopped = set((await tx.exec(select(Farm.id).where(col(Farm.id).in_(farms), col(Farm.is_stopped)))).all())
    busy = {command.device_id for command in await open_of(tx, [device.id for device in wanted])}
    wishes = [
        Wish(device, device.startup_state, params={"is_start": True})
        for device in wanted
        if device.id not in busy and device.startup_state and not (device.startup_state is SwitchAction.ON and device.farm_id in stopped)
    ]
    await ask(tx, wishes, at=at, asking=Asking(Commanded.GUARD, Urgency.HIGH))


async def set_guard(
    tx: Transaction, device_id: UUID, *, max_on_s: int | None, startup_state: SwitchAction | None
) -> None:
    """How long a device may be on at a stretch (None: as long as it takes), and how it starts after it had no power.

    `startup_state` on or off is asked for; toggle means as it was before, None leaves it to the device. Both are enforced by us
    and told to the device where its dialect can. Invalid names the field.
    """
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    if not is_switched(device) and (max_on_s is not None or startup_state is not None):
        raise Invalid("max_on_s" if max_on_s is not None else "startup_state", NOT_SWITCHED)
    if max_on_s is not None and not 1 <= max_on_s <= LONGEST_ON_S:
        raise Invalid("max_on_s", "{value} is not between {low} and {high}.", value=max_on_s, low=1, high=LONGEST_ON_S)
    device.max_on_s, device.startup_state, device.updated_at = max_on_s, startup_state, now()
    tx.add(device)
    tx.emit(DeviceSettingsWanted(device_id=device_id))
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))
