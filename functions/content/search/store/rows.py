"""The items of the table, and how they become what `rules` knows."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.settings import Settings
from tessera.tables import Row

from ..rules.documents import AUTHOR, MAX_Q, STEM, TAG, Document
from ..rules.index import Posting

META, TERMS, WORDS, TEXT = "META", "TERMS", "WORDS", "TEXT"
EPOCH, TYPES = "EPOCH", "TYPES"
SHARDS = 8
PREFIXES = 4
# No word of a text begins so: what is made of words has no beginning to be typed.
MARKS = (STEM, TAG, AUTHOR)


class SearchSettings(Settings):
    table: str
    queue: str
    documents_queue: str = ""


class MetaRow(DueRow):
    """What a list of results shows of a document. While `pending` is there, its postings are being changed."""

    type = UnicodeAttribute()
    acl = UnicodeAttribute()
    seq = NumberAttribute()
    title = UnicodeAttribute(default="")
    url = UnicodeAttribute(default="")
    excerpt = UnicodeAttribute(default="")
    author = UnicodeAttribute(default="")
    lang = UnicodeAttribute(default="")
    boost = NumberAttribute(default=1)
    updated_at = UnicodeAttribute()
    n = NumberAttribute(default=0)
    truncated = NumberAttribute(default=0)
    deleted = NumberAttribute(null=True)
    pending = BinaryAttribute(null=True, legacy_encoding=False)
    dirty = BinaryAttribute(null=True, legacy_encoding=False)


class TermsRow(Row):
    terms = BinaryAttribute(legacy_encoding=False)
    day = NumberAttribute()


class BlobRow(Row):
    data = BinaryAttribute(legacy_encoding=False)


class PostingRow(Row):
    type = UnicodeAttribute(default="")
    day = NumberAttribute(default=0)
    lang = UnicodeAttribute(null=True)
    n = NumberAttribute(null=True)


class KnownRow(Row):
    """Everything the first request of a query reads: a term, the size of a scope, a synonym, a pin."""

    df = NumberAttribute(default=0)
    first_seen = UnicodeAttribute(null=True)
    documents = NumberAttribute(default=0)
    # What is meant besides a word, or pinned to a query.
    targets = UnicodeAttribute(null=True)
    terms = UnicodeSetAttribute(null=True)


class SizeRow(Row):
    documents = NumberAttribute(default=0)
    title = NumberAttribute(default=0)
    tags = NumberAttribute(default=0)
    headings = NumberAttribute(default=0)
    body = NumberAttribute(default=0)


class EpochRow(DueRow):
    """The average lengths that hold; `due` until somebody weighs all documents by them."""

    epoch = NumberAttribute()
    averages = UnicodeAttribute()


@dataclass(frozen=True)
class Posted:
    """What stands in the lists for one document."""

    scope: str = ""
    type: str = ""
    lang: str = ""
    n: int = 0
    day: int = 0
    terms: dict[str, int] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)

    def packed(self) -> bytes:
        return zlib.compress(json.dumps(self.__dict__, ensure_ascii=False, separators=(",", ":")).encode())

    @classmethod
    def unpacked(cls, data: bytes | None) -> "Posted":
        return cls(**json.loads(zlib.decompress(data))) if data else cls()

    def rows(self, doc: str) -> Iterator[tuple[str, str]]:
        """The keys of its postings, in the list of all types and in that of its own."""
        for term, q in self.terms.items():
            yield list_pk(self.scope, "", term), posting_sk(q, doc)
            yield list_pk(self.scope, self.type, term), posting_sk(q, doc)

    def is_alike(self, other: "Posted") -> bool:
        """Whether a posting of the other may stay as it is."""
        return (self.lang, self.n) == (other.lang, other.n)


def document_pk(doc: str) -> str:
    return f"D#{doc}"


def list_pk(scope: str, kind: str, term: str) -> str:
    return f"T#{scope}#{kind}#{term}" if kind else f"T#{scope}##{term}"


def posting_sk(q: int, doc: str) -> str:
    """The best first: the impact counts down."""
    return f"{MAX_Q - q:04x}#{doc}"


def posting_of(row: PostingRow) -> Posting:
    rank, _, doc = row.sk.partition("#")
    q = MAX_Q - int(rank, 16)
    return Posting(doc, q, row.type, int(row.day), row.lang or "", int(row.n or 0))


def vocabulary_key(scope: str, term: str) -> tuple[str, str]:
    return f"V#{scope}#{term[:2]}", term


def beginnings_pk(scope: str) -> str:
    return f"VL#{scope}"


def beginning_key(scope: str, term: str) -> tuple[str, str]:
    """Where it says that there are terms of a scope that begin so."""
    return beginnings_pk(scope), term[:2]


def listed_scope_key(scope: str, shard: int | None = None) -> tuple[str, str]:
    """Where it says that there is a scope."""
    return f"VS#{shard_of(scope) if shard is None else shard}", scope


def prefix_key(scope: str, term: str, size: int, df: int) -> tuple[str, str]:
    """Where a term stands among those that begin alike: the most common first, by powers of two."""
    return f"X#{scope}#{term[:size]}", f"{63 - bucket(df):02d}#{term}"


def bucket(df: int) -> int:
    return max(df, 1).bit_length() - 1


def typo_key(scope: str, key: str) -> tuple[str, str]:
    return f"Y#{scope}#{key}", "Y"


def size_keys(scope: str) -> list[tuple[str, str]]:
    return [(f"ST#{scope}#{shard}", "N") for shard in range(SHARDS)]


def size_key(scope: str, doc: str) -> tuple[str, str]:
    return f"ST#{scope}#{shard_of(doc)}", "N"


def scope_key(scope: str, doc: str) -> tuple[str, str]:
    """Where a document stands among those of its scope: for erasing them."""
    return f"S#{scope}#{shard_of(doc)}", doc


def type_key(kind: str, doc: str) -> tuple[str, str]:
    """Where a document stands among those of its type: for indexing them anew."""
    return f"L#{kind}#{shard_of(doc)}", doc


def shard_of(doc: str) -> int:
    return hashlib.sha256(doc.encode()).digest()[0] % SHARDS


def synonym_key(word: str) -> tuple[str, str]:
    return f"SYN#{word}", "S"


def pin_key(query: str, kind: str) -> tuple[str, str]:
    # A query may be longer than a key; its digest is not.
    digest = base64.urlsafe_b64encode(hashlib.sha256(query.encode()).digest()[:18]).decode()
    return f"PIN#{digest}", kind or "*"


def is_word(term: str) -> bool:
    return not term.startswith(MARKS)


def text_data(document: Document) -> bytes:
    """What snippets and phrases are read from, and what an epoch weighs anew."""
    kept = {"headings": document.headings, "tags": document.tags, "body": document.body}
    return zlib.compress(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode())


def document_of(meta: MetaRow, data: bytes | None) -> Document:
    kept = json.loads(zlib.decompress(data)) if data else {}
    return Document(
        id=meta.pk.partition("#")[2],
        type=meta.type,
        seq=int(meta.seq),
        acl=meta.acl,
        title=meta.title,
        url=meta.url,
        headings=tuple(kept.get("headings", ())),
        tags=tuple(kept.get("tags", ())),
        body=kept.get("body", ""),
        author=meta.author,
        lang=meta.lang,
        boost=float(meta.boost),
        updated_at=clock.parse(meta.updated_at),
        n=int(meta.n),
    )
