"""Stripe tells what became of a subscription in JSON events, whose shape moved between its versions; both are read."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from data.platform.bill import Told
from data.platform.values import Plan, SubscriptionStatus
from jobs.codecs.fields import Document, items, mapping, number, text, unix_instant

STATUSES: Mapping[str, SubscriptionStatus] = {
    "trialing": SubscriptionStatus.TRIAL,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "incomplete": SubscriptionStatus.PAST_DUE,
    "incomplete_expired": SubscriptionStatus.CANCELED,
    "canceled": SubscriptionStatus.CANCELED,
    "paused": SubscriptionStatus.PAUSED,
}
BILLS = {
    "invoice.paid": SubscriptionStatus.ACTIVE,
    "invoice.payment_succeeded": SubscriptionStatus.ACTIVE,
    "invoice.payment_failed": SubscriptionStatus.PAST_DUE,
}
OBJECT = "data.object"


def told(event: Document) -> Told | None:
    """What an event tells of a subscription; None for a kind that tells nothing of one. Raises Invalid with the field's path."""
    kind = text(event.get("type"), "type") or ""
    event_id = text(event.get("id"), "id") or ""
    at = unix_instant(number(event.get("created"), "created", 0), "created")
    thing = mapping(mapping(event.get("data"), "data").get("object"), OBJECT)
    if kind == "checkout.session.completed":
        if thing.get("mode") != "subscription":
            return None
        return Told(
            event_id, kind, at, _id(thing, "customer"), _id(thing, "subscription"),
            _uuid(thing.get("client_reference_id")) or _organization(thing),
        )  # fmt: skip
    if kind.startswith("customer.subscription."):
        return _subscription(event_id, kind, at, thing)
    if kind in BILLS:
        return _bill(event_id, kind, at, thing)
    return None


def _subscription(event_id: str, kind: str, at: datetime, thing: Document) -> Told:
    lines = items(mapping(thing.get("items"), f"{OBJECT}.items").get("data"), f"{OBJECT}.items.data")
    line = lines[0] if lines else {}
    status = STATUSES.get(text(thing.get("status"), f"{OBJECT}.status") or "")
    ended = _at(thing, "ended_at")
    end = _at(thing, "current_period_end") or _at(line, "current_period_end", "items.data[0].")
    return Told(
        event_id, kind, at, _id(thing, "customer"), _id(thing, "id"), _organization(thing),
        plan=_plan(thing, line), status=status,
        period_start_at=_at(thing, "current_period_start") or _at(line, "current_period_start", "items.data[0]."),
        period_end_at=ended if ended and status is SubscriptionStatus.CANCELED else end,
        trial_ends_at=_at(thing, "trial_end"), canceled_at=_at(thing, "canceled_at"),
    )  # fmt: skip


def _bill(event_id: str, kind: str, at: datetime, thing: Document) -> Told | None:
    parent = mapping(mapping(thing.get("parent"), f"{OBJECT}.parent").get("subscription_details"), f"{OBJECT}.parent.subscription_details")
    subscription_id = _id(thing, "subscription") or _id(parent, "subscription")
    if subscription_id is None:
        return None
    return Told(
        event_id, kind, at, _id(thing, "customer"), subscription_id, _organization(parent), status=BILLS[kind], is_bill_only=True
    )  # fmt: skip


def _plan(thing: Document, line: Document) -> Plan | None:
    """The price's lookup key, else what somebody wrote into the metadata of price, line or subscription."""
    price = mapping(line.get("price"), f"{OBJECT}.items.data[0].price")
    names = [price.get("lookup_key")]
    names += [mapping(one.get("metadata"), "metadata").get("plan") for one in (price, line, thing)]
    return next((Plan(name) for name in names if isinstance(name, str) and name in set(Plan)), None)


def _id(thing: Document, name: str) -> str | None:
    """An id, or the object that Stripe put in its place."""
    value = thing.get(name)
    if isinstance(value, Mapping):
        value = value.get("id")
    return text(value, f"{OBJECT}.{name}", 255)


def _organization(thing: Document) -> UUID | None:
    return _uuid(mapping(thing.get("metadata"), f"{OBJECT}.metadata").get("organization_id"))


def _uuid(value: object) -> UUID | None:
    """Ours, if it is one: what others write there does not concern us."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _at(thing: Document, name: str, path: str = "") -> datetime | None:
    value = thing.get(name)
    field = f"{OBJECT}.{path}{name}"
    return None if value is None else unix_instant(number(value, field, 0), field)
