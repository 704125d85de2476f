"""Documents put into the lists and taken out again.

A document is claimed by one conditional write that also says what its postings are to be. The lists are then brought
there step by step, each of which may be done twice; the last step ends the claim. Whoever finds a claim nobody ended,
because a worker was lost, goes on with it.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path, _Size
from pynamodb.expressions.update import Action as Change

from tessera import aws, clock
from tessera.due import DueItem, due_keys
from tessera.expressions import is_free
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, telling, transact, updating

from ..events import DataErased
from ..rules import typos
from ..rules.documents import FIELDS, Document, Lengths, packed, weigh
from .rows import (
    META,
    PREFIXES,
    TERMS,
    TEXT,
    WORDS,
    BlobRow,
    EpochRow,
    KnownRow,
    MetaRow,
    Posted,
    PostingRow,
    SearchSettings,
    SizeRow,
    TermsRow,
    bucket,
    document_pk,
    is_word,
    prefix_key,
    scope_key,
    size_key,
    size_keys,
    text_data,
    type_key,
    typo_key,
    vocabulary_key,
)
from .side_by_side import at_once
from .writing import delete_all, put_all

TOMBSTONE = timedelta(days=7)
# How long a claim may stand before the sweeper has somebody go on with it.
PATIENCE = timedelta(minutes=10)
EXCERPT = 200
MAX_NEAR = 50


class Indexing:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(SearchSettings).table))

    def put(self, document: Document, *, again: bool = False) -> bool:
        """Let a document be found as it is now; False when a newer one is known.

        With `again` also the version that is known already. Raises `Busy` when somebody else is at it.
        """
        weighed = weigh(document, self.lengths())
        posted = Posted(
            scope=document.acl,
            type=document.type,
            lang=document.lang,
            n=document.n,
            day=document.day,
            terms=weighed.impacts,
            lengths=weighed.lengths,
        )
        row = MetaRow(
            pk=document_pk(document.id),
            sk=META,
            type=document.type,
            acl=document.acl,
            seq=document.seq,
            title=document.title,
            url=document.url,
            excerpt=" ".join(document.body[: 2 * EXCERPT].split())[:EXCERPT],
            author=document.author,
            lang=document.lang,
            boost=document.boost,
            updated_at=clock.rfc3339(document.updated_at),
            n=document.n,
            truncated=weighed.truncated,
        )
        text = BlobRow(pk=row.pk, sk=TEXT, data=text_data(document))
        return self._take(row, posted, text, again=again)

    def remove(self, doc: str, seq: int, *, again: bool = False) -> bool:
        """Let a document be gone; False when something newer is known. Its trace stays for a week.

        With `again` also the version that is known. Raises `Busy` when somebody else is at it.
        """
        row = MetaRow(pk=document_pk(doc), sk=META, seq=seq, deleted=1, type="", acl="")
        row.updated_at = clock.rfc3339(clock.now())
        row.ttl = int((clock.now() + TOMBSTONE).timestamp())
        return self._take(row, Posted(), None, again=again)

    def resume(self, due: DueItem) -> None:
        """Go on with what a lost worker has begun."""
        row = self.table.get(MetaRow, due.pk, META)
        if row is not None and row.due_sk == due.due_sk and row.pending is not None:
            self._finish(row)

    def forget_owner(self, owner_id: str) -> None:
        """Delete what was counted of an owner's documents, and say that nothing of them is left. 2 requests."""
        delete_all(self.table, size_keys(f"user:{owner_id}"))
        transact(telling(self.table, DataErased(owner_id=owner_id, capability="search")))

    def lengths(self) -> Lengths:
        """The average lengths that hold for this epoch. 1 request."""
        row = self.table.get(EpochRow, "EPOCH", "E", consistent=False)
        return Lengths(int(row.epoch), json.loads(row.averages)) if row else Lengths()

    def _take(self, row: MetaRow, posted: Posted, text: BlobRow | None, *, again: bool) -> bool:
        before = self.table.get(MetaRow, row.pk, META)
        if before is not None and (before.seq > row.seq or (before.seq == row.seq and not again)):
            if before.seq == row.seq and before.pending is not None:
                self._finish(before)
                return True
            return False
        row.pending = posted.packed()
        row.due_pk, row.due_sk = due_keys(clock.now() + PATIENCE, row.pk)
        if before is not None:
            row.version = int(before.version) + 1
            row.dirty = _together(before)
        same = is_free() if before is None else Path("version") == before.version
        steps = [putting(self.table, row, only_if=same, refused=lambda old: Busy())]
        if text is not None:
            doc = row.pk.partition("#")[2]
            steps.append(putting(self.table, text))
            steps += [
                putting(self.table, Row(pk=pk, sk=sk))
                for pk, sk in (scope_key(posted.scope, doc), type_key(posted.type, doc))
            ]
        transact(*steps)
        aws.fault_point("search.claimed")
        self._finish(row)
        return True

    def _finish(self, row: MetaRow) -> None:
        doc, wanted = row.pk.partition("#")[2], Posted.unpacked(bytes(row.pending))
        kept = self.table.get(BlobRow, row.pk, WORDS)
        before = Posted.unpacked(bytes(kept.data) if kept else None)
        dirty = [Posted(**one) for one in json.loads(bytes(row.dirty))] if row.dirty else []
        new = set(wanted.rows(doc))
        standing = set(before.rows(doc)) if before.is_alike(wanted) and not dirty else set()
        put_all(self.table, (_posting(key, wanted) for key in sorted(new - standing)))
        aws.fault_point("search.posted")
        stale = {key for one in (before, *dirty) for key in one.rows(doc)} - new
        delete_all(self.table, sorted(stale))
        aws.fault_point("search.cleared")
        gained, lost = _change(before, wanted)
        self._count(gained, 1)
        self._count(lost, -1)
        aws.fault_point("search.counted")
        self._settle(row, before, wanted, doc)

    def _settle(self, row: MetaRow, before: Posted, wanted: Posted, doc: str) -> None:
        """End the claim. Whoever has claimed the document since takes away what was written here in vain."""
        mine = Path("version") == row.version
        ended = [Path(name).remove() for name in ("pending", "dirty", "due_pk", "due_sk")]
        steps = [
            updating(self.table, MetaRow, row.pk, META, *ended, only_if=mine, refused=lambda old: Busy(), bump=False)
        ]
        if wanted.scope:
            terms = TermsRow(pk=row.pk, sk=TERMS, terms=packed(wanted.terms), day=wanted.day)
            steps += [putting(self.table, terms), putting(self.table, BlobRow(pk=row.pk, sk=WORDS, data=row.pending))]
        else:
            steps += [deleting(self.table, Row, row.pk, sk) for sk in (TERMS, WORDS, TEXT)]
        steps += self._sizes(before, wanted, doc)
        held = {scope_key(wanted.scope, doc), type_key(wanted.type, doc)}
        if before.scope:
            left = {scope_key(before.scope, doc), type_key(before.type, doc)} - held
            steps += [deleting(self.table, Row, pk, sk) for pk, sk in sorted(left)]
        try:
            transact(*steps)
        except Busy:
            delete_all(self.table, self._in_vain(wanted, doc))
            raise

    def _in_vain(self, wanted: Posted, doc: str) -> Iterator[tuple[str, str]]:
        """What was posted for a claim that has been overtaken, but for what the newer one posts as well."""
        now = self.table.get(MetaRow, document_pk(doc), META)
        kept = self.table.get(BlobRow, document_pk(doc), WORDS)
        newer = bytes(now.pending) if now is not None and now.pending else bytes(kept.data) if kept else None
        yield from sorted(set(wanted.rows(doc)) - set(Posted.unpacked(newer).rows(doc)))

    def _sizes(self, before: Posted, wanted: Posted, doc: str) -> Iterator[Step]:
        changes: dict[str, dict[str, int]] = {}
        for posted, sign in ((before, -1), (wanted, 1)):
            if posted.scope:
                change = changes.setdefault(posted.scope, dict.fromkeys(("documents", *FIELDS), 0))
                change["documents"] += sign
                for name, length in posted.lengths.items():
                    change[name] += sign * length
        for scope, change in changes.items():
            moved = [Path(name).add(by) for name, by in change.items() if by]
            if moved:
                yield updating(self.table, SizeRow, *size_key(scope, doc), *moved, upsert=True, bump=False)

    def _count(self, terms: list[tuple[str, str]], by: int) -> None:
        """Count a document more or less for each term of its scope, and keep what is found by that in step."""
        at_once(lambda one: self._counted(*one, by=by), terms)

    def _counted(self, scope: str, term: str, *, by: int) -> None:
        pk, sk = vocabulary_key(scope, term)
        changes: list[Change] = [Path("df").add(by)]
        if by > 0:
            changes.append(Path("first_seen").set(Path("first_seen") | clock.rfc3339(clock.now())))
        row = self.table.update(KnownRow, pk, sk, *changes, upsert=True, bump=False)
        df = int(row.df)
        if df <= 0:
            self._forget(pk, sk, Path("df") <= 0)
        if is_word(term):
            self._move(scope, term, df - by, df)

    def _forget(self, pk: str, sk: str, is_empty: Condition) -> None:
        """Delete what holds nothing, unless it does again by now."""
        try:
            self.table.delete(KnownRow, pk, sk, only_if=is_empty)
        except ConditionFailed:
            return

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
                self._forget(pk, sk, Path("terms").does_not_exist())
            return
        room = Path("terms").does_not_exist() | (_Size("terms") < MAX_NEAR)
        try:
            self.table.update(KnownRow, pk, sk, Path("terms").add({term}), only_if=room, upsert=True, bump=False)
        except ConditionFailed:
            # As many are kept as are looked at: a word that comes later is as rare as the rarest of them.
            return


def _posting(key: tuple[str, str], posted: Posted) -> PostingRow:
    row = PostingRow(pk=key[0], sk=key[1], type=posted.type, day=posted.day)
    row.lang, row.n = posted.lang or None, posted.n or None
    return row


def _plain(key: tuple[str, str]) -> Row:
    return Row(pk=key[0], sk=key[1])


def _together(row: MetaRow) -> bytes | None:
    """What claims that nobody ended may have posted."""
    before = json.loads(bytes(row.dirty)) if row.dirty else []
    pending = [Posted.unpacked(bytes(row.pending)).__dict__] if row.pending else []
    return json.dumps([*before, *pending]).encode() if before or pending else None


def _change(before: Posted, now: Posted) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Terms with their scope that a document has now and had not, and the other way round."""
    had = {(before.scope, term) for term in before.terms}
    has = {(now.scope, term) for term in now.terms}
    return sorted(has - had), sorted(had - has)
