"""Frames of the Centrifuge client protocol, version 2 in JSON: one command a line."""

import json
from dataclasses import dataclass, field
from typing import Any

from tessera.problems import InvalidRequest
from tessera.strictness import check_body

METHODS = frozenset(
    [
        "connect",
        "subscribe",
        "unsubscribe",
        "publish",
        "presence",
        "presence_stats",
        "history",
        "ping",
        "send",
        "rpc",
        "refresh",
        "sub_refresh",
    ]
)
# What API Gateway cuts a connection for; locally nobody else does.
LARGEST_FRAME = 32 * 1024


class BadFrame(ValueError):
    """Nothing of this can be answered, because no command in it can be told by its id."""


@dataclass(frozen=True)
class Command:
    """`method` is empty for what is not a command; `id` is 0 where no answer is expected."""

    id: int
    method: str
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def is_pong(self) -> bool:
        return not self.id and not self.method

    def text(self, name: str) -> str:
        found = self.body.get(name)
        return found if isinstance(found, str) else ""

    def number(self, name: str) -> int:
        found = self.body.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0

    def flag(self, name: str) -> bool:
        return self.body.get(name) is True


def parse(frame: str) -> list[Command]:
    """The commands of a frame, in order. Raises `BadFrame` when one of them is not even an object with an id."""
    return [_command(line) for line in frame.split("\n") if line.strip()]


def _command(line: str) -> Command:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadFrame("not JSON") from error
    if not isinstance(found, dict):
        raise BadFrame("not an object")
    number = found.get("id", 0)
    methods = [name for name in found if name in METHODS]
    if not found:
        return Command(0, "")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**32:
        raise BadFrame("not an id")
    if not number and methods != ["send"]:
        raise BadFrame("a command without an id")
    body = found[methods[0]] if len(methods) == 1 else None
    if body is None and len(methods) == 1:
        body = {}
    if not isinstance(body, dict) or not _may_be_kept(line):
        return Command(number, "")
    return Command(number, methods[0], body)


def _may_be_kept(line: str) -> bool:
    """What a request may not hold must not come in by a socket either: others would be sent it."""
    try:
        check_body(line.encode("utf-8", "surrogatepass"))
    except InvalidRequest:
        return False
    return True
