"""What may be done to tracking: set it up, import tags, ask for their reports and take in what they say."""

from data.tracking.commands.fetching import Due, ask_soon, claim_due, settle
from data.tracking.commands.imports import RowsRefused, import_trackers
from data.tracking.commands.reports import Found, Policy, Recorded, record
from data.tracking.commands.runs import add_brand, add_client, add_place, add_run, share_place

__all__ = [
    "Due", "Found", "Policy", "Recorded", "RowsRefused", "add_brand", "add_client", "add_place", "add_run", "ask_soon", "claim_due",
    "import_trackers", "record", "settle", "share_place",
]  # fmt: skip
