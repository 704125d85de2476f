"""What a preview says. Every text is plain: no markup, no entities, no control characters."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["article", "video", "image", "audio", "product", "profile", "website", "document"]
Source = Literal["og", "twitter", "jsonld", "oembed", "html"]
MAX_TITLE, MAX_DESCRIPTION, MAX_NAME = 300, 600, 120


@dataclass(frozen=True)
class Image:
    """`width`, `height` and `mime` are those of the file, when it was looked at."""

    url: str
    width: int | None = None
    height: int | None = None
    mime: str | None = None
    alt: str | None = None


@dataclass(frozen=True)
class Embed:
    """`html` is one frame in a sandbox, which we have written ourselves."""

    kind: Literal["video", "rich", "photo"]
    src: str
    provider: str
    html: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Card:
    """`sources` says which part of the page each field was taken from."""

    url: str
    final_url: str
    title: str
    kind: Kind = "website"
    canonical_url: str | None = None
    description: str | None = None
    site_name: str | None = None
    lang: str | None = None
    image: Image | None = None
    favicon: str | None = None
    author: str | None = None
    published_at: datetime | None = None
    modified_at: datetime | None = None
    theme_color: str | None = None
    embed: Embed | None = None
    length_bytes: int | None = None
    sources: dict[str, Source] = field(default_factory=dict)
    status: int = 200
    warnings: tuple[str, ...] = ()
