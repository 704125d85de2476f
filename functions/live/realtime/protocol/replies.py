"""What the hub says: replies, pushes, and the codes that clients act on."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tessera.seqlog import EntryRow

# A frame larger than this could meet API Gateway's limit of 128 KB with its envelope.
LARGEST_OUT, PUSHES_PER_FRAME = 96 * 1024, 50

_ERRORS = {
    100: ("internal server error", True),
    101: ("unauthorized", False),
    102: ("unknown channel", False),
    103: ("permission denied", False),
    104: ("method not found", False),
    105: ("already subscribed", False),
    106: ("limit exceeded", False),
    107: ("bad request", False),
    108: ("not available", False),
    109: ("token expired", False),
    111: ("too many requests", True),
    112: ("unrecoverable position", False),
}
_DISCONNECTS = {
    3001: "shutdown",
    3005: "connection expired",
    3008: "slow",
    3011: "force reconnect",
    3012: "no pong",
    3013: "too many errors",
    3500: "invalid token",
    3501: "bad request",
    3503: "force disconnect",
    3504: "connection limit",
    3505: "channel limit",
}
_UNSUBSCRIBES = {2000: "server unsubscribe", 2500: "insufficient state", 2501: "subscription expired"}


class Refused(Exception):
    """A command is answered with this error."""

    def __init__(self, code: int) -> None:
        super().__init__(_ERRORS[code][0])
        self.code = code


class Disconnect(Exception):
    """The connection ends with this code. From 3500 on the client does not come back by itself."""

    def __init__(self, code: int) -> None:
        super().__init__(_DISCONNECTS[code])
        self.code = code


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def result(command_id: int, method: str, found: Mapping[str, Any]) -> str:
    """A reply always names its method, also where it has nothing to say."""
    return compact({"id": command_id, method: found})


def error(command_id: int, code: int) -> str:
    message, temporary = _ERRORS[code]
    said: dict[str, Any] = {"code": code, "message": message}
    if temporary:
        said["temporary"] = True
    return compact({"id": command_id, "error": said})


def push(topic: str, kind: str, found: Mapping[str, Any]) -> str:
    return compact({"push": {"channel": topic, kind: found}})


def disconnect(code: int) -> str:
    return compact({"push": {"disconnect": {"code": code, "reason": _DISCONNECTS[code]}}})


def unsubscribe(topic: str, code: int) -> str:
    return push(topic, "unsubscribe", {"code": code, "reason": _UNSUBSCRIBES[code]})


def publication(entry: EntryRow) -> str:
    """An entry as clients see it. Its data is JSON already and is not read again."""
    parts = [f'"data":{entry.data}', f'"offset":{entry.offset}']
    if entry.info:
        parts.append(f'"info":{entry.info}')
    if entry.tags and entry.tags != "{}":
        parts.append(f'"tags":{entry.tags}')
    return "{" + ",".join(parts) + "}"


def publications(entries: Iterable[EntryRow]) -> list[dict[str, Any]]:
    """Entries as part of a reply that is made of other things too."""
    return [json.loads(publication(entry)) for entry in entries]


def publication_push(topic: str, entry: EntryRow) -> str:
    return f'{{"push":{{"channel":{compact(topic)},"pub":{publication(entry)}}}}}'


def frames(lines: Iterable[str]) -> Iterator[str]:
    """Lines packed into as few frames as the limits allow, in order."""
    batch: list[str] = []
    size = 0
    for line in lines:
        length = len(line.encode()) + 1
        if batch and (size + length > LARGEST_OUT or len(batch) == PUSHES_PER_FRAME):
            yield "\n".join(batch)
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield "\n".join(batch)
