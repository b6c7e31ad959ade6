"""The tree risk form, as the paper has it: sections of fields, each with what it may hold and how much fits in print."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a field holds. A group has fields of its own, rows have several of those."""

    FLAG = "flag"
    TEXT = "text"
    NUMBER = "number"
    WORD = "word"
    PLACE = "place"
    GROUP = "group"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `limit` counts characters of a text and rows of a table; `names` are the words of the numbers from 1."""

    name: str
    kind: Kind
    label: str
    limit: int = 0
    low: float = 0
    high: float = 0
    whole: bool = False
    unit: str = ""
    options: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    fields: tuple["Field", ...] = ()


_LABELS = {
    "dead_missing_bark": "Dead or missing bark", "cankers_galls_burls": "Cankers, galls or burls",
    "sapwood_damage_decay": "Sapwood damage or decay", "conks_mushrooms": "Conks or mushrooms",
    "abnormal_bark_texture_color": "Abnormal bark texture or color", "over_extended_branches": "Over-extended branches",
    "none_seasonal": "No leaves: season", "none_dead": "No leaves: dead", "broken_hangers_number": "Broken hangers",
}  # fmt: skip


def _label(name: str) -> str:
    for end in ("_percent", "_degrees"):
        name = name.removesuffix(end)
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def flag(name: str, label: str = "") -> Field:
    return Field(name, Kind.FLAG, label or _label(name))


def flags(names: str) -> tuple[Field, ...]:
    return tuple(flag(name) for name in names.split())


def text(name: str, limit: int = 100, label: str = "") -> Field:
    return Field(name, Kind.TEXT, label or _label(name), limit=limit)


def number(name: str, high: float, unit: str = "", label: str = "", *, low: float = 0, whole: bool = False) -> Field:
    return Field(name, Kind.NUMBER, label or _label(name), low=low, high=high, whole=whole, unit=unit)


def percent(name: str, label: str = "") -> Field:
    return number(name, 100, "%", label)


def choice(name: str, *names: str, label: str = "") -> Field:
    """A number from 1 that stands for a word."""
    return Field(name, Kind.NUMBER, label or _label(name), low=1, high=len(names), whole=True, names=names)


def word(name: str, options: str, label: str = "") -> Field:
    return Field(name, Kind.WORD, label or _label(name), options=tuple(options.split()))


def group(name: str, *fields: Field, label: str = "") -> Field:
    return Field(name, Kind.GROUP, label or _label(name), fields=fields)


def rows(name: str, limit: int, *fields: Field, label: str = "") -> Field:
    return Field(name, Kind.ROWS, label or _label(name), limit=limit, fields=fields)


def noted(names: str, limit: int) -> tuple[Field, ...]:
    """Flags that each have room for a remark under the same label."""
    return tuple(f for name in names.split() for f in (flag(name), text(f"{name}_notes", limit, _label(name))))


FAILURE = "improbable possible probable imminent"
IMPACT = "very_low low medium high"
FAILURE_AND_IMPACT = "unlikely somewhat likely very_likely"
CONSEQUENCES = "negligible minor significant severe"
RATING = "low moderate high extreme"


def _verdict(growth: int, concerns: int, *, notes: int = 0) -> tuple[Field, ...]:
    """How every part of the tree's assessment ends."""
    load, failure = word("load_on_defect", "n/a minor moderate significant"), word("likelihood_of_failure", FAILURE)
    remarks = (
        (text("load_on_defect_notes", notes, "Load on defect"),),
        (text("likelihood_of_failure_notes", notes, "Likelihood of failure"),),
    )
    middle = (load, *remarks[0], failure, *remarks[1]) if notes else (load, failure)
    return (text("response_growth", growth), text("main_concerns", concerns), *middle)


