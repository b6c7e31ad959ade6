"""The pages before the frame: one card, native fields and a native form, in the visitor's own language."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request
from nicegui import ui

from data.core.errors import Refusal
from data.identity.door import Browser
from ui.frame import use_language_and_theme
from ui.theme import page_head
from ui.words import LANGUAGES, Reader, _, set_reader

SAYINGS = (
    "A password needs at least {count} characters.",
    "Somebody with the address {email} is already here.",
    "This invitation is for another address.",
    "This invitation has been used or is too old. Ask for a new one.",
    "This link has been used or is too old. Ask for a new one.",
    "An e-mail address or a phone number is needed.",
    "Write an e-mail address, or a phone number with its country.",
    "Say what you are called.",
    "The name or the password is not right.",
    "Too many wrong passwords. Try again in {minutes} minutes.",
    "Somebody with the number {phone} is already here.",
    "This is not an e-mail address.",
    "Write the number with its country, such as +855 12 345 678.",
    "This is asked too often. Ask again later.",
    "Nobody makes an account here by themselves. Ask for an invitation.",
    "Mail is not set up here. Sign up with a phone number.",
    "Text messages are not set up here. Sign up with an e-mail address.",
    "This has been used or is too old. Sign up once more.",
    "This is not the password that you chose when you signed up.",
    "This is not the code.",
    "Somebody with this address is already here. Sign in with it.",
)
"""What a form may come back with. Its number stands in the address, never the words: a link cannot put words in our mouth."""

LANGUAGE_COOKIE = "steading_language"


def browser_of(request: Request) -> Browser:
    found: Browser = request.scope["state"]["browser"]
    return found


def visitor_language(request: Request) -> str:
    """What the visitor chose, else what the browser prefers, else English."""
    chosen = request.query_params.get("language") or request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    preferred = request.headers.get("accept-language", "")
    return "km" if preferred.lower().startswith("km") else "en"


@contextmanager
def card(request: Request, title: str = "") -> Iterator[None]:
    """The card with our name above it and the choice of language below."""
    with ui.element("main").classes("st-door"), ui.element("div").classes("st-door-card"):
        with ui.element("div").classes("st-brand"):
            ui.icon("spa").props("aria-hidden=true")
            ui.label("Steading")
        if title:
            with ui.element("h1").classes("st-door-title"):
                ui.label(title)
        yield
        with ui.element("div").classes("st-door-languages"):
            for code, words in LANGUAGES.items():
                ui.link(words, str(request.url.include_query_params(language=code).replace(scheme="", netloc="")))


def speak(request: Request, title: str, language: str = "") -> None:
    """Set the language and the head; the first thing such a page does (titles are translated after it). The visitor's language, or
    what they chose just now instead of `language`."""
    chosen = request.query_params.get("language")
    language = chosen if chosen in LANGUAGES else language or visitor_language(request)
    set_reader(Reader(language=language))
    use_language_and_theme(language)
    page_head()
    ui.page_title(f"{_(title)} · Steading")


def problem(text: str, *, good: bool = False) -> None:
    """What went wrong last time (or, `good`, what went well)."""
    with ui.element("div").classes("st-door-problem" + (" is-good" if good else "")).props("role=alert"):
        ui.icon("check_circle" if good else "error_outline").props("aria-hidden=true")
        ui.label(text)


def code_of(refusal: Refusal) -> str:
    """The number of a refusal's sentence, for the address of the page that shows it."""
    return str(SAYINGS.index(refusal.message)) if refusal.message in SAYINGS else ""


def say(code: str, **values: object) -> None:
    """Show the sentence of that number, if it is one."""
    if code.isdecimal() and int(code) < len(SAYINGS):
        problem(_(SAYINGS[int(code)], **values))


def text_field(
    name: str, label: str, value: str = "", *, kind: str = "text", autocomplete: str = "off", is_first: bool = False, is_required: bool = True
) -> None:
    """A native field with its label above."""
    with ui.element("label").classes("st-native"):
        ui.label(label).classes("st-native-label")
        made = ui.element("input").classes("st-native-input")
        made.props["name"], made.props["type"], made.props["autocomplete"] = name, kind, autocomplete
        made.props["required"], made.props["maxlength"] = is_required, 200
        if value:
            made.props["value"] = value
        if is_first:
            made.props["autofocus"] = True


def password_field(name: str, label: str, *, autocomplete: str, is_first: bool = False) -> None:
    text_field(name, label, kind="password", autocomplete=autocomplete, is_first=is_first)


def submit(label: str) -> None:
    """The form's one button."""
    with ui.element("button").classes("st-door-submit").props("type=submit"):
        ui.label(label)


def check_field(name: str, label: str, *, is_on: bool = True) -> None:
    """A native box to tick, its words beside it."""
    with ui.element("label").classes("st-row").style("min-height: 44px"):
        made = ui.element("input").style("width: 22px; height: 22px")
        made.props["type"], made.props["name"], made.props["value"] = "checkbox", name, "1"
        if is_on:
            made.props["checked"] = True
        ui.label(label)


def hidden(name: str, value: str) -> None:
    """Something the form carries along."""
    made = ui.element("input")
    made.props["type"], made.props["name"], made.props["value"] = "hidden", name, value
