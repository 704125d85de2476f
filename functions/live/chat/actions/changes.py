"""What becomes of a message after it was said: changed, taken back, reacted to, pinned."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

from tessera import clock
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.seqlog import Appended
from tessera.transact import Step

from .. import events
from ..ports import Ports
from ..rules import messages as rules
from ..rules.messages import Card, Message, Place, Thumb
from ..rules.rooms import MAX_PINS, Room, TooManyPins, check_open, noted
from ..store.messages import NothingToDo
from .access import enter, moderator, person
from .commit import Plan, Told, commit
from .send import mentioned_members, told_of

# A transaction takes back the text of so many entries of the log; what is older goes one by one.
ERASED_AT_ONCE = 20


def visible(ports: Ports, room_id: str, message_id: str, user_id: str) -> tuple[Room, Message]:
    """A message that somebody may read. 2 requests. Raises `NotFound` and what `enter` raises."""
    inside = enter(ports, room_id, user_id)
    found = ports.messages.get(room_id, message_id)
    if found.place.n < inside.first_visible:
        raise NotFound("There is no such message.")
    return inside.room, found


def edit(ports: Ports, room_id: str, message_id: str, text: str, expect: int | None, *, by: Principal) -> Message:
    """The message with another text. Raises `NotTheAuthor`, `EditWindowOver`, `MessageDeleted`, `StaleVersion`."""
    user_id = person(by)
    rules.check_text(text)
    entities, links = rules.entities_of(text), rules.links_of(text)
    visible(ports, room_id, message_id, user_id)

    def decide(room: Room) -> tuple[Plan, Message]:
        check_open(room)
        asked, others = _with_twin(ports, room, message_id)
        now = clock.now()
        rules.check_editable(asked, user_id, now)
        _hold_version(asked, expect)
        changed = [
            replace(one, text=text, entities=entities, cards=_still(one, links), edited_at=now, version=one.version + 1)
            for one in (asked, *others)
        ]
        before, in_room = (asked, *others), _of_room(changed)
        after = _retold(room, in_room) if in_room else room
        now_mentioned = set(mentioned_members(ports, room, changed[0]))
        added = sorted(now_mentioned - set(asked.mentions))
        removed = sorted(set(asked.mentions) - set(changed[0].mentions))

        def steps(made: Appended) -> Sequence[Step]:
            event = _edited(room, asked, added)
            kept = [ports.rooms.inside(room, user_id), *ports.messages.revising(asked)]
            for number, (old, new) in enumerate(zip(before, changed, strict=True)):
                noted_at = replace(new, seqs=_seqs(old, made.first + number))
                kept.append(ports.messages.turning(old, noted_at, event if number == 0 else None))
            if in_room:
                kept += ports.messages.mentioning(room.id, in_room.place, added)
                kept += ports.messages.unmentioning(room.id, in_room.place, removed)
            return [*kept, _room_step(ports, room, after)]

        told = [Told("message.edited", told_of(one)) for one in changed]
        return Plan(told, steps, after if after is not room else None), changed[0]

    return commit(ports, room_id, decide)


def delete(
    ports: Ports,
    room_id: str,
    message_id: str,
    expect: int | None,
    *,
    by: Principal,
    more: Sequence[Step] = (),
    is_staff: bool = False,
) -> Message:
    """What is left of a message: its place. Its author may do it, and who moderates the room.

    The text goes from the message, from what it was before, and from the room's log. `more` happens with it.
    """
    user_id, held = person(by), list[Step]()
    if not is_staff:
        _, found = visible(ports, room_id, message_id, user_id)
        if found.author_id != user_id:
            held = moderator(ports, room_id, by)

    def decide(room: Room) -> tuple[Plan, Message]:
        asked, others = _with_twin(ports, room, message_id)
        rules.check_there(asked)
        _hold_version(asked, expect)
        return _deletion(ports, room, [asked, *others], user_id, [*more, *held])

    return commit(ports, room_id, decide)


def _deletion(
    ports: Ports, room: Room, before: list[Message], user_id: str, more: Sequence[Step]
) -> tuple[Plan, Message]:
    now = clock.now()
    gone = [
        replace(
            one,
            text="",
            entities=(),
            attachments=(),
            cards=(),
            reactions={},
            pinned=False,
            deleted_at=now,
            seqs=(),
            version=one.version + 1,
        )
        for one in before
    ]
    in_room = _of_room(before)
    after = without(room, in_room) if in_room else room
    first = gone[0]
    event = events.MessageDeleted(
        room_id=room.id,
        message_id=first.id,
        n=first.place.n,
        thread_n=first.place.tn,
        author_id=first.author_id,
        by=user_id,
    )
    floor = ports.live.log.head(room.topic_name).floor
    offsets = [offset for one in before for offset in one.seqs if offset >= floor]
    for offset in offsets[:-ERASED_AT_ONCE]:
        ports.live.log.erase(room.topic_name, offset)

    def steps(made: Appended) -> Sequence[Step]:
        kept = [
            ports.messages.turning(old, new, event if number == 0 else None)
            for number, (old, new) in enumerate(zip(before, gone, strict=True))
        ]
        for one in before:
            kept += ports.messages.forgetting_revisions(one)
        if in_room:
            kept += [ports.messages.deleted_marker(in_room)]
            kept += ports.messages.unmentioning(room.id, in_room.place, in_room.mentions)
        kept += [ports.live.log.erasing(room.topic_name, offset) for offset in offsets[-ERASED_AT_ONCE:]]
        return [*kept, *more, *([ports.rooms.turning(room, after)] if after is not room else [])]

    told = [
        Told("message.deleted", {"id": one.id, "n": one.place.n, "thread_n": one.place.tn, "by": user_id})
        for one in gone
    ]
    return Plan(told, steps, after if after is not room else None), first


def react(ports: Ports, room_id: str, message_id: str, emoji: str, *, add: bool, by: Principal) -> Message:
    """The message with one reaction more or fewer; asking for what is so already changes nothing."""
    user_id, known = person(by), rules.check_emoji(emoji)
    visible(ports, room_id, message_id, user_id)

    def decide(room: Room) -> tuple[Plan, Message]:
        check_open(room)
        found = ports.messages.get(room_id, message_id)
        rules.check_there(found)
        after = replace(found, reactions=rules.reacted(found.reactions, known, 1 if add else -1))
        keep = ports.messages.reacting if add else ports.messages.taking_back

        def steps(made: Appended) -> Sequence[Step]:
            return [
                keep(found, known, user_id),
                ports.rooms.inside(room, user_id),
                ports.messages.turning(found, after),
                ports.rooms.still_open(room),
            ]

        count = after.reactions.get(known, 0)
        data = {**_where(found), "emoji": known, "user_id": user_id, "added": add, "count": count}
        return Plan([Told("reaction", data)], steps), after

    try:
        return commit(ports, room_id, decide)
    except NothingToDo:
        return ports.messages.get(room_id, message_id)


def pin(ports: Ports, room_id: str, message_id: str, *, add: bool, by: Principal) -> Room:
    """The room with this message among what is pinned, or not any more. Raises `TooManyPins`, `NotAllowed`."""
    held = moderator(ports, room_id, by)

    def decide(room: Room) -> tuple[Plan, Room]:
        check_open(room)
        found = ports.messages.get(room_id, message_id)
        rules.check_there(found)
        if (found.id in room.pins) is add:
            raise NothingToDo
        if add and len(room.pins) >= MAX_PINS:
            raise TooManyPins(f"At most {MAX_PINS} messages are pinned. Take one off first.")
        pins = (*room.pins, found.id) if add else tuple(one for one in room.pins if one != found.id)
        after = replace(room, pins=pins)

        def steps(made: Appended) -> Sequence[Step]:
            turned = ports.messages.turning(found, replace(found, pinned=add))
            return [turned, ports.rooms.turning(room, after), *held]

        data = {**_where(found), "pinned": add, "by": person(by)}
        return Plan([Told("pin", data)], steps, after), after

    try:
        return commit(ports, room_id, decide)
    except NothingToDo:
        return ports.rooms.room(room_id, fresh=True)


def mark_file(ports: Ports, room_id: str, place: Place, file_id: str, *, is_there: bool) -> None:
    """Show whether an attachment can be had: not when it was found infected, or while its owner has deleted it."""
    state: Literal["ready", "gone"] = "ready" if is_there else "gone"

    def decide(room: Room) -> tuple[Plan, None]:
        found = ports.messages.at(room_id, place)
        held = [one for one in found.attachments if one.id == file_id and one.state != state] if found else []
        if found is None or not held:
            raise NothingToDo
        attachments = tuple(replace(one, state=state) if one.id == file_id else one for one in found.attachments)
        after = replace(found, attachments=attachments)

        def steps(made: Appended) -> Sequence[Step]:
            return [ports.messages.turning(found, after)]

        data = {**_where(found), "attachments": [asdict(one) for one in attachments]}
        return Plan([Told("message.attachments", data)], steps), None

    try:
        commit(ports, room_id, decide)
    except (NothingToDo, NotFound):
        return


def show_thumb(ports: Ports, room_id: str, place: Place, file_id: str, thumb: Thumb) -> None:
    """Show the small picture of an attachment, wherever the same was said."""

    def shown(found: Message) -> dict[str, Any]:
        if all(one.id != file_id or one.thumb == thumb for one in found.attachments):
            raise NothingToDo
        return {
            "attachments": tuple(replace(one, thumb=thumb) if one.id == file_id else one for one in found.attachments)
        }

    _show(ports, room_id, place, shown)


def show_cards(ports: Ports, room_id: str, place: Place, links: Sequence[str], cards: Sequence[Card]) -> None:
    """Show cards of these links with a message, if these are the links in it still."""

    def shown(found: Message) -> dict[str, Any]:
        if rules.links_of(found.text) != tuple(links) or found.cards == tuple(cards):
            raise NothingToDo
        return {"cards": tuple(cards)}

    _show(ports, room_id, place, shown)


def _show(ports: Ports, room_id: str, place: Place, shown: Callable[[Message], dict[str, Any]]) -> None:
    """Show what belongs to a message, wherever the same was said. `shown` names the field and what is in it."""

    def decide(room: Room) -> tuple[Plan, None]:
        found = ports.messages.at(room_id, place)
        if found is None:
            raise NothingToDo
        shown(found)
        asked, others = _with_twin(ports, room, found.id)
        # Of the message as it is read with its twin, which is what the write is held to.
        before, changes = (asked, *others), shown(asked)

        def steps(made: Appended) -> Sequence[Step]:
            # Where it stands in the log, what was said stands in part: it goes with the message.
            return [
                ports.messages.turning(old, replace(old, **changes, seqs=_seqs(old, made.first + number)))
                for number, old in enumerate(before)
            ]

        ((name, things),) = changes.items()
        data = [asdict(one) for one in things]
        return Plan([Told(f"message.{name}", {**_where(one), name: data}) for one in before], steps), None

    try:
        commit(ports, room_id, decide)
    except (NothingToDo, NotFound):
        return


def without(room: Room, message: Message) -> Room:
    """The room after one of its messages was taken back."""
    n = message.place.n
    last = replace(room.last, text="") if room.last and room.last.n == n else room.last
    return replace(
        room,
        dels=noted(room.dels, n),
        room_mentions=tuple(one for one in room.room_mentions if one != n),
        pins=tuple(one for one in room.pins if one != message.id),
        last=last,
    )


def _retold(room: Room, message: Message) -> Room:
    """The room after one of its messages says something else; itself when that shows nowhere in it."""
    n, mentions = message.place.n, room.room_mentions
    mentions = noted(mentions, n) if message.mentions_room else tuple(one for one in mentions if one != n)
    last = room.last
    if last is not None and last.n == n:
        last = replace(last, text=rules.preview_of(message.text, message.attachments))
    if (mentions, last) == (room.room_mentions, room.last):
        return room
    return replace(room, room_mentions=mentions, last=last)


def _room_step(ports: Ports, room: Room, after: Room) -> Step:
    return ports.rooms.still_open(room) if after is room else ports.rooms.turning(room, after)


def _with_twin(ports: Ports, room: Room, message_id: str) -> tuple[Message, list[Message]]:
    """A message, and the other place where the same was said."""
    asked = ports.messages.get(room.id, message_id)
    twin = ports.messages.at(room.id, asked.twin) if asked.twin else None
    return asked, [twin] if twin is not None and twin.deleted_at is None else []


def _of_room(messages: Sequence[Message]) -> Message | None:
    return next((one for one in messages if not one.place.in_thread), None)


def _still(message: Message, links: Sequence[str]) -> tuple[Card, ...]:
    """The cards of the links that are in the new text too."""
    return tuple(one for one in message.cards if one.url in links)


def _seqs(before: Message, offset: int) -> tuple[int, ...]:
    return (*before.seqs, offset)


def _edited(room: Room, message: Message, added: list[str]) -> Event:
    return events.MessageEdited(
        room_id=room.id,
        message_id=message.id,
        n=message.place.n,
        thread_n=message.place.tn,
        author_id=message.author_id,
        mentions=added,
    )


def _hold_version(message: Message, expect: int | None) -> None:
    if expect is not None and message.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {message.version} now. Read it again.")


def _where(message: Message) -> dict[str, Any]:
    return {"id": message.id, "n": message.place.n, "thread_n": message.place.tn}
