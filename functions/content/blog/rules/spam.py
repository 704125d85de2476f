"""How suspicious a comment is, from what can be seen of it and from what a service says, where one is asked."""

import hashlib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from .comments import State
from .posts import CommentPolicy
from .problems import CommentsClosed

WAITS_FROM, SPAM_FROM = 4, 7
FREE_LINKS = 2
# Short thanks are said by many people in the same words.
SHORTEST_COPY = 40
_LINK = re.compile(r"https?://|\[[^\]]*\]\(|<a\s", re.IGNORECASE)
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Signs:
    body: str
    is_guest: bool = False
    is_first: bool = False
    is_copy: bool = False
    trapped: bool = False
    hurried: bool = False
    suspected: bool = False


def score(signs: Signs, banned: Collection[str]) -> int:
    words = set(_WORD.findall(signs.body.casefold()))
    links = len(_LINK.findall(signs.body))
    points = 2 * max(0, links - FREE_LINKS)
    points += 3 * len(words & {word.casefold() for word in banned})
    points += 2 * signs.is_guest + signs.is_first + 4 * signs.is_copy + 4 * signs.hurried + 7 * signs.trapped
    points += SPAM_FROM * signs.suspected
    return points


def digest_of(body: str) -> str:
    """The same for the same text, however it is spaced and in whatever case."""
    folded = " ".join(unicodedata.normalize("NFKC", body).casefold().split())
    return hashlib.sha256(folded.encode()).hexdigest()[:32]


def may_be_copy(body: str) -> bool:
    return len(body) >= SHORTEST_COPY


def judged(policy: CommentPolicy, points: int, *, is_guest: bool, is_first: bool, moderates: bool) -> State:
    """Whether a comment is seen, waits, or is spam. Raises `CommentsClosed`.

    Who moderates is never kept waiting, and a guest always is.
    """
    if policy is CommentPolicy.CLOSED or (is_guest and policy is CommentPolicy.MEMBERS):
        raise CommentsClosed("Sign in to comment." if policy is CommentPolicy.MEMBERS else "")
    if moderates:
        return State.APPROVED
    if points >= SPAM_FROM:
        return State.SPAM
    waits = is_guest or points >= WAITS_FROM or policy is CommentPolicy.ALL_MODERATED
    waits |= is_first and policy is CommentPolicy.FIRST_APPROVED
    return State.PENDING if waits else State.APPROVED
