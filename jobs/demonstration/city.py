"""Phnom Penh, drawn from memory: the main boulevards with approximate corners, for drivers that need roads to drive on.

Every coordinate here is an approximation (some 100 m), made by hand for a demonstration. It is no map to find a way by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from math import atan2, cos, degrees, hypot, radians
from typing import Any

Point = tuple[float, float]
"""Latitude, longitude."""

M_PER_DEGREE = 111_195.0

CORNERS: Mapping[str, Point] = {
    # Monivong, from the Chroy Changvar bridge to the Monivong bridge
    "bridge_west": (11.5858, 104.9189), "embassy": (11.5822, 104.9178), "station": (11.5722, 104.9183),
    "monivong_130": (11.5691, 104.9190), "monivong_gaulle": (11.5664, 104.9197), "monivong_sihanouk": (11.5557, 104.9222),
    "monivong_360": (11.5493, 104.9237), "monivong_mao": (11.5430, 104.9252), "monivong_bridge": (11.5301, 104.9322),
    # Norodom
    "wat_phnom": (11.5758, 104.9231), "norodom_114": (11.5711, 104.9248), "norodom_178": (11.5652, 104.9266),
    "independence": (11.5564, 104.9282), "norodom_mao": (11.5437, 104.9302),
    # the riverside and Sothearos
    "quay_north": (11.5832, 104.9221), "night_market": (11.5748, 104.9266), "quay_130": (11.5712, 104.9291),
    "quay_178": (11.5668, 104.9322), "palace": (11.5636, 104.9329), "chaktomuk": (11.5607, 104.9346),
    "sothearos_sihanouk": (11.5570, 104.9335), "bassac": (11.5486, 104.9341), "norodom_south": (11.5366, 104.9311),
    # Sihanouk, Charles de Gaulle, Kampuchea Krom
    "olympic_east": (11.5551, 104.9143), "olympic_market": (11.5547, 104.9101), "central_market": (11.5693, 104.9207),
    "orussey": (11.5629, 104.9156), "krom_nehru": (11.5668, 104.9096), "krom_mao": (11.5655, 104.9003),
    "krom_west": (11.5639, 104.8873),
    # Russian Federation, out to the airport
    "russian_nehru": (11.5718, 104.9102), "russian_mao": (11.5694, 104.8992), "university": (11.5681, 104.8904),
    "russian_271": (11.5657, 104.8797), "tuk_thla": (11.5602, 104.8641), "airport": (11.5531, 104.8463),
    # Mao Tse Toung
    "russian_market": (11.5424, 104.9155), "mao_monireth": (11.5468, 104.9046), "mao_nehru": (11.5561, 104.9006),
    # Monireth and Veng Sreng
    "stung_meanchey": (11.5368, 104.8936), "veng_sreng": (11.5297, 104.8771), "chom_chau": (11.5331, 104.8389),
    # Yothapol Khemarak Phoumin (271)
    "271_north": (11.5756, 104.8872), "271_krom": (11.5601, 104.8836), "271_monireth": (11.5404, 104.8960),
    "271_south": (11.5286, 104.9088), "boeung_trabek": (11.5318, 104.9196), "271_monivong": (11.5322, 104.9297),
    # Tuol Kork
    "tuol_kork": (11.5783, 104.9012), "tuol_kork_north": (11.5866, 104.9005), "tower": (11.5752, 104.9107),
    "boeung_kak": (11.5801, 104.9119), "russian_537": (11.5867, 104.9103),
    # across the bridges
    "bridge_east": (11.5901, 104.9262), "prek_leap": (11.6143, 104.9282), "chbar_ampov": (11.5288, 104.9386),
    "takhmao": (11.4832, 104.9459), "kien_svay": (11.5189, 104.9561), "monivong_south": (11.5075, 104.9390),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Street:
    """A street by its names, as the corners it passes; `kmh` is how fast one drives there when it is calm."""

    name: str
    khmer: str
    kmh: float
    corners: tuple[str, ...]


STREETS: Sequence[Street] = (
    Street("Monivong Boulevard", "មហាវិថីព្រះមុនីវង្ស", 32, (
        "bridge_west", "embassy", "station", "monivong_130", "monivong_gaulle", "monivong_sihanouk", "monivong_360",
        "monivong_mao", "271_monivong", "monivong_bridge",
    )),
    Street("Norodom Boulevard", "មហាវិថីព្រះនរោត្តម", 34, (
        "wat_phnom", "norodom_114", "norodom_178", "independence", "norodom_mao", "norodom_south", "monivong_bridge",
    )),
    Street("Sisowath Quay", "មាត់ទន្លេព្រះស៊ីសុវត្ថិ", 26, (
        "bridge_west", "quay_north", "night_market", "quay_130", "quay_178", "palace", "chaktomuk",
    )),
    Street("Sothearos Boulevard", "មហាវិថីសុធារស", 30, ("chaktomuk", "sothearos_sihanouk", "bassac", "norodom_south")),
    Street("Sihanouk Boulevard", "មហាវិថីព្រះសីហនុ", 30, (
        "sothearos_sihanouk", "independence", "monivong_sihanouk", "olympic_east", "olympic_market",
    )),
    Street("Charles de Gaulle Boulevard", "មហាវិថីសាលដឺហ្គោល", 26, (
        "central_market", "monivong_gaulle", "orussey", "olympic_east",
    )),
    Street("Kampuchea Krom Boulevard", "មហាវិថីកម្ពុជាក្រោម", 32, (
        "central_market", "monivong_130", "krom_nehru", "krom_mao", "krom_west", "russian_271",
    )),
    Street("Street 130", "ផ្លូវ១៣០", 22, ("central_market", "norodom_114", "quay_130")),
    Street("Street 178", "ផ្លូវ១៧៨", 22, ("norodom_178", "quay_178")),
    Street("Russian Federation Boulevard", "មហាវិថីសហព័ន្ធរុស្ស៊ី", 40, (
        "station", "russian_nehru", "russian_mao", "university", "russian_271", "tuk_thla", "airport",
    )),
    Street("Nehru Boulevard", "មហាវិថីនេរូ", 30, ("russian_nehru", "krom_nehru", "olympic_market")),
    Street("Mao Tse Toung Boulevard", "មហាវិថីម៉ៅសេទុង", 34, (
        "norodom_mao", "monivong_mao", "russian_market", "mao_monireth", "mao_nehru", "krom_mao", "russian_mao",
    )),
    Street("Monireth Boulevard", "មហាវិថីព្រះមុនីរ៉េត", 30, (
        "olympic_market", "mao_monireth", "271_monireth", "stung_meanchey", "veng_sreng", "chom_chau", "airport",
    )),
    Street("Yothapol Khemarak Phoumin Boulevard", "មហាវិថីយោធពលខេមរភូមិន្ទ", 38, (
        "271_north", "university", "271_krom", "271_monireth", "271_south", "boeung_trabek", "271_monivong",
    )),
    Street("Street 289", "ផ្លូវ២៨៩", 28, ("russian_mao", "tuol_kork", "tuol_kork_north", "russian_537", "embassy")),
    Street("Street 70", "ផ្លូវ៧០", 26, ("tower", "boeung_kak", "embassy")),
    Street("Tower Street", "ផ្លូវប៉មទូរទស្សន៍", 26, ("tuol_kork", "tower", "russian_nehru")),
    Street("Street 92", "ផ្លូវ៩២", 24, ("boeung_kak", "station", "wat_phnom", "quay_north")),
    Street("National Road 6A", "ផ្លូវជាតិលេខ៦អា", 46, ("bridge_west", "bridge_east", "prek_leap")),
    Street("National Road 1", "ផ្លូវជាតិលេខ១", 42, ("monivong_bridge", "chbar_ampov", "kien_svay")),
    Street("National Road 2", "ផ្លូវជាតិលេខ២", 46, ("monivong_bridge", "monivong_south", "takhmao")),
)  # fmt: skip

RIVERS: Mapping[tuple[str, str], Sequence[Point]] = {
    ("Tonle Sap", "ទន្លេសាប"): (
        (11.8600, 104.7900), (11.7800, 104.8350), (11.6950, 104.8560), (11.6420, 104.8860), (11.6120, 104.9060), (11.5893, 104.9222),
        (11.5745, 104.9292), (11.5655, 104.9360), (11.5625, 104.9445),
    ),
    ("Mekong", "ទន្លេមេគង្គ"): (
        (11.8700, 105.0450), (11.7800, 104.9900), (11.6980, 104.9720), (11.6480, 104.9560), (11.6150, 104.9490), (11.5830, 104.9440),
        (11.5625, 104.9445), (11.5510, 104.9620), (11.5270, 104.9920), (11.4700, 105.0600), (11.4100, 105.1300), (11.3300, 105.1800),
    ),
    ("Bassac", "ទន្លេបាសាក់"): (
        (11.5655, 104.9360), (11.5480, 104.9400), (11.5290, 104.9355), (11.5050, 104.9440), (11.4790, 104.9520), (11.4200, 104.9850),
        (11.3400, 105.0250),
    ),
}  # fmt: skip


def metres(one: Point, other: Point) -> float:
    """The distance between two points of the city, as if it were flat."""
    return hypot(*_east_north(one, other))


def heading(one: Point, other: Point) -> float:
    """Degrees from north."""
    east, north = _east_north(one, other)
    return degrees(atan2(east, north)) % 360


def _east_north(one: Point, other: Point) -> tuple[float, float]:
    north = (other[0] - one[0]) * M_PER_DEGREE
    return (other[1] - one[1]) * M_PER_DEGREE * cos(radians(one[0])), north


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of one street between two neighbouring corners."""

    street: Street
    start: str
    end: str

    @property
    def length_m(self) -> float:
        return metres(CORNERS[self.start], CORNERS[self.end])

    @property
    def duration_s(self) -> float:
        return self.length_m / (self.street.kmh / 3.6)


