"""A week is asked about when most of it is over, and until the next one is: what was it like to work with this?"""

from datetime import date, timedelta

from data.core.errors import Invalid

RATINGS = ("logging_speed_rating", "alert_fatigue_rating", "report_usefulness_rating")
THURSDAY = 3
LONGEST_NOTES = 2000


def monday_of(day: date) -> date:
    """The first day of that week."""
    return day - timedelta(days=day.weekday())


def week_to_ask_about(today: date) -> date:
    """The Monday of this week from Thursday on, of last week before."""
    return monday_of(today) if today.weekday() >= THURSDAY else monday_of(today) - timedelta(days=7)


def refusal(week_start: date, ratings: dict[str, int | None], notes: str, *, today: date) -> Invalid | None:
    """Why this cannot be taken as what somebody thinks of a week; None where it can."""
    if week_start != monday_of(week_start) or not monday_of(today) - timedelta(days=28) <= week_start <= today:
        return Invalid("week_start", "Choose one of the last four weeks.")
    for field, value in ratings.items():
        if value is not None and value not in range(1, 6):
            return Invalid(field, "Choose a number from 1 to 5.")
    if not any(ratings.values()) and not notes:
        return Invalid(RATINGS[0], "Say at least one thing.")
    if len(notes) > LONGEST_NOTES:
        return Invalid("notes", "At most {most} characters.", most=LONGEST_NOTES)
    return None
