"""In how many documents each term is, and what is kept in step with that: what begins alike, what may be mistaken.

Two lists say what there is to count: the scopes, and with which letters the terms of each begin. A worker writes what
it has not written before, as far as it remembers.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path, _Size
from pynamodb.expressions.update import Action as Change

from tessera import aws, clock
from tessera.recent import Recent
from tessera.tables import ConditionFailed, Row, Table

from ..rules import typos
from .rows import (
    PREFIXES,
    TYPES,
    KnownRow,
    beginning_key,
    beginnings_pk,
    bucket,
    is_word,
    list_pk,
    listed_scope_key,
    prefix_key,
    typo_key,
    vocabulary_key,
)
from .side_by_side import at_once
from .writing import delete_all, put_all

MAX_NEAR = 50
REMEMBERED = 8_192
# A megabyte of postings, or a little more: no more comes in one answer.
COUNTED_AT_ONCE = 10_000


class Counting:
    def __init__(self, table: Table) -> None:
        self.table = table
        self._listed: Recent[bool] = Recent(REMEMBERED)

    def list_type(self, kind: str) -> None:
        """Remember that there are documents of a type. 1 request, once."""
        self._put_new([(TYPES, kind)])

    def types(self) -> Iterator[str]:
        """All types of which there ever was a document."""
        yield from (row.sk for row in self.table.query_all(Row, TYPES))

    def scopes(self, shard: int, limit: int, after: str | None) -> tuple[list[str], str | None]:
        """Some scopes, and the one after which it goes on. 1 request."""
        return self._some(listed_scope_key("", shard)[0], limit, after)

    def beginnings(self, scope: str, limit: int, after: str | None) -> tuple[list[str], str | None]:
        """Letters with which terms of a scope begin. 1 request."""
        return self._some(beginnings_pk(scope), limit, after)

    def _some(self, pk: str, limit: int, after: str | None) -> tuple[list[str], str | None]:
        page = self.table.query(Row, pk, limit=limit, after={"pk": pk, "sk": after} if after else None)
        return [row.sk for row in page.rows], page.next["sk"] if page.next else None

    def recount(self, scope: str, beginning: str, limit: int, after: str | None) -> tuple[int, str | None]:
        """Count anew for some terms that begin so: how many, and the one after which it goes on."""
        pk = vocabulary_key(scope, beginning)[0]
        page = self.table.query(KnownRow, pk, limit=limit, after={"pk": pk, "sk": after} if after else None)
        at_once(lambda row: self._recounted(scope, row.sk, int(row.df)), page.rows)
        return len(page.rows), page.next["sk"] if page.next else None

    def _recounted(self, scope: str, term: str, known: int) -> None:
        """Put a count right. A document that is being changed may be counted a week later."""
        found = self._postings(list_pk(scope, "", term))
        if found == known:
            return
        pk, sk = vocabulary_key(scope, term)
        try:
            self.table.update(KnownRow, pk, sk, Path("df").set(found), only_if=Path("df") == known, bump=False)
        except ConditionFailed:
            # It was counted meanwhile, by whoever indexes.
            return
        self._follow(scope, term, known, found)

    def _postings(self, pk: str) -> int:
        """How long a list is: 1 request for a megabyte of it."""
        found, start = 0, None
        while True:
            # Nothing of it is sent here but how much it is.
            asked: dict[str, Any] = {
                "TableName": self.table.name,
                "Select": "COUNT",
                "Limit": COUNTED_AT_ONCE,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": pk}},
                **({"ExclusiveStartKey": start} if start else {}),
            }
            answer = aws.client("dynamodb").query(**asked)
            found, start = found + int(answer["Count"]), answer.get("LastEvaluatedKey")
            if start is None:
                return found

    def forget_scope(self, scope: str) -> None:
        """Forget that there was a scope, when nothing is in it any more."""
        pk = beginnings_pk(scope)
        delete_all(self.table, [listed_scope_key(scope), *((pk, row.sk) for row in self.table.query_all(Row, pk))])

    def _list(self, terms: Sequence[tuple[str, str]]) -> None:
        """Remember that there are terms that begin so."""
        scopes = {listed_scope_key(scope) for scope, _ in terms}
        self._put_new(sorted(scopes | {beginning_key(scope, term) for scope, term in terms}))

    def _put_new(self, keys: Sequence[tuple[str, str]]) -> None:
        new = [key for key in keys if self._listed.get("\n".join(key)) is None]
        put_all(self.table, [_plain(key) for key in new])
        for key in new:
            self._listed.put("\n".join(key), True)

    def count(self, terms: Sequence[tuple[str, str]], by: int) -> None:
        """Count a document more or less for each term of its scope, and keep what is found by that in step."""
        if by > 0:
            self._list(terms)
        at_once(lambda one: self._counted(*one, by=by), terms)

    def _counted(self, scope: str, term: str, *, by: int) -> None:
        pk, sk = vocabulary_key(scope, term)
        changes: list[Change] = [Path("df").add(by)]
        if by > 0:
            changes.append(Path("first_seen").set(Path("first_seen") | clock.rfc3339(clock.now())))
        row = self.table.update(KnownRow, pk, sk, *changes, upsert=True, bump=False)
        df = int(row.df)
        self._follow(scope, term, df - by, df)

    def _follow(self, scope: str, term: str, before: int, now: int) -> None:
        if now <= 0:
            self._forget(*vocabulary_key(scope, term), only_if=Path("df") <= 0)
        if is_word(term):
            self._move(scope, term, before, now)

    def _forget(self, pk: str, sk: str, *, only_if: Condition) -> None:
        """Delete what holds nothing, unless it does again by now."""
        with suppress(ConditionFailed):
            self.table.delete(KnownRow, pk, sk, only_if=only_if)

    def _move(self, scope: str, term: str, before: int, now: int) -> None:
        """Where a term stands among those that begin alike, and among those it may be mistaken for."""
        lengths = range(1, min(PREFIXES, len(term)) + 1)
        if before > 0 and (now <= 0 or bucket(before) != bucket(now)):
            delete_all(self.table, [prefix_key(scope, term, length, before) for length in lengths])
        if now > 0 and (before <= 0 or bucket(before) != bucket(now)):
            put_all(self.table, [_plain(prefix_key(scope, term, length, now)) for length in lengths])
        if typos.may_be_wrong(term) and (before <= 0 < now or now <= 0 < before):
            at_once(lambda key: self._near(scope, key, term, is_there=now > 0), typos.keys(term))

    def _near(self, scope: str, key: str, term: str, *, is_there: bool) -> None:
        pk, sk = typo_key(scope, key)
        if not is_there:
            left = self.table.update(KnownRow, pk, sk, Path("terms").delete({term}), upsert=True, bump=False)
            if not left.terms:
                self._forget(pk, sk, only_if=Path("terms").does_not_exist())
            return
        room = Path("terms").does_not_exist() | (_Size("terms") < MAX_NEAR)
        try:
            self.table.update(KnownRow, pk, sk, Path("terms").add({term}), only_if=room, upsert=True, bump=False)
        except ConditionFailed:
            # As many are kept as are looked at: a word that comes later is as rare as the rarest of them.
            return


def _plain(key: tuple[str, str]) -> Row:
    return Row(pk=key[0], sk=key[1])
