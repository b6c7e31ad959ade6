"""What the organization has bought, whether it is paid, and what else there is to choose."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import app, ui

from data.cold_chain.queries.machines import active_sensors
from data.core.errors import Refusal
from data.identity import queries as identity
from data.platform import billing as bill
from data.platform.events import BillingChanged
from data.platform.plans import PLANS, Account, Standing
from data.platform.tables import Subscription
from data.platform.values import Plan
from pages._shell import Looker, explain, screen
from pages.platform._bill import FACES, PLAN_WORDS, contents, sentence
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _, number


@dataclass(frozen=True, slots=True)
class _Found:
    held: Account
    bought: Subscription | None
    sensors: int


@screen("/billing", title="Billing", place="billing", permission="billing.view")
async def billing(look: Looker, paid: int = 0) -> None:
    sells = app.state.payments is not None
    if paid:
        ui.notify(_("Thank you. It may take a moment until the payment is here."), type="positive", position="top")

    async def ask() -> _Found:
        async with look.transaction() as tx:
            tx.actor.require("billing.view")
            return _Found(await bill.account_of(tx), await bill.subscription(tx), await active_sensors(tx))

    def show(found: _Found) -> None:
        _now(look, found, sells=sells)
        if sells or found.bought:
            _plans(look, found, sells=sells)
        else:
            empty_state(_("Nothing is sold on this installation."), _("Everything is open, without a limit."), icon="redeem")

    live(ask, show, look.topic(BillingChanged))


def _now(look: Looker, found: _Found, *, sells: bool) -> None:
    held = found.held
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-row"):
            title = _(PLAN_WORDS[held.plan]) if held.plan else _("No plan")
            ui.label(title).classes("st-h2").props("role=heading aria-level=2")
            state, word = FACES[held.standing]
            badge(state, _(word))
        ui.label(sentence(held, look.time_zone))
        most = held.limits.sensors
        if most is None:
            ui.label(_("{count} sensors in use.", count=number(found.sensors))).classes("st-soft")
        else:
            ui.label(_("{count} of {most} sensors in use.", count=number(found.sensors), most=number(most))).classes("st-soft")
        if sells and found.bought and found.bought.stripe_customer_id and look.may("billing.edit"):
            button(_("Cards and bills"), lambda: _go(look, _portal(look)), icon="open_in_new", kind="quiet")


def _plans(look: Looker, found: _Found, *, sells: bool) -> None:
    ui.label(_("Plans")).classes("st-h2").props("role=heading aria-level=2")
    with ui.element("div").classes("st-plans"):
        for plan in Plan:
            with ui.element("section").classes("st-card"):
                with ui.element("div").classes("st-row"):
                    ui.label(_(PLAN_WORDS[plan])).classes("st-h2").props("role=heading aria-level=3")
                    if plan is found.held.plan:
                        badge("ok", _("Yours"))
                with ui.element("ul").classes("st-plain-list"):
                    for line in contents(PLANS[plan]):
                        with ui.element("li"):
                            ui.label(line)
                if look.may("billing.edit") and sells:
                    _choices(look, found, plan)


def _choices(look: Looker, found: _Found, plan: Plan) -> None:
    is_paid = found.held.standing in (Standing.PAID, Standing.PAST_DUE)
    if plan is found.held.plan and is_paid:
        return
    if found.bought is None:
        button(_("Try it for 14 days"), lambda: _try(look, plan), icon="hourglass_top")
    if is_paid and found.bought and found.bought.stripe_subscription_id:
        button(_("Change to this"), lambda: _go(look, _portal(look)), icon="open_in_new", kind="quiet")
    else:
        button(_("Buy it"), lambda: _go(look, _checkout(look, plan)), icon="shopping_cart", kind="quiet" if found.bought is None else "primary")


async def _try(look: Looker, plan: Plan) -> None:
    async with look.command() as tx:
        await bill.begin_trial(tx, plan=plan)


def _checkout(look: Looker, plan: Plan) -> Callable[[], Awaitable[str]]:
    async def address() -> str:
        return str(await app.state.payments.checkout(*await _buyer(look), plan))

    return address


def _portal(look: Looker) -> Callable[[], Awaitable[str]]:
    async def address() -> str:
        return str(await app.state.payments.portal(*await _buyer(look)))

    return address


async def _buyer(look: Looker) -> tuple[str, str | None, str | None]:
    """The organization, the person's address, and the customer that Stripe knows it as."""
    async with look.transaction() as tx:
        tx.actor.require("billing.edit")
        me, bought = await identity.me(tx), await bill.subscription(tx)
        return str(tx.organization_id), me.email, bought.stripe_customer_id if bought else None


async def _go(look: Looker, address: Callable[[], Awaitable[str]]) -> None:
    """To the payment service's own page; nothing is asked of it inside a transaction."""
    try:
        there = await address()
    except Refusal as reason:
        with look.page:
            ui.notify(explain(reason), type="negative", position="top")
        return
    ui.navigate.to(there)
