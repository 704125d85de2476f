"""Search in one room: a row for each word of each message, the newest last.

A message of eight words costs about twenty write units to index, as much again as to send. It is done by the
consumer of our own events, from the message as it is then, so doing it twice or out of order ends the same.
"""

import json
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import words
from tessera.expressions import is_new
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import Key, Row, Table
from tessera.transact import Step, deleting, putting, transact

from ..rules.messages import Message, Place
from .rows import PostingsRow, place_in, place_key, room_pk
from .writing import ChatSettings

MAX_WORDS = 32


class Search:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ChatSettings).table))

    def follow(self, room_id: str, place: Place, message: Message | None) -> None:
        """Let the message be found by its words as they are now. 1 read, and 1 transaction where they are others.

        Raises `Busy` when another delivery works on the same message: the queue tries again.
        """
        key = _postings(place)
        kept = self.table.get(PostingsRow, room_pk(room_id), key)
        old = set(json.loads(kept.words)) if kept else set()
        said = message.text if message is not None and message.deleted_at is None else ""
        new = set(words.tokens(said, at_most=MAX_WORDS))
        if old == new:
            return
        only_if = Path("version") == kept.version if kept else is_new()
        row = PostingsRow(pk=room_pk(room_id), sk=key, words=json.dumps(sorted(new)))
        row.version = int(kept.version) + 1 if kept else 1
        steps: list[Step] = [putting(self.table, row, only_if=only_if, refused=lambda old: Busy())]
        steps += [putting(self.table, Row(pk=shelf(room_id, word), sk=_posting(word, place))) for word in new - old]
        steps += [deleting(self.table, Row, shelf(room_id, word), _posting(word, place)) for word in old - new]
        transact(*steps)

    def candidates(
        self, room_id: str, word: str, limit: int, after: Key | None, *, whole: bool
    ) -> tuple[list[tuple[str, Place]], Key | None]:
        """Where a word stands, or one that begins so, last word first, and of one word the newest. 1 request."""
        begins = f"{word}#" if whole else word
        page = self.table.query(
            Row, shelf(room_id, word), sort=Path("sk").startswith(begins), limit=limit, after=after, newest_first=True
        )
        keys = [row.sk.partition("#") for row in page.rows]
        return [(found, place_in(place)) for found, _, place in keys], page.next

    def forgetting(self, room_id: str, row: PostingsRow) -> list[Step]:
        """Steps that take a message's words away."""
        place = place_in(row.sk.rpartition("#")[2])
        gone = [
            deleting(self.table, Row, shelf(room_id, word), _posting(word, place)) for word in json.loads(row.words)
        ]
        return [*gone, deleting(self.table, Row, row.pk, row.sk)]


def shelf(room_id: str, word: str) -> str:
    return f"K#{room_id}#{word[:2]}"


def _posting(word: str, place: Place) -> str:
    return f"{word}#{place_key(place)}"


def _postings(place: Place) -> str:
    return f"P#{place_key(place)}"
