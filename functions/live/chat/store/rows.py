"""The items of the table, and how they become what `rules` knows."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.tables import Row

from ..rules.messages import Attachment, Card, Entity, Message, Place, Thumb
from ..rules.rooms import SMALL_ROOM, Kind, Last, Member, Mute, Role, Room

META = "META"
MAIN = "-"


class RoomRow(DueRow):
    """Numbers that stand together are kept as text, because that is how they are written: all at once."""

    kind = UnicodeAttribute()
    name = UnicodeAttribute()
    created_by = UnicodeAttribute()
    created_at = UnicodeAttribute()
    topic = UnicodeAttribute(default="")
    shows_past = NumberAttribute(default=1)
    slow_s = NumberAttribute(default=0)
    retention_days = NumberAttribute(null=True)
    members = NumberAttribute(default=0)
    owners = NumberAttribute(default=0)
    msg_n = NumberAttribute(default=0)
    first_n = NumberAttribute(default=1)
    dels = UnicodeAttribute(default="[]")
    room_mentions = UnicodeAttribute(default="[]")
    pins = UnicodeAttribute(default="[]")
    last = UnicodeAttribute(null=True)
    active_minute = NumberAttribute(default=0)
    archived_at = UnicodeAttribute(null=True)
    dm_users = UnicodeAttribute(null=True)
    blocked_by = UnicodeAttribute(null=True)
    rev = NumberAttribute(default=1)


class MemberRow(Row):
    """`gs1` lists somebody's rooms by when something was last said there; of rooms they are out of, apart."""

    role = UnicodeAttribute()
    read_n = NumberAttribute(default=0)
    read_at = UnicodeAttribute(null=True)
    deliv_n = NumberAttribute(default=0)
    joined_n = NumberAttribute(default=0)
    joined_at = UnicodeAttribute(null=True)
    mute = UnicodeAttribute(null=True)
    banned_until = UnicodeAttribute(null=True)
    # When they posted last, and when their read mark was last told live: milliseconds.
    last_at = NumberAttribute(default=0)
    told_at = NumberAttribute(default=0)
    telling = NumberAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


class MessageRow(Row):
    id = UnicodeAttribute()
    seq = NumberAttribute()
    author_id = UnicodeAttribute()
    text = UnicodeAttribute(default="")
    at = NumberAttribute()
    entities = UnicodeAttribute(null=True)
    attachments = UnicodeAttribute(null=True)
    cards = UnicodeAttribute(null=True)
    reactions = UnicodeAttribute(null=True)
    reply_to = UnicodeAttribute(null=True)
    thread_root = UnicodeAttribute(null=True)
    thread_n = NumberAttribute(default=0)
    thread_last = UnicodeAttribute(null=True)
    twin = UnicodeAttribute(null=True)
    pinned = NumberAttribute(null=True)
    edited_at = UnicodeAttribute(null=True)
    deleted_at = UnicodeAttribute(null=True)
    seqs = UnicodeAttribute(default="[]")
    rev = NumberAttribute(default=1)


class NamedRow(Row):
    """Something that there is once: a name, a set of people, a client's own id of a message."""

    room_id = UnicodeAttribute()
    n = NumberAttribute(null=True)
    tn = NumberAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


class MarkRow(Row):
    """How far somebody has read a thread, or when they were last seen typing."""

    read_n = NumberAttribute(default=0)
    at = NumberAttribute(default=0)


class RevisionRow(Row):
    text = UnicodeAttribute()
    at = UnicodeAttribute()


class PostingsRow(Row):
    """Under which words a message is found."""

    words = UnicodeAttribute()


class ReportRow(Row):
    room_id = UnicodeAttribute()
    message_id = UnicodeAttribute()
    author_id = UnicodeAttribute()
    by = UnicodeAttribute()
    reason = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    # What was said, as it stood then: it may be changed or taken back since.
    text = UnicodeAttribute()
    state = UnicodeAttribute()
    created_at = UnicodeAttribute()
    action = UnicodeAttribute(null=True)
    resolved_by = UnicodeAttribute(null=True)
    resolved_at = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


