"""Text as terms, with the place of each in the text it came from.

Words are found as Unicode's annex 29 finds them, with these differences: what is written without spaces (Han, kana,
Thai, Lao, Khmer, Burmese) comes as pairs of neighbours instead of words from a dictionary; a `_` and a `-` divide a
word, and so does the hump of a camelCase one, the whole being a term as well; emoji are no words.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MAX_TERM = 40
STEMMED = {"en": "english", "es": "spanish"}
# Between two letters, or between two digits, these belong to the word.
_IN_WORDS = frozenset("'\u2019\u00b7\u05f4\u2027\uff07")
_IN_NUMBERS = frozenset(".,\u066c")
_DIVIDERS = frozenset("_-\u2010\u2011'\u2019\u00b7\u05f4\u2027\uff07")
_ASCII_WORDS = re.compile(r"[A-Za-z0-9]+")
_ASCII_JOINTS = re.compile(r"[A-Za-z0-9][_'.,-][A-Za-z0-9]")
# First and last of the scripts whose words have no space between them.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x20000, 0x3FFFF),
)


@dataclass(frozen=True)
class Token:
    """A term and where it stands. `joined` are the words that were written as one."""

    term: str
    start: int
    end: int
    joined: bool = False


def fold(text: str) -> str:
    """The spelling under which a text is found: compatible forms, no case, no diacritics."""
    if text.isascii():
        return text.lower()
    # Folding case can bring back what decomposing took apart, so both are done twice.
    return unicodedata.normalize("NFC", _bare(_bare(text).casefold()))


def tokens(text: str) -> Iterator[Token]:
    """The terms of a text in their order; of a divided word its parts, and then the whole."""
    for start, end in _runs(text):
        if _is_unspaced(text[start]):
            yield from _pairs(text, start, end)
        else:
            yield from _words(text, start, end)


def terms(text: str) -> list[str]:
    if _is_plain(text) and text == text.lower():
        # Most texts, or most of one: no word is divided or spelt otherwise.
        return [word[:MAX_TERM] for word in _ASCII_WORDS.findall(text)]
    return [token.term for token in tokens(text)]


def parts(text: str) -> list[Token]:
    """What somebody asks for: the parts of a divided word, not the whole as well."""
    return [token for token in tokens(text) if not token.joined]


@lru_cache(maxsize=4096)
def stem(word: str, language: str) -> str:
    """The stem of a word, or the word where nothing is known of its language."""
    name = STEMMED.get(language)
    if name is None or not word.isalpha():
        return word
    return str(_stemmer(name).stemWord(word))


@lru_cache(maxsize=4)
def _stemmer(name: str) -> Any:
    # Loaded at the first word, because most requests of a cold process are not for it.
    import snowballstemmer  # type: ignore[import-untyped]

    return snowballstemmer.stemmer(name)


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in ("Mn", "Me"))


def _is_unspaced(character: str) -> bool:
    code = ord(character)
    return code >= 0x0E00 and any(first <= code <= last for first, last in _UNSPACED)


def _is_plain(text: str) -> bool:
    """Whether each run of letters and digits is a word by itself."""
    return text.isascii() and not _ASCII_JOINTS.search(text)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Where letters and digits stand together, unspaced scripts apart from the others."""
    if _is_plain(text):
        yield from (found.span() for found in _ASCII_WORDS.finditer(text))
        return
    at, size = 0, len(text)
    while at < size:
        if not text[at].isalnum():
            at += 1
            continue
        start, unspaced = at, _is_unspaced(text[at])
        while at < size and _goes_on(text, at, unspaced=unspaced):
            at += 1
        yield start, at


def _goes_on(text: str, at: int, *, unspaced: bool) -> bool:
    character = text[at]
    if character.isalnum():
        return _is_unspaced(character) is unspaced
    if unicodedata.category(character) in ("Mn", "Mc", "Me") or character == "\u00ad":
        return True
    if unspaced:
        return False
    after = text[at + 1] if at + 1 < len(text) else " "
    if not after.isalnum() or _is_unspaced(after):
        return False
    if character in _IN_NUMBERS:
        return text[at - 1].isdigit() and after.isdigit()
    return character in _IN_WORDS or character in _DIVIDERS


def _words(text: str, start: int, end: int) -> Iterator[Token]:
    word = text[start:end]
    if word.isascii() and word.isalnum() and (word.islower() or word.isdigit()):
        # Most words by far: nothing to divide, nothing to fold.
        yield Token(word[:MAX_TERM], start, end)
        return
    places = list(_divided(text, start, end))
    for first, last in places:
        yield from _token(text, first, last)
    if len(places) > 1:
        whole = "".join(_plain(text[first:last]) for first, last in places)
        yield Token(whole[:MAX_TERM], start, end, joined=True)


def _divided(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    first = start
    for at in range(start, end):
        if text[at] in _DIVIDERS:
            if at > first:
                yield first, at
            first = at + 1
        elif at > first and text[at].isupper() and _is_hump(text, at, end):
            yield first, at
            first = at
    if first < end:
        yield first, end


def _is_hump(text: str, at: int, end: int) -> bool:
    """Whether a word begins at this capital: after a small letter, or before one in `HTTPServer`."""
    before = text[at - 1]
    return before.islower() or (before.isupper() and at + 1 < end and text[at + 1].islower())


def _token(text: str, start: int, end: int) -> Iterator[Token]:
    found = _plain(text[start:end])[:MAX_TERM]
    if found:
        yield Token(found, start, end)


def _plain(text: str) -> str:
    return fold(text).replace("\u00ad", "")


def _pairs(text: str, start: int, end: int) -> Iterator[Token]:
    # A mark belongs to the letter before it, so that no pair begins with one.
    heads = [at for at in range(start, end) if text[at].isalnum()]
    ends = [*heads[1:], end]
    if len(heads) == 1:
        yield from _token(text, start, end)
    for position in range(len(heads) - 1):
        yield from _token(text, heads[position], ends[position + 1])
