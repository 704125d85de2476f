"""Codes: what a generated one looks like, and which ones a person may choose."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from .problems import refused

# No vowels, so that no words come out by chance, and none of the characters that are taken for one another.
ALPHABET = "23456789bcdfghjkmnpqrstvwxyz"
LENGTH, LONGER, COLLISIONS = 7, 8, 3
LONGEST_ALIAS = 64

PATTERN = r"^[a-z0-9][a-z0-9_-]{2,63}$"
_ALIAS = re.compile(PATTERN)
# Names that people would take for pages of ours, and that crawlers and mail clients ask for by themselves.
RESERVED = frozenset(
    """about abuse account accounts admin administrator api app apple-app-site-association assets auth billing blog
    callback contact dashboard docs favicon ftp health help home index legal live login logout mail metrics oauth
    openapi password pay payment postmaster privacy profile ready register report robots root search security settings
    setup shortener signin signup sitemap static status support system terms test tessera user users webhook webmaster
    well-known www""".split()
)

Choose = Callable[[Sequence[str]], str]


def drawn(choose: Choose, collisions: int) -> str:
    """A code by chance; longer once the short ones have turned out to be crowded."""
    return "".join(choose(ALPHABET) for _ in range(LENGTH if collisions < COLLISIONS else LONGER))


def folded(text: str) -> str:
    """The one spelling under which a code is kept and looked up."""
    return unicodedata.normalize("NFKC", text).casefold()


def is_code(text: str) -> bool:
    return _ALIAS.fullmatch(text) is not None


def alias_of(text: str) -> str:
    """The alias that somebody asks for. Raises `InvalidRequest`."""
    found = folded(text)
    if not is_code(found):
        raise refused("/alias", "An alias has 3 to 64 of a-z, 0-9, - and _, and begins with a letter or a digit.")
    if found in RESERVED:
        raise refused("/alias", "This name is kept for the service itself.")
    return found


def alternatives(alias: str, choose: Choose, count: int) -> list[str]:
    """Other aliases near this one, which may be free."""
    stem = alias[: LONGEST_ALIAS - 5].rstrip("-_") or "link"
    return [f"{stem}-{''.join(choose(ALPHABET) for _ in range(4))}" for _ in range(count)]