def room_pk(room_id: str) -> str:
    return f"ROOM#{room_id}"


def user_pk(user_id: str) -> str:
    return f"U#{user_id}"


def member_sk(user_id: str) -> str:
    return f"U#{user_id}"


def message_sk(place: Place) -> str:
    return f"T#{place.n:012d}#{place.tn:08d}" if place.in_thread else f"M#{place.n:012d}"


def place_key(place: Place) -> str:
    """A place inside other keys: numbers of the room first, so that they sort as the room does."""
    return f"{place.n:012d}.{place.tn:08d}"


def place_in(key: str) -> Place:
    n, _, tn = key.partition(".")
    return Place(int(n), int(tn))


def mention_sk(room_id: str, place: Place) -> str:
    return f"MEN#{room_id}#{place_key(place)}"


def activity_sk(minute: int, room_id: str) -> str:
    return f"A#{minute:010d}#{room_id}"


def room_of(row: RoomRow) -> Room:
    last = json.loads(row.last) if row.last else None
    return Room(
        id=row.pk.partition("#")[2],
        kind=Kind(row.kind),
        name=row.name,
        created_by=row.created_by,
        created_at=clock.parse(row.created_at),
        topic=row.topic,
        shows_past=bool(row.shows_past),
        slow_s=int(row.slow_s),
        retention_days=None if row.retention_days is None else int(row.retention_days),
        members=int(row.members),
        owners=int(row.owners),
        msg_n=int(row.msg_n),
        first_n=int(row.first_n),
        dels=tuple(json.loads(row.dels)),
        room_mentions=tuple(json.loads(row.room_mentions)),
        pins=tuple(json.loads(row.pins)),
        last=Last(last["n"], last["author_id"], last["text"], clock.parse(last["at"])) if last else None,
        active_minute=int(row.active_minute),
        archived_at=_instant(row.archived_at),
        dm_users=tuple(json.loads(row.dm_users)) if row.dm_users else (),
        blocked_by=tuple(json.loads(row.blocked_by)) if row.blocked_by else (),
        due_at=clock.parse(row.due_sk.partition("#")[0]) if row.due_sk else None,
        version=int(row.version),
        rev=int(row.rev),
    )


def kept_of(room: Room) -> dict[str, Any]:
    """What the item says of a room, by attribute; None where it says nothing."""
    last = room.last
    return {
        "kind": room.kind.value,
        "name": room.name,
        "created_by": room.created_by,
        "created_at": clock.rfc3339(room.created_at),
        "topic": room.topic,
        "shows_past": int(room.shows_past),
        "slow_s": room.slow_s,
        "retention_days": room.retention_days,
        "members": room.members,
        "owners": room.owners,
        "msg_n": room.msg_n,
        "first_n": room.first_n,
        "dels": json.dumps(room.dels),
        "room_mentions": json.dumps(room.room_mentions),
        "pins": json.dumps(room.pins),
        "last": _text({**asdict(last), "at": clock.rfc3339(last.at)}) if last else None,
        "active_minute": room.active_minute,
        "archived_at": _rfc(room.archived_at),
        "dm_users": json.dumps(room.dm_users) if room.dm_users else None,
        "blocked_by": json.dumps(room.blocked_by) if room.blocked_by else None,
        "version": room.version,
        "rev": room.rev,
    }


def member_of(row: MemberRow) -> Member:
    mute = json.loads(row.mute) if row.mute else None
    return Member(
        room_id=row.pk.partition("#")[2],
        user_id=row.sk.partition("#")[2],
        role=Role(row.role),
        read_n=int(row.read_n),
        deliv_n=int(row.deliv_n),
        joined_n=int(row.joined_n),
        joined_at=_instant(row.joined_at),
        read_at=_instant(row.read_at),
        mute=Mute(_instant(mute["until"]), mute["mentions_only"]) if mute else None,
        banned_until=_instant(row.banned_until),
        version=int(row.version),
    )


