"""Markdown to HTML, as CommonMark has it, within a time. What comes out is not safe yet."""

import re
import time
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from tessera.markup.problems import TooComplex
from tessera.markup.profiles import Grammar

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

MAX_NESTING = 20
MAX_ID_CHARACTERS = 60
_NO_WORD = re.compile(r"[^\w]+|_+")
_EXTENSIONS = ("table", "strikethrough")


class Deadline:
    """When a parser must have ended. Some texts cost a parser the square of their length.

    The parser looks at it wherever it takes up a line or a character, so it ends in time by itself: no process has to
    be started and killed for it.
    """

    KEY = "deadline"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._at:
            raise TooComplex(f"This text could not be read within {self.seconds:g} seconds.")


def to_html(source: str, grammar: Grammar, deadline: Deadline) -> str:
    """Raises `TooComplex`."""
    html: str = _parser(grammar).render(source, {Deadline.KEY: deadline})
    return html


@cache
def _parser(grammar: Grammar) -> "MarkdownIt":
    # Imported where it is used: it takes 60 ms, and a function that only reads needs none of it.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    if grammar == "article":
        from mdit_py_plugins.footnote import footnote_plugin
        from mdit_py_plugins.tasklists import tasklists_plugin

        parser.enable(_EXTENSIONS).use(footnote_plugin).use(tasklists_plugin)
    parser.block.ruler.before(parser.block.ruler.get_all_rules()[0], "deadline", _block_in_time)
    parser.inline.ruler.before("text", "deadline", _inline_in_time)
    parser.core.ruler.push("heading_ids", _give_headings_ids)
    return parser


def _block_in_time(state: "StateBlock", first: int, last: int, silent: bool) -> bool:
    _check(state.env)
    return False


def _inline_in_time(state: "StateInline", silent: bool) -> bool:
    _check(state.env)
    return False


def _check(env: Any) -> None:
    env[Deadline.KEY].check()


def _give_headings_ids(state: "StateCore") -> None:
    given: set[str] = set()
    for token, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if token.type == "heading_open":
            name = _unused(heading_id(_text_of(inline.children or ())), given)
            given.add(name)
            token.attrSet("id", name)


def _text_of(tokens: "Iterable[Token]") -> str:
    return "".join(token.content if token.type in ("text", "code_inline") else " " for token in tokens)


def heading_id(text: str) -> str:
    """The id of a heading: letters and digits of any script after `h-`, so that it names nothing of the page's own."""
    words = _NO_WORD.sub("-", unicodedata.normalize("NFKC", text).lower()).strip("-")
    return f"h-{words[:MAX_ID_CHARACTERS].strip('-') or 'section'}"


def _unused(name: str, given: set[str]) -> str:
    if name not in given:
        return name
    number = 2
    while f"{name}-{number}" in given:
        number += 1
    return f"{name}-{number}"
