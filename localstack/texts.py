"""Texts that the emulator reads anew for every request, and some for every item: they are read once here.

What a text says never changes: the policies of a role, the expressions of our stores, the paths of the routes, names.
"""

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.core import arn, iam_evaluator
from ministack.services import apigateway, dynamodb


def read_once() -> None:
    iam_evaluator.parse_policy_document = _remembered(iam_evaluator.parse_policy_document, 1_000)
    _expressions()
    _names()
    apigateway._path_matches = lambda route, path: _pattern_of(route).fullmatch(path) is not None


def _remembered(read: Callable[[Any], Any], most: int) -> Callable[[Any], Any]:
    """What it makes of a text is remembered; what is no text, it may say something of each time."""
    known = lru_cache(most)(read)
    return lambda given: (known if isinstance(given, str) else read)(given)


def _expressions() -> None:
    taken_apart = lru_cache(10_000)(dynamodb._tokenize)
    # Who asks may change the list.
    dynamodb._tokenize = lambda expression: list(taken_apart(expression))
    dynamodb._condition_syntax_error = lru_cache(10_000)(dynamodb._condition_syntax_error)


def _names() -> None:
    """Of queues, tables and functions: those who look for messages read them many times a second."""
    read = arn.parse_arn
    remembered = _remembered(read, 10_000)
    # Each service holds it under its own name; those that are loaded later find this one.
    for module in list(sys.modules.values()):
        if getattr(module, "parse_arn", None) is read:
            module.parse_arn = remembered  # type: ignore[attr-defined]


@lru_cache(10_000)
def _pattern_of(route: str) -> "re.Pattern[str]":
    """`/tasks/{id}` and `/tasks/{proxy+}` as the emulator understands them."""
    return re.compile("".join(map(_of_part, re.split(r"(\{[^}]+\})", route))))


def _of_part(part: str) -> str:
    if not (part.startswith("{") and part.endswith("}")):
        return re.escape(part)
    return ".+" if part.endswith("+}") else "[^/]+"
