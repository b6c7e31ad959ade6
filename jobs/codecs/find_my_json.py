"""Whoever made tags with a macless-haystack app carries them over as its JSON export of private keys."""

import json

from data.core.errors import Invalid
from data.tracking.tags import keys_of
from data.tracking.values import TagKeys
from jobs.codecs.fields import Document, items, text


def tags_from_json(body: bytes | str) -> list[TagKeys]:
    """The app's list of `{id, name, privateKey, additionalKeys}`, keys as base64 of 28 bytes.

    A tag with additional keys takes turns in sending them, so each becomes a tag of its own, named "Pallet (2)".
    A tag without a name goes by its id. Raises Invalid with the field (`[0].privateKey`), or "body"; a name or a key
    that comes twice is refused.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid("body", "This is not JSON.") from None
    if not isinstance(parsed, list):
        raise Invalid("body", "This must be a JSON array.")
    tags: list[TagKeys] = []
    names: set[str] = set()
    keys: set[str] = set()
    for index, entry in enumerate(items(parsed, "")):
        for field, tag in _tags(entry, f"[{index}]"):
            if tag.name.casefold() in names:
                raise Invalid(f"[{index}].name", "An earlier tag has the same.")
            if tag.private_key in keys:
                raise Invalid(field, "An earlier tag has the same.")
            names.add(tag.name.casefold())
            keys.add(tag.private_key)
            tags.append(tag)
    return tags


def _tags(entry: Document, path: str) -> list[tuple[str, TagKeys]]:
    """(the field its key stands in, the tag) for each key of one entry."""
    spelled = entry.get("id")
    identifier = str(spelled) if isinstance(spelled, int) and not isinstance(spelled, bool) else spelled
    name = text(entry.get("name"), f"{path}.name", longest=240) or text(identifier, f"{path}.id", longest=240)
    if name is None:
        raise Invalid(f"{path}.name", "A tag needs a name.")
    additional = entry.get("additionalKeys") or []
    if not isinstance(additional, list):
        raise Invalid(f"{path}.additionalKeys", "This must be a JSON array.")
    keys = [(f"{path}.privateKey", entry.get("privateKey"))]
    keys += [(f"{path}.additionalKeys[{place}]", key) for place, key in enumerate(additional)]
    return [
        (field, keys_of(text(key, field) or "", name if turn == 1 else f"{name} ({turn})", field))
        for turn, (field, key) in enumerate(keys, start=1)
    ]
