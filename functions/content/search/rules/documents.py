"""A document as the index holds it, and the impact of each of its terms.

BM25F: the frequency of a term in each field is dampened by the field's length and weighted, the sum of all fields
becomes the impact. How rare a term is comes in at query time, so that a growing index rewrites nothing.
"""

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .analysis import STEMMED, fold, stem, terms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = ("title", "tags", "headings", "body")
WEIGHTS = {"title": 4.0, "tags": 3.0, "headings": 2.0, "body": 1.0}
B = {"title": 0.3, "tags": 0.0, "headings": 0.5, "body": 0.75}
K1 = 1.2
STEM, TAG, AUTHOR = "~", "#", "@"
TOP = 32767
MAX_Q = 65535
# How many terms of the body are kept, the weightiest.
BODY_TERMS = {"post": 256, "page": 256, "recipe": 256, "cms": 256, "entry": 48, "link": 0}
OTHER_BODY_TERMS = 64
MAX_HEAD_TERMS = 512
# Lengths of the fields on the average, until an epoch has counted them.
FIRST_LENGTHS = {"title": 6.0, "tags": 2.0, "headings": 8.0, "body": 120.0}


@dataclass(frozen=True)
class Document:
    """`n` is where it stands in what is read from some place on, such as a room; 0 where there is no such place."""

    id: str
    type: str
    seq: int
    acl: str
    title: str = ""
    url: str = ""
    headings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    body: str = ""
    author: str = ""
    lang: str = ""
    boost: float = 1.0
    updated_at: datetime = EPOCH
    n: int = 0

    @property
    def day(self) -> int:
        """Days since 1970."""
        return (self.updated_at - EPOCH).days


@dataclass(frozen=True)
class Weighed:
    """The terms of a document with their impacts, and how long its fields are."""

    impacts: dict[str, int]
    lengths: dict[str, int]
    truncated: int = 0


@dataclass(frozen=True)
class Lengths:
    """Average lengths of the fields, frozen for an epoch."""

    epoch: int = 1
    averages: Mapping[str, float] = field(default_factory=lambda: FIRST_LENGTHS)


def weigh(document: Document, lengths: Lengths) -> Weighed:
    """Every term of the head and the weightiest of the body, each with its impact in 1..65535."""
    counted = {
        "title": Counter(terms(document.title)),
        "tags": Counter(term for tag in document.tags for term in terms(tag)),
        "headings": Counter(term for heading in document.headings for term in terms(heading)),
        "body": Counter(terms(document.body)),
    }
    sizes = {name: counts.total() for name, counts in counted.items()}
    weights = _frequencies(counted, sizes, lengths)
    kept, dropped = _kept(document.type, counted, weights)
    found = {term: _quantised(weights[term], document.boost) for term in kept}
    found |= {
        f"{STEM}{word}": _quantised(weight, document.boost)
        for word, weight in _stems(kept, weights, document.lang).items()
    }
    found |= {f"{TAG}{name}": 1 for tag in document.tags if (name := fold(tag)[:40])}
    if document.author:
        found[f"{AUTHOR}{fold(document.author)[:40]}"] = 1
    return Weighed(found, sizes, dropped)


def _frequencies(counted: Mapping[str, Counter[str]], sizes: Mapping[str, int], lengths: Lengths) -> dict[str, float]:
    weights: dict[str, float] = {}
    for name, counts in counted.items():
        share = 1 - B[name] + B[name] * sizes[name] / max(lengths.averages[name], 1.0)
        for term, count in counts.items():
            weights[term] = weights.get(term, 0.0) + WEIGHTS[name] * count / share
    return weights


def _kept(kind: str, counted: Mapping[str, Counter[str]], weights: Mapping[str, float]) -> tuple[list[str], int]:
    head = list(dict.fromkeys(term for name in ("title", "tags", "headings") for term in counted[name]))
    head, lost = head[:MAX_HEAD_TERMS], head[MAX_HEAD_TERMS:]
    known = set(head)
    body = sorted((term for term in counted["body"] if term not in known), key=lambda term: (-weights[term], term))
    most = BODY_TERMS.get(kind, OTHER_BODY_TERMS)
    return [*head, *body[:most]], max(len(body) - most, 0) + len(lost)


def _stems(kept: Iterable[str], weights: Mapping[str, float], language: str) -> dict[str, float]:
    found: dict[str, float] = {}
    if language not in STEMMED:
        return found
    for term in kept:
        root = stem(term, language)
        if root != term:
            found[root] = found.get(root, 0.0) + weights[term]
    return found


def _quantised(weight: float, boost: float) -> int:
    # The boost is part of the impact: a factor applied later would break the order of the lists.
    return max(1, min(MAX_Q, round(weight / (K1 + weight) * boost * TOP)))


def hashed(term: str) -> bytes:
    """Four bytes that stand for a term among the few hundred of one document."""
    return hashlib.blake2b(term.encode(), digest_size=4).digest()


def packed(impacts: Mapping[str, int]) -> bytes:
    """The impacts of a document in six bytes a term, in the order of the hashes."""
    return b"".join(sorted(hashed(term) + struct.pack(">H", q) for term, q in impacts.items()))


def unpacked(data: bytes) -> dict[bytes, int]:
    """Impacts by the hash of their terms."""
    return {data[at : at + 4]: struct.unpack_from(">H", data, at + 4)[0] for at in range(0, len(data), 6)}
