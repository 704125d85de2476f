"""Reading a page and what it points at: the page in 5 seconds, then its picture and its oEmbed at once, in 2."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import TypeVar

from tessera import clock
from tessera.problems import Problem
from tessera.safehttp import Fetched, FetchFailed, TookTooLong, UpstreamStatus

from ..extract import charsets, heads, oembed, pages, sizes
from ..extract.oembed import OEmbed
from ..extract.providers import Provider, provider_of
from ..ports import Ports
from ..rules.cards import Card, Embed, Image
from ..rules.urls import resolved

DEADLINE_SECONDS, PAGE_SECONDS, PART_SECONDS = 8.0, 5.0, 2.0
PAGE_BYTES, PICTURE_BYTES = 1_048_576, 65_536
# Shown as what they are: doors in front of a page, which a card may still name.
WALLS = frozenset([401, 403, 451])

_HTML = ("text/html", "application/xhtml+xml")
_ACCEPT = "text/html,application/xhtml+xml;q=0.9,image/*;q=0.8,*/*;q=0.5"

T = TypeVar("T")


class UnsupportedContent(Problem):
    status, slug, title = 415, "unsupported-content", "Nothing of this can be shown"


class Refused(UpstreamStatus):
    """The other side's own status, which says how long the refusal is believed."""

    def __init__(self, answered: int) -> None:
        super().__init__(f"The other side answered {answered}.")
        self.answered = answered


def agent(base_url: str) -> str:
    """Who asks, and where to complain."""
    return f"Tessera-LinkPreview/1 (+{base_url or 'https://tessera.invalid'}/docs)"


def read(ports: Ports, url: str, lang: str | None) -> tuple[Card, str]:
    """The card of this page, and the header that says how long it is good for.

    1 to 4 requests to the outside. Raises a `FetchFailed` or `UnsupportedContent`.
    """
    ends = clock.monotonic() + DEADLINE_SECONDS
    page = _page(ports, url, lang, PAGE_SECONDS)
    if not page.ok and page.status not in WALLS:
        raise Refused(page.status)
    kind = page.media_type or _sniffed(page.body)
    if kind not in _HTML:
        return _file(ports, url, page, kind), page.headers.get("cache-control", "")
    head = _head(page)
    followed = _followed(ports, head, lang, min(PAGE_SECONDS, ends - clock.monotonic()))
    if followed is not None:
        page, head = followed, _head(followed)
    return _card(ports, url, page, head, ends), page.headers.get("cache-control", "")


def _page(ports: Ports, url: str, lang: str | None, seconds: float) -> Fetched:
    headers = {"accept": _ACCEPT, "user-agent": agent(ports.base_url)}
    if lang:
        headers["accept-language"] = f"{lang}, *;q=0.5"
    return ports.web.fetch(
        url,
        purpose="link-preview",
        headers=headers,
        max_bytes=PAGE_BYTES,
        total_seconds=seconds,
        truncate=True,
        enough=heads.Told(),
    )


def _head(page: Fetched) -> heads.Head:
    return heads.read(charsets.decoded(page.body, page.headers.get("content-type", "")), page.url)


def _sniffed(body: bytes) -> str:
    """What an answer is that does not say so."""
    picture = sizes.look(body)
    if picture is not None:
        return picture.mime
    if body.startswith(b"%PDF-"):
        return "application/pdf"
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return (
        "text/html" if start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--", b"<title", b"<meta")) else ""
    )


def _file(ports: Ports, url: str, page: Fetched, kind: str) -> Card:
    length = page.headers.get("content-length", "")
    size = int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else None
    if size is None and not page.truncated:
        size = len(page.body)
    card = pages.card_of_file(url, page.url, kind, size, page.headers.get("content-disposition", ""))
    if card is None or not page.ok:
        raise UnsupportedContent("Only pages, pictures, sound, video and PDF documents have a card.")
    if card.image is None:
        return card
    picture = sizes.look(page.body)
    if picture is None:
        raise UnsupportedContent("This says that it is a picture, and is none that can be shown.")
    return replace(card, image=_seen(card.image, picture))


def _followed(ports: Ports, head: heads.Head, lang: str | None, seconds: float) -> Fetched | None:
    """The page that this one leads on to by itself, once, or None."""
    where = resolved(head.base, head.refresh)
    if where is None:
        return None
    try:
        page = _page(ports, where, lang, seconds)
    except FetchFailed:
        return None
    return page if page.ok and (page.media_type or _sniffed(page.body)) in _HTML else None


def _card(ports: Ports, url: str, page: Fetched, head: heads.Head, ends: float) -> Card:
    provider = provider_of(page.url)
    where = provider.request(page.url) if provider else oembed.discovered(head)
    plain = pages.card_of(url, page.url, head, status=page.status)
    if "wall" in plain.warnings:
        return plain
    with ThreadPoolExecutor(2) as pool:
        asking = _start(pool, lambda: _oembed(ports, where, ends)) if where else None
        looking = _start(pool, lambda: _looked_at(ports, plain.image, ends))
        found, image = asking.result() if asking else None, looking.result()
    if found is None:
        return _with_image(plain, image)
    full = pages.card_of(url, page.url, head, found, status=page.status)
    if plain.image is None and full.image is not None:
        # Only the answer named a picture, so it could not be looked at before.
        image = _looked_at(ports, full.image, ends)
    return _with_image(replace(full, embed=_embed(found, provider, where)), image)


def _start(pool: ThreadPoolExecutor, work: Callable[[], T]) -> "Future[T]":
    """In a thread that knows the request it works for."""
    return pool.submit(copy_context().run, work)


def _with_image(card: Card, image: Image | None) -> Card:
    sources = card.sources if image else {name: source for name, source in card.sources.items() if name != "image"}
    return replace(card, image=image, sources=sources)


def _embed(found: OEmbed, provider: Provider | None, where: str | None) -> Embed | None:
    return oembed.embed_of(found, provider, where or "")


def _oembed(ports: Ports, where: str | None, ends: float) -> OEmbed | None:
    try:
        answer = ports.web.fetch(
            where or "",
            purpose="link-preview-oembed",
            headers={"user-agent": agent(ports.base_url)},
            max_bytes=oembed.MAX_BYTES,
            total_seconds=_part(ends),
        ).require_ok()
    except FetchFailed:
        return None
    return oembed.parsed(answer.body, answer.headers.get("content-type", ""))


def _looked_at(ports: Ports, image: Image | None, ends: float) -> Image | None:
    """The picture with its real type and size, or None where there is none: a card can do without."""
    if image is None:
        return None
    try:
        answer = ports.web.fetch(
            image.url,
            purpose="link-preview-image",
            headers={"user-agent": agent(ports.base_url)},
            accept=("image/*", "application/octet-stream"),
            max_bytes=PICTURE_BYTES,
            total_seconds=_part(ends),
            truncate=True,
        ).require_ok()
    except FetchFailed:
        return None
    picture = sizes.look(answer.body)
    return _seen(image, picture) if picture is not None else None


def _seen(image: Image, picture: sizes.Picture) -> Image:
    return replace(image, width=picture.width, height=picture.height, mime=picture.mime)


def _part(ends: float) -> float:
    left = min(PART_SECONDS, ends - clock.monotonic())
    if left <= 0:
        raise TookTooLong("The answer did not come in time.")
    return left
