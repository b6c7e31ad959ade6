"""What is set at a farm's device: its limits and habits, and how its probe is brought in tune."""

import math
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from data.core.errors import Invalid
from data.core.session import Transaction, transaction
from data.farm import commands
from data.farm.commands import Chosen
from data.farm.rules import WATER_LEVEL, calibration_name, is_calibration, setting
from data.farm.settings import Holding, configs_of, settings_in_force
from jobs.api._door import Reader, Setter, answer, called, door
from jobs.api._farm import device_of

router = door("/v1/farms/{farm_id}/devices/{device_id}", "Devices")

Short = Annotated[str, Field(max_length=100)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
SHIFTED = "_offset"


class Configuration(BaseModel):
    """One setting; a value of null takes it away, so that the usual holds."""

    model_config = ConfigDict(extra="ignore")

    parameter_name: Short
    parameter_value: Any
    unit: Short | None = None
    min_value: Number | None = None
    max_value: Number | None = None


class Configurations(BaseModel):
    """Settings that shall change, all or none; the others stay."""

    configurations: Annotated[list[Configuration], Field(min_length=1, max_length=100)]


class Calibration(BaseModel):
    """`temperature` with what a good instrument beside the probe says, `temperature_offset` with what is to be added (and so for all that
    it measures), `water_level` with {empty, full} as its counter reads them, or `calibration` of an output with {offset, scale}."""

    parameter_name: Short
    parameter_value: Any
    unit: Short | None = None


@router.get("/config")
async def show_settings(actor: Reader, farm_id: UUID, device_id: UUID) -> dict[str, Any]:
    """All that may be set at a device: the value that holds, between which limits it may be, and whether it was set or is the usual one."""
    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        return await _settings(tx, device_id)


@router.put("/config")
async def change_settings(actor: Setter, farm_id: UUID, device_id: UUID, given: Configurations) -> dict[str, Any]:
    """Change some of a device's settings, all or none; the device is told where its kind can keep to them by itself."""
    chosen = [Chosen(one.parameter_name, one.parameter_value, one.unit, one.min_value, one.max_value) for one in given.configurations]
    async with transaction(actor) as tx:
        device = await device_of(tx, farm_id, device_id)
        known = {one.parameter_name: one.parameter_value for one in await configs_of(tx, device_id)}
        try:
            await commands.set_configs(tx, device_id, chosen)
        except Invalid as refusal:
            raise _placed(refusal, device.device_type.value, known, chosen) from None
        return await _settings(tx, device_id)


@router.post("/calibrate")
async def calibrate(actor: Setter, farm_id: UUID, device_id: UUID, given: Calibration) -> dict[str, Any]:
    """Bring a probe, a tank's counter or an output in tune; what is measured from now on is corrected."""
    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        with called(true_value="parameter_value"):
            name = await _calibrate(tx, device_id, given)
        made = next(one for one in await configs_of(tx, device_id) if one.parameter_name == name)
    return answer({
        "parameter_name": name, "parameter_value": made.parameter_value, "unit": made.unit, "is_calibrated": made.is_calibrated,
        "calibrated_at": made.updated_at,
    })  # fmt: skip


def setting_shape(one: Holding) -> dict[str, Any]:
    """`source` is `device` where it was set there, `usual` where nothing is set, null where nothing holds."""
    config = one.kept.config if one.kept else None
    return {
        "id": config and config.id, "parameter_name": one.name, "parameter_value": one.value, "unit": one.unit, "min_value": one.low,
        "max_value": one.high, "is_calibrated": bool(config and config.is_calibrated),
        "source": "device" if config else None if one.value is None else "usual", "farm_default": one.of_farm,
        "set_by": one.kept and one.kept.by, "set_at": config and config.updated_at,
    }  # fmt: skip


async def _settings(tx: Transaction, device_id: UUID) -> dict[str, Any]:
    return answer({"device_id": device_id, "configurations": [setting_shape(one) for one in await settings_in_force(tx, device_id)]})


def _placed(refusal: Invalid, device_type: str, known: dict[str, Any], chosen: Sequence[Chosen]) -> Invalid:
    """The refusal at its line of the list."""
    wanted = known | {one.parameter_name: one.value for one in chosen}
    for at, one in enumerate(chosen):
        try:
            if one.value is not None:
                setting(device_type, one.parameter_name, one.value, unit=one.unit, low=one.min_value, high=one.max_value, others=wanted)
        except Invalid as found:
            return Invalid(f"configurations.{at}.{found.field}", found.message, **found.values)
    return refusal


async def _calibrate(tx: Transaction, device_id: UUID, given: Calibration) -> str:
    """The name under which it is kept."""
    name, value = given.parameter_name, given.parameter_value
    kind = name.removesuffix(SHIFTED)
    own = name if is_calibration(name) else calibration_name(kind)
    if isinstance(value, dict):
        if own == calibration_name(WATER_LEVEL):
            ends: dict[str, Any] = {end: value.get(end) for end in ("empty", "full")}
            await commands.calibrate_level(tx, device_id, **ends)
        else:
            await commands.set_config(tx, device_id, own, value, unit=given.unit)
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid("parameter_value", "This is not a number.")
    elif name != kind:
        await commands.correct(tx, device_id, kind, value, unit=given.unit)
    else:
        await commands.calibrate(tx, device_id, kind, value, unit=given.unit)
    return own
