"""What people and devices may do on a farm."""

from data.farm.commands.devices import edit_device, give_token, register_device, remove_device, set_config
from data.farm.commands.farms import create_farm, edit_farm, remove_farm
from data.farm.commands.instructions import claim_queued, give_back, mark_sent, time_out
from data.farm.commands.presence import mark_silent
from data.farm.commands.reports import confirm, hear
from data.farm.commands.runs import run_due
from data.farm.commands.schedules import create_schedule, edit_schedule, enable_schedule, remove_schedule
from data.farm.commands.switching import Stopped, stop_all, switch

__all__ = [
    "Stopped", "claim_queued", "confirm", "create_farm", "create_schedule", "edit_device", "edit_farm", "edit_schedule",
    "enable_schedule", "give_back", "give_token", "hear", "mark_sent", "mark_silent", "register_device", "remove_device",
    "remove_farm", "remove_schedule", "run_due", "set_config", "stop_all", "switch", "time_out",
]  # fmt: skip
