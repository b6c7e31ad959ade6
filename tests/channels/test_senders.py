"""Each outside party over real SMTP or HTTP, against doubles that are as strict as the real ones."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.channels import Channel, Letter, TryLater, Undeliverable, shortened
from jobs.channels import _outside as outside
from jobs.channels.email import Email
from jobs.channels.push import Push, Vapid, sealed
from jobs.channels.sms import Sms
from jobs.channels.telegram import Telegram
from jobs.channels.webhook import Webhook, signatures
from tests.factories.outside import Browser, MailServer, Partner, TelegramServer, Telnyx, opened, unb64

LETTER = Letter(
    "0190-delivery", "olga@example.org", "Freezer 3 is too warm: -4.0 °C", "Freezer 3", "<p>Freezer 3 is too warm</p>",
    link="https://steading.example/alerts/1", is_urgent=True, data={"type": "alert.raised", "data": {"name": "ត្រី"}},
)  # fmt: skip
SECRET, OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
VAPID = Vapid("a key for tests only, long enough for all")


def to(address: str, **changes: object) -> Letter:
    return dataclasses.replace(LETTER, to=address, **changes)  # type: ignore[arg-type]


@pytest.fixture
async def over() -> AsyncIterator[httpx.AsyncClient]:
    async with outside.client() as made:
        yield made


async def test_a_mail_arrives_as_text_and_html_and_can_be_ended_with_one_click() -> None:
    server = MailServer()
    with server.running() as url:
        id = await Email(url, "Steading <alerts@steading.example>").send(
            to("olga@example.org", unsubscribe="https://steading.example/unsubscribe?token=x", subject="Freezer\n3 ត្រី")
        )
    [mail] = server.arrived
    assert mail["Subject"] == "Freezer 3 ត្រី" and mail["Message-ID"] == id == "<0190-delivery@steading.example>"
    assert mail.get_body(("plain",)).get_content().strip() == LETTER.text  # type: ignore[union-attr]
    assert mail.get_body(("html",)).get_content().strip() == LETTER.html  # type: ignore[union-attr]
    assert mail["List-Unsubscribe"] == "<https://steading.example/unsubscribe?token=x>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("reply", "kind", "is_dead"),
    [("550 no such user", Undeliverable, True), ("554 not wanted", Undeliverable, False), ("451 greylisted", TryLater, False)],
)
async def test_what_a_mail_server_answers_says_whether_to_try_again(reply: str, kind: type[Exception], is_dead: bool) -> None:
    with MailServer(refusing=reply).running() as url, pytest.raises(kind, match=reply[:3]) as caught:
        await Email(url, "alerts@steading.example").send(LETTER)
    assert getattr(caught.value, "is_dead", False) is is_dead


async def test_a_mail_server_that_is_not_there_may_be_there_later() -> None:
    with pytest.raises(TryLater):
        await Email("smtp://127.0.0.1:9", "alerts@steading.example").send(LETTER)


async def test_a_text_message_is_short_and_says_where_its_fate_is_told(over: httpx.AsyncClient) -> None:
    server = Telnyx()
    async with server.running() as address:
        sms = Sms(
            over, api_key=server.key, number="+15550001111", profile_id="profile", callback="https://steading.example/webhooks/telnyx",
            address=address,
        )  # fmt: skip
        assert await sms.send(to("+85512345678", text="word " * 60)) == "message-1"
    [sent] = server.sent
    assert len(sent["text"]) <= 160 and sent["text"].endswith("word...")
    assert sent["webhook_url"] == "https://steading.example/webhooks/telnyx?delivery=0190-delivery"
    assert (sent["from"], sent["to"], sent["messaging_profile_id"]) == ("+15550001111", "+85512345678", "profile")


@pytest.mark.parametrize(
    ("status", "code", "kind", "is_dead", "has_opted_out"),
    [
        (400, 40300, Undeliverable, False, True), (400, 40310, Undeliverable, True, False), (422, 40001, Undeliverable, True, False),
        (400, 40009, Undeliverable, False, False), (429, 10011, TryLater, False, False), (503, 0, TryLater, False, False),
        (400, 40318, TryLater, False, False), (401, 10009, TryLater, False, False),
    ],
)  # fmt: skip
async def test_what_telnyx_answers_says_whether_to_try_again(
    over: httpx.AsyncClient, status: int, code: int, kind: type[Exception], is_dead: bool, has_opted_out: bool
) -> None:
    server = Telnyx(failing=(status, code), retry_after="3")
    async with server.running() as address:
        with pytest.raises(kind, match=f"It says {code}") as caught:
            await Sms(over, api_key=server.key, number="+15550001111", address=address).send(to("+85512345678"))
    said = caught.value
    assert (getattr(said, "is_dead", False), getattr(said, "has_opted_out", False)) == (is_dead, has_opted_out)
    assert getattr(said, "retry_after_s", None) == (3 if status in (429, 503) else None)


async def test_only_a_number_with_its_country_is_handed_to_telnyx(over: httpx.AsyncClient) -> None:
    with pytest.raises(Undeliverable, match="012 345 678"):
        await Sms(over, api_key="k", number="+15550001111", address="http://127.0.0.1:9").send(to("012 345 678"))


async def test_a_bot_writes_to_a_chat_until_it_is_blocked(over: httpx.AsyncClient) -> None:
    server = TelegramServer(blocked={"8"})
    async with server.running() as address:
        bot = Telegram(over, server.token, address=address)
        assert await bot.me() == "steading_bot"
        assert await bot.send(to("7", text="long " * 2000)) == "1"
        with pytest.raises(Undeliverable, match="blocked by the user") as gone:
            await bot.send(to("8"))
        server.busy_for_s = 17
        with pytest.raises(TryLater) as busy:
            await bot.send(to("7"))
        with pytest.raises(TryLater, match="refuses this bot"):
            await Telegram(over, "wrong", address=address).send(to("7"))
    [sent] = server.sent
    assert sent["text"].endswith(LETTER.link) and len(sent["text"]) <= 4096 and sent["disable_notification"] is False
    assert gone.value.is_dead and busy.value.retry_after_s == 17


async def test_a_bots_token_is_in_no_complaint(over: httpx.AsyncClient) -> None:
    with pytest.raises(TryLater) as caught:
        await Telegram(over, "12345:secret", address="http://127.0.0.1:9").send(to("7"))
    assert "secret" not in str(caught.value) and caught.value.__cause__ is None


def test_a_webhook_is_signed_as_the_specification_signs() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    assert signatures([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}') == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize("partner_knows", [SECRET, OLD_SECRET])
async def test_while_a_secret_is_replaced_a_partner_may_know_either(over: httpx.AsyncClient, partner_knows: str) -> None:
    partner = Partner(partner_knows)
    async with partner.running() as url:
        assert await Webhook(over, [SECRET, OLD_SECRET], may_be_private=True).send(to(url)) == "204"
    assert partner.told == [dict(LETTER.data)] and partner.ids == [LETTER.id]


@pytest.mark.parametrize(
    ("status", "kind", "is_dead"),
    [(410, Undeliverable, True), (302, Undeliverable, False), (500, TryLater, False), (429, TryLater, False), (404, TryLater, False)],
)
async def test_what_a_partner_answers_says_whether_to_try_again(
    over: httpx.AsyncClient, status: int, kind: type[Exception], is_dead: bool
) -> None:
    partner = Partner(SECRET, answering=status, headers={"location": "http://127.0.0.1/elsewhere", "retry-after": "9"})
    async with partner.running() as url:
        with pytest.raises(kind, match=str(status)) as caught:
            await Webhook(over, [SECRET], may_be_private=True).send(to(url))
    assert getattr(caught.value, "is_dead", False) is is_dead
    assert getattr(caught.value, "retry_after_s", 9) == 9


@pytest.mark.parametrize("url", ["http://example.org/hook", "https://localhost/hook", "https://127.0.0.1/", "https://[::1]/", "ftp://x", "https:///"])
async def test_an_address_of_our_own_network_is_never_knocked_at(over: httpx.AsyncClient, url: str) -> None:
    with pytest.raises(Undeliverable):
        await Webhook(over, [SECRET]).send(to(url))


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False), ("169.254.169.254", False),
        ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("::1", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False), ("192.168.1.1", False), ("240.0.0.1", False),
    ],
)  # fmt: skip
def test_private_addresses_are_known_however_they_are_written(address: str, is_public: bool) -> None:
    assert outside.is_public(address) is is_public


def test_a_push_message_opens_as_in_the_example_of_rfc_8291() -> None:
    private = ec.derive_private_key(int.from_bytes(unb64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big"), ec.SECP256R1())
    body = unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    auth = unb64("BTBZMqHH6r4Tts7J_aSIgg")
    assert opened(body, private, auth) == b"When I grow up, I want to be a watermelon"
    ours = sealed(b"ours", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg==")
    assert opened(ours, private, auth) == b"ours"


async def test_a_browser_opens_what_was_sealed_for_it(over: httpx.AsyncClient) -> None:
    browser = Browser(subscribed_with=VAPID.public)
    async with browser.running() as endpoint:
        push = Push(over, [VAPID], "mailto:alerts@steading.example", may_be_private=True)
        assert (await push.send(to(endpoint, keys=browser.keys, text="ក" * 5000))).endswith("/message/1")
    [shown], [headers] = browser.shown, browser.headers
    assert (shown["title"], shown["url"], shown["id"]) == ("Freezer 3", LETTER.link, LETTER.id)
    assert headers["ttl"] == "86400" and headers["urgency"] == "high"


async def test_a_browser_that_subscribed_before_the_key_was_changed_is_still_reached(over: httpx.AsyncClient) -> None:
    browser, new = Browser(subscribed_with=VAPID.public), Vapid("another key, with which the service runs now")
    async with browser.running() as endpoint:
        await Push(over, [new, VAPID], "mailto:a@b.example", may_be_private=True).send(to(endpoint, keys=browser.keys))
        with pytest.raises(Undeliverable, match="403") as caught:
            await Push(over, [new], "mailto:a@b.example", may_be_private=True).send(to(endpoint, keys=browser.keys))
    assert len(browser.shown) == 1 and not caught.value.is_dead


@pytest.mark.parametrize(
    ("status", "kind", "is_dead"), [(404, Undeliverable, True), (410, Undeliverable, True), (413, Undeliverable, False), (500, TryLater, False), (429, TryLater, False)]
)
async def test_what_a_push_service_answers_says_whether_the_browser_is_gone(
    over: httpx.AsyncClient, status: int, kind: type[Exception], is_dead: bool
) -> None:
    browser = Browser(answering=status)
    async with browser.running() as endpoint:
        with pytest.raises(kind, match=str(status)) as caught:
            await Push(over, [VAPID], "mailto:a@b.example", may_be_private=True).send(to(endpoint, keys=browser.keys))
    assert getattr(caught.value, "is_dead", False) is is_dead and getattr(caught.value, "retry_after_s", 7) == 7


@pytest.mark.parametrize("keys", [{}, {"p256dh": "AAAA", "auth": "AAAA"}, {"p256dh": "???", "auth": "AAAA"}])
async def test_a_browser_whose_keys_are_nonsense_is_given_up(over: httpx.AsyncClient, keys: dict[str, str]) -> None:
    with pytest.raises(Undeliverable, match="keys"):
        await Push(over, [VAPID], "mailto:a@b.example", may_be_private=True).send(to("http://127.0.0.1:9/", keys=keys))


def test_the_key_of_an_installation_stays_the_same() -> None:
    assert Vapid("one").public == Vapid("one").public != Vapid("two").public and len(unb64(VAPID.public)) == 65


@pytest.mark.parametrize(("text", "most", "short"), [("short", 10, "short"), ("one two three", 10, "one two..."), ("a twofoldandmore three", 12, "a twofold..."), ("x" * 20, 10, "xxxxxxx...")])
def test_a_long_text_ends_after_a_word(text: str, most: int, short: str) -> None:
    assert shortened(text, most) == short


def every_channel_is_one(over: httpx.AsyncClient) -> list[Channel]:
    """For the type checker."""
    return [Email("", ""), Sms(over, api_key="", number=""), Telegram(over, ""), Webhook(over, []), Push(over, [], "")]


