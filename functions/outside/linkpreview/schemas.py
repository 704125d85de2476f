"""Bodies in and out. Fields that a page says nothing about are null."""

from typing import Annotated, Literal

from pydantic import Field

from tessera.types import In, Instant, Out, Params, text

from .rules.cards import Kind, Source

MAX_BATCH = 10
URL = Annotated[str, text(2_048)]
Lang = Annotated[str, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$", max_length=35)]
Line = Annotated[str, Field(max_length=2_048)]
Pixels = Annotated[int, Field(ge=0)]


class PreviewIn(In):
    url: URL
    refresh: bool = False
    lang: Lang | None = None


class PreviewParams(Params):
    url: URL
    lang: Lang | None = None


class BatchIn(In):
    urls: Annotated[list[URL], Field(min_length=1, max_length=MAX_BATCH)]
    lang: Lang | None = None


class CardsIn(In):
    urls: Annotated[list[URL], Field(min_length=1, max_length=MAX_BATCH)]


class ImageParams(Params):
    u: URL
    sig: Annotated[str, Field(min_length=1, max_length=60)]


class OEmbedParams(Params):
    url: URL
    format: Annotated[str, Field(max_length=10)] = "json"
    maxwidth: Annotated[int, Field(ge=1, le=100_000)] | None = None
    maxheight: Annotated[int, Field(ge=1, le=100_000)] | None = None


class ImageOut(Out):
    url: Line
    # Where this product serves the picture itself, so that the site does not see who looks.
    proxy_url: Annotated[str, Field(max_length=8_192)]
    width: Pixels | None
    height: Pixels | None
    mime: Line | None
    alt: Line | None


class EmbedOut(Out):
    kind: Literal["video", "rich", "photo"]
    html: Annotated[str, Field(max_length=16_384)] | None
    src: Line
    width: Pixels | None
    height: Pixels | None
    provider: Line


class CardOut(Out):
    url: Line
    final_url: Line
    canonical_url: Line | None
    type: Kind
    title: Annotated[str, Field(max_length=300)]
    description: Annotated[str, Field(max_length=600)] | None
    site_name: Line | None
    lang: Line | None
    image: ImageOut | None
    favicon: Line | None
    author: Line | None
    published_at: Instant | None
    modified_at: Instant | None
    theme_color: Line | None
    embed: EmbedOut | None
    # Of a file; pages have none.
    length_bytes: Pixels | None
    sources: dict[str, Source]
    status: int
    fetched_at: Instant
    expires_at: Instant
    warnings: Annotated[list[Line], Field(max_length=10)]


class ProblemOut(Out):
    type: Line
    title: Line
    status: int
    detail: Line | None


class ResultOut(Out):
    """Either a card or a problem."""

    url: Line
    cache: Literal["hit", "stale", "miss"] | None
    card: CardOut | None
    problem: ProblemOut | None


class BatchOut(Out):
    items: Annotated[list[ResultOut], Field(max_length=MAX_BATCH)]


class OEmbedOut(Out):
    version: Literal["1.0"]
    type: Literal["link"]
    title: Line
    provider_name: Line
    provider_url: Line
    cache_age: int
