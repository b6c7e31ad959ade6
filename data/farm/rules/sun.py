"""The sun rises and sets at each place by the day of the year, after the equations of the United States' NOAA."""

from datetime import UTC, date, datetime, time, timedelta
from math import acos, asin, cos, degrees, radians, sin, tan

SUNRISE, SUNSET = "sunrise", "sunset"
EVENTS = (SUNRISE, SUNSET)
ZENITH = 90.833
"""Where the upper edge of the sun touches a flat horizon, the air's bending of its light included; in degrees."""


def sun_at(event: str, day: date, latitude: float, longitude: float) -> datetime | None:
    """When the sun rises or sets on that day of the place, in UTC, within a minute; None where it does not on that day.

    The day is the one of the sun at the place: its noon is the one nearest to noon by mean local time.
    """
    noon = datetime.combine(day, time(12), UTC) - timedelta(minutes=4 * longitude)
    at = noon
    for _ in range(3):  # where the sun stands changes a little between noon and its setting
        declination, equation_min = _sun(at)
        cosine = (cos(radians(ZENITH)) - sin(radians(latitude)) * sin(declination)) / (cos(radians(latitude)) * cos(declination))
        if not -1 <= cosine <= 1:
            return None
        half_day = timedelta(minutes=4 * degrees(acos(cosine)))
        middle = noon - timedelta(minutes=equation_min)
        at = middle - half_day if event == SUNRISE else middle + half_day
    return at.replace(microsecond=0)


def _sun(at: datetime) -> tuple[float, float]:
    """The sun's declination in radians, and how many minutes sundials are ahead of clocks."""
    century = (at - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86_400 / 36_525
    longitude = (280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360
    anomaly = radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    center = (
        sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + sin(3 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1_934.136 * century)
    apparent = radians(longitude + center - 0.00569 - 0.00478 * sin(node))
    mean_obliquity = 23 + (26 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60) / 60
    obliquity = radians(mean_obliquity + 0.00256 * cos(node))
    y, mean = tan(obliquity / 2) ** 2, radians(longitude)
    equation = (
        y * sin(2 * mean) - 2 * eccentricity * sin(anomaly) + 4 * eccentricity * y * sin(anomaly) * cos(2 * mean)
        - 0.5 * y * y * sin(4 * mean) - 1.25 * eccentricity**2 * sin(2 * anomaly)
    )  # fmt: skip
    return asin(sin(obliquity) * sin(apparent)), 4 * degrees(equation)
