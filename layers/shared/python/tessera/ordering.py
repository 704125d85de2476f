"""Fractional keys: text in base 62 with room for another key between any two.

A key is an integer head of variable length and a fraction without trailing `0`, compared byte by
byte (after "Implementing Fractional Indexing", observablehq.com/@dgreensp/implementing-fractional-indexing).
The head's first letter says how long it is: `a` to `z` for 1 to 26 digits from zero up, `Z` down to
`A` for those below zero. So appending grows with the logarithm of the count.

Two who insert into one gap at the same time find the same midpoint; five random digits behind it
keep their keys apart.
"""

import re
import secrets
from collections.abc import Callable

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
JITTER_DIGITS = 5

# A number from 0 up to, not including, the argument: `secrets.randbelow`, or a seeded one in a test.
Chance = Callable[[int], int]

_VALUE = {digit: value for value, digit in enumerate(DIGITS)}
_KEY = re.compile(r"[A-Za-z][0-9A-Za-z]+", re.ASCII)
_FIRST = "a0"
_LOWEST_HEAD = "A" + "0" * 26


def is_key(text: str) -> bool:
    """Whether this is a key: a whole head, and no fraction ending in `0`."""
    if not _KEY.fullmatch(text):
        return False
    head, fraction = _split(text)
    return len(head) == _head_length(text[0]) and text != _LOWEST_HEAD and not fraction.endswith("0")


def between(lower: str | None, upper: str | None, *, jitter: Chance | None = secrets.randbelow) -> str:
    """A key above `lower` and below `upper`; None means the open end. Without `jitter` it is the plain midpoint.

    Raises `ValueError` when a bound is no key or the bounds are not in order.
    """
    for bound in (lower, upper):
        if bound is not None and not is_key(bound):
            raise ValueError("A bound is not an ordering key.")
    if lower is not None and upper is not None and lower >= upper:
        raise ValueError("The lower bound must be below the upper one.")
    key = _midpoint_key(lower, upper)
    if jitter is not None:
        # A midpoint that is a prefix of the upper bound would rise above it with digits behind it.
        # Each further midpoint that is again a prefix is shorter, so this ends.
        while upper is not None and upper.startswith(key):
            key = _midpoint_key(lower, key)
        key += _jitter(jitter)
    if (lower is not None and key <= lower) or (upper is not None and key >= upper):
        raise AssertionError("The new key is outside its bounds.")
    return key


def several(
    lower: str | None, upper: str | None, count: int, *, jitter: Chance | None = secrets.randbelow
) -> list[str]:
    """So many keys in order between the bounds, spread so that they stay short."""
    if count <= 0:
        return []
    if upper is None:
        up: list[str] = []
        for _ in range(count):
            up.append(between(up[-1] if up else lower, None, jitter=jitter))
        return up
    if lower is None:
        down: list[str] = []
        for _ in range(count):
            down.append(between(None, down[-1] if down else upper, jitter=jitter))
        return down[::-1]
    middle = between(lower, upper, jitter=jitter)
    left = count // 2
    below = several(lower, middle, left, jitter=jitter)
    return [*below, middle, *several(middle, upper, count - left - 1, jitter=jitter)]


def _jitter(chance: Chance) -> str:
    # The last digit is never 0, which would be a trailing one.
    spread = [chance(62) for _ in range(JITTER_DIGITS - 1)] + [1 + chance(61)]
    return "".join(DIGITS[value] for value in spread)


def _head_length(letter: str) -> int:
    return ord(letter) - ord("a") + 2 if letter >= "a" else ord("Z") - ord(letter) + 2


def _split(key: str) -> tuple[str, str]:
    length = _head_length(key[0])
    return key[:length], key[length:]


def _midpoint_key(lower: str | None, upper: str | None) -> str:
    if lower is None:
        return _before(upper)
    low_head, low_fraction = _split(lower)
    if upper is None:
        following = _stepped(low_head, 1)
        return following or low_head + _midpoint(low_fraction, None)
    high_head, high_fraction = _split(upper)
    if low_head == high_head:
        return low_head + _midpoint(low_fraction, high_fraction)
    following = _stepped(low_head, 1)
    return following if following and following < upper else low_head + _midpoint(low_fraction, None)


def _before(upper: str | None) -> str:
    if upper is None:
        return _FIRST
    head, fraction = _split(upper)
    if head == _LOWEST_HEAD:
        return head + _midpoint("", fraction)
    if fraction:
        return head
    preceding = _stepped(head, -1)
    if not preceding:
        raise ValueError("There is no key below this one.")
    # The lowest head alone is no key: nothing could ever go below it.
    return preceding if preceding != _LOWEST_HEAD else preceding + _midpoint("", None)


def _stepped(head: str, step: int) -> str | None:
    """The head one above (`step` 1) or one below (-1), or None past the last one."""
    letter, value = head[0], 0
    for digit in head[1:]:
        value = value * 62 + _VALUE[digit]
    size = len(head) - 1
    value += step
    if 0 <= value < 62**size:
        return letter + _digits(value, size)
    # The next letter: `Z` and `a` are neighbours, though not in ASCII.
    order = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    place = order.index(letter) + step
    if not 0 <= place < len(order):
        return None
    size = _head_length(order[place]) - 1
    return order[place] + ("0" if step > 0 else "z") * size


def _digits(value: int, size: int) -> str:
    out = ""
    for _ in range(size):
        value, digit = divmod(value, 62)
        out = DIGITS[digit] + out
    return out


def _midpoint(low: str, high: str | None) -> str:
    """The shortest fraction about half way between two; an absent upper one is 1."""
    prefix = ""
    if high is not None:
        shared = 0
        while shared < len(high) and (low[shared] if shared < len(low) else "0") == high[shared]:
            shared += 1
        prefix, low, high = high[:shared], low[shared:], high[shared:]
    while True:
        first = _VALUE[low[0]] if low else 0
        last = _VALUE[high[0]] if high else 62
        if last - first > 1:
            # Half is rounded up, as in the reference implementation, so that both give the same keys.
            return prefix + DIGITS[(first + last + 1) // 2]
        if high is not None and len(high) > 1:
            return prefix + high[0]
        prefix, low, high = prefix + DIGITS[first], low[1:], None
