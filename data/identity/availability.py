"""Whether an address is still nobody's: told to those alone who bring people in, for it tells who has an account."""

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid
from data.identity.door import is_known
from data.identity.phones import dialled

ASK = "people.edit"


async def is_email_free(actor: Actor, email: str) -> bool:
    """Forbidden for all but an organization's own administrators; Invalid where it is no address."""
    _require(actor)
    if "@" not in email.strip()[1:-1] or len(email) > 320:
        raise Invalid("email", "This is not an e-mail address.")
    return not await is_known(email)


async def is_phone_free(actor: Actor, phone: str) -> bool:
    """Likewise for a telephone number, however it is written."""
    _require(actor)
    number = dialled(phone)
    if number is None:
        raise Invalid("phone", "Write the number with its country, such as +855 12 345 678.")
    return not await is_known(number)


def _require(actor: Actor) -> None:
    actor.require(ASK)
    if actor.scopes(ASK) is not None:
        raise Forbidden("You do not have the right to do this.")
