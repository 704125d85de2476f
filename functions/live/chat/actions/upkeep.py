"""What follows from what happened, and what time brings: lists moved up, words indexed, people told, rooms trimmed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from tessera import clock, queues
from tessera.due import DueItem
from tessera.jobs import JobRow
from tessera.live import user_topic
from tessera.outbox import Envelope
from tessera.problems import NotFound
from tessera.seqlog import Appended
from tessera.tables import Row
from tessera.transact import AlreadySeen, Step, deleting, seen, telling, transact

from .. import events
from ..ports import Ports
from ..rules.messages import Message, Place
from ..rules.rooms import Kind, Role, Room
from ..store.rows import PostingsRow, is_small, place_in, room_pk
from . import cards, thumbs
from .changes import mark_file
from .commit import Plan, Told, commit
from .members import take_out

TRIM, PURGE, SHOW_FILE = "room.trim", "room.purge", "file.show"
TRIMMED_AT_ONCE, TAKEN_AT_ONCE, FILES_AT_ONCE = 20, 100, 50
TRIM_AGAIN = timedelta(days=1)


def move_up(ports: Ports, room_id: str, minute: int) -> None:
    """Let the room stand further up in the list of everybody in it. 2 units and 1 request for each."""
    room = ports.rooms.room(room_id, fresh=True)
    if is_small(room):
        for member in ports.rooms.everybody(room_id):
            if member.role.is_inside:
                ports.rooms.move_up(room_id, member.user_id, minute)


def follow(ports: Ports, room_id: str, place: Place) -> None:
    """What is derived from a message: its words, cards of what it links to, pictures of what is attached."""
    message = ports.messages.at(room_id, place)
    ports.search.follow(room_id, place, message)
    if message is not None:
        cards.ask(ports, message)
        thumbs.ask(ports, message)


def tell_people(ports: Ports, user_ids: Sequence[str], data: Mapping[str, object], received: Envelope) -> None:
    """Tell each on their own topic, once however often this is delivered. 1 transaction for each."""
    for user_id in user_ids:
        once = seen(ports.rooms.table, f"{received.id}#{user_id}")
        try:
            ports.live.publish(user_topic(user_id), data, also=lambda made, once=once: [once])  # type: ignore[misc]
        except AlreadySeen:
            continue


def show_file(ports: Ports, file_id: str, after: str | None, *, is_there: bool) -> None:
    """Show wherever the file is attached whether it is there, some places at a time."""
    held = ports.messages.holders(file_id, FILES_AT_ONCE, after)
    for room_id, key in held:
        mark_file(ports, room_id, place_in(key), file_id, is_there=is_there)
    if len(held) == FILES_AT_ONCE:
        work = {"file_id": file_id, "is_there": is_there, "after": "#".join(held[-1])}
        queues.send(ports.queue, SHOW_FILE, work)


def come_due(ports: Ports, item: DueItem) -> None:
    """A room is to be trimmed, or has been archived for long enough. Told twice, it is done once."""
    room_id = item.pk.partition("#")[2]
    try:
        room = ports.rooms.room(room_id, fresh=True)
    except NotFound:
        return
    if room.due_at != item.due:
        return
    kind = PURGE if room.archived_at is not None else TRIM
    queues.send(ports.queue, kind, {"room_id": room_id})
    if kind == TRIM:
        after = replace(room, due_at=clock.now() + TRIM_AGAIN)
        transact(ports.rooms.turning(room, after))
        ports.rooms.forget(room_id)


def trim(ports: Ports, room_id: str) -> None:
    """Take away some of what is older than the room keeps, with its threads; send the rest on."""
    room = ports.rooms.room(room_id, fresh=True)
    if room.retention_days is None:
        return
    before = clock.now() - timedelta(days=room.retention_days)
    oldest = ports.messages.between(room_id, room.first_n, room.msg_n, TRIMMED_AT_ONCE, newest=False, consistent=True)
    old = [one for one in oldest if one.at < before]
    if not old:
        return
    for message in old:
        _take_thread(ports, message)
    last = old[-1].place.n

    def decide(found: Room) -> tuple[Plan, None]:
        after = replace(found, first_n=max(found.first_n, last + 1))

        def steps(made: Appended) -> Sequence[Step]:
            gone = [step for message in old for step in _forgetting(ports, message)]
            return [ports.rooms.turning(found, after), *gone, _telling_trimmed(ports, old)]

        return Plan([Told("room", {"first_n": after.first_n})], steps, after), None

    commit(ports, room_id, decide, fresh=True)
    if len(old) == TRIMMED_AT_ONCE:
        queues.send(ports.queue, TRIM, {"room_id": room_id})


def _forgetting(ports: Ports, message: Message) -> list[Step]:
    pk = room_pk(message.room_id)
    keys = [f"M#{message.place.n:012d}", f"D#{message.place.n:012d}"]
    return [deleting(ports.rooms.table, Row, pk, sk) for sk in keys]


def _telling_trimmed(ports: Ports, messages: Sequence[Message]) -> Step:
    told = events.MessagesTrimmed(room_id=messages[0].room_id, message_ids=[one.id for one in messages])
    return telling(ports.rooms.table, told)


def _take_thread(ports: Ports, root: Message) -> None:
    """The replies below a message, and the words by which all of it is found."""
    while root.thread_n:
        replies = ports.messages.thread(root.room_id, root.place.n, 0, TRIMMED_AT_ONCE)
        if not replies:
            break
        for reply in replies:
            ports.search.follow(root.room_id, reply.place, None)
        pk, sk = room_pk(root.room_id), f"T#{root.place.n:012d}#"
        gone = [deleting(ports.rooms.table, Row, pk, f"{sk}{one.place.tn:08d}") for one in replies]
        transact(*gone, _telling_trimmed(ports, replies))
    ports.search.follow(root.room_id, root.place, None)


def purge(ports: Ports, room_id: str) -> None:
    """Take some of an archived room away; the room itself goes last, when all else is gone."""
    try:
        room = ports.rooms.room(room_id, fresh=True)
    except NotFound:
        return
    if room.archived_at is None:
        return
    rows = ports.rooms.some_of(room_id, TAKEN_AT_ONCE)
    if rows:
        _take_away(ports, room, rows)
        queues.send(ports.queue, PURGE, {"room_id": room_id})
        return
    unnaming = [ports.rooms.unnaming(room)] if room.kind is Kind.PUBLIC else []
    transact(ports.rooms.ending(room, events.RoomPurged(room_id=room_id)), *unnaming)
    ports.rooms.forget(room_id)


def _take_away(ports: Ports, room: Room, rows: Sequence[Row]) -> None:
    table = ports.rooms.table
    for row in rows:
        if row.sk.startswith("P#"):
            kept = table.get(PostingsRow, row.pk, row.sk)
            transact(*(ports.search.forgetting(room.id, kept) if kept else ()))
        elif row.sk.startswith("U#"):
            transact(deleting(table, Row, row.pk, row.sk), ports.live.revoking(room.topic_name, row.sk[2:]))
    rest = [row for row in rows if not row.sk.startswith(("P#", "U#"))]
    if rest:
        transact(*(deleting(table, Row, row.pk, row.sk) for row in rest))


def erase(ports: Ports, user_id: str) -> tuple[bool, int]:
    """Let somebody be gone: out of their rooms, and nothing of their own left. What they said stays, by nobody.

    To be asked again until done.
    """
    members, _ = ports.rooms.rooms_of(user_id, 20, None)
    for member in members:
        room = ports.rooms.room(member.room_id)
        _hand_over(ports, room, user_id)
        take_out(ports, room.id, user_id, by=user_id, change="left", role=Role.LEFT, by_force=True)
    left, _ = ports.rooms.rooms_of(user_id, 50, None, left=True)
    own = [*ports.personal.some_of(user_id, 40), *_without_file(ports, user_id)]
    table = ports.rooms.table
    steps = [deleting(table, Row, room_pk(one.room_id), f"U#{user_id}") for one in left]
    steps += [deleting(table, Row, row.pk, row.sk) for row in own]
    if steps:
        transact(*steps)
    # The index shows what was written a moment later, so done is only who had nothing at all.
    return not (members or steps), len(members) + len(steps)


def _without_file(ports: Ports, user_id: str) -> list[JobRow]:
    """Some of their jobs, and no file of these is left. One that still runs finds its job gone, and ends."""
    jobs = ports.personal.jobs_of(user_id, 10)
    ports.objects.delete(user_id, [one.sk for one in jobs])
    return jobs


def _hand_over(ports: Ports, room: Room, user_id: str) -> None:
    """A room that loses its last owner is given to whoever has been in it longest, administrators first."""
    rest = [one for one in ports.rooms.everybody(room.id) if one.role.is_inside and one.user_id != user_id]
    if room.kind is Kind.DM or not rest or any(one.role is Role.OWNER for one in rest):
        return
    heir = min(rest, key=lambda one: (one.role is not Role.ADMIN, one.joined_at or clock.EPOCH, one.user_id))

    def decide(found: Room) -> tuple[Plan, None]:
        now = ports.rooms.members(room.id, [heir.user_id])[heir.user_id]
        after = replace(found, owners=found.owners + int(now.role is not Role.OWNER))

        def steps(made: Appended) -> Sequence[Step]:
            return [ports.rooms.turning(found, after), ports.rooms.giving_role(now, Role.OWNER)]

        told = {"users": [heir.user_id], "change": "role", "role": "owner", "by": user_id, "members": after.members}
        return Plan([Told("member", told)], steps, after), None

    commit(ports, room.id, decide)
