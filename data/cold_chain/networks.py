"""Sensors reach us over networks: where their servers are, what we need there, and the steps by which one is set up."""

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from data.core.errors import Invalid

REGIONS: Mapping[str, str] = {"eu1": "Europe", "nam1": "North America", "au1": "Australia"}
"""The Things Stack's public clusters."""
CLOUD = "cloud.thethings.network"
IDENTITY_REGION = "eu1"
"""Applications, devices' names and gateways of every cluster of the cloud are kept there."""

STEPS = ("rights", "application", "webhook", "devices", "gateways")
WEBHOOK_ID = "steading"
RIGHTS = (
    "RIGHT_APPLICATION_INFO", "RIGHT_APPLICATION_SETTINGS_BASIC", "RIGHT_APPLICATION_TRAFFIC_READ",
    "RIGHT_APPLICATION_TRAFFIC_DOWN_WRITE", "RIGHT_APPLICATION_DEVICES_READ", "RIGHT_APPLICATION_DEVICES_WRITE",
    "RIGHT_APPLICATION_DEVICES_WRITE_KEYS",
)  # fmt: skip
"""What our key must allow at an application: its webhook, its devices and their keys. A webhook cannot be set without the right
to send downlinks, though none is sent."""

FREQUENCY_PLANS: Mapping[str, str] = {
    "EU_863_870_TTN": "Europe 863–870 MHz",
    "US_902_928_FSB_2": "United States 902–928 MHz, sub-band 2",
    "AU_915_928_FSB_2": "Australia 915–928 MHz, sub-band 2",
    "AS_920_923": "Asia 920–923 MHz",
    "AS_923": "Asia 915–928 MHz with only default channels",
    "AS_923_925": "Asia 923–925 MHz",
    "IN_865_867": "India 865–867 MHz",
    "KR_920_923_TTN": "South Korea 920–923 MHz",
}
LORAWAN_VERSIONS: Mapping[str, tuple[str, str]] = {
    "1.0.0": ("MAC_V1_0", "PHY_V1_0"),
    "1.0.1": ("MAC_V1_0_1", "PHY_V1_0_1"),
    "1.0.2": ("MAC_V1_0_2", "PHY_V1_0_2_REV_B"),
    "1.0.3": ("MAC_V1_0_3", "PHY_V1_0_3_REV_A"),
    "1.0.4": ("MAC_V1_0_4", "RP002_V1_0_3"),
}
"""As The Things Stack calls them: the version, and the regional parameters that usually come with it."""

_APPLICATION_ID = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,35}")
_API_KEY = re.compile(r"NNSXS\.[A-Z0-9]{20,60}\.[A-Z0-9]{20,80}")
_PRIVATE_ENDINGS = (".local", ".localhost", ".internal", ".lan", ".home.arpa")
_PUBLIC_ENDING = re.compile(r"\.[a-z][a-z0-9-]*\.?$")
_OWN_CLOUD = re.compile(r"(?P<tenant>[a-z0-9-]+\.)?(?P<region>[a-z]+\d)\.(?P<cloud>cloud\.thethings\.(?:network|industries))")


class Servers(NamedTuple):
    """Where to ask: the one that keeps identities, and the cluster that talks to sensors. Without a slash at the end."""

    identity: str
    cluster: str

    @property
    def host(self) -> str:
        """The cluster, as devices' records name it."""
        return urlsplit(self.cluster).netloc


def servers(region: str, server_url: str | None) -> Servers:
    """Of a public cluster, of a tenant of the cloud (whose identities are in Europe too), or of an own installation."""
    cluster = server_url or f"https://{region}.{CLOUD}"
    parts = urlsplit(cluster)
    if found := _OWN_CLOUD.fullmatch(parts.hostname or ""):
        return Servers(f"https://{found['tenant'] or ''}{IDENTITY_REGION}.{found['cloud']}", cluster)
    return Servers(cluster, cluster)


def server_address(written: str, *, may_be_private: bool = False, field: str = "server_url") -> str:
    """The address of an own server: https and not in a private network, unless this installation allows that."""
    address = written.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as reason:
        raise Invalid(field, "This is not an address.") from reason
    if not host or parts.path or parts.query or parts.fragment or parts.username or (port is not None and not port):
        raise Invalid(field, "This is an address such as https://thethings.example.com, and nothing after it.")
    if may_be_private and parts.scheme in ("http", "https"):
        return address
    if parts.scheme != "https":
        raise Invalid(field, "The address must begin with https://")
    if is_private(host):
        raise Invalid(field, "This address lies in a private network, which this installation does not allow.")
    return address


def is_private(host: str) -> bool:
    """Whether a name or number plainly lies in nobody's open internet. What names stand for is looked up when they are called."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_ENDINGS) or not _PUBLIC_ENDING.search(host)
    return not ip.is_global


def application_id(written: str, field: str = "application_id") -> str:
    """As the network writes them."""
    name = written.strip().lower()
    if not _APPLICATION_ID.fullmatch(name):
        raise Invalid(field, "This has 3 to 36 small letters, digits and single dashes.")
    return name


def api_key(written: str, field: str = "api_key") -> str:
    """A key of The Things Stack; what else is in somebody's clipboard is refused before it is sent anywhere."""
    key = written.strip()
    if not _API_KEY.fullmatch(key):
        raise Invalid(field, "A key of The Things Stack begins with NNSXS. and has two dots.")
    return key


def missing_rights(held: set[str]) -> list[str]:
    """Which of the rights we need a key does not give."""
    if held & {"RIGHT_ALL", "RIGHT_APPLICATION_ALL"}:
        return []
    return [right for right in RIGHTS if right not in held]
