"""What somebody is told about their own account."""

from enum import StrEnum


class AccountNews(StrEnum):
    """Each is one letter; all but the last two hold a link."""

    NEW_PASSWORD = "new_password"
    SIGN_UP = "sign_up"
    KNOWN = "known"
    """Somebody wants an account at this address, which has one."""
    NEW_ADDRESS = "new_address"
    ADDRESS_ASKED = "address_asked"
    """To the old address: another was asked for."""
    ADDRESS_CHANGED = "address_changed"
    """To the old address: it is another now."""
