"""Search tokens: the words of a title, spelled so that accents and case do not matter."""

import unicodedata
from itertools import groupby

MAX_TOKENS = 16
MAX_TOKEN_CHARACTERS = 64

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "has",
        "have",
        "he",
        "her",
        "his",
        "i",
        "in",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "our",
        "she",
        "so",
        "that",
        "the",
        "their",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "will",
        "with",
        "you",
        "your",
    ]
)


def tokens(text: str, *, at_most: int = MAX_TOKENS) -> list[str]:
    """The distinct tokens of a text in order of appearance, the first `at_most` that are no stop words.

    Only letters and digits are in a token, so `#` can follow it in a sort key.
    """
    found: dict[str, None] = {}
    for is_word, run in groupby(_plain(text), str.isalnum):
        if is_word:
            # Cut before anything else: a word of any length finds the row it was stored under.
            token = "".join(run)[:MAX_TOKEN_CHARACTERS]
            if token not in STOP_WORDS:
                found[token] = None
                if len(found) == at_most:
                    break
    return list(found)


def _plain(text: str) -> str:
    # Folding case can bring back what decomposing took apart, so both are done twice.
    return _stripped(_stripped(text).casefold())


def _stripped(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.category(c).startswith("M"))