@cache
def _graph() -> Mapping[str, tuple[Leg, ...]]:
    legs: dict[str, list[Leg]] = {corner: [] for corner in CORNERS}
    for street in STREETS:
        for start, end in zip(street.corners, street.corners[1:], strict=False):
            legs[start].append(Leg(street, start, end))
            legs[end].append(Leg(street, end, start))
    return {corner: tuple(found) for corner, found in legs.items()}


@cache
def route(start: str, end: str) -> tuple[Leg, ...]:
    """The quickest way between two corners (Dijkstra); empty when they are the same. KeyError for no corner."""
    waiting, settled = [(0.0, start)], set[str]()
    best, came = {start: 0.0}, dict[str, Leg]()
    while waiting:
        cost, corner = heappop(waiting)
        if corner == end:
            break
        if corner in settled:
            continue
        settled.add(corner)
        for leg in _graph()[corner]:
            dearer = cost + leg.duration_s
            if dearer < best.get(leg.end, float("inf")):
                best[leg.end], came[leg.end] = dearer, leg
                heappush(waiting, (dearer, leg.end))
    if end not in best:
        raise KeyError(f"no road leads from {start} to {end}")
    way: list[Leg] = []
    while end != start:
        way.append(came[end])
        end = came[end].start
    return tuple(reversed(way))


def geojson() -> dict[str, Any]:
    """Streets and rivers as a GeoJSON FeatureCollection (longitude first), for a map that has no tiles of the city."""
    streets = [
        _line([CORNERS[corner] for corner in street.corners], kind="street", name=street.name, name_km=street.khmer)
        for street in STREETS
    ]
    rivers = [_line(points, kind="river", name=name, name_km=khmer) for (name, khmer), points in RIVERS.items()]
    return {"type": "FeatureCollection", "features": rivers + streets}


def _line(points: Sequence[Point], **properties: str) -> dict[str, Any]:
    coordinates = [[longitude, latitude] for latitude, longitude in points]
    return {
        "type": "Feature",
        "properties": properties | {"accuracy": "approximate, drawn by hand"},
        "geometry": {"type": "LineString", "coordinates": coordinates},
    }
