"""What is somebody's own: how far they have read, who mentioned them, whom they block, when they typed."""

import hashlib
from collections.abc import Sequence
from typing import Any, Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_new
from tessera.jobs import JobRow, jobs_of
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, checking, deleting, putting

from ..rules.messages import Place
from ..rules.rooms import Blocked, Member
from .rows import (
    MAIN,
    MarkRow,
    MemberRow,
    NamedRow,
    member_of,
    member_sk,
    mention_sk,
    room_pk,
    rooms_of,
    user_pk,
)
from .writing import ChatSettings, changed

TYPING_EVERY_MS = 3_000
TOLD_EVERY_MS = 1_000
TELLING_KEPT_MS = 10_000


class DmExists(Exception):
    """These people have a conversation."""

    def __init__(self, room_id: str) -> None:
        super().__init__("These people have a conversation.")
        self.room_id = room_id


class Personal:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ChatSettings).table))

    def read(self, member: Member, n: int, *, back: bool) -> Member | None:
        """Move the mark on, or with `back` wherever it is to be; None for who is out. 1 write unit, 1 of the index."""
        changes = [Path("read_n").set(n), Path("read_at").set(clock.rfc3339(clock.now()))]
        if n > member.deliv_n:
            changes.append(Path("deliv_n").set(n))
        return self._mark(member, changes, None if back else Path("read_n") < n)

    def delivered(self, member: Member, n: int) -> Member | None:
        return self._mark(member, [Path("deliv_n").set(n)], Path("deliv_n") < n)

    def _mark(self, member: Member, changes: Sequence[Any], on: Condition | None) -> Member | None:
        """What is behind already stays; None only for who is out of the room."""
        inside = Path("gs1_pk") == rooms_of(member.user_id)
        key = (room_pk(member.room_id), member_sk(member.user_id))
        only_if = inside if on is None else inside & on
        try:
            row = self.table.update(MemberRow, *key, *changes, only_if=only_if, bump=False)
        except ConditionFailed as failed:
            row = failed.old
        return member_of(row) if row is not None and row.gs1_pk == rooms_of(member.user_id) else None

    def take_turn_to_tell(self, member: Member, now: int) -> bool:
        """Whether a read mark may be told live now: once a second. 1 write unit."""
        return self._set(member, "told_at", now, only_if=Path("told_at") <= now - TOLD_EVERY_MS)

    def take_last_word(self, member: Member, now: int) -> bool:
        """Whether this mark is the one that will be told when the second is over. 1 write unit."""
        free = Path("telling").does_not_exist() | (Path("telling") < now - TELLING_KEPT_MS)
        return self._set(member, "telling", now, only_if=free)

    def give_last_word(self, room_id: str, user_id: str, now: int) -> Member | None:
        """Who is to be told about, as they stand now."""
        changes = [Path("telling").remove(), Path("told_at").set(now)]
        key = (room_pk(room_id), member_sk(user_id))
        try:
            row = self.table.update(MemberRow, *key, *changes, only_if=Path("telling").exists(), bump=False)
        except ConditionFailed:
            return None
        return member_of(row)

    def _set(self, member: Member, name: str, value: int, *, only_if: Condition) -> bool:
        key = (room_pk(member.room_id), member_sk(member.user_id))
        try:
            self.table.update(MemberRow, *key, Path(name).set(value), only_if=only_if, bump=False)
        except ConditionFailed:
            return False
        return True

    def typing(self, room_id: str, user_id: str, now: int) -> bool:
        """Whether it is time to tell again that somebody types. 1 write unit."""
        row = MarkRow(pk=room_pk(room_id), sk=f"TY#{user_id}", at=now, ttl=now // 1_000 + 60)
        waited = Path("at").does_not_exist() | (Path("at") <= now - TYPING_EVERY_MS)
        try:
            self.table.put(row, only_if=waited)
        except ConditionFailed:
            return False
        return True

    def mentions_after(self, user_id: str, room_id: str, n: int) -> list[int]:
        """In which messages after this one somebody is mentioned, at most 100. 1 request."""
        first, last = mention_sk(room_id, Place(n + 1)), mention_sk(room_id, Place(999_999_999_999, 99_999_999))
        page = self.table.query(Row, user_pk(user_id), sort=Path("sk").between(first, last), limit=100)
        keys = [row.sk.rpartition("#")[2].partition(".") for row in page.rows]
        return [int(n) for n, _, _ in keys]

    def dm_of(self, user_ids: Sequence[str]) -> str | None:
        """The room of exactly these people. 1 request."""
        row = self.table.get(NamedRow, dm_pk(user_ids), MAIN)
        return row.room_id if row else None

    def opening(self, user_ids: Sequence[str], room_id: str) -> Step:
        """A step by which this becomes the room of exactly these people. Raises `DmExists`."""
        row = NamedRow(pk=dm_pk(user_ids), sk=MAIN, room_id=room_id)
        return putting(self.table, row, only_if=is_new(), refused=lambda old: DmExists(old.room_id))

    def closing(self, user_ids: Sequence[str]) -> Step:
        return deleting(self.table, NamedRow, dm_pk(user_ids), MAIN)

    def no_dm(self, user_ids: Sequence[str]) -> Step:
        """A step that holds that these have no room. Raises `Changed`."""
        return checking(self.table, NamedRow, dm_pk(user_ids), MAIN, only_if=is_new(), refused=changed)

    def blocking(self, user_id: str, other_id: str) -> Step:
        return putting(self.table, Row(pk=user_pk(user_id), sk=f"BLK#{other_id}"))

    def unblocking(self, user_id: str, other_id: str) -> Step:
        return deleting(self.table, Row, user_pk(user_id), f"BLK#{other_id}")

    def not_blocking(self, user_id: str, other_id: str) -> Step:
        """A step that holds that the first does not block the second. Raises `Blocked`."""
        return checking(self.table, Row, user_pk(user_id), f"BLK#{other_id}", only_if=is_new(), refused=Blocked)

    def blockers(self, user_id: str, others: Sequence[str]) -> list[str]:
        """Who of these blocks this user. 1 request per 100."""
        rows = self.table.get_many(Row, [(user_pk(one), f"BLK#{user_id}") for one in others], consistent=True)
        return [row.pk.partition("#")[2] for row in rows]

    def blocked(self, user_id: str, limit: int, after: str | None) -> tuple[list[str], str | None]:
        start = {"pk": user_pk(user_id), "sk": f"BLK#{after}"} if after else None
        page = self.table.query(
            Row, user_pk(user_id), sort=Path("sk").startswith("BLK#"), limit=limit, after=start, consistent=True
        )
        return [row.sk.partition("#")[2] for row in page.rows], page.next["sk"].partition("#")[2] if page.next else None

    def some_of(self, user_id: str, limit: int) -> list[Row]:
        """Some of what is theirs alone: mentions and blocks."""
        return self.table.query(Row, user_pk(user_id), limit=limit, consistent=True).rows

    def jobs_of(self, user_id: str, limit: int) -> list[JobRow]:
        return self.table.query(JobRow, jobs_of(user_id), limit=limit, consistent=True).rows


def dm_pk(user_ids: Sequence[str]) -> str:
    return f"UNQ#dm#{hashlib.sha256(','.join(sorted(set(user_ids))).encode()).hexdigest()}"
