"""The index as a query reads it: bounded requests, whatever the size of the table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from pynamodb.expressions.operand import Path

from tessera.settings import Bindings
from tessera.tables import Table

from ..rules.documents import Document, unpacked
from ..rules.index import Ask, Batch, Vocabulary, Whole
from .rows import (
    META,
    PREFIXES,
    TERMS,
    TEXT,
    WORDS,
    BlobRow,
    KnownRow,
    MetaRow,
    Posted,
    PostingRow,
    SearchSettings,
    TermsRow,
    document_of,
    document_pk,
    is_word,
    list_pk,
    pin_key,
    posting_of,
    size_keys,
    synonym_key,
    typo_key,
    vocabulary_key,
)
from .side_by_side import at_once

MOST_COMMON, BEGUN = 8, 50


class Reading:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(SearchSettings).table))

    def vocabulary(
        self, scopes: Sequence[str], terms: Sequence[str], *, words: Sequence[str] = (), pins: Sequence[str] = ()
    ) -> Vocabulary:
        """1 request per 100 keys: a key for each term and scope, and eight for the size of each scope."""
        known = {vocabulary_key(scope, term): (scope, term) for scope in scopes for term in terms}
        sizes = [key for scope in scopes for key in size_keys(scope)]
        meant = {synonym_key(word): word for word in words}
        pinned = [pin_key(*pin.split("\n", 1)) for pin in pins]
        rows = self.table.get_many(KnownRow, [*known, *sizes, *meant, *pinned])
        by_key = {(row.pk, row.sk): row for row in rows}
        synonyms = {word: json.loads(by_key[key].targets or "[]") for key, word in meant.items() if key in by_key}
        return Vocabulary(
            {named: int(by_key[key].df) for key, named in known.items() if key in by_key and by_key[key].df > 0},
            sum(max(int(by_key[key].documents), 0) for key in sizes if key in by_key),
            synonyms,
            [doc for key in pinned if key in by_key for doc in json.loads(by_key[key].targets or "[]")],
        )

    def counts(self, scopes: Sequence[str], terms: Sequence[str]) -> Mapping[tuple[str, str], int]:
        known = {vocabulary_key(scope, term): (scope, term) for scope in scopes for term in terms}
        rows = self.table.get_many(KnownRow, list(known)) if known else []
        return {known[row.pk, row.sk]: int(row.df) for row in rows if row.df > 0}

    def near(self, scopes: Sequence[str], keys: Sequence[str]) -> Sequence[str]:
        """1 request per 100 keys, of which a word has 29 at the most."""
        rows = self.table.get_many(KnownRow, [typo_key(scope, key) for scope in scopes for key in keys])
        return sorted({term for row in rows for term in row.terms or ()})

    def beginning(self, scopes: Sequence[str], prefix: str) -> Mapping[tuple[str, str], int]:
        """1 request per scope."""
        found: dict[tuple[str, str], int] = {}
        for scope, terms in zip(scopes, at_once(lambda one: self._begun(one, prefix), scopes), strict=True):
            found |= {(scope, term): df for term, df in terms.items()}
        return found

    def _begun(self, scope: str, prefix: str) -> dict[str, int]:
        if len(prefix) > PREFIXES:
            pk, sort = vocabulary_key(scope, prefix)[0], Path("sk").startswith(prefix)
            rows = self.table.query(KnownRow, pk, sort=sort, limit=BEGUN).rows
            ranked = sorted((row for row in rows if row.df > 0), key=lambda row: (-int(row.df), row.sk))
            return {row.sk: int(row.df) for row in ranked[:MOST_COMMON]}
        # A word at the border of two powers may stand in both for a moment.
        rows = self.table.query(KnownRow, f"X#{scope}#{prefix}", limit=MOST_COMMON).rows
        found: dict[str, int] = {}
        for row in rows:
            rank, _, term = row.sk.partition("#")
            found.setdefault(term, 1 << (63 - int(rank)))
        return found

    def postings(self, asks: Sequence[Ask]) -> Sequence[Batch]:
        """1 request for each list."""
        return at_once(self._batch, asks)

    def _batch(self, ask: Ask) -> Batch:
        pk = list_pk(ask.scope, ask.type, ask.term)
        after = {"pk": pk, "sk": ask.after} if ask.after else None
        page = self.table.query(PostingRow, pk, limit=ask.limit, after=after)
        return Batch([posting_of(row) for row in page.rows], page.next["sk"] if page.next else None)

    def impacts(self, docs: Sequence[str]) -> Mapping[str, Whole]:
        """1 request per 100 documents."""
        rows = self.table.get_many(TermsRow, [(document_pk(doc), TERMS) for doc in docs])
        return {row.pk.partition("#")[2]: Whole(unpacked(bytes(row.terms)), int(row.day)) for row in rows}

    def cards(self, docs: Sequence[str]) -> dict[str, MetaRow]:
        """What there is to show, of those that there are. 1 request per 100."""
        rows = self.table.get_many(MetaRow, [(document_pk(doc), META) for doc in docs]) if docs else []
        return {row.pk.partition("#")[2]: row for row in rows if not row.deleted}

    def texts(self, cards: Mapping[str, MetaRow]) -> dict[str, Document]:
        """Whole documents. 1 request per 100."""
        keys = [(document_pk(doc), TEXT) for doc in cards]
        rows = {row.pk.partition("#")[2]: row for row in self.table.get_many(BlobRow, keys)} if keys else {}
        return {doc: document_of(card, bytes(rows[doc].data) if doc in rows else None) for doc, card in cards.items()}

    def words(self, doc: str) -> Posted:
        """What stands in the lists for a document. 1 request."""
        row = self.table.get(BlobRow, document_pk(doc), WORDS, consistent=False)
        return Posted.unpacked(bytes(row.data) if row else None)

    def listed(self, pks: Sequence[str]) -> Iterator[str]:
        """The documents of lists of documents."""
        for pk in pks:
            yield from (row.sk for row in self.table.query_all(KnownRow, pk, limit=1_000))

    def listed_page(self, pk: str, limit: int, after: str | None) -> tuple[list[str], str | None]:
        """Some documents of a list of documents, and the one after which it goes on. 1 request."""
        page = self.table.query(KnownRow, pk, limit=limit, after={"pk": pk, "sk": after} if after else None)
        return [row.sk for row in page.rows], page.next["sk"] if page.next else None


def words_of(posted: Posted) -> dict[str, int]:
    return {term: q for term, q in posted.terms.items() if is_word(term)}
