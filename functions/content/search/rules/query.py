"""What somebody typed, read: there is no wrong query, what is no operator is text.

Words; `"a phrase"`; `-word`; `tag:x`, `type:x`, `author:x`.
"""

import re
from dataclasses import dataclass

from .analysis import Token, fold, parts, terms

MAX_WORDS = 8
MAX_PARTS = 32
_PIECE = re.compile(r'(?P<minus>-?)"(?P<phrase>[^"]*)"|(?P<text>\S+)')
_FIELD = re.compile(r"(?P<field>tag|type|author):(?P<value>.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """A query taken apart. `open` says whether the last word may be the beginning of another."""

    words: tuple[str, ...] = ()
    quoted: frozenset[str] = frozenset()
    phrases: tuple[tuple[str, ...], ...] = ()
    without: tuple[tuple[str, ...], ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    open: bool = True

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.tags or self.authors)


def parse(text: str) -> Asked:
    words: dict[str, None] = {}
    quoted: set[str] = set()
    found: dict[str, list[str]] = {"tag": [], "author": [], "type": []}
    phrases: list[tuple[str, ...]] = []
    without: list[tuple[str, ...]] = []
    last_is_word = False
    for piece in list(_PIECE.finditer(text))[:MAX_PARTS]:
        last_is_word = False
        phrase, plain = piece["phrase"], piece["text"] or ""
        if phrase is not None:
            said = tuple(token.term for token in parts(phrase))
            (without if piece["minus"] else phrases).append(said)
            if not piece["minus"]:
                words |= dict.fromkeys(said)
                quoted |= set(said)
        elif (named := _FIELD.fullmatch(plain)) is not None:
            found[named["field"].lower()].append(fold(named["value"].strip('"'))[:40])
        elif plain.startswith("-") and terms(plain):
            without.append(tuple(token.term for token in parts(plain)))
        else:
            said_now: list[Token] = parts(plain)
            words |= dict.fromkeys(token.term for token in said_now)
            last_is_word = bool(said_now) and said_now[-1].end == len(plain)
    return Asked(
        words=tuple(words),
        quoted=frozenset(quoted),
        phrases=tuple(said for said in phrases if len(said) > 1),
        without=tuple(said for said in without if said),
        tags=tuple(dict.fromkeys(found["tag"])),
        authors=tuple(dict.fromkeys(found["author"])),
        types=tuple(dict.fromkeys(found["type"])),
        open=last_is_word and not text[-1:].isspace(),
    )


def normalised(text: str) -> str:
    """The query by which a pin is found, however it is spelled."""
    return " ".join(terms(text))


def holds(text_terms: list[str], said: tuple[str, ...]) -> bool:
    """Whether these terms stand beside one another in a text."""
    size = len(said)
    return any(tuple(text_terms[at : at + size]) == said for at in range(len(text_terms) - size + 1))