FORM: tuple[Field, ...] = (
    group(
        "client_tree_details",
        text("client"), text("date", 30), text("time", 30), text("address_tree_location", 200, "Address or tree location"),
        text("tree_number", 20), number("sheet", 999, whole=True), number("of", 999, label="Of sheets", whole=True),
        text("tree_species"), number("dbh", 600, "in", "Trunk diameter"), number("height", 500, "ft"),
        number("crown_spread_dia", 500, "ft", "Crown spread"), text("assessors"), text("time_frame", 60),
        text("tools_used"), Field("gps", Kind.PLACE, "Position"), label="Client and tree",
    ),
    group(
        "target_assessment",
        rows(
            "targets", 4,
            number("target_number", 99, whole=True), text("label", 40, "Target"), flag("zone_within_drip_line", "Within drip line"),
            flag("zone_within_1x_height", "Within 1 × height"), flag("zone_within_1_5x_height", "Within 1.5 × height"),
            choice("occupancy_rate", "rare", "occasional", "frequent", "constant"), flag("practical_to_move", "Practical to move"),
            flag("restriction_practical", "Restriction practical"),
        ),
        label="Targets",
    ),
    group(
        "site_factors",
        text("history_of_failures", 100), word("topography", "flat slope"), percent("slope_percent"), text("aspect", 30),
        group("site_changes", *flags("none grade_change site_clearing changed_soil_hydrology root_cuts"), text("landscape_environment", 30)),
        group(
            "soil_conditions",
            *flags("limited_volume saturated shallow compacted pavement_over_roots"), percent("percent", "Share"), text("describe", 30),
        ),
        text("prevailing_wind_direction", 30),
        group("common_weather", *flags("strong_winds ice snow heavy_rain"), text("describe", 30)),
    ),
    group(
        "tree_health_and_species",
        word("vigor", "low normal high"),
        group("foliage", *flags("none_seasonal none_dead"), percent("normal_percent"), percent("chlorotic_percent"), percent("necrotic_percent")),
        text("pests", 70), text("abiotic", 70),
        group("species_failure_profile", *flags("branches trunk roots"), text("describe", 100)),
        label="Health and species",
    ),
    group(
        "load_factors",
        word("wind_exposure", "protected partial full"), flag("wind_funneling"), text("wind_funneling_notes", 40, "Wind funneling"),
        word("relative_crown_size", "small medium large"), word("crown_density", "sparse normal dense"),
        word("interior_branches_density", "few normal dense", "Interior branches"), flag("vines_mistletoe_moss_present", "Vines, mistletoe or moss"),
        text("vines_mistletoe_moss_notes", 50, "Vines, mistletoe or moss"), text("recent_change", 70),
    ),
    group(
        "crown_and_branches",
        flag("unbalanced_crown"), percent("lcr_percent", "Live crown ratio"), flag("dead_twigs"), percent("dead_twigs_percent", "Dead twigs: share"),
        number("dead_twigs_max_dia", 60, "in", "Dead twigs: largest"), number("broken_hangers_number", 999, whole=True),
        number("broken_hangers_max_dia", 60, "in", "Broken hangers: largest"), flag("over_extended_branches"),
        group("pruning_history", *flags("crown_cleaned reduced topped flush_cuts thinned raised lion_tailed"), text("other", 30)),
        *noted("cracks lightning_damage codominant included_bark weak_attachments", 50), percent("cavity_nest_hole_percent", "Cavity or nest hole"),
        *noted("previous_branch_failures similar_branches_present dead_missing_bark cankers_galls_burls sapwood_damage_decay conks heartwood_decay", 50),
        *_verdict(70, 215, notes=70),
    ),
    group(
        "trunk",
        *flags("dead_missing_bark abnormal_bark_texture_color codominant_stems included_bark cracks sapwood_damage_decay cankers_galls_burls"),
        *flags("sap_ooze lightning_damage heartwood_decay conks_mushrooms"), percent("cavity_nest_hole_percent", "Cavity or nest hole"),
        number("cavity_nest_hole_depth", 120, "in", "Cavity or nest hole: depth"), flag("poor_taper"), number("lean_degrees", 90, "°"),
        text("lean_corrected", 40), *_verdict(40, 88),
    ),
    group(
        "roots_and_root_collar",
        flag("collar_buried_not_visible", "Collar buried or not visible"), number("collar_depth", 120, "in"),
        *flags("stem_girdling dead decay conks_mushrooms ooze cavity"), percent("cavity_percent", "Cavity: share"), flag("cracks"),
        flag("cut_damaged_roots", "Cut or damaged roots"), number("distance_from_trunk", 500, "ft"), *flags("root_plate_lifting soil_weakness"),
        *_verdict(40, 88),
    ),
    group(
        "risk_categorization",
        rows(
            "rows", 12,
            number("condition_number", 99, whole=True), word("tree_part", "crown trunk roots"), text("condition", 60),
            number("part_size", 600, "in"), number("fall_distance", 500, "ft"), number("target_number", 99, whole=True),
            text("target_protection", 60), word("failure_likelihood", FAILURE, "Failure"), word("impact_likelihood", IMPACT, "Impact"),
            word("failure_and_impact", FAILURE_AND_IMPACT), word("consequences", CONSEQUENCES), word("risk_rating", RATING),
            label="Conditions",
        ),
    ),
    group("notes_explanations_descriptions", text("notes", 230), label="Notes"),
    group("mitigation_options", rows("options", 4, text("option", 100), word("residual_risk", RATING))),
    group("overall_tree_risk_rating", word("rating", RATING)),
    choice("work_priority", "1", "2", "3", "4"),
    group("overall_residual_risk", word("rating", RATING)),
    group("recommended_inspection_interval", text("text", 30, "Interval")),
    word("data_status", "final preliminary"),
    flag("advanced_assessment_needed"),
    text("advanced_assessment_type_reason", 40, "Advanced assessment: type and reason"),
    group("inspection_limitations", *flags("none visibility access vines root_collar_buried")),
    text("inspection_limitations_describe", 40, "Inspection limitations: description"),
)  # fmt: skip

PHOTOS = "job_photos"
SECTIONS = frozenset(f.name for f in FORM if f.kind is Kind.GROUP) | {
    "risk_categorization_crown", "risk_categorization_trunk", "risk_categorization_roots",
}  # fmt: skip
"""What a recording may be about."""

SCHEMA_NAME, SCHEMA_VERSION = "traq", "1"


def every_field(fields: tuple[Field, ...] = FORM) -> Iterator[Field]:
    """All fields at all depths."""
    for field in fields:
        yield field
        yield from every_field(field.fields)
