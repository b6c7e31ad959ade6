"""The screens, in the order of the menu. One module is one screen is one route; a module not listed here does not exist."""

from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the menu; `label` and `group` are English and translated when drawn."""

    key: str
    label: str
    icon: str
    href: str
    permission: str | None = None
    group: str = ""


MENU = (
    Item("home", "Home", "home", "/"),
    Item("farm", "Farm", "agriculture", "/farm", "farm.view"),
    Item("cold_chain", "Cold chain", "ac_unit", "/cold-chain", "cold_chain.view"),
    Item("deliveries", "Deliveries", "local_shipping", "/deliveries", "deliveries.view"),
    Item("tracking", "Tracking", "share_location", "/tracking", "tracking.view"),
    Item("trees", "Trees", "park", "/trees", "trees.view"),
    Item("alerts", "Alerts", "notifications_active", "/alerts", "alerts.view"),
    Item("people", "People", "group", "/people", "people.view", group="Organization"),
    Item("log", "What happened", "history", "/log", "audit.view", group="Organization"),
    Item("tokens", "Machines", "vpn_key", "/machines", "tokens.edit", group="Organization"),
    Item("channels", "Channels", "campaign", "/channels", "channels.edit", group="Organization"),
    Item("billing", "Billing", "receipt_long", "/billing", "billing.view", group="Organization"),
    Item("inspectors", "Inspectors", "fact_check", "/inspectors", "inspectors.edit", group="Organization"),
    Item("operations", "Operations", "monitor_heart", "/operations", "operations.view", group="Organization"),
)

WAYS = (
    Item("farm", "Devices", "agriculture", "/farm", "farm.view"),
    Item("farm", "Flocks", "egg", "/farm/flocks", "farm.view"),
    Item("farm", "Schedules", "schedule", "/farm/schedules", "farm.view"),
    Item("farm", "History", "show_chart", "/farm/history", "farm.view"),
    Item("farm", "Reports", "description", "/farm/reports", "farm.view"),
    Item("farm", "Past runs", "history", "/farm/ledger", "farm.view"),
    Item("farm", "New devices", "travel_explore", "/farm/discoveries", "farm.edit"),
    Item("farm", "Gateways", "router", "/farm/gateways", "farm.view"),
    Item("farm", "Firmware", "system_update_alt", "/farm/firmware", "farm.edit"),
    Item("farm", "Members", "group", "/farm/members", "people.view"),
    Item("farm", "Settings", "tune", "/farm/settings", "farm.edit"),
    Item("cold_chain", "Units", "ac_unit", "/cold-chain", "cold_chain.view"),
    Item("cold_chain", "Board", "dashboard", "/cold-chain/board", "cold_chain.view"),
    Item("cold_chain", "Logbook", "edit_note", "/cold-chain/logs", "cold_chain.view"),
    Item("cold_chain", "Excursions", "ssid_chart", "/cold-chain/excursions", "cold_chain.view"),
    Item("cold_chain", "Reports", "description", "/cold-chain/reports", "cold_chain.export"),
    Item("cold_chain", "Records", "fact_check", "/inspect", "cold_chain.export"),
    Item("cold_chain", "Sensors", "sensors", "/cold-chain/sensors", "cold_chain.view"),
    Item("cold_chain", "Gateways", "router", "/cold-chain/gateways", "cold_chain.view"),
    Item("cold_chain", "Networks", "hub", "/cold-chain/networks", "cold_chain.networks"),
    Item("cold_chain", "Rules", "tune", "/cold-chain/rules", "cold_chain.rules"),
    Item("cold_chain", "Places", "account_tree", "/cold-chain/places", "cold_chain.edit"),
    Item("cold_chain", "What people think", "rate_review", "/cold-chain/feedback", "cold_chain.feedback"),
    Item("alerts", "Alerts", "notifications_active", "/alerts", "alerts.view"),
    Item("alerts", "Inbox", "inbox", "/inbox"),
    Item("alerts", "Who is called", "contact_phone", "/alerts/contacts", "contacts.view"),
    Item("alerts", "Who is told", "rule", "/alerts/policies", "notifications.edit"),
    Item("alerts", "Silences", "notifications_paused", "/alerts/suppressions", "alerts.suppress"),
)
"""The screens of one place, drawn as a row above each of them; a screen that is not open yet is left out."""

SCREENS = (
    "home.home",
    "farm.devices", "farm.batch", "farm.emergency", "farm.device", "farm.device_settings", "farm.schedules", "farm.ledger", "farm.flocks", "farm.flock", "farm.gateways", "farm.discoveries", "farm.firmware", "farm.members", "farm.settings", "farm.history", "farm.reports", "farm.report",
    "cold_chain.units", "cold_chain.board", "cold_chain.unit", "cold_chain.places",
    "cold_chain.excursions", "cold_chain.excursion", "cold_chain.rules",
    "cold_chain.reports", "cold_chain.report", "cold_chain.verify",
    "cold_chain.sensors", "cold_chain.sensor", "cold_chain.pairing", "cold_chain.gateways", "cold_chain.connection", "cold_chain.log", "cold_chain.logs", "cold_chain.logged", "cold_chain.feedback",
    "deliveries.drivers", "deliveries.driver", "deliveries.orders", "deliveries.order",
    "tracking.trackers", "tracking.tracker", "tracking.imports", "tracking.runs", "tracking.run",
    "trees.jobs", "trees.job", "trees.devices",
    "alerts.alerts", "alerts.alert", "alerts.suppressions", "alerts.contacts", "alerts.policies", "alerts.inbox",
    "notifications.own", "notifications.kinds", "notifications.channels", "notifications.messages", "notifications.message", "notifications.unsubscribe",
    "identity.sign_in", "identity.provider", "identity.invitation", "identity.reset", "identity.sign_up", "identity.new_address", "identity.settings", "identity.people", "identity.tokens",
    "platform.billing", "inspector.records", "inspector.links", "platform.operations", "platform.log", "platform.support",
)  # fmt: skip


def open_screens() -> None:
    """Import every screen, which registers its route."""
    for name in SCREENS:
        import_module(f"pages.{name}")
