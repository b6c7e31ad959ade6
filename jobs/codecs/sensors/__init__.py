"""A sensor's own bytes, read by whoever knows its maker's guide; our own decoders, for when the network has none or a wrong one."""

from collections.abc import Callable, Mapping

from data.cold_chain.frames import Said
from data.core.errors import Invalid
from jobs.codecs.sensors import dragino, elsys, milesight
from jobs.codecs.sensors._frame import FIELD

DECODERS: Mapping[str, Callable[[bytes, int | None], Said]] = {
    "lht65n": dragino.lht65n,
    "lht52": dragino.lht52,
    "lds02": dragino.lds02,
    "d2x": dragino.d2x,
    "em300-th": milesight.em300_th,
    "em300-mcs": milesight.em300_mcs,
    "em320-th": milesight.em320_th,
    "ws301": milesight.ws301,
    "ers": elsys.decode,
    "elt-2": elsys.decode,
}
"""By the model's key in data/cold_chain/models.py."""


def decode(model: str, octets: bytes, port: int | None) -> Said:
    """What these bytes of that model say. Raises Invalid('frm_payload') where it never sends them."""
    if not octets:
        raise Invalid(FIELD, "These bytes are not what this sensor sends.")
    return DECODERS[model](octets, port)
