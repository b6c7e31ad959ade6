"""Which farm a screen is about, where there are several; the choice stands in the address."""

from collections.abc import Sequence
from uuid import UUID

from nicegui import ui

from data.farm.tables import Farm
from ui.words import _


def chosen(farms: Sequence[Farm], farm_id: UUID | None) -> Farm | None:
    """The farm in the address, or the first."""
    return next((one for one in farms if one.id == farm_id), farms[0] if farms else None)


def choose(farms: Sequence[Farm], here: Farm, address: str, **kept: str) -> None:
    """Offer the others; nothing where there is only one."""
    if len(farms) < 2:
        return
    rest = "".join(f"&{key}={value}" for key, value in kept.items())
    ui.select(
        {str(one.id): one.name for one in farms}, value=str(here.id), on_change=lambda e: ui.navigate.to(f"{address}?farm={e.value}{rest}")
    ).props(f'outlined dense options-dense=false aria-label="{_("Farm")}"')
