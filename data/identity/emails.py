"""An e-mail address is one name, one @ and one host, and goes into a mail's head: nothing else may be in it."""

import re

LONGEST = 320
_ADDRESS = re.compile(r"[^@\s,;:<>()\"\[\]\\]+@[^@\s,;:<>()\"\[\]\\]+")


def mailed(written: str) -> str | None:
    """The address as it is kept; None when it is none."""
    address = written.strip()
    return address if len(address) <= LONGEST and address.isprintable() and _ADDRESS.fullmatch(address) else None
