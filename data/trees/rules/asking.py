"""What a phone says when it makes or changes a job: six things must be known before anybody drives out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.core.errors import Invalid
from data.trees.rules.filling import as_text

REQUIRED = ("job_name", "job_address", "job_phone", "contact_preference", "billing_name", "billing_address")
OPTIONAL = ("customer_name", "billing_contact_name", "location_notes", "project_id", "reason")
CHANGEABLE = ("project_id", "job_name", "job_address", "location_notes")
LIMITS = {"location_notes": 2000, "reason": 500}
LIMIT = 200


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be made. Without a customer's name the job's own name stands for them."""

    job_name: str
    job_address: str
    job_phone: str
    contact_preference: str
    billing_name: str
    billing_address: str
    customer_name: str = ""
    billing_contact_name: str = ""
    location_notes: str = ""
    project_id: str = ""
    reason: str = ""
    tree_number: object = None


def mapping(raw: object, path: str = "body") -> Mapping[str, Any]:
    """A JSON object; Invalid(path) for anything else."""
    if not isinstance(raw, Mapping):
        raise Invalid(path, "This must be an object.")
    return raw


def text(raw: Mapping[str, Any], name: str, *, required: bool = False, limit: int = 0) -> str:
    """A field's text, '' when it is missing or null; Invalid(name) when it must be there."""
    value = raw.get(name)
    cleaned = "" if value is None else as_text(value, name, limit=limit or LIMITS.get(name, LIMIT), lines=name in LIMITS)
    if required and not cleaned:
        raise Invalid(name, "This is needed.")
    return cleaned


def new_job(raw: object) -> NewJob:
    """The job that a request asks for. Invalid names the first field that is missing or wrong."""
    given = mapping(raw)
    asked = {name: text(given, name, required=True) for name in REQUIRED}
    asked |= {name: text(given, name) for name in OPTIONAL}
    number = given.get("tree_number")
    if number is not None and not isinstance(number, str | int):
        raise Invalid("tree_number", "This must be a whole number.")
    return NewJob(**asked, tree_number=number)


def job_changes(raw: object) -> dict[str, str | None]:
    """Which of a job's own words shall change to what; what is required cannot be emptied."""
    given = mapping(raw)
    for name in given:
        if name not in CHANGEABLE:
            raise Invalid(str(name), "This cannot be changed here.")
    return {name: text(given, name, required=name in REQUIRED) or None for name in CHANGEABLE if name in given}


def summary(raw: object, name: str) -> dict[str, str]:
    """A few words that a phone says about its person: at most twenty short texts by name."""
    given = mapping(raw, name)
    if len(given) > 20:
        raise Invalid(name, "The form has room for {limit} of these.", limit=20)
    found = {as_text(key, name, limit=50): as_text(str(value), f"{name}.{key}", limit=LIMIT) for key, value in given.items()}
    return {key: value for key, value in found.items() if value}
