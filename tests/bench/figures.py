"""What was measured, beside what it is measured against, and whether that is as good as it was meant to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class AtMost:
    bound: float

    def is_met(self, value: float) -> bool:
        return value <= self.bound

    def words(self, unit: str) -> str:
        return f"≤ {said(self.bound, unit)}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    bound: float

    def is_met(self, value: float) -> bool:
        return value >= self.bound

    def words(self, unit: str) -> str:
        return f"≥ {said(self.bound, unit)}"


@dataclass(frozen=True, slots=True)
class Reference:
    """Something simpler that was measured at the same time on the same machine."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ratio_aim` bounds value / reference, `aim` the value itself."""

    name: str
    value: float
    unit: str
    reference: Reference | None = None
    aim: AtMost | AtLeast | None = None
    ratio_aim: AtMost | AtLeast | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference.value if self.reference and self.reference.value else None

    @property
    def is_met(self) -> bool | None:
        """None where nothing was aimed at."""
        checks = []
        if self.aim:
            checks.append(self.aim.is_met(self.value))
        if self.ratio_aim and self.ratio is not None:
            checks.append(self.ratio_aim.is_met(self.ratio))
        return all(checks) if checks else None

    def cells(self) -> tuple[str, ...]:
        beside = f"{self.reference.name} {said(self.reference.value, self.unit)}" if self.reference else ""
        ratio = "" if self.ratio is None else f"{self.ratio:.2g}" if self.ratio < 10 else f"{self.ratio:.0f}"
        aims = [self.aim.words(self.unit)] if self.aim else []
        aims += [f"ratio {self.ratio_aim.words('')}"] if self.ratio_aim else []
        verdict = {None: "", True: "met", False: "MISSED"}[self.is_met]
        return self.name, said(self.value, self.unit), beside, ratio, ", ".join(aims), verdict


HEADER = ("figure", "value", "beside it", "ratio", "aim", "")


def said(value: float, unit: str) -> str:
    """Three digits at most, with the unit."""
    digits = 0 if abs(value) >= 100 or float(value).is_integer() else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def table(figures: Sequence[Figure]) -> str:
    """All figures, one a line, columns aligned."""
    rows = [HEADER, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


__all__ = ["AtLeast", "AtMost", "Figure", "Reference", "median", "p95", "said", "table"]
