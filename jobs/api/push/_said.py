"""What a connected program said, as what was asked of it."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from data.core.errors import Invalid

Shape = TypeVar("Shape", bound=BaseModel)


def read(shape: type[Shape], said: object) -> Shape:
    """Invalid names the first field that is wrong."""
    try:
        return shape.model_validate(said)
    except ValidationError as reason:
        first = reason.errors()[0]
        raise Invalid(".".join(str(part) for part in first["loc"]) or "data", "{reason}", reason=first["msg"]) from None
