"""A farm's health in one word, in a colour and in a shape."""

from data.farm.rules.health import Health
from ui.badge import State
from ui.words import noop

HEALTH_WORDS = {Health.GOOD: noop("All good"), Health.WARNINGS: noop("Warnings"), Health.ERRORS: noop("Errors")}
HEALTH_STATES: dict[Health, State] = {Health.GOOD: "ok", Health.WARNINGS: "warning", Health.ERRORS: "critical"}
HEALTH_ICONS = {Health.GOOD: "check_circle", Health.WARNINGS: "warning", Health.ERRORS: "dangerous"}
"""A circle, a triangle, an octagon: they are told apart without their colours."""
