"""A farm's page says when devices wait to be taken in, to whoever may do that."""

from data.farm.events import DeviceAnnounced, DeviceRegistered
from data.farm.queries_discoveries import announced_counts
from data.farm.tables import Farm
from pages._shell import Looker
from ui.form import button
from ui.live import live
from ui.words import n_


def new_devices(look: Looker, farm: Farm) -> None:
    """A way to the devices that wait on this farm; nothing where none does."""
    if not look.may("farm.edit", farm.id):
        return

    async def ask() -> int:
        async with look.transaction() as tx:
            return (await announced_counts(tx)).get(farm.id, 0)

    def show(count: int) -> None:
        if count:
            button(n_("{n} new device", "{n} new devices", count), icon="travel_explore", href=f"/farm/discoveries?farm={farm.id}")

    live(ask, show, look.topic(DeviceAnnounced), look.topic(DeviceRegistered), minimum_interval_s=1.0)
