"""What each kind of text may contain. Whatever is not named here does not pass."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tessera.markup.problems import TooLong

Profile = Literal["article", "comment", "feed", "plain"]
Grammar = Literal["article", "comment"]
# The path or URL behind an address of ours such as `media:01J…`, or `None` if there is none.
Resolve = Callable[[str], str | None]

MAX_BYTES = 131_072
MAX_COMMENT_CHARACTERS = 10_000

_COMMENT_TAGS = frozenset("p br em strong code pre blockquote ul ol li a".split())
_ARTICLE_TAGS = _COMMENT_TAGS | frozenset(
    "h1 h2 h3 h4 h5 h6 hr img table thead tbody tr th td del s sub sup section input".split()
)
_FEED_TAGS = _ARTICLE_TAGS - {"input"} | frozenset("figure figcaption audio video source".split())

_COMMENT_ATTRIBUTES = {"a": frozenset(["href", "title"]), "ol": frozenset(["start"])}
_ARTICLE_ATTRIBUTES = {
    **_COMMENT_ATTRIBUTES,
    "a": frozenset(["href", "title", "id", "class"]),
    "img": frozenset(["src", "alt", "title", "width", "height"]),
    "code": frozenset(["class"]),
    "th": frozenset(["style", "colspan", "rowspan"]),
    "td": frozenset(["style", "colspan", "rowspan"]),
    "ul": frozenset(["class"]),
    "ol": frozenset(["start", "class"]),
    "li": frozenset(["class", "id"]),
    "section": frozenset(["class"]),
    "sup": frozenset(["class"]),
    "hr": frozenset(["class"]),
    "input": frozenset(["checked"]),
    **{f"h{level}": frozenset(["id"]) for level in range(1, 7)},
}
_FEED_ATTRIBUTES = {
    **{tag: names for tag, names in _ARTICLE_ATTRIBUTES.items() if tag != "input"},
    "audio": frozenset(["src"]),
    "video": frozenset(["src", "poster", "width", "height"]),
    "source": frozenset(["src", "type"]),
}


@dataclass(frozen=True)
class Rules:
    tags: frozenset[str]
    attributes: dict[str, frozenset[str]] = field(default_factory=dict)
    grammar: Grammar = "article"
    schemes: frozenset[str] = frozenset(["http", "https"])
    link_rel: str = "noopener"
    max_characters: int | None = None

    def check_length(self, source: str) -> None:
        """Raises `TooLong`."""
        if self.max_characters is not None and len(source) > self.max_characters:
            raise TooLong(f"{len(source):,} characters were given; {self.max_characters:,} are allowed.")
        if (size := len(source.encode(errors="replace"))) > MAX_BYTES:
            raise TooLong(f"{size:,} bytes were given; {MAX_BYTES:,} are allowed.")


PROFILES: dict[Profile, Rules] = {
    "article": Rules(_ARTICLE_TAGS, _ARTICLE_ATTRIBUTES, schemes=frozenset(["http", "https", "mailto"])),
    "comment": Rules(
        _COMMENT_TAGS,
        _COMMENT_ATTRIBUTES,
        grammar="comment",
        link_rel="noopener nofollow ugc",
        max_characters=MAX_COMMENT_CHARACTERS,
    ),
    "feed": Rules(_FEED_TAGS, _FEED_ATTRIBUTES, link_rel="noopener nofollow ugc"),
    "plain": Rules(frozenset()),
}
