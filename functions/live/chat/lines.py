"""The lines of an exported room: one JSON object each, and the first word of each says what it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tessera import clock

from .rules.exports import Export
from .rules.messages import Attachment, Message
from .rules.rooms import Member, Room

FORMAT = 1


def room_line(room: Room, export: Export) -> dict[str, Any]:
    return {
        "kind": "room",
        "format": FORMAT,
        "id": room.id,
        "name": room.name,
        "room_kind": room.kind.value,
        "topic": room.topic,
        "created_at": _rfc(room.created_at),
        "archived_at": _rfc(room.archived_at),
        "exported_at": _rfc(clock.now()),
        "exported_by": export.owner_id,
        "first_n": export.first_n,
        "last_n": export.last_n,
    }


def member_line(member: Member, name: str | None) -> dict[str, Any]:
    """Of who left too, so that whoever said something has a name; without one they are no more."""
    return {
        "kind": "member",
        "user_id": member.user_id,
        "name": name,
        "role": member.role.value,
        "joined_at": _rfc(member.joined_at),
    }


def message_line(message: Message, reactions: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Of a message that was taken back only its place is left."""
    is_there = message.deleted_at is None
    return {
        "kind": "message",
        "id": message.id,
        "n": message.place.n,
        "thread_n": message.place.tn,
        "author_id": message.author_id,
        "at": _rfc(message.at),
        "text": message.text,
        "edited_at": _rfc(message.edited_at),
        "deleted_at": _rfc(message.deleted_at),
        "reply_to": message.reply_to,
        "thread_root": message.thread_root,
        "pinned": message.pinned,
        "attachments": [_file(one) for one in message.attachments],
        "cards": [asdict(one) for one in message.cards],
        "reactions": {emoji: list(users) for emoji, users in reactions.items()} if is_there else {},
    }


def end_line(export: Export) -> dict[str, Any]:
    """The last line. A file without one is not whole."""
    return {"kind": "end", **asdict(export.counts)}


def written(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _file(attachment: Attachment) -> dict[str, Any]:
    return {name: getattr(attachment, name) for name in ("id", "name", "type", "size", "state")}


def _rfc(when: datetime | None) -> str | None:
    return clock.rfc3339(when) if when else None
