"""What a page says of itself, read from its markup without judging it. No script is run and nothing is fetched."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..rules import texts
from ..rules.urls import resolved

MAX_METAS, MAX_LINKS, MAX_BLOCKS, MAX_PARAGRAPHS, MAX_DEPTH = 3_000, 500, 20, 200, 100
MAX_VALUE = 4_096
# The parser looks through all open elements at each new one: without a limit, some 100 KB would take it minutes.
MAX_OPEN = 1_000
LONG_ENOUGH = 60
AFTER_HEAD_BYTES = 65_536
REFRESH_SECONDS = 5

_REFRESH = re.compile(r"\s*([0-9]{1,5})(?:\.[0-9]*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']+)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
# Elements without an end, and those that the next of their kind ends.
_FLAT = frozenset(
    """area base br col embed hr img input link meta source track wbr p li dt dd option optgroup tr td th thead tbody
    tfoot colgroup caption html head body script style title path""".split()
)
_NEEDED = ((b"<title", b":title"), (b"description",), (b"og:image", b"twitter:image", b"image_src"))
_ASIDE = frozenset(["nav", "header", "footer", "aside", "form", "noscript", "template"])
_IMAGE_PARTS = {
    "og:image:url": "url",
    "og:image:secure_url": "secure_url",
    "og:image:width": "width",
    "og:image:height": "height",
    "og:image:type": "type",
    "og:image:alt": "alt",
}


@dataclass(frozen=True)
class Link:
    rels: frozenset[str]
    href: str
    type: str = ""
    sizes: str = ""


@dataclass
class Head:
    """`metas` by lower-case name; of those given twice, the first that says something."""

    metas: dict[str, str] = field(default_factory=dict)
    # Each is an `og:image` with the parts that follow it.
    images: list[dict[str, str]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    title: str = ""
    heading: str = ""
    paragraph: str = ""
    picture: str = ""
    lang: str = ""
    base: str = ""
    refresh: str = ""

    def meta(self, *names: str) -> str | None:
        return next((self.metas[name] for name in names if name in self.metas), None)

    def linked(self, rel: str) -> str | None:
        return next((link.href for link in self.links if rel in link.rels), None)


class Told:
    """Whether what has come of a page tells all that a card needs, so that the rest need not come.

    That is so 64 KiB after its head, when title, description and picture are named there: a paragraph or a picture of
    the article would not be asked for.
    """

    def __init__(self) -> None:
        self._end, self._seen, self._tells = -1, 0, False

    def __call__(self, made: bytearray) -> bool:
        if self._end < 0:
            # The mark may have come in two parts.
            self._end = made.find(b"</head", max(0, self._seen - len(b"</head")))
            self._seen = len(made)
            head = bytes(made[: max(0, self._end)]).lower()
            self._tells = all(any(word in head for word in words) for words in _NEEDED)
        return self._tells and len(made) >= self._end + AFTER_HEAD_BYTES


def read(html: str, url: str) -> Head:
    """The head of the page at this URL, wherever in the page its parts stand."""
    # Loaded when first needed: it is no part of the answer to whoever finds a card that is kept.
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_bounded(html.replace("\x00", "")))
    head = Head()
    base = _first(tree, "base[href]", "href")
    head.base = resolved(url, base) or url
    head.lang = _first(tree, "html[lang]", "lang")
    head.title = _text(tree.css_first("head title") or tree.css_first("title"))
    head.heading = _text(tree.css_first("h1"))
    _read_metas(head, tree)
    head.links = list(_links(tree))
    head.blocks = [node.text(deep=True) for node in tree.css('script[type="application/ld+json" i]')[:MAX_BLOCKS]]
    head.paragraph = next(_paragraphs(tree), "")
    head.picture = next(_pictures(tree), "")
    return head


def _bounded(html: str) -> str:
    """The page up to where more elements are open than a page has."""
    opened = 0
    for found in _TAG.finditer(html):
        if found[2].lower() not in _FLAT:
            opened = max(0, opened - 1) if found[1] else opened + 1
            if opened > MAX_OPEN:
                return html[: found.start()]
    return html


def _read_metas(head: Head, tree: Any) -> None:
    for node in tree.css("meta[content]")[:MAX_METAS]:
        given = node.attributes
        content = (given.get("content") or "").strip()
        if not content:
            continue
        if (given.get("http-equiv") or "").strip().lower() == "refresh":
            head.refresh = head.refresh or _refresh(content)
        for attribute in ("property", "name", "itemprop"):
            for name in (given.get(attribute) or "").lower().split()[:4]:
                _keep(head, name, content[:MAX_VALUE] if len(content) > MAX_VALUE else content)


def _keep(head: Head, name: str, content: str) -> None:
    if name == "og:image" or (name == "og:image:url" and not _waits(head, "url")):
        head.images.append({"url": content})
    elif name in _IMAGE_PARTS:
        part = _IMAGE_PARTS[name]
        if not head.images or (part == "secure_url" and not _waits(head, part)):
            head.images.append({})
        head.images[-1].setdefault(part, content)
    head.metas.setdefault(name, content)


def _waits(head: Head, part: str) -> bool:
    """Whether the picture named last has no such part yet, so that this one belongs to it."""
    return bool(head.images) and part not in head.images[-1]


def _refresh(content: str) -> str:
    found = _REFRESH.match(content[:MAX_VALUE])
    return found[2].strip() if found and int(found[1]) <= REFRESH_SECONDS else ""


def _links(tree: Any) -> Iterator[Link]:
    for node in tree.css("link[rel][href]")[:MAX_LINKS]:
        given = {name: (value or "").strip() for name, value in node.attributes.items()}
        if given["href"]:
            rels = frozenset(given["rel"].lower().split())
            yield Link(rels, given["href"], given.get("type", "").lower(), given.get("sizes", "").lower())


def _paragraphs(tree: Any) -> Iterator[str]:
    """Paragraphs of some length that are not part of what frames every page of a site."""
    for node in tree.css("p")[:MAX_PARAGRAPHS]:
        text = _text(node)
        if len(text) > LONG_ENOUGH and not _is_aside(node):
            yield text


def _is_aside(node: Any) -> bool:
    for _ in range(MAX_DEPTH):
        node = node.parent
        if node is None:
            return False
        if node.tag in _ASIDE:
            return True
    return True


def _pictures(tree: Any) -> Iterator[str]:
    for node in tree.css("article img, main img, [role=main] img")[:MAX_PARAGRAPHS]:
        given = node.attributes
        source = (given.get("src") or "").strip()
        if not source or source.lower().startswith("data:"):
            # Where pictures are loaded late, this is where they stand.
            source = (given.get("data-src") or "").strip()
        small = min(texts.number(given.get("width")) or 200, texts.number(given.get("height")) or 200) < 50
        if source and not source.lower().startswith("data:") and not small:
            yield source


def _first(tree: Any, selector: str, attribute: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(attribute) or "").strip() if node is not None else ""


def _text(node: Any) -> str:
    return texts.folded(node.text(deep=True, separator=" "), 1_000) if node is not None else ""
