"""All of a room in order, read as it is asked for: messages, what was said below each, and who has reacted to it."""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Self, TypeVar

from pynamodb.expressions.operand import Path

from tessera.settings import Bindings
from tessera.tables import Row, Table

from ..rules.messages import Message, Place
from .rows import MessageRow, message_of, message_sk, place_in, place_key, room_pk
from .writing import ChatSettings

READ_AT_ONCE = 500
LAST_BELOW = 99_999_999

R = TypeVar("R", bound=Row)
Said = tuple[Message, Mapping[str, Sequence[str]]]


class Whole:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ChatSettings).table))

    def said(self, room_id: str, start: Place, last_n: int) -> Iterator[Said]:
        """Messages from this place on, each with the replies below it after it, and by whom which emoji.

        3 requests for about 500 of them, however they are mixed; a megabyte of each kind is held at a time.
        """
        last, below = Place(last_n), Place(last_n, LAST_BELOW)
        room = self._messages(room_id, Place(start.n + int(start.in_thread)), last)
        replies = self._messages(room_id, Place(start.n, max(start.tn, 1)), below)
        reactions = _Reactions(self._reactions(room_id, start, below))
        for message in heapq.merge(room, replies, key=lambda one: (one.place.n, one.place.tn)):
            yield message, reactions.of(message.place)

    def _messages(self, room_id: str, first: Place, last: Place) -> Iterator[Message]:
        return map(message_of, self._rows(MessageRow, room_id, message_sk(first), message_sk(last)))

    def _reactions(self, room_id: str, first: Place, last: Place) -> Iterator[tuple[Place, str, str]]:
        # All that stands behind the last place, whichever emoji, sorts below this.
        for row in self._rows(Row, room_id, f"R#{place_key(first)}", f"R#{place_key(last)}$"):
            place, _, rest = row.sk.removeprefix("R#").partition("#")
            emoji, _, user_id = rest.rpartition("#")
            yield place_in(place), emoji, user_id

    def _rows(self, row: type[R], room_id: str, first: str, last: str) -> Iterator[R]:
        if first > last:
            return iter(())
        sort = Path("sk").between(first, last)
        return self.table.query_all(row, room_pk(room_id), sort=sort, limit=READ_AT_ONCE, consistent=True)


class _Reactions:
    """Reactions in the order of what they are to, which is asked for in the same order."""

    def __init__(self, rows: Iterator[tuple[Place, str, str]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, place: Place) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        wanted = (place.n, place.tn)
        while self._next is not None and (self._next[0].n, self._next[0].tn) <= wanted:
            where, emoji, user_id = self._next
            if where == place:
                found[emoji].append(user_id)
            self._next = next(self._rows, None)
        return found
