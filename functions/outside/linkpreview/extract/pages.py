"""From what a page says to its card: which part is believed first, field by field."""

import re
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import unquote, urlsplit

from ..rules import texts
from ..rules.cards import MAX_DESCRIPTION, MAX_NAME, MAX_TITLE, Card, Image, Kind, Source
from ..rules.urls import host_of, resolved
from .heads import Head
from .jsonld import Thing, best
from .oembed import OEmbed

SMALLEST_SIDE = 200
_OG_KINDS = {"article": "article", "video": "video", "music": "audio", "profile": "profile", "product": "product"}
_ICON_SIDE = re.compile(r"([0-9]{1,4})x[0-9]{1,4}")
# Pages at which visitors are held up before the page they want.
_WALL_HOSTS = ("consent.", "accounts.google.com", "login.", "signin.", "guce.", "auth.", "sso.")
_WALL_STATUSES = frozenset([401, 403, 451])


@dataclass
class _Picked:
    """Fields with what each was taken from."""

    sources: dict[str, Source] = field(default_factory=dict)

    def text(self, name: str, limit: int, *offered: tuple[Source, str | None]) -> str | None:
        for source, text in offered:
            made = (texts.unmarked if source in ("jsonld", "oembed") else texts.folded)(text or "", limit)
            if made:
                self.sources[name] = source
                return made
        return None


def card_of(url: str, final_url: str, head: Head, found: OEmbed | None = None, *, status: int = 200) -> Card:
    """The card of a page. `found` is its oEmbed, when there is one. Its picture has not been looked at."""
    thing, picked, oembed = best(head.blocks), _Picked(), found or OEmbed()
    meta = head.meta
    title = picked.text(
        "title",
        MAX_TITLE,
        ("og", meta("og:title")),
        ("twitter", meta("twitter:title")),
        ("jsonld", thing.text("headline", "name")),
        ("oembed", oembed.title),
        ("html", head.title),
        ("html", head.heading),
    )
    description = picked.text(
        "description",
        MAX_DESCRIPTION,
        ("og", meta("og:description")),
        ("twitter", meta("twitter:description")),
        ("html", meta("description")),
        ("jsonld", thing.text("description")),
        ("html", head.paragraph),
    )
    site = picked.text(
        "site_name",
        MAX_NAME,
        ("og", meta("og:site_name")),
        ("jsonld", thing.name_of("publisher")),
        ("oembed", oembed.provider),
        ("html", meta("application-name")),
    )
    author = picked.text(
        "author",
        MAX_NAME,
        ("og", _unless_url(meta("article:author"))),
        ("jsonld", thing.name_of("author")),
        ("html", _unless_url(meta("author"))),
        ("twitter", meta("twitter:creator")),
        ("oembed", oembed.author),
    )
    image = _image(head, thing, oembed, picked)
    warnings = _warnings(url, final_url, status, is_bare=picked.sources.keys() <= {"site_name"})
    is_wall = "wall" in warnings
    return Card(
        url=url,
        final_url=final_url,
        title=host_of(url) if is_wall or title is None else title,
        kind=_kind(head, thing, oembed),
        canonical_url=resolved(head.base, head.linked("canonical") or meta("og:url")),
        description=None if is_wall else description,
        site_name=site,
        lang=texts.language(head.lang) or texts.language(meta("og:locale")),
        image=None if is_wall else image,
        favicon=favicon_of(head, final_url),
        author=author,
        published_at=texts.instant(meta("article:published_time") or thing.text("datePublished", "uploadDate")),
        modified_at=texts.instant(meta("article:modified_time", "og:updated_time") or thing.text("dateModified")),
        theme_color=texts.color(meta("theme-color")),
        sources={} if is_wall else picked.sources,
        status=status,
        warnings=warnings,
    )


def _unless_url(text: str | None) -> str | None:
    return None if (text or "").startswith(("http://", "https://")) else text


def _kind(head: Head, thing: Thing, oembed: OEmbed) -> Kind:
    said = (head.meta("og:type") or "").strip().lower().partition(".")[0].rpartition(":")[2]
    if said in _OG_KINDS:
        return cast(Kind, _OG_KINDS[said])
    if thing.kind:
        return cast(Kind, thing.kind)
    if oembed.kind == "video" or (head.meta("twitter:card") or "").strip().lower() == "player":
        return "video"
    return "image" if oembed.kind == "photo" else "website"


