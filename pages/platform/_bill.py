"""A plan and how it stands, in the reader's words."""

from data.platform.plans import Account, Feature, Limits, Standing
from data.platform.values import Plan
from ui.badge import State
from ui.words import _, day, n_, noop

PLAN_WORDS = {
    Plan.STARTER: noop("Starter"), Plan.PRO: noop("Pro"), Plan.HACCP: noop("HACCP"), Plan.ENTERPRISE: noop("Enterprise"),
}  # fmt: skip
FEATURE_WORDS = {
    Feature.SMS: noop("Messages by SMS"),
    Feature.SEVERAL_SITES: noop("Several sites"),
    Feature.API: noop("Interface for your own systems"),
    Feature.COMPLIANCE_REPORTS: noop("Compliance reports and corrective actions"),
}
FACES: dict[Standing, tuple[State, str]] = {
    Standing.NOT_BILLED: ("neutral", noop("Not billed")),
    Standing.TRIAL: ("ok", noop("On trial")),
    Standing.TRIAL_OVER: ("warning", noop("Trial over")),
    Standing.PAID: ("ok", noop("Paid")),
    Standing.PAST_DUE: ("warning", noop("Payment is late")),
    Standing.UNPAID: ("critical", noop("Not paid")),
    Standing.PAUSED: ("warning", noop("Paused")),
    Standing.CANCELED: ("warning", noop("Ended")),
}


def sentence(held: Account, zone: str) -> str:
    """How it stands and what follows from that."""
    until = day(held.ends_at, zone) if held.ends_at else ""
    match held.standing:
        case Standing.NOT_BILLED:
            return _("Nothing is sold on this installation; everything is open.")
        case Standing.TRIAL:
            return _("You are trying this plan until {day}.", day=until) if until else _("You are trying this plan.")
        case Standing.PAID:
            return _("Paid until {day}.", day=until) if until else _("Paid.")
        case Standing.PAST_DUE:
            return _("The last payment did not go through. If it is not paid by {day}, nothing new can be added.", day=until)
        case Standing.TRIAL_OVER:
            return _("The trial is over. What is watched stays watched; nothing new can be added until a plan is chosen.")
        case Standing.UNPAID:
            return _("The bill has not been paid. What is watched stays watched; nothing new can be added.")
        case Standing.PAUSED:
            return _("The subscription is paused. What is watched stays watched; nothing new can be added.")
        case Standing.CANCELED:
            return _("The subscription has ended. What is watched stays watched; nothing new can be added.")


def warning(held: Account, zone: str) -> str:
    """What everybody who may do something about it must see on each page; empty where there is nothing to do."""
    return sentence(held, zone) if held.is_closed or held.standing is Standing.PAST_DUE else ""


def contents(limits: Limits) -> list[str]:
    """What a plan holds, a line each."""
    sensors = _("As many sensors as you like") if limits.sensors is None else n_("{n} sensor", "{n} sensors", limits.sensors)
    return [sensors, *(_(FEATURE_WORDS[feature]) for feature in Feature if feature in limits.features)]
