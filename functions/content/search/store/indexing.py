"""Documents put into the lists and taken out again.

A document is claimed by one conditional write that also says what its postings are to be. The lists are then brought
there step by step, each of which may be done twice; the last step ends the claim. Whoever finds a claim nobody ended,
because a worker was lost, goes on with it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import aws, clock
from tessera.due import DueItem, due_keys
from tessera.expressions import is_free
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, telling, transact, updating

from ..events import DataErased
from ..rules.documents import FIELDS, Document, Lengths, packed, weigh
from .counting import Counting
from .rows import (
    EPOCH,
    META,
    TERMS,
    TEXT,
    WORDS,
    BlobRow,
    EpochRow,
    MetaRow,
    Posted,
    PostingRow,
    SearchSettings,
    SizeRow,
    TermsRow,
    document_pk,
    scope_key,
    size_key,
    size_keys,
    text_data,
    type_key,
)
from .writing import delete_all, put_all

TOMBSTONE = timedelta(days=7)
# How long a claim may stand before the sweeper has somebody go on with it.
PATIENCE = timedelta(minutes=10)
EXCERPT = 200


class Indexing:
    def __init__(self, table: Table) -> None:
        self.table, self.counting = table, Counting(table)

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

    def forget_scope(self, scope: str) -> None:
        """Delete what was counted of a scope whose documents are gone, and that it was there."""
        delete_all(self.table, size_keys(scope))
        self.counting.forget_scope(scope)

    def forget_owner(self, owner_id: str) -> None:
        """Delete what was counted of an owner's documents, and say that nothing of them is left."""
        self.forget_scope(f"user:{owner_id}")
        transact(telling(self.table, DataErased(owner_id=owner_id, capability="search")))

    def lengths(self) -> Lengths:
        """The average lengths that hold for this epoch. 1 request."""
        row = self.table.get(EpochRow, EPOCH, "E", consistent=False)
        return Lengths(int(row.epoch), json.loads(row.averages)) if row else Lengths()

    def begin_epoch(self, before: Lengths, averages: Mapping[str, float]) -> bool:
        """Let other average lengths hold from now on, and wait for all documents to be weighed by them. 1 request.

        False when another epoch has begun meanwhile.
        """
        row = EpochRow(pk=EPOCH, sk="E", epoch=before.epoch + 1, averages=json.dumps(dict(averages)))
        row.wait_until(clock.now(), EPOCH)
        try:
            self.table.put(row, only_if=is_free() | (Path("epoch") == before.epoch))
        except ConditionFailed:
            return False
        return True

    def epoch_due(self, due: DueItem) -> int | None:
        """The epoch for which documents are to be weighed anew, or None when that was begun already. 1 request."""
        row = self.table.get(EpochRow, EPOCH, "E")
        return int(row.epoch) if row is not None and row.due_sk == due.due_sk else None

    def epoch_told(self, due: DueItem) -> None:
        """Let nobody be told again that documents are to be weighed anew. 1 request."""
        ended = [Path(name).remove() for name in ("due_pk", "due_sk")]
        with suppress(ConditionFailed):
            self.table.update(EpochRow, EPOCH, "E", *ended, only_if=Path("due_sk") == due.due_sk, bump=False)

    def _take(self, row: MetaRow, posted: Posted, text: BlobRow | None, *, again: bool) -> bool:
        before = self.table.get(MetaRow, row.pk, META)
        if before is not None and (before.seq > row.seq or (before.seq == row.seq and not again)):
            if before.seq == row.seq and before.pending is not None:
                self._finish(before)
                return True
            return False
        if posted.type:
            self.counting.list_type(posted.type)
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
            steps += [putting(self.table, Row(pk=pk, sk=sk)) for pk, sk in sorted(_listed(doc, posted))]
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
        self.counting.count(gained, 1)
        self.counting.count(lost, -1)
        aws.fault_point("search.counted")
        self._settle(row, before, wanted, dirty)

    def _settle(self, row: MetaRow, before: Posted, wanted: Posted, dirty: Sequence[Posted]) -> None:
        """End the claim. Whoever has claimed the document since takes away what was written here in vain."""
        doc, mine = row.pk.partition("#")[2], Path("version") == row.version
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
        left = _listed(doc, before, *dirty) - _listed(doc, wanted)
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


def _listed(doc: str, *posted: Posted) -> set[tuple[str, str]]:
    """Where a document stands among those of its scope, and of its type."""
    known = [one for one in posted if one.scope]
    return {key for one in known for key in (scope_key(one.scope, doc), type_key(one.type, doc))}


def _posting(key: tuple[str, str], posted: Posted) -> PostingRow:
    row = PostingRow(pk=key[0], sk=key[1], type=posted.type, day=posted.day)
    row.lang, row.n = posted.lang or None, posted.n or None
    return row


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