def mute_text(mute: Mute) -> str:
    return _text({"until": _rfc(mute.until), "mentions_only": mute.mentions_only})


def row_of_member(member: Member, minute: int) -> MemberRow:
    """The whole item. Who is out of a room keeps an item there, so that they are told so."""
    inside = member.role.is_inside
    return MemberRow(
        pk=room_pk(member.room_id),
        sk=member_sk(member.user_id),
        role=member.role.value,
        read_n=member.read_n,
        read_at=_rfc(member.read_at),
        deliv_n=member.deliv_n,
        joined_n=member.joined_n,
        joined_at=_rfc(member.joined_at),
        mute=mute_text(member.mute) if member.mute and inside else None,
        banned_until=_rfc(member.banned_until),
        version=member.version,
        gs1_pk=rooms_of(member.user_id) if inside else left_by(member.user_id),
        gs1_sk=activity_sk(minute, member.room_id),
    )


def rooms_of(user_id: str) -> str:
    return f"U#{user_id}"


def left_by(user_id: str) -> str:
    return f"LEFT#{user_id}"


def message_of(row: MessageRow) -> Message:
    return Message(
        id=row.id,
        room_id=row.pk.partition("#")[2],
        place=_place(row.sk),
        seq=int(row.seq),
        author_id=row.author_id,
        text=row.text,
        at=clock.from_millis(int(row.at)),
        entities=tuple(Entity(**one) for one in json.loads(row.entities or "[]")),
        attachments=tuple(map(_attachment, json.loads(row.attachments or "[]"))),
        cards=tuple(Card(**one) for one in json.loads(row.cards or "[]")),
        reactions=json.loads(row.reactions or "{}"),
        reply_to=row.reply_to,
        thread_root=row.thread_root,
        thread_n=int(row.thread_n),
        thread_last=_instant(row.thread_last),
        twin=place_in(row.twin) if row.twin else None,
        pinned=bool(row.pinned),
        edited_at=_instant(row.edited_at),
        deleted_at=_instant(row.deleted_at),
        seqs=tuple(json.loads(row.seqs)),
        version=int(row.version),
        rev=int(row.rev),
    )


def said_of(message: Message) -> dict[str, Any]:
    """What the item says of a message, by attribute; None where it says nothing."""
    return {
        "id": message.id,
        "seq": message.seq,
        "author_id": message.author_id,
        "text": message.text,
        "at": (message.at - clock.EPOCH) // timedelta(milliseconds=1),
        "entities": _text([asdict(one) for one in message.entities]) if message.entities else None,
        "attachments": _text([asdict(one) for one in message.attachments]) if message.attachments else None,
        "cards": _text([asdict(one) for one in message.cards]) if message.cards else None,
        "reactions": _text(message.reactions) if message.reactions else None,
        "reply_to": message.reply_to,
        "thread_root": message.thread_root,
        "thread_n": message.thread_n,
        "thread_last": _rfc(message.thread_last),
        "twin": place_key(message.twin) if message.twin else None,
        "pinned": 1 if message.pinned else None,
        "edited_at": _rfc(message.edited_at),
        "deleted_at": _rfc(message.deleted_at),
        "seqs": json.dumps(message.seqs),
        "version": message.version,
        "rev": message.rev,
    }


def row_of_message(message: Message) -> MessageRow:
    return MessageRow(pk=room_pk(message.room_id), sk=message_sk(message.place), **said_of(message))


def is_small(room: Room) -> bool:
    return room.members <= SMALL_ROOM


def minute_of(millis: int) -> int:
    return millis // 60_000


def _attachment(kept: dict[str, Any]) -> Attachment:
    thumb = kept.get("thumb")
    return Attachment(**{**kept, "thumb": Thumb(**thumb) if thumb else None})


def _place(sk: str) -> Place:
    parts = sk.split("#")
    return Place(int(parts[1]), int(parts[2]) if parts[0] == "T" else 0)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rfc(when: datetime | None) -> str | None:
    return clock.rfc3339(when) if when else None


def _instant(text: str | None) -> datetime | None:
    return clock.parse(text) if text else None