def _image(head: Head, thing: Thing, oembed: OEmbed, picked: _Picked) -> Image | None:
    offered: list[tuple[Source, Image | None]] = [("og", made) for made in _og_images(head)]
    alt = head.meta("twitter:image:alt")
    offered += [
        ("twitter", _linked(head, head.meta("twitter:image", "twitter:image:src"), alt)),
        ("jsonld", _linked(head, thing.image())),
        ("oembed", _linked(head, oembed.thumbnail)),
        ("html", _linked(head, head.linked("image_src"))),
        ("html", _linked(head, head.picture)),
    ]
    for source, image in offered:
        if image is not None:
            picked.sources["image"] = source
            return image
    return None


def _og_images(head: Head) -> list[Image]:
    """The largest first of those that say so; then those that say nothing, then the small ones."""
    made = []
    for given in head.images[:50]:
        image = _linked(head, given.get("secure_url"), given.get("alt")) or _linked(
            head, given.get("url"), given.get("alt")
        )
        if image is not None:
            width, height = texts.number(given.get("width")), texts.number(given.get("height"))
            made.append(replace(image, width=width, height=height))
    return sorted(made, key=_worth, reverse=True)


def _worth(image: Image) -> tuple[int, int]:
    sides = [side for side in (image.width, image.height) if side is not None]
    if not sides:
        return 1, 0
    area = (image.width or image.height or 0) * (image.height or image.width or 0)
    return (2, area) if min(sides) >= SMALLEST_SIDE else (0, area)


def _linked(head: Head, link: str | None, alt: str | None = None) -> Image | None:
    url = resolved(head.base, link)
    return Image(url, alt=texts.folded(alt or "", MAX_TITLE) or None) if url else None


def favicon_of(head: Head, final_url: str) -> str | None:
    """The largest icon the page names, else where browsers look for one."""
    icons = []
    for link in head.links:
        url = resolved(head.base, link.href) if "icon" in link.rels or "apple-touch-icon" in link.rels else None
        if url:
            sides = [int(side) for side in _ICON_SIDE.findall(link.sizes)]
            # A touch icon is one of 180 pixels unless it says otherwise.
            usual = 180 if "apple-touch-icon" in link.rels else 16
            icons.append(("icon" in link.rels, max(sides, default=usual), url))
    return max(icons, key=lambda icon: icon[:2])[2] if icons else resolved(final_url, "/favicon.ico")


def _warnings(url: str, final_url: str, status: int, *, is_bare: bool) -> tuple[str, ...]:
    moved = host_of(final_url) != host_of(url) and host_of(final_url).startswith(_WALL_HOSTS)
    found = []
    if moved or status in _WALL_STATUSES:
        found.append("wall")
    if is_bare:
        found.append("no-metadata")
    return tuple(found)


def card_of_file(url: str, final_url: str, media_type: str, length: int | None, disposition: str) -> Card | None:
    """The card of what is no page, or None when nothing of it can be shown."""
    family = media_type.partition("/")[0]
    kind = {"image": "image", "audio": "audio", "video": "video"}.get(family)
    if kind is None and media_type != "application/pdf":
        return None
    title = texts.folded(filename_of(final_url, disposition), MAX_TITLE) or host_of(final_url)
    image = Image(final_url, mime=media_type) if kind == "image" else None
    return Card(
        url=url,
        final_url=final_url,
        title=title,
        kind=cast(Kind, kind or "document"),
        image=image,
        favicon=resolved(final_url, "/favicon.ico"),
        length_bytes=length,
    )


_FILENAME = re.compile(r"filename\*?\s*=\s*(?:UTF-8'[a-z-]*')?\"?([^\";]+)", re.IGNORECASE)


def filename_of(url: str, disposition: str) -> str:
    """The name of a file, as RFC 6266 or its URL has it, without any folder."""
    said = _FILENAME.search(disposition)
    name = unquote(said[1] if said else urlsplit(url).path)
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]
