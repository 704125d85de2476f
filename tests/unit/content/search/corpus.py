"""Documents like those people write: words by Zipf's law, lengths that vary."""

import random
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from functions.content.search.rules.documents import Document

LETTERS = "etaoinshrdlucmfwypvbgk"


def vocabulary(size: int, chance: random.Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < size:
        found["".join(chance.choice(LETTERS) for _ in range(chance.randint(3, 10)))] = None
    return list(found)


class Zipf:
    def __init__(self, words: list[str], chance: random.Random) -> None:
        self.words, self.chance = words, chance
        self.sums = list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))

    def draw(self, count: int) -> list[str]:
        top = self.sums[-1]
        return [self.words[bisect(self.sums, self.chance.random() * top)] for _ in range(count)]


def documents(count: int, *, seed: int = 7, words: int = 20_000, acl: str = "public") -> tuple[list[Document], Zipf]:
    zipf = language(seed=seed, words=words)
    return list(written(count, zipf, acl=acl)), zipf


def language(*, seed: int = 7, words: int = 20_000) -> "Zipf":
    chance = random.Random(seed)
    return Zipf(vocabulary(words, chance), chance)


def written(count: int, zipf: "Zipf", *, acl: str = "public") -> Iterator[Document]:
    """So many documents, each made when it is asked for."""
    chance = zipf.chance
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        yield Document(
            id=f"D{number:07d}",
            type=chance.choice(("post", "task", "file")),
            seq=1,
            acl=acl,
            title=" ".join(zipf.draw(chance.randint(2, 8))),
            tags=tuple(zipf.draw(chance.randint(0, 2))),
            body=" ".join(zipf.draw(chance.randint(10, 80))),
            updated_at=start + timedelta(hours=number % 4_000),
        )


def queries(zipf: Zipf, count: int) -> list[str]:
    """One to three words, of which most are neither common nor rare."""
    return [" ".join(zipf.draw(zipf.chance.randint(1, 3))) for _ in range(count)]
