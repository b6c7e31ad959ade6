"""What people and devices may do on a farm."""

from data.farm.commands.configs import (
    Chosen,
    calibrate,
    calibrate_level,
    copy_configs,
    correct,
    set_config,
    set_configs,
    undo_config,
)
from data.farm.commands.devices import (
    edit_device,
    register_device,
    remove_device,
    restore_device,
    use_device,
)
from data.farm.commands.emergency import Stopped, go_on, stop_all
from data.farm.commands.farms import create_farm, edit_farm
from data.farm.commands.farms_kept import remove_farm, restore_farm
from data.farm.commands.giving_up import time_out
from data.farm.commands.guards import ask_again, audit_states, end_overrun, want_states, worsen
from data.farm.commands.instructions import claim_queued, give_back, mark_sent, take_waiting
from data.farm.commands.logins import NewLogin, first_login, make_login, revoke_login, take_old_secrets
from data.farm.commands.metrics import keep_metrics
from data.farm.commands.presence import mark_silent, tell_missing
from data.farm.commands.reports import confirm, hear
from data.farm.commands.restoring import set_guard
from data.farm.commands.runs import run_due
from data.farm.commands.runs_conditions import run_conditions
from data.farm.commands.schedules import (
    check_schedule,
    create_schedule,
    duplicate_schedule,
    edit_schedule,
    enable_schedule,
    remove_schedule,
    run_now,
)
from data.farm.commands.schedules_many import (
    copy_to_devices,
    enable_schedules,
    prioritize_schedules,
    remove_schedules,
    restore_schedules,
    shift_schedules,
)
from data.farm.commands.switching import Batch, cancel, command, command_many, switch

__all__ = [
    "Batch", "Chosen", "NewLogin", "Stopped", "ask_again", "audit_states", "calibrate", "calibrate_level", "cancel", "check_schedule", "claim_queued",
    "command", "command_many", "confirm", "copy_configs", "correct", "copy_to_devices", "create_farm", "create_schedule",
    "duplicate_schedule", "edit_device", "edit_farm", "edit_schedule", "enable_schedule", "enable_schedules",
    "end_overrun", "first_login", "give_back", "go_on", "hear", "keep_metrics", "make_login", "mark_sent", "mark_silent",
    "prioritize_schedules", "register_device", "remove_device", "remove_farm", "remove_schedule", "remove_schedules",
    "restore_device", "restore_farm", "restore_schedules", "revoke_login", "run_conditions", "run_due", "run_now", "set_config", "set_configs",
    "set_guard", "shift_schedules", "stop_all", "switch", "take_old_secrets", "take_waiting", "tell_missing", "time_out", "undo_config",
    "use_device", "want_states", "worsen",
]  # fmt: skip
