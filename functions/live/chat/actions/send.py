"""Saying something: in the room, or below a message of it."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from tessera import clock
from tessera.auth.principal import Principal
from tessera.problems import NotFound
from tessera.seqlog import Appended
from tessera.transact import Step

from .. import events
from ..ports import Ports
from ..rules import messages as rules
from ..rules.messages import Draft, Message, Place
from ..rules.rooms import Blocked, Kind, Last, Room, check_open, noted
from ..store.messages import SaidBefore
from .access import person
from .commit import Plan, Told, commit, this_minute


def send(ports: Ports, room_id: str, draft: Draft, *, by: Principal) -> tuple[Message, bool]:
    """The message, and whether it was said before. 1 request when the room and its log are remembered.

    Raises `InvalidRequest`, `NotFound`, `NotAMember`, `MayNotPost`, `SlowMode`, `RoomArchived`, `Blocked`,
    `AttachmentNotReady`, `LogContended`.
    """
    rules.check_text(draft.text)
    author_id = person(by)
    new = Message(
        id="",
        room_id=room_id,
        place=Place(0),
        seq=0,
        author_id=author_id,
        text=draft.text,
        at=clock.now(),
        entities=rules.entities_of(draft.text),
        attachments=ports.files.attach(draft.attachments, by),
        thread_root=draft.thread_root,
        reply_to=draft.reply_to,
    )
    attempt = _Attempt(ports, draft, new)
    try:
        commit(ports, room_id, attempt.decide)
    except SaidBefore as before:
        found = ports.messages.at(room_id, before.place)
        if found is None:
            # It was said, and retention has taken it away since.
            raise NotFound("There is no such message any more.") from None
        return found, True
    return attempt.said[0], False


class _Attempt:
    """One message on its way: what was looked up for it once is not looked up again, however often it must try.

    `said` is how it stands in the end: in its place, and as its copy in the room where there is one.
    """

    def __init__(self, ports: Ports, draft: Draft, new: Message) -> None:
        self._ports, self._draft, self._new = ports, draft, new
        self._mentioned: list[str] | None = None
        self._checked_reply = False
        self.said: list[Message] = []

    def decide(self, room: Room) -> tuple[Plan, None]:
        check_open(room)
        if room.blocked_by:
            raise Blocked("One of you has blocked the other.")
        new = replace(self._new, at=clock.now())
        self._check_reply(room)
        if self._draft.thread_root is None:
            return self._in_room(room, new), None
        return self._in_thread(room, new, self._draft.thread_root), None

    def _in_room(self, room: Room, new: Message) -> Plan:
        message = placed(new, Place(room.msg_n + 1))
        after = grown(room, message)
        mentioned = self._who_is_mentioned(room, message)

        def steps(made: Appended) -> Sequence[Step]:
            self.said = [replace(message, seq=made.first, seqs=(made.first,))]
            ports, said = self._ports, self.said[0]
            return [
                self._once(room, said.place),
                ports.rooms.posting(room, said.author_id, _ms(said.at), read_n=said.place.n),
                ports.rooms.turning(room, after),
                ports.messages.saying(said, created(room, said, mentioned)),
                *ports.messages.mentioning(room.id, said.place, mentioned),
                *ports.messages.holding_files(said),
            ]

        return Plan([Told("message.created", told_of(message))], steps, after)

    def _in_thread(self, room: Room, new: Message, root_id: str) -> Plan:
        root = self._ports.messages.get(room.id, root_id)
        if root.place.in_thread or (root.twin is not None and root.twin.in_thread):
            raise rules.refused("/thread_root", "Below a reply there is no further thread.")
        rules.check_there(root)
        tn = root.thread_n + 1
        reply = placed(new, Place(root.place.n, tn))
        grown_root = replace(root, thread_n=tn, thread_last=reply.at)
        copy, after = None, room
        if self._draft.also_to_room:
            copy = placed(replace(new, twin=reply.place), Place(room.msg_n + 1))
            reply, after = replace(reply, twin=copy.place), grown(room, copy)
        mentioned = self._who_is_mentioned(room, reply)

        def steps(made: Appended) -> Sequence[Step]:
            ports = self._ports
            self.said = [replace(reply, seq=made.first, seqs=(made.first,))]
            said, read_n = self.said[0], copy.place.n if copy else None
            kept = [
                self._once(room, said.place),
                ports.rooms.posting(room, said.author_id, _ms(said.at), read_n=read_n),
                ports.messages.turning(root, grown_root),
                ports.messages.saying(said, created(room, said, mentioned)),
                ports.messages.reading_thread(room.id, root.place.n, said.author_id, tn),
                *ports.messages.holding_files(said),
            ]
            if copy is None:
                return [*kept, ports.rooms.still_open(room)]
            second = replace(copy, seq=made.last, seqs=(made.last,))
            return [
                *kept,
                ports.rooms.turning(room, after),
                ports.messages.saying(second),
                *ports.messages.mentioning(room.id, second.place, mentioned),
            ]

        told = [Told("message.created", told_of(one)) for one in (reply, copy) if one is not None]
        return Plan(told, steps, after if copy else None)

    def _once(self, room: Room, place: Place) -> Step:
        return self._ports.messages.once(room.id, self._new.author_id, self._draft.client_id, place)

    def _check_reply(self, room: Room) -> None:
        if self._draft.reply_to is None or self._checked_reply:
            return
        try:
            self._ports.messages.get(room.id, self._draft.reply_to)
        except NotFound:
            raise rules.refused("/reply_to", "There is no such message in this room.") from None
        self._checked_reply = True

    def _who_is_mentioned(self, room: Room, message: Message) -> list[str]:
        if self._mentioned is None:
            self._mentioned = mentioned_members(self._ports, room, message)
        return self._mentioned


def mentioned_members(ports: Ports, room: Room, message: Message) -> list[str]:
    """Who of the mentioned is in the room, the author apart. 1 request, none for nobody."""
    others = [one for one in message.mentions if one != message.author_id]
    found = ports.rooms.members(room.id, others)
    return [one for one in others if one in found and found[one].role.is_inside]


def placed(message: Message, place: Place) -> Message:
    """The message in its place, with the id that says so."""
    return replace(message, place=place, id=rules.message_id(_ms(message.at), place, secrets.token_bytes(2)))


def grown(room: Room, message: Message) -> Room:
    """The room with one more message."""
    n = message.place.n
    return replace(
        room,
        msg_n=n,
        last=Last(n, message.author_id, rules.preview_of(message.text, message.attachments), message.at),
        room_mentions=noted(room.room_mentions, n) if message.mentions_room else room.room_mentions,
        active_minute=max(room.active_minute, this_minute()),
    )


def created(room: Room, message: Message, mentioned: list[str]) -> events.MessageCreated:
    return events.MessageCreated(
        room_id=room.id,
        message_id=message.id,
        n=message.place.n,
        thread_n=message.place.tn,
        author_id=message.author_id,
        room_kind=room.kind.value,
        room_name=room.name,
        mentions=mentioned,
        mentions_room=message.mentions_room,
        members=list(room.dm_users) if room.kind is Kind.DM else [],
        preview=rules.preview_of(message.text, message.attachments),
    )


def told_of(message: Message) -> dict[str, Any]:
    """What everybody in the room is told of a message: all of it."""
    return {
        "id": message.id,
        "n": message.place.n,
        "thread_n": message.place.tn,
        "author_id": message.author_id,
        "text": message.text,
        "at": clock.rfc3339(message.at),
        "entities": [asdict(one) for one in message.entities],
        "attachments": [asdict(one) for one in message.attachments],
        "cards": [asdict(one) for one in message.cards],
        "reply_to": message.reply_to,
        "thread_root": message.thread_root,
        "edited_at": clock.rfc3339(message.edited_at) if message.edited_at else None,
        "version": message.version,
    }


def _ms(when: datetime) -> int:
    return (when - clock.EPOCH) // timedelta(milliseconds=1)
