"""oEmbed: where a page says that it is, what came from there, and a frame of our own making."""

import json
import re
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlsplit

from ..rules import texts
from ..rules.cards import MAX_NAME, MAX_TITLE, Embed
from ..rules.urls import resolved
from .charsets import decoded
from .heads import Head
from .providers import Provider

MAX_BYTES = 262_144
JSON, XML = "application/json+oembed", "text/xml+oembed"
_TYPES = (JSON, XML, "application/xml+oembed")
_XML_PART = re.compile(r"<([a-z_]{1,30})>\s*(<!\[CDATA\[.*?\]\]>|[^<]*)\s*</\1>", re.DOTALL)
# Nothing in a frame reaches our own pages; without scripts and its own storage no player starts.
SANDBOX = "allow-scripts allow-same-origin allow-popups allow-presentation"


@dataclass(frozen=True)
class OEmbed:
    kind: str = ""
    title: str = ""
    author: str = ""
    provider: str = ""
    thumbnail: str = ""
    url: str = ""
    html: str = ""
    width: int | None = None
    height: int | None = None


def discovered(head: Head) -> str | None:
    """The address of the page's oEmbed, JSON before XML."""
    for wanted in _TYPES:
        for link in head.links:
            if link.type == wanted and "alternate" in link.rels:
                return resolved(head.base, link.href)
    return None


def parsed(body: bytes, content_type: str) -> OEmbed | None:
    """What came, or None when it is no oEmbed. Texts are decoded once more: some write entities into JSON."""
    text = decoded(body[:MAX_BYTES], content_type).lstrip("\ufeff \r\n\t")
    values = _xml(text) if text.startswith("<") else _json(text)
    if not _word(values, "type"):
        return None
    return OEmbed(
        kind=_word(values, "type").lower(),
        title=texts.unmarked(_word(values, "title"), MAX_TITLE),
        author=texts.unmarked(_word(values, "author_name"), MAX_NAME),
        provider=texts.unmarked(_word(values, "provider_name"), MAX_NAME),
        thumbnail=_word(values, "thumbnail_url"),
        url=_word(values, "url"),
        html=_word(values, "html"),
        width=texts.number(_word(values, "width")),
        height=texts.number(_word(values, "height")),
    )


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _xml(text: str) -> dict[str, Any]:
    """The flat elements of the answer. Read without an XML parser, so that no entity of its own is ever expanded."""
    from html import unescape

    found: dict[str, Any] = {}
    if "<oembed" not in text[:2_000].lower():
        return found
    for match in _XML_PART.finditer(text):
        value = match[2]
        is_literal = value.startswith("<![CDATA[")
        found.setdefault(match[1], value[9:-3] if is_literal else unescape(value))
    return found


def _word(values: dict[str, Any], name: str) -> str:
    found = values.get(name)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def embed_of(found: OEmbed, provider: Provider | None, base: str) -> Embed | None:
    """What can be shown in place: a listed provider's frame, rewritten, or a picture. Anything else is ignored."""
    if found.kind == "photo" and provider is not None:
        src = resolved(base, found.url)
        is_safe = src is not None and src.startswith("https://")
        return Embed("photo", src or "", provider.name, None, found.width, found.height) if is_safe else None
    if found.kind not in ("video", "rich") or provider is None:
        return None
    src = _frame(found.html)
    if src is None or (urlsplit(src).hostname or "") not in provider.frames:
        return None
    width, height = found.width or 640, found.height or 360
    html = _html(src, width, height)
    return Embed("video" if found.kind == "video" else "rich", src, provider.name, html, width, height)


def _frame(html: str) -> str | None:
    """The address of the one frame in this markup; None when there is none, or more."""
    from selectolax.lexbor import LexborHTMLParser

    frames = LexborHTMLParser(html[:20_000]).css("iframe[src]")
    src = (frames[0].attributes.get("src") or "").strip() if len(frames) == 1 else ""
    src = f"https:{src}" if src.startswith("//") else src
    return resolved("https://invalid.example/", src) if src.startswith("https://") else None


def _html(src: str, width: int, height: int) -> str:
    return (
        f'<iframe src="{escape(src)}" width="{width}" height="{height}" sandbox="{SANDBOX}" loading="lazy" '
        'referrerpolicy="strict-origin-when-cross-origin" allowfullscreen></iframe>'
    )
