"""The part of a text that shows best why it was found, safe to show as HTML, and where in it the words stand."""

import html
from collections.abc import Iterable
from dataclasses import dataclass

from .analysis import Token, stem, tokens
from .documents import STEM

WIDTH = 160


@dataclass(frozen=True)
class Mark:
    """Where a found word stands, counted in the characters of the snippet as it is given."""

    offset: int
    length: int


@dataclass(frozen=True)
class Snippet:
    text: str
    marks: tuple[Mark, ...] = ()


def plain(text: str) -> Snippet:
    """The beginning of a text."""
    return Snippet(html.escape(_cut(text, 0, WIDTH)))


def snippet(text: str, terms: Iterable[str], lang: str) -> Snippet:
    """The window of 160 characters that holds the most different of these terms."""
    wanted = frozenset(terms)
    found = [(token, term) for token in tokens(text) if (term := _term(token, wanted, lang))]
    if not found:
        return plain(text)
    start, end = _window(text, found)
    inside: dict[tuple[int, int], None] = {}
    for token, _ in found:
        if token.start >= start and token.end <= end and not any(token.start < last for _, last in inside):
            inside[token.start, token.end] = None
    return _escaped(text, start, end, list(inside))


def _term(token: Token, wanted: frozenset[str], lang: str) -> str:
    """The term by which a token was found, if it was."""
    if token.term in wanted:
        return token.term
    root = f"{STEM}{stem(token.term, lang)}"
    return root if root in wanted else ""


def _window(text: str, found: list[tuple[Token, str]]) -> tuple[int, int]:
    """From a found word on, with some of what stands before it: where the most different terms are."""
    best, start = 0, found[0][0].start
    for first, (head, _) in enumerate(found):
        held = {term for token, term in found[first:] if token.end <= head.start + WIDTH}
        if len(held) > best:
            best, start = len(held), head.start
    # Some words before it say what it is about.
    before = text.rfind(" ", 0, max(start - WIDTH // 4, 0)) + 1 if start > WIDTH // 4 else 0
    last = max((token.end for token, _ in found if start <= token.start and token.end <= start + WIDTH), default=start)
    begin = max(before, last - WIDTH, 0) if last - before > WIDTH else before
    return begin, max(min(begin + WIDTH, len(text)), min(last, len(text)))


def _escaped(text: str, start: int, end: int, places: list[tuple[int, int]]) -> Snippet:
    shown, marks, at = "", [], start
    for first, last in sorted(places):
        shown += html.escape(text[at:first])
        word = html.escape(text[first:last])
        marks.append(Mark(len(shown), len(word)))
        shown += word
        at = last
    return Snippet(shown + html.escape(text[at:end]), tuple(marks))


def _cut(text: str, start: int, width: int) -> str:
    """So many characters, ending with a word."""
    if len(text) - start <= width:
        return text[start:]
    cut = text[start : start + width]
    return cut[: cut.rfind(" ")] if " " in cut else cut
