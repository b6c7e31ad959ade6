"""What people read: in their language, hours and degrees, with the reason and a way out."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from data.alerts.tables import Severity
from data.core.errors import NotFound
from data.flows import joining
from data.identity.secrets import Seal, use_seal
from data.notifications.accounts import AccountNews
from data.notifications.sending import Outgoing
from data.notifications.tables import Channel, Purpose
from data.notifications.unsubscribing import read
from pages.notifications._account_letters import WORDS, account_letter
from pages.notifications._letters import writer
from tests.conftest import SECRET_KEY

WRITE = writer("https://steading.example")


@pytest.fixture(autouse=True)
def sealed() -> None:
    use_seal(Seal(SECRET_KEY))


def outgoing(**changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "id": UUID(int=1), "organization_id": UUID(int=2), "channel": Channel.EMAIL, "purpose": Purpose.ALERT,
        "severity": Severity.CRITICAL, "recipient": "olga@example.org", "message": "{name} is too warm: {temperature_celsius}.",
        "values": {"name": "Freezer <3>", "temperature_celsius": -4.0}, "subject": "{name}", "href": "/cold-chain/units/1", "event_type": None,
        "payload": None, "reason": "They may see this place.", "reason_values": {}, "tries": 0, "user_id": UUID(int=3),
        "endpoint_id": None, "created_at": datetime(2026, 11, 20, 5, 30, tzinfo=UTC), "is_over": False,
        "organization_name": "Green & Co", "person_name": "Olga", "language": "en", "time_zone": "Asia/Phnom_Penh", "units": "fahrenheit",
        "party": {},
    }  # fmt: skip
    return Outgoing(**(values | changes))


def test_a_mail_speaks_the_readers_units_and_hours_and_says_why_it_came() -> None:
    written = WRITE(outgoing())
    assert written.subject == "Critical: Freezer <3>"
    assert "Freezer <3> is too warm: 24.8 °F." in written.text and "20 Nov 2026, 12:30" in written.text
    assert "Why you get this: They may see this place." in written.text and "https://steading.example/cold-chain/units/1" in written.text
    assert "Freezer &lt;3&gt;" in written.html and "<3>" not in written.html and "Green &amp; Co" in written.html
    assert written.short == "Freezer <3> is too warm: 24.8 °F." and "/settings/notifications" in written.text


def test_a_mail_without_a_subject_of_its_own_is_about_the_thing_and_else_from_the_business() -> None:
    assert WRITE(outgoing(subject=None, about="Freezer {3}")).subject == "Critical: Freezer {3}"
    assert WRITE(outgoing(subject=None)).subject == "Critical: Green & Co"


@pytest.mark.parametrize(
    ("purpose", "short"),
    [(Purpose.ESCALATION, "Nobody has answered yet: F"), (Purpose.REMINDER, "Reminder: F"), (Purpose.RESOLVED, "Over: F"), (Purpose.TEST, "Freezer")],
)
def test_the_line_on_a_phone_says_which_news_it_is(purpose: Purpose, short: str) -> None:
    assert WRITE(outgoing(purpose=purpose)).short.startswith(short)


def test_a_khmer_reader_gets_khmer() -> None:
    written = WRITE(outgoing(language="km", purpose=Purpose.REMINDER))
    assert any("\u1780" <= letter <= "\u17ff" for letter in written.subject) and 'lang="km"' in written.html


DIGEST = {
    "days": 7, "count": 52, "shown": 2,
    "places": [
        {"name": "Market hall", "units": [{"name": "Freezer 1", "alerts": [
            {"message": "{name} is too warm: {temperature_celsius}.", "values": {"name": "Freezer 1", "temperature_celsius": -4}, "severity": "critical", "status": "resolved", "at": "2026-11-20T05:30:00+00:00"},
        ]}]},
        {"name": "", "units": [{"name": "Tag 7", "alerts": [
            {"message": "Quiet {x}", "values": {"x": 1}, "severity": "warning", "status": "active", "at": "2026-11-19T05:30:00+00:00"},
        ]}]},
    ],
}  # fmt: skip


def test_a_digest_names_places_and_things_once_and_can_be_ended_with_one_click() -> None:
    written = WRITE(outgoing(purpose=Purpose.DIGEST, payload=DIGEST, units="celsius"))
    assert written.subject == "The last 7 days: 52 alerts" and "… and 50 more" in written.text
    assert [line for line in written.text.splitlines() if line in ("Market hall", "  Freezer 1", "Elsewhere", "  Tag 7")] == ["Market hall", "  Freezer 1", "Elsewhere", "  Tag 7"]
    assert "Freezer 1 is too warm: −4.0 °C. (Critical · 20 Nov 2026, 12:30 · Over)" in written.text
    [link] = {word for word in written.text.split() if "/unsubscribe" in word}
    ending = read(link.partition("token=")[2])
    assert (ending.organization_id, ending.user_id) == (UUID(int=2), UUID(int=3))


@pytest.mark.parametrize("broken", ["", "x", "gAAAAA", None])
def test_nobody_can_make_such_a_link(broken: str | None) -> None:
    forged = Seal("another key, which is not this installation's").close('{"o": 1}').decode() if broken is None else broken
    with pytest.raises(NotFound):
        read(forged)


def test_alerts_to_a_bare_address_can_be_ended_and_those_to_oneself_are_a_matter_of_settings() -> None:
    assert "/unsubscribe" in WRITE(outgoing(user_id=None)).html and "/unsubscribe" not in WRITE(outgoing()).html


@pytest.mark.parametrize("news", AccountNews)
@pytest.mark.parametrize("language", ["en", "km"])
def test_a_letter_about_an_account_says_where_to_go_in_words_and_in_a_button(news: AccountNews, language: str) -> None:
    link = "https://steading.example/reset/abc"
    written = account_letter(news, {"link": link, "name": "Sokha", "to": "new@example.com"}, language)
    assert "{" not in written.text and (link in written.text) == (news is not AccountNews.ADDRESS_CHANGED)
    assert (f'href="{link}"' in written.html) == bool(WORDS[news].call)
    assert (language == "km") == bool(set(written.subject) & {chr(point) for point in range(0x1780, 0x17FF)})


def test_a_mail_about_a_farm_says_what_to_do_and_the_time_by_the_farms_clock() -> None:
    told = outgoing(alert_type="temperature_high", place_zone="Asia/Phnom_Penh", time_zone="Europe/Berlin")
    written = WRITE(told)
    assert "Run the fans, open the sides" in written.text and "20 Nov 2026, 12:30:00" in written.text and "(Asia/Phnom_Penh)" in written.text
    assert "Run the fans" not in WRITE(outgoing(alert_type="temperature_high", purpose=Purpose.RESOLVED)).text, "it is over"
    khmer = WRITE(outgoing(alert_type="temperature_high", place_zone="Asia/Phnom_Penh", language="km")).text
    assert "បើកកង្ហារ" in khmer and "12:30" in khmer


def test_an_invitation_is_written_in_the_language_that_was_chosen_for_it() -> None:
    values = {"who": "Olga", "organization": "Green", "role": "keeper", "link": "https://steading.example/invitation/x"}
    asked = outgoing(
        purpose=Purpose.CODE, message=joining.INVITED, values=values, subject="An invitation", user_id=None, href=None, payload={"language": "km"}
    )
    written = WRITE(asked)
    assert written.subject == "ការអញ្ជើញ" and "អ្នកថែទាំ" in written.short and "https://steading.example/invitation/x" in written.short
