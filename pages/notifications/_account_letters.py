"""The letters about somebody's own account: one thing said, one way to go on, and what to do where they did not ask."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.notifications.accounts import AccountNews
from data.notifications.sending import Written
from ui import letter
from ui.words import Reader, _, noop, reading_as

NOT_ASKED = noop("Nobody asked for it? Then leave it: nothing changes.")
NOT_YOU = noop("Was it not you? Then choose a new password at once: {link}")


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    text: str
    call: str = ""
    footer: str = NOT_ASKED


WORDS: Mapping[AccountNews, _Words] = {
    AccountNews.NEW_PASSWORD: _Words(
        noop("A new password for Steading"), noop("The link works for 30 minutes, once."), noop("Choose a new password")
    ),
    AccountNews.SIGN_UP: _Words(
        noop("Your account with Steading"), noop("Open the link within a day and type the password that you chose."), noop("Make my account")
    ),
    AccountNews.KNOWN: _Words(
        noop("You have an account with Steading"),
        noop("Somebody, perhaps you, wants to use this address. It has an account already. Sign in with it, or choose a new password there."),
        noop("Sign in"), noop("Was it not you? Then leave it: nothing changes."),
    ),
    AccountNews.NEW_ADDRESS: _Words(
        noop("Your new address with Steading"), noop("Open the link within a day, signed in as {name}, and this becomes your address."),
        noop("Use this address"),
    ),
    AccountNews.ADDRESS_ASKED: _Words(
        noop("Another e-mail address was asked for"),
        noop("{name}, your account shall get another e-mail address: {to}. Until the link that went there is opened, nothing changes."),
        footer=NOT_YOU,
    ),
    AccountNews.ADDRESS_CHANGED: _Words(
        noop("Your e-mail address was changed"), noop("{name}, your account has another e-mail address now: {to}. Nothing goes to this one any more."),
        footer=noop("Was it not you? Then tell an owner or admin of your organization at once."),
    ),
}  # fmt: skip


def account_letter(news: AccountNews, values: Mapping[str, str], language: str) -> Written:
    """That letter in the person's language; `link` among the values is where it leads."""
    words = WORDS[news]
    with reading_as(Reader(language=language)):
        title, said, footer = _(words.title), _(words.text, **values), _(words.footer, **values)
        lines, parts = [said], [letter.paragraph(said)]
        if words.call:
            lines.append(f"{_(words.call)}: {values['link']}")
            parts.append(letter.call(_(words.call), values["link"]))
        text = "\n\n".join([*lines, footer])
        return Written(title, text, letter.letter(title, parts, [letter.small(footer)], language=language), title)
