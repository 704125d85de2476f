"""What is shown of a search."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .expand import Kind
from .ranking import Hit, Match
from .snippets import Mark

FRESHNESS, HALF_LIFE_DAYS = 0.15, 30


@dataclass(frozen=True)
class Result:
    id: str
    type: str
    title: str
    url: str
    snippet: str
    highlights: tuple[Mark, ...]
    score: float
    updated_at: datetime
    matches: tuple[Match, ...] = ()
    pinned: bool = False

    def matched(self, kind: Kind) -> int:
        return sum(match.option.kind is kind for match in self.matches)


@dataclass(frozen=True)
class Explained:
    """What a query became, and how far its lists were read."""

    words: dict[str, list[str]]
    scopes: list[str]
    lists: int
    postings: int
    rounds: int


@dataclass(frozen=True)
class Results:
    items: Sequence[Result] = ()
    next: int | None = None
    total: int = 0
    all_seen: bool = True
    exact: bool = True
    corrections: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()
    explained: Explained | None = None
    epoch: int = 1


@dataclass(frozen=True)
class Sought:
    """What is asked for. `offset` counts the places of the ranking that were shown before."""

    q: str
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    lang: str = ""
    limit: int = 20
    offset: int = 0
    highlight: bool = False
    explain: bool = False
    places: tuple[str, ...] = field(default=())


def freshest_first(hits: Sequence[tuple[Hit, datetime]], now: datetime) -> list[int]:
    """The order in which the hits of a page are shown: what is new counts up to 15 % more, among equals in words."""

    def place(position: int) -> tuple[int, int, float, int]:
        hit, updated = hits[position]
        days = max((now - updated).total_seconds() / 86_400, 0.0)
        return hit.key[0], hit.key[1], hit.key[2] * (1 + FRESHNESS * 2 ** (-days / HALF_LIFE_DAYS)), position

    return sorted(range(len(hits)), key=place)
