"""What concerns somebody's own account reaches them at once and past every wish: it is about no organization.

What goes wrong on the way is logged, and told to nobody: whoever asked must not learn who exists.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

import structlog
from sqlmodel import col, select

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.table import uuid7
from data.flows import joining
from data.identity import commands, own_email, signing_up
from data.identity.door import Browser
from data.identity.tables import Organization
from data.notifications.accounts import AccountNews
from data.notifications.sending import Written
from jobs.channels import Letter, TryLater, Undeliverable
from jobs.channels.email import Email

log = structlog.get_logger()

Write = Callable[[AccountNews, Mapping[str, str], str], Written]
"""Puts the news into words: what it is, its values, and the person's language."""


class Accounts:
    """How people come by an account, a new password and another address. Each question is answered first; what is to be sent goes
    afterwards (`send_…`), so that the time it takes tells nothing."""

    def __init__(self, settings: Settings, write: Write) -> None:
        self.origin, self._write = settings.origin, write
        self._email = Email(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
        self._texts_of = settings.steading_sign_up_sms
        self._is_demonstration = settings.demonstration
        self.may_sign_up = settings.steading_sign_up and bool(self._email or self._texts_of)

    @property
    def may_by_mail(self) -> bool:
        return self._email is not None

    @property
    def may_by_phone(self) -> bool:
        return bool(self._texts_of)

    async def sign_up(
        self, browser: Browser, *, name: str, password: str, email: str = "", phone: str = "", organization_name: str = "",
        language: str = "en", time_zone: str = "",
    ) -> signing_up.Asked:  # fmt: skip
        """See `signing_up.ask`. Forbidden where this installation takes nobody who was not invited."""
        self._must_be_open()
        if email and not self.may_by_mail:
            raise Invalid("email", "Mail is not set up here. Sign up with a phone number.")
        if phone and not email and not self.may_by_phone:
            raise Invalid("phone", "Text messages are not set up here. Sign up with an e-mail address.")
        return await signing_up.ask(
            browser, name=name, password=password, email=email, phone=phone, organization_name=organization_name, language=language,
            time_zone=time_zone,
        )  # fmt: skip

    async def send_sign_up(self, asked: signing_up.Asked) -> None:
        """The link or the code; to an address that has an account, only that."""
        if asked.is_phone and (asked.secret or asked.is_known):
            await self._text(asked)
        elif asked.is_known:
            await self._mail(asked.to, AccountNews.KNOWN, {"link": f"{self.origin}/sign-in"}, asked.language)
        elif asked.secret:
            await self._mail(asked.to, AccountNews.SIGN_UP, {"link": f"{self.origin}/sign-up/{asked.secret}"}, asked.language)

    async def by_link(self, token: str, password: str, browser: Browser) -> str:
        """See `signing_up.by_link`."""
        self._must_be_open()
        return await signing_up.by_link(token, password, browser, is_demonstration=self._is_demonstration)

    async def by_code(self, sign_up_id: UUID, code: str, browser: Browser) -> str:
        """See `signing_up.by_code`."""
        self._must_be_open()
        return await signing_up.by_code(sign_up_id, code, browser, is_demonstration=self._is_demonstration)

    async def forgot_password(self, email_or_phone: str) -> None:
        """Send a link for a new password to whoever has that address: by mail, or where they have none by text message from an
        organization of theirs."""
        found = await commands.ask_for_reset(email_or_phone)
        if found is None:
            return
        link = f"{self.origin}/reset/{found.token}"
        if found.user.email:
            await self._mail(found.user.email, AccountNews.NEW_PASSWORD, {"link": link}, found.user.language)
        elif found.user.phone and found.organization_id:
            async with transaction(Actor.system(found.organization_id, "password reset")) as tx:
                await joining.send_reset(tx, found.user.phone, link, language=found.user.language)

    async def send_new_address(self, asked: own_email.Asked) -> None:
        """The link to the new address, and word of it to the old one."""
        values = {"name": asked.name, "to": asked.to, "link": f"{self.origin}/new-address/{asked.token}"}
        if asked.token:
            await self._mail(asked.to, AccountNews.NEW_ADDRESS, values, asked.language)
        else:
            await self._mail(asked.to, AccountNews.KNOWN, values | {"link": f"{self.origin}/sign-in"}, asked.language)
        if asked.old:
            await self._mail(asked.old, AccountNews.ADDRESS_ASKED, values | {"link": f"{self.origin}/reset"}, asked.language)

    async def send_changed_address(self, changed: own_email.Changed) -> None:
        """Word to the address that is theirs no more."""
        if changed.old and changed.old != changed.to:
            await self._mail(changed.old, AccountNews.ADDRESS_CHANGED, {"name": changed.name, "to": changed.to}, changed.language)

    def _must_be_open(self) -> None:
        if not self.may_sign_up:
            raise Forbidden("Nobody makes an account here by themselves. Ask for an invitation.")

    async def _mail(self, to: str, news: AccountNews, values: Mapping[str, str], language: str) -> None:
        if self._email is None:
            log.warning("a letter about an account was to go out, but SMTP_URL is not set; nothing was sent", news=news.value)
            return
        written = self._write(news, values, language)
        try:
            await self._email.send(Letter(str(uuid7()), to, written.text, written.subject, written.html))
        except (TryLater, Undeliverable) as reason:
            log.warning("a letter about an account could not be sent", news=news.value, reason=str(reason))

    async def _text(self, asked: signing_up.Asked) -> None:
        async with across_tenants("sign up") as tx:
            whose = select(Organization.id).where(Organization.slug == self._texts_of, col(Organization.deleted_at).is_(None))
            organization_id = (await tx.exec(whose)).first()
        if organization_id is None:
            log.warning("a code was to go out, but there is no such organization; nothing was sent", STEADING_SIGN_UP_SMS=self._texts_of)
            return
        async with transaction(Actor.system(organization_id, "sign up")) as tx:
            if asked.secret:
                is_sent = await joining.send_code(tx, asked.to, asked.secret, language=asked.language)
            else:
                is_sent = await joining.send_known(tx, asked.to, f"{self.origin}/sign-in", language=asked.language)
        if not is_sent:
            log.warning("a text message about an account could not be sent", STEADING_SIGN_UP_SMS=self._texts_of)
