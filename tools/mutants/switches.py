"""The switches in a capability's code: which one is active, and which tests came by which of them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pynamodb.expressions.condition import Condition


@dataclass
class _State:
    active: int = 0
    test: str = ""
    hits: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed: list[str] = field(default_factory=list)


state = _State()


def whole(number: int, value: Callable[[], Any]) -> Any:
    state.hits[state.test].add(number)
    return None if number == state.active else value()


def sides(left_number: int, right_number: int, left: Callable[[], Any], right: Callable[[], Any]) -> Any:
    first = left()
    if not isinstance(first, Condition):
        # Two sets, say. A number below zero tells that this is no condition at all.
        state.hits[state.test].update((-left_number, -right_number))
        return first & right()
    state.hits[state.test].update((left_number, right_number))
    if right_number == state.active:
        return first
    return right() if left_number == state.active else first & right()


def part(number: int, text: Callable[[], str]) -> str:
    """The values that it names must stay named, so a part that is left out always holds."""
    state.hits[state.test].add(number)
    return f"({text()} OR attribute_not_exists(no_such_attribute))" if number == state.active else text()


def note_report(report: pytest.TestReport) -> None:
    state.seconds[report.nodeid] += report.duration
    if report.failed:
        state.failed.append(report.nodeid)
