"""A telephone number is written in many ways and dialled in one."""

import re

COUNTRY = "+855"


def dialled(written: str) -> str | None:
    """A number as it is dialled from anywhere; one that begins with a single 0 is Cambodian. None when it is none."""
    digits = re.sub(r"[\s().\-/]", "", written)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    elif digits.startswith("0"):
        digits = COUNTRY + digits[1:]
    elif digits.startswith(COUNTRY[1:]) and len(digits) >= 11:
        digits = "+" + digits
    return digits if re.fullmatch(r"\+[1-9]\d{7,14}", digits) else None
