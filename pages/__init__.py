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
    Item("tokens", "Machines", "vpn_key", "/machines", "tokens.edit", group="Organization"),
    Item("channels", "Channels", "campaign", "/channels", "notifications.edit", group="Organization"),
    Item("billing", "Billing", "receipt_long", "/billing", "billing.view", group="Organization"),
    Item("operations", "Operations", "monitor_heart", "/operations", "operations.view", group="Organization"),
)

SCREENS = (
    "home.home",
    "farm.devices", "farm.device", "farm.schedules",
    "cold_chain.units", "cold_chain.unit", "cold_chain.places", "cold_chain.log",
    "deliveries.drivers", "deliveries.driver", "deliveries.orders", "deliveries.order",
    "tracking.trackers", "tracking.tracker", "tracking.imports", "tracking.runs", "tracking.run",
    "trees.jobs", "trees.job", "trees.devices",
    "alerts.alerts", "alerts.inbox",
    "notifications.own", "notifications.channels", "notifications.messages", "notifications.message", "notifications.unsubscribe",
    "identity.sign_in", "identity.provider", "identity.invitation", "identity.reset", "identity.settings", "identity.people", "identity.tokens",
    "platform.billing", "platform.operations", "platform.support",
)  # fmt: skip


def open_screens() -> None:
    """Import every screen, which registers its route."""
    for name in SCREENS:
        import_module(f"pages.{name}")
