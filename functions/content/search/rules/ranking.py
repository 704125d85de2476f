"""The best documents of a plan, read from lists of postings as far as needed and no further.

The lists come best first, so what was not seen yet is worth no more than what was seen last. A result is certain
("exact") when nothing unseen, and nothing of which only a part is known, could still come before it.

The order: more words matched; fewer typos; the larger sum of rarity, impact and the factor of the match; the id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from .budget import FILL, PAGE, ROUNDS, Budget, Key, evenly, to_their_ends
from .documents import MAX_Q, TOP, hashed
from .expand import Option, Plan, Word
from .index import Ask, Batch, Index, Posting, Scope

# How far lists are read at first. Measured, like the budget for the rest; not to be lowered without measuring.
# Looking at a hundred documents instead of eighty then settles no more of the queries, and with a beginning of a word
# costs more than the eighty read units there are for it.
FIRST_DEPTH, ADDED_DEPTH, FIRST_FILL = 200, 50, 80
MANY = 1_000_000

Place = tuple[int, int, float, str]


@dataclass(frozen=True)
class Filters:
    types: frozenset[str] = frozenset()
    first_day: int | None = None
    last_day: int | None = None
    lang: str = ""

    @property
    def one_type(self) -> str:
        """The type whose own lists are read: a filter on one costs what none costs."""
        return next(iter(self.types)) if len(self.types) == 1 else ""

    @property
    def is_dated(self) -> bool:
        return self.first_day is not None or self.last_day is not None

    def spans(self, day: int) -> bool:
        return (self.first_day is None or day >= self.first_day) and (self.last_day is None or day <= self.last_day)

    def admit(self, posting: Posting, scope: Scope) -> bool:
        """Whether a document may be shown, as far as a posting tells: its day may be later by now, not earlier."""
        return (
            (not self.types or posting.type in self.types)
            and (self.last_day is None or posting.day <= self.last_day)
            and (not self.lang or posting.lang == self.lang)
            and posting.n >= scope.floor
        )


@dataclass(frozen=True)
class Match:
    """How one word was found in a document."""

    word: str
    option: Option
    q: int
    worth: float


@dataclass(frozen=True)
class Hit:
    doc: str
    scope: Scope
    day: int
    key: Place
    matches: tuple[Match, ...]

    @property
    def score(self) -> float:
        return -self.key[2]


@dataclass
class Found:
    hits: list[Hit]
    exact: bool
    total: int
    all_seen: bool
    rounds: int = 0


@dataclass
class _List:
    """How far a list was read: the impact that came last bounds all that is still to come."""

    q: int = MAX_Q
    last: str = ""
    after: str | None = None
    ended: bool = False
    read: int = 0

    def take(self, batch: Batch) -> None:
        self.read += len(batch.postings)
        self.after, self.ended = batch.next, batch.next is None
        if batch.postings:
            self.q, self.last = batch.postings[-1].q, batch.postings[-1].doc


@dataclass
class _Candidate:
    posting: Posting
    scope: Scope
    known: dict[str, int] = field(default_factory=dict)
    is_whole: bool = False


class Ranking:
    """One query on its way through the lists."""

    def __init__(self, plan: Plan, scopes: Sequence[Scope], filters: Filters, index: Index) -> None:
        self.plan, self.scopes, self.filters, self.index = plan, scopes, filters, index
        self.rarity = {term: plan.vocabulary.rarity(term) for term in plan.terms}
        self.hashes = {term: hashed(term) for term in plan.terms}
        self.main = {word.options[0].term for word in plan.words if word.options}
        self.candidates: dict[str, _Candidate] = {}
        self.lists: dict[tuple[str, str], _List] = {
            (scope.name, term): _List()
            for scope in scopes
            for term in plan.terms
            if scope.is_narrow or plan.vocabulary.counts.get((scope.name, term))
        }

    def best(self, k: int) -> Found:
        """The first `k`. At most four rounds of lists, and what a budget allows of documents looked at whole."""
        self._read({key: FIRST_DEPTH if key[1] in self.main else ADDED_DEPTH for key in self.lists})
        self._look(k)
        if not self._is_certain:
            self._fill([doc for _, doc in self._better()[: max(FIRST_FILL, k + FILL // 2)]])
        budget = Budget.of(sum(key[1] in self.main for key in self.lists))
        rounds = 0
        while not self._is_certain and rounds < ROUNDS and (self._left() or self._doubtful):
            rounds += 1
            shares = self._shares(rounds, budget)
            self._read({key: pages * PAGE for key, pages in shares.items()})
            budget.units -= sum(shares.values())
            self._look(k)
            self._fill_as_far(budget, is_last=rounds == ROUNDS)
        all_seen = not self._doubtful and all(one.ended for one in self.lists.values())
        total = len(self._hits) + (0 if self._has_required else len(self._doubtful))
        return Found(self._hits, self._is_certain, total, all_seen, rounds)

    def _shares(self, rounds: int, budget: Budget) -> dict[Key, int]:
        """How many pages of which lists: one of each, then the shortest whole, then what is left."""
        left = self._left()
        if rounds == 1:
            return dict.fromkeys(left, 1)
        if rounds == ROUNDS:
            return evenly(budget.saved_for(len(self._better())), left)
        frequencies = {term: self.plan.vocabulary.frequency(term) for term in self.main}
        whole = to_their_ends(budget.units, left, frequencies, self.plan.vocabulary.documents)
        return whole or evenly(budget.saved_for(len(self.candidates)) // 2, left)

    def _left(self) -> dict[Key, int]:
        """How many pages there may still be of the lists that are worth it."""
        counts = self.plan.vocabulary.counts
        # How long a list is that is not counted, nobody knows.
        return {
            key: max(-(-(counts.get(key, MANY) - state.read + 1) // PAGE), 1)
            for key, state in self.lists.items()
            if key[1] in self.main and not state.ended
        }

    def _read(self, depths: Mapping[Key, int]) -> None:
        keys = [key for key in depths if not self.lists[key].ended]
        kind = self.filters.one_type
        asks = [Ask(scope, term, kind, depths[scope, term], self.lists[scope, term].after) for scope, term in keys]
        scopes = {scope.name: scope for scope in self.scopes}
        for (scope, term), batch in zip(keys, self.index.postings(asks) if asks else (), strict=True):
            self.lists[scope, term].take(batch)
            for posting in batch.postings:
                if self.filters.admit(posting, scopes[scope]):
                    seen = self.candidates.setdefault(posting.doc, _Candidate(posting, scopes[scope]))
                    # Between the two writes of a change a term may stand there twice.
                    seen.known[term] = max(posting.q, seen.known.get(term, 0))

    def _look(self, k: int) -> None:
        """Put what is known whole in its order, and what is known in part in that of its hopes."""
        self.k = k
        complete = {doc for doc, one in self.candidates.items() if self._is_complete(one)}
        self._hits: list[Hit] = []
        self._add_hits(complete)
        hopes = [(self._hope(one), doc) for doc, one in self.candidates.items() if doc not in complete]
        self._doubtful = sorted((key, doc) for key, doc in hopes if key is not None)
        self._bounds = [bound for scope in self.scopes if (bound := self._unseen(scope)) is not None]

    def _add_hits(self, docs: Iterable[str]) -> None:
        made = (self._hit(doc, self.candidates[doc]) for doc in docs)
        self._hits = sorted([*self._hits, *(hit for hit in made if hit is not None)], key=lambda hit: hit.key)

    @property
    def _last(self) -> Place | None:
        return self._hits[self.k - 1].key if len(self._hits) >= self.k else None

    @property
    def _is_certain(self) -> bool:
        return not self._better() and not self._may_be_missed

    @property
    def _may_be_missed(self) -> bool:
        """Whether a document that no list has shown yet could still be among the first."""
        last = self._last
        return any(last is None or bound <= last for bound in self._bounds)

    def _better(self) -> list[tuple[Place, str]]:
        """What is known in part and could still be among the first, the most hopeful before the others."""
        last = self._last
        if last is None:
            return self._doubtful
        return list(takewhile(lambda one: one[0] <= last, self._doubtful))

    @property
    def _has_required(self) -> bool:
        return any(word.required for word in self.plan.words)

    def _fill_as_far(self, budget: Budget, *, is_last: bool) -> None:
        """Look at documents whole where that settles it, or where nothing else can be done any more."""
        while (better := self._better()) and budget.looks:
            settles = len(better) <= FILL * budget.looks and not self._may_be_missed
            if not settles and not is_last:
                return
            if not settles:
                # They cannot all be looked at: so at those of which the most is known.
                better.sort(key=lambda one: (-self._matched(one[1]), one))
            self._fill([doc for _, doc in better[:FILL]])
            budget.look()

    def _matched(self, doc: str) -> int:
        known = self.candidates[doc].known
        return sum(any(option.term in known for option in word.options) for word in self.plan.words)

    def _fill(self, docs: Sequence[str]) -> None:
        """1 request for each hundred."""
        for at in range(0, len(docs), FILL):
            self._take_whole(docs[at : at + FILL])

    def _take_whole(self, docs: Sequence[str]) -> None:
        whole = self.index.impacts(docs)
        for doc in docs:
            one = self.candidates[doc]
            if doc in whole and self.filters.spans(whole[doc].day):
                one.known = {term: whole[doc].terms.get(code, 0) for term, code in self.hashes.items()}
                one.is_whole = True
            else:
                # It is gone, or of another time than was asked for.
                del self.candidates[doc]
        self._add_hits(doc for doc in docs if doc in self.candidates)
        seen = set(docs)
        self._doubtful = [one for one in self._doubtful if one[1] not in seen]

    def _is_complete(self, one: _Candidate) -> bool:
        return one.is_whole or (
            not self.filters.is_dated
            and not any(
                term not in one.known and not state.ended
                for term in self.plan.terms
                if (state := self.lists.get((one.scope.name, term))) is not None
            )
        )

    def _hope(self, one: _Candidate) -> Place | None:
        """The best place a document may have, by what is known of it; None where it has none."""
        return self._key(one.posting.doc, [self._likely(word, one) for word in self.plan.words])

    def _likely(self, word: Word, one: _Candidate) -> tuple[int, float] | None:
        """Fewest typos and most worth with which a word may be in a document."""
        possible = [(option, self._bound(option.term, one)) for option in word.options]
        worths = [(option.typos, self._worth(option, q)) for option, q in possible if q]
        return (min(typos for typos, _ in worths), max(worth for _, worth in worths)) if worths else None

    def _bound(self, term: str, one: _Candidate) -> int:
        if term in one.known or one.is_whole:
            return one.known.get(term, 0)
        state = self.lists.get((one.scope.name, term))
        return 0 if state is None or state.ended else state.q

    def _unseen(self, scope: Scope) -> Place | None:
        """The best place of a document that no list has shown yet; None when there is none."""
        open_lists = {term: state for (name, term), state in self.lists.items() if name == scope.name}
        open_lists = {term: state for term, state in open_lists.items() if not state.ended}
        if not open_lists:
            return None
        likely: list[tuple[int, float] | None] = []
        for word in self.plan.words:
            options = [option for option in word.options if option.term in open_lists]
            worths = [(option.typos, self._worth(option, open_lists[option.term].q)) for option in options]
            likely.append((min(t for t, _ in worths), max(w for _, w in worths)) if worths else None)
        # One list alone has its documents in the order of the results, so even equals are known to come later.
        last = next(iter(open_lists.values())).last if len(open_lists) == 1 else ""
        return self._key(last, likely)

    def _key(self, doc: str, likely: Sequence[tuple[int, float] | None]) -> Place | None:
        if any(word.required and found is None for word, found in zip(self.plan.words, likely, strict=True)):
            return None
        matched = [found for found in likely if found is not None]
        if not matched:
            return None
        worth = 0.0
        for _, one in matched:
            worth += one
        return -len(matched), sum(typos for typos, _ in matched), -worth, doc

    def _hit(self, doc: str, one: _Candidate) -> Hit | None:
        matches = [self._match(word, one) for word in self.plan.words]
        likely = [None if match is None else (match.option.typos, match.worth) for match in matches]
        key = self._key(doc, likely)
        if key is None:
            return None
        return Hit(doc, one.scope, one.posting.day, key, tuple(match for match in matches if match is not None))

    def _match(self, word: Word, one: _Candidate) -> Match | None:
        """The way a word counts: with the fewest typos, and then with the most worth."""
        found = [
            Match(word.text, option, q, self._worth(option, q))
            for option in word.options
            if (q := one.known.get(option.term, 0))
        ]
        return min(found, key=lambda match: (match.option.typos, -match.worth), default=None)

    def _worth(self, option: Option, q: int) -> float:
        return self.rarity[option.term] * q / TOP * option.factor
