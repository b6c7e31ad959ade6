"""What pages leave behind is found: soon where it is new, later where it was there for long, and not for nothing."""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from pages._garbage import AT_LEAST_EVERY_S, Tidying


class Circle:
    """Holds on to itself."""

    def __init__(self) -> None:
        self.itself = self


@dataclass
class Process:
    """What it takes, which pages are open, how late it is; and a circle that was there before the last collection."""

    memory_mb: float = 400.0
    pages: set[str] = field(default_factory=lambda: {str(number) for number in range(1000)})
    at_s: float = 0.0

    def __post_init__(self) -> None:
        self.tidy = Tidying(lambda: self.memory_mb, lambda: set(self.pages), lambda: self.at_s)
        self.tidy()
        old = Circle()
        self.left = weakref.ref(old)
        self.tidy()

    def is_found(self) -> bool:
        self.tidy()
        return self.left() is None


@pytest.fixture
def process() -> Iterator[Process]:
    gc.disable()
    yield Process()
    gc.unfreeze()
    gc.enable()


def test_a_new_circle_is_found_at_once_and_an_old_one_costs_nothing_yet(process: Process) -> None:
    new = Circle()
    gone = weakref.ref(new)
    del new
    assert not process.is_found() and gone() is None


def test_old_circles_are_found_when_a_quarter_of_the_pages_has_closed(process: Process) -> None:
    process.pages = {str(number) for number in range(100, 1000)}
    assert not process.is_found()
    process.pages = {str(number) for number in range(250, 1200)}
    assert process.is_found()


def test_old_circles_are_found_when_memory_has_grown(process: Process) -> None:
    process.memory_mb = 600
    assert not process.is_found()
    process.memory_mb = 601
    assert process.is_found()


def test_old_circles_are_found_after_an_hour(process: Process) -> None:
    process.at_s = AT_LEAST_EVERY_S - 1
    assert not process.is_found()
    process.at_s = AT_LEAST_EVERY_S
    assert process.is_found()
