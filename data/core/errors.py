"""Everything that can be refused, as one small tree.

    Refusal                     somebody asked for something that is not given
    ├── Unauthenticated  401    we do not know who is asking
    ├── Forbidden        403    we know, and they may not
    ├── NotFound         404    there is no such thing for them
    ├── Conflict         409    the thing is in a state that does not allow it
    ├── TooLarge         413    more than we take at once
    ├── Unsupported      415    we do not read what it is written in
    ├── Invalid          422    one field is wrong; `field` names it
    └── Busy             503    try again in `retry_after_s` seconds
        └── TooOften     429    whoever asks, asks more often than they may

A refusal is a sentence for its reader: an English template and the values that go into it. Edges translate it
(`message.format(**values)` after looking the template up) and turn `status` into a response.
"""


class Refusal(Exception):
    """A request that is not granted, said in words its reader understands."""

    status = 400

    def __init__(self, message: str, **values: object) -> None:
        self.message = message
        self.values = values
        super().__init__(message.format(**values) if values else message)


class Unauthenticated(Refusal):
    """We do not know who is asking."""

    status = 401


class Forbidden(Refusal):
    """The actor is known and lacks the right."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or it is behind another organization's wall: both look the same."""

    status = 404


class Conflict(Refusal):
    """The thing exists, and its present state does not allow this."""

    status = 409


class TooLarge(Refusal):
    """More bytes or rows than one request may bring."""

    status = 413


class Unsupported(Refusal):
    """The message is written in something that is not read here."""

    status = 415


class Invalid(Refusal):
    """One field holds something that cannot be; `field` is its name as the sender wrote it, dots between levels."""

    status = 422

    def __init__(self, field: str, message: str, **values: object) -> None:
        self.field = field
        super().__init__(message, **values)


class Busy(Refusal):
    """There is more to do than fits now; the sender keeps its message and tries again."""

    status = 503

    def __init__(self, message: str, *, retry_after_s: int = 5, **values: object) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, **values)


class TooOften(Busy):
    """Whoever asks has asked more often than they may; others are served."""

    status = 429
