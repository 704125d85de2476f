"""Feeds: RSS 2.0, Atom 1.0 (RFC 4287), JSON Feed 1.1, and sitemaps. Whatever is in a post, they stay well-formed."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

FORMS = {"xml": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
PATHS = {"xml": "feed.xml", "atom": "atom.xml", "json": "feed.json"}
MAX_ITEMS, MAX_BYTES = 30, 300_000
SITEMAP_PART, SITEMAP_POSTS = 1_000, 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# What XML 1.0 cannot hold in any spelling.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Item:
    """A post as feeds show it. Times are in milliseconds; `url` is absolute."""

    id: str
    url: str
    title: str
    html: str
    author: str
    published_at: int
    updated_at: int
    summary: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """`home` is where people read it, `base` where its documents lie; `id` stays whatever they are called."""

    id: str
    title: str
    home: str
    base: str
    description: str
    updated_at: int

    def url(self, form: str) -> str:
        return f"{self.base}/{PATHS[form]}"


def urn(ulid: str) -> str:
    """The same for a post for ever, wherever it moves: its ULID in the form of a UUID."""
    number = 0
    for character in ulid:
        number = number << 5 | _ALPHABET.index(character)
    return f"urn:uuid:{UUID(int=number)}"


def fitting(items: Sequence[Item]) -> list[Item]:
    """The newest items that one document holds."""
    kept: list[Item] = []
    size = 0
    for item in items[:MAX_ITEMS]:
        size += 2 * len(item.title.encode()) + len(item.html.encode()) + 1_000
        if size > MAX_BYTES and kept:
            break
        kept.append(item)
    return kept


def document(form: str, channel: Channel, items: Sequence[Item]) -> str:
    made = {"xml": rss, "atom": atom, "json": json_feed}[form]
    return made(channel, fitting(items))


def rss(channel: Channel, items: Sequence[Item]) -> str:
    lines = [
        f'{_HEAD}<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">',
        "<channel>",
        _tag("title", channel.title),
        _tag("link", channel.home),
        _tag("description", channel.description),
        f'<atom:link href={_attribute(channel.url("xml"))} rel="self" type="{FORMS["xml"]}"/>',
        _tag("lastBuildDate", _mail_date(channel.updated_at)),
    ]
    for item in items:
        lines += [
            "<item>",
            _tag("title", item.title),
            _tag("link", item.url),
            f'<guid isPermaLink="false">{urn(item.id)}</guid>',
            _tag("pubDate", _mail_date(item.published_at)),
            _tag("dc:creator", item.author),
            *(_tag("category", tag) for tag in item.tags),
            _tag("description", item.summary or item.title),
            _tag("content:encoded", item.html),
            "</item>",
        ]
    return "\n".join([*lines, "</channel>", "</rss>", ""])


def atom(channel: Channel, items: Sequence[Item]) -> str:
    lines = [
        f'{_HEAD}<feed xmlns="http://www.w3.org/2005/Atom">',
        _tag("id", channel.id),
        _tag("title", channel.title),
        _tag("subtitle", channel.description),
        _tag("updated", _instant(channel.updated_at)),
        f'<link href={_attribute(channel.url("atom"))} rel="self" type="{FORMS["atom"]}"/>',
        f'<link href={_attribute(channel.home)} rel="alternate"/>',
    ]
    for item in items:
        lines += [
            "<entry>",
            _tag("id", urn(item.id)),
            _tag("title", item.title),
            _tag("published", _instant(item.published_at)),
            _tag("updated", _instant(max(item.updated_at, item.published_at))),
            f"<author>{_tag('name', item.author)}</author>",
            f'<link href={_attribute(item.url)} rel="alternate"/>',
            *(f"<category term={_attribute(tag)}/>" for tag in item.tags),
            *([_tag("summary", item.summary)] if item.summary else ()),
            f'<content type="html">{_text(item.html)}</content>',
            "</entry>",
        ]
    return "\n".join([*lines, "</feed>", ""])


def json_feed(channel: Channel, items: Sequence[Item]) -> str:
    shown = [
        {
            "id": urn(item.id),
            "url": item.url,
            "title": item.title,
            "content_html": item.html,
            "date_published": _instant(item.published_at),
            "date_modified": _instant(max(item.updated_at, item.published_at)),
            "authors": [{"name": item.author}],
            "tags": list(item.tags),
            **({"summary": item.summary} if item.summary else {}),
        }
        for item in items
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "home_page_url": channel.home,
        "feed_url": channel.url("json"),
        "description": channel.description,
        "items": shown,
    }
    return json.dumps(feed, ensure_ascii=False)


def sitemap(places: Sequence[tuple[str, int]]) -> str:
    """Addresses and when each was changed last."""
    lines = [f"<url>{_tag('loc', url)}{_tag('lastmod', _instant(updated))}</url>" for url, updated in places]
    head = f'{_HEAD}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([head, *lines, "</urlset>", ""])


def sitemap_index(urls: Sequence[str]) -> str:
    lines = [f"<sitemap>{_tag('loc', url)}</sitemap>" for url in urls]
    head = f'{_HEAD}<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([head, *lines, "</sitemapindex>", ""])


def quoted(name: str) -> str:
    """A name as one segment of an address."""
    return quote(name, safe="")


def http_date(millis: int) -> str:
    return format_datetime(_at(millis), usegmt=True)


def _tag(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    return escape(_UNSPEAKABLE.sub("", text))


def _attribute(text: str) -> str:
    return quoteattr(_UNSPEAKABLE.sub("", text))


def _mail_date(millis: int) -> str:
    return format_datetime(_at(millis))


def _instant(millis: int) -> str:
    return _at(millis).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis // 1000 * 1000)
