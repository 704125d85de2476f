"""From what was typed to the lists that are read: for each word the terms by which it may match.

An exact word always comes before its typos, a typo is only looked for where a word is next to unknown, and only the
last word may be the beginning of another. At most seven terms are added to the words themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from . import typos
from .analysis import STEMMED, stem
from .documents import AUTHOR, STEM, TAG
from .index import Index, Scope, Vocabulary
from .query import MAX_WORDS, Asked

MAX_ADDED = 7
MAX_PREFIX, MAX_TYPOS = 8, 4
RARE = 3
SHORTEST_PREFIX = 2


class Kind(StrEnum):
    EXACT = "exact"
    STEM = "stem"
    SYNONYM = "synonym"
    TYPO = "typo"
    PREFIX = "prefix"
    FILTER = "filter"


FACTORS = {Kind.EXACT: 1.0, Kind.STEM: 0.8, Kind.SYNONYM: 0.8, Kind.PREFIX: 0.7, Kind.FILTER: 0.0}
TYPO_FACTORS = {1: 0.5, 2: 0.3}
_ORDER = list(Kind)


@dataclass(frozen=True)
class Option:
    """A term by which a word may match, and what such a match is worth."""

    term: str
    kind: Kind
    factor: float
    typos: int = 0


@dataclass(frozen=True)
class Word:
    text: str
    options: tuple[Option, ...]
    required: bool = False


@dataclass(frozen=True)
class Plan:
    words: tuple[Word, ...]
    vocabulary: Vocabulary
    corrections: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def terms(self) -> list[str]:
        return list(dict.fromkeys(option.term for word in self.words for option in word.options))


@dataclass(frozen=True)
class _Added:
    word: str
    option: Option
    frequency: int

    @property
    def rank(self) -> tuple[int, int, int, str]:
        return _ORDER.index(self.option.kind), self.option.typos, -self.frequency, self.option.term


def expand(
    asked: Asked,
    scopes: Sequence[Scope],
    index: Index,
    *,
    lang: str = "",
    pins: Sequence[str] = (),
    fuzzy: bool = True,
) -> Plan:
    """1 to 4 rounds of requests: what is known of the words, what they may begin, what they may have been."""
    open_scopes = [scope.name for scope in scopes if not scope.is_narrow]
    filters = [f"{TAG}{tag}" for tag in asked.tags] + [f"{AUTHOR}{author}" for author in asked.authors]
    rooted = {word: _roots(word, lang) for word in asked.words if word not in asked.quoted}
    wanted = [*asked.words, *filters, *(root for roots in rooted.values() for root in roots)]
    known = index.vocabulary(open_scopes, list(dict.fromkeys(wanted)), words=asked.words, pins=pins)
    words, dropped = _rarest(asked.words, known)
    added = [
        _Added(word, Option(root, Kind.STEM, FACTORS[Kind.STEM]), known.frequency(root))
        for word in words
        for root in rooted.get(word, ())
        if known.frequency(root)
    ]
    more, known = _others(words, asked, open_scopes, known, index, fuzzy=fuzzy)
    kept = sorted([*added, *more], key=lambda one: one.rank)[:MAX_ADDED]
    known_nowhere = any(scope.is_narrow for scope in scopes)
    must = asked.quoted
    made = tuple(_word(word, kept, known, required=word in must, always=known_nowhere) for word in words)
    held = tuple(Word(term, (Option(term, Kind.FILTER, 0.0),), required=True) for term in filters)
    return Plan((*made, *held), known, _corrections(made, known), tuple(dropped))


def _rarest(words: Sequence[str], known: Vocabulary) -> tuple[list[str], list[str]]:
    """At most eight words, the rarest that there are, in their order."""
    if len(words) <= MAX_WORDS:
        return list(words), []
    ranked = sorted(words, key=lambda word: (known.frequency(word) == 0, known.frequency(word)))
    kept = set(ranked[:MAX_WORDS])
    return [word for word in words if word in kept], [word for word in words if word not in kept]


def _roots(word: str, lang: str) -> list[str]:
    """The stem under which other forms of a word are kept, and the stem as a word, by each language it may be of."""
    found: dict[str, None] = {}
    for language in (lang,) if lang in STEMMED else STEMMED:
        root = stem(word, language)
        found[f"{STEM}{root}"] = None
        if root != word:
            found[root] = None
    return list(found)


def _others(
    words: Sequence[str], asked: Asked, scopes: Sequence[str], known: Vocabulary, index: Index, *, fuzzy: bool
) -> tuple[list[_Added], Vocabulary]:
    found: dict[tuple[str, str], Option] = {}
    for word in words:
        for other in known.synonyms.get(word, ()):
            found[word, other] = Option(other, Kind.SYNONYM, FACTORS[Kind.SYNONYM])
    last = words[-1] if words and asked.words and words[-1] == asked.words[-1] else ""
    begun = {}
    if fuzzy and asked.open and last not in asked.quoted and len(last) >= SHORTEST_PREFIX:
        begun = dict(index.beginning(scopes, last))
        for _, term in sorted(begun, key=lambda key: (-begun[key], key)):
            if term != last and sum(1 for word, _ in found if word == last) < MAX_PREFIX:
                found.setdefault((last, term), Option(term, Kind.PREFIX, FACTORS[Kind.PREFIX]))
    if fuzzy:
        found = {**_meant(words, asked, scopes, known, index), **found}
    unknown = [term for term in {term for _, term in found} if not any(term == other for _, other in begun)]
    counts = dict(index.counts(scopes, sorted(unknown))) if unknown else {}
    complete = replace(known, counts={**begun, **counts, **known.counts})
    return _best(found, complete), complete


def _meant(
    words: Sequence[str], asked: Asked, scopes: Sequence[str], known: Vocabulary, index: Index
) -> dict[tuple[str, str], Option]:
    doubtful = [
        word for word in words if known.frequency(word) < RARE and typos.may_be_wrong(word) and word not in asked.quoted
    ]
    if not doubtful or not scopes:
        return {}
    near = index.near(scopes, sorted({key for word in doubtful for key in typos.keys(word)}))
    found: dict[tuple[str, str], Option] = {}
    for word in doubtful:
        most = typos.allowed(word)
        for term in near:
            wrong = typos.distance(word, term, most)
            if 0 < wrong <= most:
                found[word, term] = Option(term, Kind.TYPO, TYPO_FACTORS[wrong], wrong)
    return found


def _best(found: dict[tuple[str, str], Option], known: Vocabulary) -> list[_Added]:
    """Those that there are; of the typos of a word the best four."""
    added = [_Added(word, option, known.frequency(term)) for (word, term), option in found.items()]
    kept: list[_Added] = []
    for one in sorted((one for one in added if one.frequency), key=lambda one: one.rank):
        typed = sum(1 for other in kept if other.word == one.word and other.option.kind is Kind.TYPO)
        if one.option.kind is not Kind.TYPO or typed < MAX_TYPOS:
            kept.append(one)
    return kept


def _word(word: str, added: Sequence[_Added], known: Vocabulary, *, required: bool, always: bool) -> Word:
    exact = [Option(word, Kind.EXACT, FACTORS[Kind.EXACT])] if always or known.frequency(word) else []
    others = [one.option for one in added if one.word == word]
    return Word(word, (*exact, *others), required)


def _corrections(words: Sequence[Word], known: Vocabulary) -> tuple[tuple[str, str], ...]:
    """What unknown words were probably meant to be."""
    found = []
    for word in words:
        likely = [option for option in word.options if option.kind is Kind.TYPO]
        if likely and not known.frequency(word.text):
            found.append((word.text, likely[0].term))
    return tuple(found)
