"""Messages of rooms and threads, what was said before a change, reactions, and how far threads were read."""

from collections.abc import Sequence
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import exists, is_free, is_new
from tessera.outbox import Event
from tessera.problems import NotFound, Problem
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting

from ..rules.messages import MAX_REVISIONS, Message, Place, place_of
from .rows import (
    MarkRow,
    MessageRow,
    NamedRow,
    RevisionRow,
    mention_sk,
    message_of,
    message_sk,
    place_key,
    room_pk,
    row_of_message,
    said_of,
    user_pk,
)
from .writing import ChatSettings, turning

DAY_SECONDS = 86_400


class SaidBefore(Exception):
    """This message was sent before. `place` is where it stands."""

    def __init__(self, place: Place) -> None:
        super().__init__("The message was sent before.")
        self.place = place


class NothingToDo(Exception):
    """It is so already."""


class MessageStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ChatSettings).table))

    def get(self, room_id: str, message_id: str) -> Message:
        """1 request. Raises `NotFound`."""
        found = self.at(room_id, place_of(message_id))
        if found is None or found.id != message_id:
            raise NotFound("There is no such message.")
        return found

    def at(self, room_id: str, place: Place) -> Message | None:
        row = self.table.get(MessageRow, room_pk(room_id), message_sk(place))
        return message_of(row) if row else None

    def many(self, room_id: str, places: Sequence[Place]) -> list[Message]:
        """Those that there are, in this order. 1 request per 100."""
        keys = [(room_pk(room_id), message_sk(place)) for place in places]
        return [message_of(row) for row in self.table.get_many(MessageRow, keys)] if keys else []

    def between(
        self, room_id: str, first: int, last: int, limit: int, *, newest: bool, consistent: bool = False
    ) -> list[Message]:
        """Messages of the room with these numbers, oldest first: the newest of them or the oldest. 1 request."""
        if first > last:
            return []
        sort = Path("sk").between(message_sk(Place(first)), message_sk(Place(last)))
        page = self.table.query(
            MessageRow, room_pk(room_id), sort=sort, limit=limit, newest_first=newest, consistent=consistent
        )
        found = [message_of(row) for row in page.rows]
        return found[::-1] if newest else found

    def thread(self, room_id: str, root_n: int, after: int, limit: int) -> list[Message]:
        """Replies below a message, oldest first. 1 request."""
        sort = Path("sk").between(message_sk(Place(root_n, after + 1)), message_sk(Place(root_n, 99_999_999)))
        page = self.table.query(MessageRow, room_pk(room_id), sort=sort, limit=limit, consistent=True)
        return [message_of(row) for row in page.rows]

    def saying(self, message: Message, event: Event | None = None) -> Step:
        # The number comes from the room or the message above, whose own write holds that it is new.
        return putting(self.table, row_of_message(message), event=event)

    def turning(self, before: Message, after: Message, event: Event | None = None) -> Step:
        """A step that changes a message. Raises `Changed` when it is another by now."""
        key = (room_pk(before.room_id), message_sk(before.place))
        return turning(self.table, MessageRow, key, said_of(before), said_of(after), event=event)

    def once(self, room_id: str, user_id: str, client_id: str, place: Place) -> Step:
        """A step that lets what a client calls so be said once in 24 hours. Raises `SaidBefore`."""
        ttl = int(clock.now().timestamp()) + DAY_SECONDS
        row = NamedRow(pk=said_pk(room_id, user_id), sk=client_id, room_id=room_id, n=place.n, tn=place.tn, ttl=ttl)
        return putting(
            self.table, row, only_if=is_free(), refused=lambda old: SaidBefore(Place(int(old.n), int(old.tn)))
        )

    def mentioning(self, room_id: str, place: Place, user_ids: Sequence[str]) -> list[Step]:
        return [putting(self.table, Row(pk=user_pk(one), sk=mention_sk(room_id, place))) for one in user_ids]

    def unmentioning(self, room_id: str, place: Place, user_ids: Sequence[str]) -> list[Step]:
        return [deleting(self.table, Row, user_pk(one), mention_sk(room_id, place)) for one in user_ids]

    def holding_files(self, message: Message) -> list[Step]:
        """Steps that note where files are attached, so that what happens to one is shown there."""
        sk = f"{message.room_id}#{place_key(message.place)}"
        return [putting(self.table, Row(pk=f"FILE#{one.id}", sk=sk)) for one in message.attachments]

    def holders(self, file_id: str, limit: int, after: str | None) -> list[tuple[str, str]]:
        """In which rooms and where a file is attached: `(room, place)`. 1 request."""
        start = {"pk": f"FILE#{file_id}", "sk": after} if after else None
        page = self.table.query(Row, f"FILE#{file_id}", limit=limit, after=start, consistent=True)
        return [(row.sk.partition("#")[0], row.sk.partition("#")[2]) for row in page.rows]

    def deleted_marker(self, message: Message) -> Step:
        return putting(self.table, Row(pk=room_pk(message.room_id), sk=f"D#{message.place.n:012d}"))

    def deleted_after(self, room_id: str, n: int) -> int:
        """How many messages after this one were deleted: 1 request for about 10,000 of them."""
        sort = Path("sk").between(f"D#{n + 1:012d}", "D#999999999999")
        rows = self.table.query_all(Row, room_pk(room_id), sort=sort, limit=1_000, consistent=True)
        return sum(1 for _ in rows)

    def revising(self, before: Message) -> list[Step]:
        """Steps that keep what was said before a change, and let go of the oldest of too many."""
        pk, at = room_pk(before.room_id), clock.rfc3339(before.edited_at or before.at)
        steps = [putting(self.table, RevisionRow(pk=pk, sk=revision_sk(before), text=before.text, at=at))]
        if before.version > MAX_REVISIONS:
            oldest = f"{_revisions(before.place)}{before.version - MAX_REVISIONS:06d}"
            steps.append(deleting(self.table, Row, pk, oldest))
        return steps

    def revisions(self, message: Message) -> list[RevisionRow]:
        """What was said before, the newest first. 1 request."""
        sort = Path("sk").startswith(_revisions(message.place))
        return self.table.query(
            RevisionRow, room_pk(message.room_id), sort=sort, limit=MAX_REVISIONS, newest_first=True, consistent=True
        ).rows

    def forgetting_revisions(self, message: Message) -> list[Step]:
        return [deleting(self.table, Row, row.pk, row.sk) for row in self.revisions(message)]

    def reacting(self, message: Message, emoji: str, user_id: str) -> Step:
        """Raises `NothingToDo` when they have reacted so before."""
        row = Row(pk=room_pk(message.room_id), sk=_reaction(message.place, emoji, user_id))
        return putting(self.table, row, only_if=is_new(), refused=lambda old: NothingToDo())

    def taking_back(self, message: Message, emoji: str, user_id: str) -> Step:
        pk, sk = room_pk(message.room_id), _reaction(message.place, emoji, user_id)
        return deleting(self.table, Row, pk, sk, only_if=exists(), refused=lambda old: NothingToDo())

    def read_of_thread(self, room_id: str, root_n: int, user_id: str) -> int | None:
        """How far somebody has read a thread; None for who has never looked at it."""
        row = self.table.get(MarkRow, user_pk(user_id), thread_mark(room_id, root_n))
        return int(row.read_n) if row else None

    def reading_thread(self, room_id: str, root_n: int, user_id: str, read_n: int) -> Step:
        row = MarkRow(pk=user_pk(user_id), sk=thread_mark(room_id, root_n), read_n=read_n)
        return putting(self.table, row)

    def read_thread(self, room_id: str, root_n: int, user_id: str, n: int, *, back: bool) -> int:
        """Move the mark on, or with `back` wherever it is to be. 1 write unit."""
        on = Path("read_n").does_not_exist() | (Path("read_n") < n)
        try:
            row = self.table.update(
                MarkRow,
                user_pk(user_id),
                thread_mark(room_id, root_n),
                Path("read_n").set(n),
                only_if=None if back else on,
                upsert=True,
                bump=False,
            )
        except ConditionFailed as failed:
            row = failed.old
        return int(row.read_n)

    def reporting(self, message: Message, user_id: str, problem: type[Problem]) -> Step:
        """A step by which somebody reports a message, which each does once."""
        row = Row(pk=room_pk(message.room_id), sk=f"RB#{place_key(message.place)}#{user_id}")
        return putting(self.table, row, only_if=is_new(), refused=problem)


def said_pk(room_id: str, user_id: str) -> str:
    return f"UNQ#msg#{room_id}#{user_id}"


def revision_sk(message: Message) -> str:
    return f"{_revisions(message.place)}{message.version:06d}"


def _revisions(place: Place) -> str:
    return f"REV#{place_key(place)}#"


def _reaction(place: Place, emoji: str, user_id: str) -> str:
    return f"R#{place_key(place)}#{emoji}#{user_id}"


def thread_mark(room_id: str, root_n: int) -> str:
    """Among what is somebody's own, because it goes with them."""
    return f"TR#{room_id}#{root_n:012d}"
