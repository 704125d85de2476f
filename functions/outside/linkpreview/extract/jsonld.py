"""JSON-LD as pages have it: several blocks, graphs, lists of types, comments and commas that do not belong."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

MAX_BYTES = 262_144
MAX_NODES = 500

# Each alternative takes what is not closed to the end, so that nothing is looked at twice.
_NOISE = re.compile(r'"(?:\\.|[^"\\])*+(?:"|\Z)|//[^\n]*|/\*.*?(?:\*/|\Z)|<!--|-->|<!\[CDATA\[|\]\]>', re.DOTALL)
_COMMA = re.compile(r'"(?:\\.|[^"\\])*+(?:"|\Z)|,(?=\s*[}\]])', re.DOTALL)

ARTICLES = frozenset(
    """article newsarticle blogposting reportagenewsarticle technicalarticle techarticle scholarlyarticle
    liveblogposting opinionnewsarticle analysisnewsarticle socialmediaposting discussionforumposting""".split()
)
KINDS = {
    **dict.fromkeys(ARTICLES, "article"),
    **dict.fromkeys(["product", "productgroup"], "product"),
    **dict.fromkeys(["videoobject", "movie", "tvepisode", "clip"], "video"),
    **dict.fromkeys(["audioobject", "musicrecording", "musicalbum", "podcastepisode"], "audio"),
    **dict.fromkeys(["person", "profilepage"], "profile"),
}
_PAGES = frozenset(["webpage", "recipe", "event", "book", "softwareapplication", "course", "jobposting", "website"])


class Thing(dict[str, Any]):
    """One node of the graph."""

    @property
    def types(self) -> tuple[str, ...]:
        named = self.get("@type")
        listed = named if isinstance(named, list) else [named]
        return tuple(name.rpartition("/")[2].lower() for name in listed[:10] if isinstance(name, str))

    @property
    def kind(self) -> str | None:
        return next((KINDS[name] for name in self.types if name in KINDS), None)

    def text(self, *names: str) -> str | None:
        """The first of these properties that is text."""
        for name in names:
            for value in _each(self.get(name)):
                if isinstance(value, str) and value.strip():
                    return value
        return None

    def name_of(self, name: str) -> str | None:
        """The name of who or what a property points at."""
        for value in _each(self.get(name)):
            found = value.get("name") if isinstance(value, dict) else value
            if isinstance(found, str) and found.strip():
                return found
        return None

    def image(self) -> str | None:
        for name in ("image", "thumbnailUrl", "primaryImageOfPage"):
            for value in _each(self.get(name)):
                found = (value.get("url") or value.get("contentUrl")) if isinstance(value, dict) else value
                if isinstance(found, str) and found.strip():
                    return found
        return None


def best(blocks: Iterable[str]) -> Thing:
    """The node that is about the page: what says most of its kind comes first. Empty when there is none."""
    things = [thing for block in blocks for thing in _things(_parsed(block))][:MAX_NODES]
    by_kind = [thing for thing in things if thing.kind and thing.kind != "profile"]
    pages = [thing for thing in things if not _PAGES.isdisjoint(thing.types)]
    profiles = [thing for thing in things if thing.kind == "profile"]
    return next(iter([*by_kind, *pages, *profiles]), Thing())


def _parsed(block: str) -> Any:
    if len(block) > MAX_BYTES:
        return None
    for text in (block, _tidied(block)):
        try:
            return json.loads(text, strict=False)
        except ValueError:
            continue
        except RecursionError:
            return None
    return None


def _tidied(block: str) -> str:
    without = _NOISE.sub(lambda found: found[0] if found[0].startswith('"') else "", block)
    return _COMMA.sub(lambda found: found[0] if found[0].startswith('"') else "", without)


def _things(parsed: Any) -> Iterator[Thing]:
    """Every node of a graph, the outer ones first. What lies deeper than a graph in a graph is not about the page."""
    level = list(_each(parsed))
    for _ in range(4):
        inner: list[Any] = []
        for node in level[:MAX_NODES]:
            if isinstance(node, list):
                inner += node[:MAX_NODES]
            elif isinstance(node, dict):
                yield Thing(node)
                for name in ("@graph", "mainEntity", "mainEntityOfPage"):
                    inner += _each(node.get(name))
        level = inner


def _each(value: Any) -> list[Any]:
    return value[:MAX_NODES] if isinstance(value, list) else [value]
