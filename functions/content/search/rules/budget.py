"""What a query may still spend when its first look at the lists was not enough, and on what.

A page of a list costs a unit, looking at a hundred documents whole costs five: so it is mostly cheaper to read a short
list to its end, after which only the few documents in it can match as many words, than to look at many of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PAGE, FILL = 1_000, 100
BATCH = 5
PAGES, BATCHES, ROUNDS = 3, 3, 3
# More of a list does not come in one answer.
LONGEST = 10
# Of more documents than these, looking at three hundred mostly does not tell which are the best.
FEW = 1_000

Key = tuple[str, str]


@dataclass
class Budget:
    """For three lists 24 units: at most 250 read units, in nine requests for pages and three for documents."""

    units: int
    batches: int = BATCHES

    @classmethod
    def of(cls, lists: int) -> "Budget":
        return cls(PAGES * lists + BATCH * BATCHES)

    @property
    def looks(self) -> int:
        """How many more times a hundred documents may be looked at."""
        return min(self.batches, self.units // BATCH)

    def look(self) -> None:
        self.units, self.batches = self.units - BATCH, self.batches - 1

    def saved_for(self, docs: int) -> int:
        """What is left for pages when so many documents are to be looked at, or as many of them as may be."""
        return max(self.units - BATCH * min(self.batches, -(-docs // FILL)), 0)


def evenly(pages: int, left: Mapping[Key, int]) -> dict[Key, int]:
    """So many pages of lists of which this much is left; what the shorter ones do not have, the longer ones get."""
    shares: dict[Key, int] = {}
    keys = sorted(left, key=lambda key: (left[key], key))
    for position, key in enumerate(keys):
        share = min(-(-pages // (len(keys) - position)), left[key], LONGEST)
        if share > 0:
            shares[key] = share
            pages -= share
    return shares


def to_their_ends(
    units: int, left: Mapping[Key, int], frequencies: Mapping[str, int], documents: int
) -> dict[Key, int]:
    """The lists of the rarest terms, where there is enough to read them whole and few documents are in all of them.

    `left` has the lists that go on, `frequencies` all terms: of those without such a list everything is known already.
    """
    going_on: dict[str, dict[Key, int]] = {}
    for key, size in left.items():
        going_on.setdefault(key[1], {})[key] = size
    common = float(documents)
    for term, frequency in frequencies.items():
        if term not in going_on:
            common *= frequency / max(documents, 1)
    reached: dict[Key, int] = {}
    chosen: dict[Key, int] = {}
    for term in sorted(going_on, key=lambda term: (sum(going_on[term].values()), term)):
        pages = going_on[term]
        units -= sum(pages.values())
        # Something is kept to look at what is in all of them.
        if units < BATCH or max(pages.values()) > LONGEST:
            break
        reached |= pages
        common *= frequencies[term] / max(documents, 1)
        if common <= FEW:
            chosen = dict(reached)
    return chosen
