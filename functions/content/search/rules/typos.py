"""Words that were meant: found by what is left of them with letters taken out, told apart by their distance."""

from itertools import combinations

SHORTEST = 4
LONG = 8
HEAD = 7


def may_be_wrong(word: str) -> bool:
    """Whether other spellings of a word are looked for: of short words and of numbers they would be other words."""
    return len(word) >= SHORTEST and not any(c.isdigit() for c in word)


def allowed(word: str) -> int:
    """How many typos a word may have."""
    return 2 if len(word) >= LONG else 1


def keys(word: str) -> list[str]:
    """What is left of the head of a word with up to that many letters taken out: at most 29."""
    head = word[:HEAD]
    found = {head}
    for gone in range(1, allowed(word) + 1):
        for places in combinations(range(len(head)), gone):
            found.add("".join(c for at, c in enumerate(head) if at not in places))
    return sorted(found)


def distance(one: str, other: str, at_most: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours from one to the other, or `at_most` + 1."""
    if abs(len(one) - len(other)) > at_most:
        return at_most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, a in enumerate(one, 1):
        line = [row]
        for column, b in enumerate(other, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (a != b))
            if row > 1 and column > 1 and a == other[column - 2] and one[row - 2] == b:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        if min(line) > at_most and min(last) > at_most:
            return at_most + 1
        before, last = last, line
    return min(last[-1], at_most + 1)
