"""How far people have read and received, and who is typing."""

from dataclasses import replace
from typing import Any

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.live import user_topic
from tessera.problems import NotFound, Problem

from ..ports import Ports
from ..rules.messages import refused
from ..rules.rooms import NAMED_RECEIPTS, POSTING, MayNotPost, Member, Room, lowest_read, unread
from ..rules.views import Counts, Receipts
from .access import Inside, enter, person

TELL_READ = "read.tell"
TYPING_SECONDS = 5


class TypingTooOften(Problem):
    status, slug, title = 429, "typing-too-often", "That you type is told once in three seconds"

    def __init__(self) -> None:
        super().__init__("It is known already.", headers={"Retry-After": "3"})


def counts(ports: Ports, room: Room, member: Member) -> Counts:
    """What is unread for somebody: no request where nothing is, else 1, and 1 more after many deletions."""
    number = unread(room, member)
    low = lowest_read(room, member)
    if number is None:
        number = room.msg_n - low - ports.messages.deleted_after(room.id, low)
    mentions = 0
    if number:
        mine = set(ports.personal.mentions_after(member.user_id, room.id, low))
        everybodys = {n for n in room.room_mentions if n > low}
        mentions = len((mine | everybodys) - set(room.dels))
    return Counts(member.read_n, member.deliv_n, number, mentions)


def read(ports: Ports, room_id: str, n: int, *, mark_unread: bool, by: Principal) -> Counts:
    """Read up to this message, on whichever device; with `mark_unread` wherever it is to be. 2 requests, mostly."""
    inside = enter(ports, room_id, person(by))
    _check_number(inside, n)
    member = ports.personal.read(inside.member, n, back=mark_unread)
    if member is None:
        raise NotFound("There is no such room.")
    found = counts(ports, inside.room, member)
    if member.read_n != inside.member.read_n:
        _tell_own_devices(ports, member, found)
        _tell_read(ports, inside.room, member)
    return found


def read_thread(
    ports: Ports, room_id: str, root_id: str, n: int, *, mark_unread: bool, by: Principal
) -> tuple[int, int]:
    """How far somebody has read a thread, and how many replies are left."""
    inside = enter(ports, room_id, person(by))
    root = ports.messages.get(room_id, root_id)
    if root.place.in_thread or root.place.n < inside.first_visible:
        raise NotFound("There is no such thread.")
    if n > root.thread_n:
        raise refused("/n", f"The thread has {root.thread_n} replies.")
    read_n = ports.messages.read_thread(room_id, root.place.n, inside.member.user_id, n, back=mark_unread)
    return read_n, root.thread_n - read_n


def delivered(ports: Ports, room_id: str, n: int, *, by: Principal) -> Counts:
    """Received up to this message. 2 requests."""
    inside = enter(ports, room_id, person(by))
    _check_number(inside, n)
    member = ports.personal.delivered(inside.member, n)
    if member is None:
        raise NotFound("There is no such room.")
    if member.deliv_n != inside.member.deliv_n and inside.room.members <= NAMED_RECEIPTS:
        _tell(ports, inside.room, member, "delivered")
    return counts(ports, inside.room, member)


def _check_number(inside: Inside, n: int) -> None:
    if n > inside.room.msg_n:
        raise refused("/n", f"The newest message is number {inside.room.msg_n}.")


def _tell_own_devices(ports: Ports, member: Member, found: Counts) -> None:
    data = {"kind": "chat.read", "room_id": member.room_id, "read_n": found.read_n, "unread": found.unread}
    ports.live.tell(user_topic(member.user_id), {**data, "mentions": found.mentions})


def _tell_read(ports: Ports, room: Room, member: Member) -> None:
    """Once a second and member; what comes in between is told when the second is over, as it is by then."""
    if room.members > NAMED_RECEIPTS:
        return
    now = clock.millis()
    if ports.personal.take_turn_to_tell(member, now):
        _tell(ports, room, member, "read")
    elif ports.queue and ports.personal.take_last_word(member, now):
        data = {"room_id": room.id, "user_id": member.user_id}
        queues.send(ports.queue, TELL_READ, data, delay_seconds=1)


def tell_last_read(ports: Ports, room_id: str, user_id: str) -> None:
    member = ports.personal.give_last_word(room_id, user_id, clock.millis())
    if member is not None:
        _tell(ports, ports.rooms.room(room_id), member, "read")


def _tell(ports: Ports, room: Room, member: Member, what: str) -> None:
    n = member.read_n if what == "read" else member.deliv_n
    # What is told live has no place in the log: its own clock says which of two is the newer.
    ports.live.tell(room.topic_name, {"type": what, "user_id": member.user_id, "n": n, "v": clock.millis()})


def typing(ports: Ports, room_id: str, *, by: Principal) -> None:
    """Tell that somebody is typing. Raises `TypingTooOften`. 3 requests."""
    inside = enter(ports, room_id, person(by))
    if inside.member.role not in POSTING or inside.room.archived_at is not None:
        raise MayNotPost("You may read here, but not write.")
    now = clock.millis()
    if not ports.personal.typing(room_id, inside.member.user_id, now):
        raise TypingTooOften
    until = clock.rfc3339(clock.from_millis(now + TYPING_SECONDS * 1_000))
    data = {"type": "typing", "user_id": inside.member.user_id, "until": until, "v": now}
    ports.live.tell(inside.room.topic_name, data)


def receipts(ports: Ports, room_id: str, n: int, *, by: Principal) -> Receipts:
    """1 request, and 1 for about 5,000 members."""
    inside = enter(ports, room_id, person(by))
    if not inside.first_visible <= n <= inside.room.msg_n:
        raise NotFound("There is no such message.")
    members = [one for one in ports.rooms.everybody(room_id) if one.role.is_inside]
    read_by = [one.user_id for one in members if one.read_n >= n]
    got = [one.user_id for one in members if max(one.deliv_n, one.read_n) >= n]
    if inside.room.members > NAMED_RECEIPTS:
        return Receipts(len(read_by), len(got), None, None)
    return Receipts(len(read_by), len(got), read_by, got)


def muted(ports: Ports, room_id: str, text: str | None, *, by: Principal) -> tuple[Room, Member]:
    inside = enter(ports, room_id, person(by))
    member = ports.rooms.mute(room_id, inside.member.user_id, text)
    return inside.room, member or replace(inside.member, mute=None)


def rpc(ports: Ports, method: str, data: dict[str, Any], *, by: Principal) -> dict[str, Any]:
    """What the hub asks for a client that is connected. Raises `NotFound` for what there is not."""
    room_id = str(data.get("room_id", ""))
    if method == "chat.typing":
        typing(ports, room_id, by=by)
        return {}
    if method == "chat.read":
        n = data.get("n")
        if not isinstance(n, int) or isinstance(n, bool) or n < 0:
            raise refused("/data/n", "It is the number of a message.")
        found = read(ports, room_id, n, mark_unread=data.get("mark_unread") is True, by=by)
        return {"read_n": found.read_n, "unread": found.unread, "mentions": found.mentions}
    raise NotFound("There is no such method.")
