"""What was logged while a block ran, as text, whichever stream the logger began with."""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tessera import log


@contextmanager
def logged() -> Iterator[Callable[[], str]]:
    """`with logged() as written: ...; written()` is every line so far, formatted as it goes to CloudWatch."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(log.logger().registered_formatter)
    plain = logging.getLogger(log.logger().name)
    plain.addHandler(handler)
    try:
        yield lines.getvalue
    finally:
        plain.removeHandler(handler)


def parts_of(secret: str, length: int = 16) -> list[str]:
    """The secret and each piece of it that would still give much of it away."""
    pieces = [secret[start : start + length] for start in range(0, len(secret) - length + 1, length)]
    return [secret, *pieces]
