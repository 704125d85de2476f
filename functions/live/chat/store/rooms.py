"""Rooms and their members."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.due import due_keys
from tessera.expressions import is_new
from tessera.idempotency import Intent, create, gone_row
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.recent import Recent
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Row, Table
from tessera.transact import Step, checking, deleting, putting, updating

from ..rules.messages import SlowMode
from ..rules.rooms import (
    POSTING,
    Blocked,
    Kind,
    MayNotPost,
    Member,
    NameTaken,
    NotAllowed,
    NotAMember,
    Role,
    Room,
    RoomArchived,
)
from .rows import (
    MAIN,
    META,
    MemberRow,
    NamedRow,
    RoomRow,
    activity_sk,
    kept_of,
    left_by,
    member_of,
    member_sk,
    room_of,
    room_pk,
    rooms_of,
    row_of_member,
)
from .writing import ChatSettings, changed, turning

REMEMBERED = 2_000
DIRECTORY = "DIRECTORY"


class DoorRow(MemberRow, RoomRow):
    """A room or a member of it: both are read in one request."""


class RoomStore:
    def __init__(self, table: Table) -> None:
        self.table = table
        # A room as this process saw it last. Every write of a room holds its `rev`, so an old one is found out.
        self._seen: Recent[Room] = Recent(REMEMBERED)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ChatSettings).table))

    def room(self, room_id: str, *, fresh: bool = False) -> Room:
        """A room, as remembered unless it must be `fresh`: 0 or 1 requests. Raises `NotFound`."""
        seen = None if fresh else self._seen.get(room_id)
        if seen is not None:
            return seen
        row = self.table.get(RoomRow, room_pk(room_id), META)
        if row is None:
            raise NotFound("There is no such room.")
        return self.remember(room_of(row))

    def remember(self, room: Room) -> Room:
        self._seen.put(room.id, room)
        return room

    def forget(self, room_id: str) -> None:
        self._seen.drop(room_id)

    def door(self, room_id: str, user_id: str) -> tuple[Room, Member | None]:
        """A room and what this user is there, as they are now. 1 request of 2 units. Raises `NotFound`."""
        pk = room_pk(room_id)
        rows = self.table.get_many(DoorRow, [(pk, META), (pk, member_sk(user_id))], consistent=True)
        if not rows or rows[0].sk != META:
            raise NotFound("There is no such room.")
        return self.remember(room_of(rows[0])), member_of(rows[1]) if len(rows) > 1 else None

    def member(self, room_id: str, user_id: str) -> MemberRow | None:
        return self.table.get(MemberRow, room_pk(room_id), member_sk(user_id))

    def members(self, room_id: str, user_ids: Sequence[str]) -> dict[str, Member]:
        """What these are in the room, those who are nothing left out. 1 request per 100."""
        keys = [(room_pk(room_id), member_sk(user_id)) for user_id in user_ids]
        rows = self.table.get_many(MemberRow, keys, consistent=True) if keys else []
        return {member.user_id: member for member in map(member_of, rows)}

    def everybody(self, room_id: str) -> list[Member]:
        """All members, and who is out: 1 request for about 5,000."""
        found = self.table.query_all(MemberRow, room_pk(room_id), sort=Path("sk").startswith("U#"), limit=1_000)
        return [member_of(row) for row in found]

    def members_page(self, room_id: str, limit: int, after: str | None) -> tuple[list[Member], str | None]:
        start = {"pk": room_pk(room_id), "sk": member_sk(after)} if after else None
        page = self.table.query(
            MemberRow, room_pk(room_id), sort=Path("sk").startswith("U#"), limit=limit, after=start, consistent=True
        )
        return [member_of(row) for row in page.rows], page.next["sk"].partition("#")[2] if page.next else None

    def rooms_of(
        self, user_id: str, limit: int, after: Key | None, *, left: bool = False
    ) -> tuple[list[Member], Key | None]:
        """What somebody is in their rooms, the latest activity first. 1 request."""
        index_pk = left_by(user_id) if left else rooms_of(user_id)
        page = self.table.query(MemberRow, index_pk, index="gs1", limit=limit, after=after, newest_first=True)
        return [member_of(row) for row in page.rows], page.next

    def rooms(self, room_ids: Sequence[str]) -> dict[str, Room]:
        """Those that there are. 1 request per 100."""
        rows = self.table.get_many(RoomRow, [(room_pk(one), META) for one in room_ids]) if room_ids else []
        return {room.id: room for room in map(room_of, rows)}

    def directory(self, begins: str, limit: int, after: Key | None) -> tuple[list[str], Key | None]:
        """The ids of public rooms by name. 1 request."""
        sort = Path("gs1_sk").startswith(begins) if begins else None
        page = self.table.query(NamedRow, DIRECTORY, index="gs1", sort=sort, limit=limit, after=after)
        return [row.room_id for row in page.rows], page.next

    def create(
        self, room: Room, intent: Intent, members: Sequence[Member], more: Sequence[Step], event: Event
    ) -> tuple[Room, bool]:
        """The room, and whether an earlier request made it. 1 request. Raises `NameTaken`."""
        row = RoomRow(pk=room_pk(room.id), sk=META, **kept_of(room))
        minute = room.active_minute
        steps = [putting(self.table, row_of_member(one, minute)) for one in members]
        naming = [self.naming(room)] if room.kind is Kind.PUBLIC else []
        created = create(self.table, row, intent, *naming, *steps, *more, event=event)
        return self.remember(room_of(created.row)), created.replayed

    def putting_room(self, room: Room, event: Event) -> Step:
        row = RoomRow(pk=room_pk(room.id), sk=META, **kept_of(room))
        return putting(self.table, row, event=event)

    def naming(self, room: Room) -> Step:
        """A step that takes the name of a public room, and lists it."""
        lower = lowered(room.name)
        row = NamedRow(pk=f"UNQ#name#{lower}", sk=MAIN, room_id=room.id, gs1_pk=DIRECTORY, gs1_sk=f"{lower}#{room.id}")
        return putting(self.table, row, only_if=is_new(), refused=NameTaken)

    def renaming(self, before: Room, after: Room) -> list[Step]:
        """Steps that give a public room another name. Raises `NameTaken`."""
        if lowered(before.name) == lowered(after.name):
            return []
        return [self.naming(after), self.unnaming(before)]

    def unnaming(self, room: Room) -> Step:
        return deleting(self.table, NamedRow, f"UNQ#name#{lowered(room.name)}", MAIN)

    def ending(self, room: Room, event: Event) -> Step:
        """A step that leaves only the trace of a room, and says so. Raises `Changed`."""
        row = gone_row(RoomRow(pk=room_pk(room.id), sk=META, version=room.version))
        return putting(self.table, row, only_if=Path("rev") == room.rev, event=event, refused=changed)

    def turning(self, before: Room, after: Room, event: Event | None = None) -> Step:
        """A step that changes the room. Raises `Changed` when it is another by now."""
        more: tuple[Change, ...] = ()
        if after.due_at != before.due_at:
            due_pk, due_sk = due_keys(after.due_at, after.id) if after.due_at else (None, None)
            more = tuple(
                Path(name).remove() if value is None else Path(name).set(value)
                for name, value in (("due_pk", due_pk), ("due_sk", due_sk))
            )
        key = (room_pk(before.id), META)
        return turning(self.table, RoomRow, key, kept_of(before), kept_of(after), event=event, more=more)

    def still_open(self, room: Room) -> Step:
        """A step that changes nothing of the room, and holds it open."""
        is_open = Path("archived_at").does_not_exist() & Path("blocked_by").does_not_exist()
        return checking(self.table, RoomRow, room_pk(room.id), META, only_if=is_open, refused=_not_open)

    def seating(self, member: Member, before: Member | None, minute: int) -> Step:
        """A step that makes somebody what they are from now on.

        It goes with a change of the room, which holds that nobody else has decided about them meanwhile.
        """
        row = row_of_member(replace(member, version=before.version + 1 if before else 1), minute)
        return putting(self.table, row)

    def giving_role(self, member: Member, role: Role) -> Step:
        """A step that changes a role and nothing else, whatever is read or posted meanwhile. It goes as `seating`."""
        change = Path("role").set(role.value)
        return updating(self.table, MemberRow, room_pk(member.room_id), member_sk(member.user_id), change)

    def inside(self, room: Room, user_id: str, *, moderates: bool = False) -> Step:
        """A step that holds somebody in the room, or among those who moderate it."""
        roles = (Role.OWNER, Role.ADMIN) if moderates else (*POSTING, Role.READONLY)
        held = Path("role").is_in(*(role.value for role in roles))
        return checking(
            self.table,
            MemberRow,
            room_pk(room.id),
            member_sk(user_id),
            only_if=held,
            refused=lambda old: not_inside(room, old),
        )

    def owning(self, room_id: str, user_id: str) -> Step:
        """A step that holds somebody among the owners of the room."""
        held = Path("role") == Role.OWNER.value
        key = (room_pk(room_id), member_sk(user_id))
        return checking(self.table, MemberRow, *key, only_if=held, refused=NotAllowed("You do not own it any more."))

    def posting(self, room: Room, user_id: str, now: int, *, read_n: int | None) -> Step:
        """A step by which somebody posts: they must be in the room, allowed to, and not too soon.

        With `read_n` their mark moves there, so what one says oneself is never unread.
        """
        changes: list[Change] = [Path("last_at").set(now)]
        if read_n is not None:
            changes += [Path("read_n").set(read_n), Path("read_at").set(clock.rfc3339(clock.from_millis(now)))]
        role = Path("role")
        if room.slow_s:
            waited = (role == Role.MEMBER.value) & (Path("last_at") <= now - room.slow_s * 1_000)
            may = role.is_in(Role.OWNER.value, Role.ADMIN.value) | waited
        else:
            may = role.is_in(*(one.value for one in POSTING))
        return updating(
            self.table,
            MemberRow,
            room_pk(room.id),
            member_sk(user_id),
            *changes,
            only_if=may,
            bump=False,
            refused=lambda old: _may_not_post(room, old, now),
        )

    def move_up(self, room_id: str, user_id: str, minute: int) -> None:
        """Let a room stand where its newest message puts it in somebody's list. 1 write unit, 2 of the index."""
        only_if = (Path("gs1_pk") == rooms_of(user_id)) & (Path("gs1_sk") < activity_sk(minute, room_id))
        change = Path("gs1_sk").set(activity_sk(minute, room_id))
        self._update(room_id, user_id, change, only_if=only_if)

    def mute(self, room_id: str, user_id: str, text: str | None) -> Member | None:
        """None for who is not in the room."""
        change = Path("mute").remove() if text is None else Path("mute").set(text)
        row = self._update(room_id, user_id, change, only_if=Path("gs1_pk") == rooms_of(user_id))
        return member_of(row) if row else None

    def _update(self, room_id: str, user_id: str, change: Change, *, only_if: Condition) -> MemberRow | None:
        try:
            return self.table.update(
                MemberRow, room_pk(room_id), member_sk(user_id), change, only_if=only_if, bump=False
            )
        except ConditionFailed:
            return None

    def some_of(self, room_id: str, limit: int) -> list[Row]:
        """Some of what a room consists of, the room itself last of all: for taking it apart."""
        rows = self.table.query(Row, room_pk(room_id), limit=limit, consistent=True).rows
        return [row for row in rows if row.sk != META]


def lowered(name: str) -> str:
    return " ".join(name.casefold().split())


def not_inside(room: Room, old: MemberRow | Member | None) -> Exception:
    """What somebody is told who may not be here: of a private room that they never were in, nothing."""
    if old is None and room.kind is not Kind.PUBLIC:
        return NotFound("There is no such room.")
    if old is not None and Role(old.role).is_inside:
        return NotAllowed("This is for those who moderate the room.")
    return NotAMember("Join it first." if room.kind is Kind.PUBLIC and old is None else "You are not in it any more.")


def _may_not_post(room: Room, old: MemberRow | None, now: int) -> Exception:
    if old is None or not Role(old.role).is_inside:
        return not_inside(room, old)
    if Role(old.role) is Role.READONLY:
        return MayNotPost("You may read here, but not write.")
    return SlowMode(max(1, -(-(int(old.last_at) + room.slow_s * 1_000 - now) // 1_000)))


def _not_open(old: RoomRow | None) -> Exception:
    if old is None:
        return NotFound("There is no such room.")
    return (
        RoomArchived("It can still be read, for 30 days.")
        if old.archived_at
        else Blocked("One of you has blocked the other.")
    )
