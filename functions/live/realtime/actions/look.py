"""Reads: what a topic's log holds, and who listens to it."""

from dataclasses import dataclass
from typing import Any

from tessera.seqlog import EntryRow, Head

from ..ports import Ports
from ..protocol.commands import Command
from ..protocol.replies import Refused, publications
from ..rules.access import HISTORY, PRESENCE
from ..rules.position import Position
from ..store.rows import SubscriptionRow
from .session import Session

MOST_ENTRIES = 100
# Where more listen, only their number is told.
MOST_NAMED = 1_000


@dataclass(frozen=True)
class Found:
    entries: list[EntryRow]
    head: Head


def history(session: Session, command: Command) -> dict[str, Any]:
    """Raises `Refused`."""
    topic = command.text("channel")
    session.access().require(topic, HISTORY)
    since = command.body.get("since")
    asked = Command(0, "since", since) if isinstance(since, dict) else None
    position = Position(asked.text("epoch"), asked.number("offset")) if asked else None
    found = entries_of(session.ports, topic, position, command.number("limit"), reverse=command.flag("reverse"))
    if found is None:
        raise Refused(112)
    reply: dict[str, Any] = {"epoch": found.head.epoch, "offset": found.head.off}
    if found.entries:
        reply["publications"] = publications(found.entries)
    return reply


def entries_of(ports: Ports, topic: str, since: Position | None, limit: int, *, reverse: bool) -> Found | None:
    """What the log holds after (in reverse: before) a position; None when that position cannot be gone on from.

    2 requests, 1 when only the position is asked for.
    """
    head = ports.live.log.head(topic)
    if since is not None and not _is_known(since, head, reverse=reverse):
        return None
    limit = min(limit, MOST_ENTRIES)
    if not limit or head.off < head.floor:
        return Found([], head)
    if reverse:
        before = since.offset if since is not None else head.off + 1
        entries = ports.live.log.read_back(topic, before, limit)
        return Found([entry for entry in entries if entry.offset >= head.floor], head)
    after = since.offset if since is not None else head.floor - 1
    return Found(ports.live.log.read(topic, after, limit, up_to=head.off), head)


def _is_known(since: Position, head: Head, *, reverse: bool) -> bool:
    lowest = head.floor if reverse else head.floor - 1
    # Nobody had written to it when the position was read.
    if since == Position("", 0):
        return head.floor == 1
    return since.epoch == head.epoch and lowest <= since.offset <= head.off + (1 if reverse else 0)


def presence(session: Session, command: Command) -> dict[str, Any]:
    """Raises `Refused`."""
    found = _present(session, command)
    return {"presence": {row.client: row.info for row in found[:MOST_NAMED]}}


def presence_stats(session: Session, command: Command) -> dict[str, Any]:
    """Raises `Refused`."""
    return stats_of(_present(session, command))


def stats_of(rows: list[SubscriptionRow]) -> dict[str, int]:
    return {"num_clients": len(rows), "num_users": len({row.user for row in rows})}


def listeners_of(ports: Ports, topic: str) -> list[SubscriptionRow]:
    """Everybody who listens. 1 request, and 1 a shard."""
    shards = max(1, ports.live.log.head(topic).shards)
    return [row for shard in range(shards) for row in ports.listeners.rows(topic, shard)]


def _present(session: Session, command: Command) -> list[SubscriptionRow]:
    topic = command.text("channel")
    if not session.access().require(topic, PRESENCE).presence:
        raise Refused(108)
    return listeners_of(session.ports, topic)
