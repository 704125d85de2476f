"""What stands in HTML that has passed the gate: its text, headings, links and pictures.

The gate writes HTML in one form: names in lower case, every value in double quotes. So it is read by patterns, which
takes a tenth of the time of another parser.
"""

import html
import re
from dataclasses import dataclass, replace

_ATTRIBUTES = r'(?:\s+[a-z][a-z-]*="[^"]*")*'
_TAG = re.compile(rf"<(/?)([a-z][a-z0-9]*)({_ATTRIBUTES})\s*/?>")
_ATTRIBUTE = re.compile(r'([a-z][a-z-]*)="([^"]*)"')
_HEADING = re.compile(rf"<h([1-6])({_ATTRIBUTES})>(.*?)</h\1>", re.DOTALL)
_INLINE = frozenset("a em strong code del s sub sup".split())
_BLANK_LINES = re.compile(r"\s*\n\s*")
_SPACES = re.compile(r"[^\S\n]+")
# Where words are not set apart by spaces, each character counts as one.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+(?:['’-]\w+)*"
)


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    # What a link to it names after `#`; empty for a heading that was written as HTML.
    id: str


@dataclass(frozen=True)
class Image:
    src: str
    alt: str


@dataclass(frozen=True)
class Rendered:
    html: str
    text: str
    headings: tuple[Heading, ...]
    links: tuple[str, ...]
    images: tuple[Image, ...]
    word_count: int
    markup_version: int

    def as_plain(self, html: str) -> "Rendered":
        return replace(self, html=html, headings=(), links=(), images=())


def read(safe: str, version: int) -> Rendered:
    """Of HTML that `clean` has made, and of no other."""
    links: dict[str, None] = {}
    images: list[Image] = []

    def noted(tag: re.Match[str]) -> str:
        if tag[2] == "a":
            href = _values(tag[3]).get("href", "")
            if href and not href.startswith("#"):
                links[href] = None
        elif tag[2] == "img":
            values = _values(tag[3])
            if src := values.get("src"):
                images.append(Image(src, values.get("alt", "")))
        return _gap(tag)

    text = _words_of(_TAG.sub(noted, safe))
    headings = (
        Heading(int(level), _words_of(_TAG.sub(_gap, inner)), _values(attributes).get("id", ""))
        for level, attributes, inner in _HEADING.findall(safe)
    )
    return Rendered(
        html=safe,
        text=text,
        headings=tuple(headings),
        links=tuple(links),
        images=tuple(images),
        word_count=len(_WORD.findall(text)),
        markup_version=version,
    )


def _gap(tag: re.Match[str]) -> str:
    """What a tag leaves in the text: each block is on a line of its own."""
    return "" if tag[2] in _INLINE else "\n"


def _words_of(plain: str) -> str:
    return _BLANK_LINES.sub("\n", _SPACES.sub(" ", html.unescape(plain))).strip()


def _values(attributes: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
