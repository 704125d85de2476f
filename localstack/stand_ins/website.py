"""A site of strangers, in the shapes that the web has pages: what `linkpreview` reads on a laptop.

`/pages/<name>` are pages; `/loop`, `/inside`, `/bomb`, `/huge` and their like are what sites do wrong.
"""

import gzip
import json
import struct
import zlib
from collections.abc import Callable

from localstack.stand_ins.wire import Answer, Asked, StandIn

PAGE_TYPE = "text/html; charset=utf-8"
WIDTH, HEIGHT = 64, 48


def _meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{content}">'


def _ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


_TEXT = "A loaf takes a day from start to crust, most of which is waiting for the dough to do what it does by itself."
PAGES: dict[str, str] = {
    "bread": "<title>Bread</title>"
    + _meta("og:title", "How a loaf is made")
    + _meta("og:description", _TEXT)
    + _meta("og:type", "article")
    + _meta("og:site_name", "The Bakery")
    + _meta("og:image", "../pictures/bread.png")
    + _meta("og:image:alt", "A loaf, cut")
    + _meta("article:published_time", "2026-05-01T08:00:00Z"),
    "twitter": '<meta name="twitter:title" content="A card of another kind">'
    '<meta name="twitter:image" content="/pictures/card.png">'
    '<meta name="twitter:description" content="Said for another reader">',
    "news": _ld(
        {"@graph": [{"@type": "Organization", "name": "The Paper"}, {"@type": "NewsArticle", "headline": "Rain"}]}
    ),
    "lamp": _ld({"@type": "Product", "name": "A lamp", "description": "It <b>shines</b> &amp; lasts"}),
    "plain": f"<title>A plain page</title><h1>Plain</h1><p>{_TEXT}</p>",
    "video": '<title>A video</title><link rel="alternate" type="application/json+oembed" href="../oembed.json">',
    "app": '<body><div id="root"></div><script src="/app.js"></script>',
    "moved": '<title>Moved</title><meta http-equiv="refresh" content="0; url=plain">',
    "inner-picture": "<title>A trap</title>" + _meta("og:image", "http://169.254.169.254/latest/meta-data/"),
    "many-tags": "<title>Many tags</title>" + _meta("x", "y") * 20_000,
    "long-title": f"<title>{'x' * 1_000_000}</title>",
    "deep-data": f'<title>Deep</title><script type="application/ld+json">{"[" * 10_000}</script>',
}
ENCODED = {
    "shift-jis": ("日本語のページ", "cp932", "Shift_JIS"),
    "windows-1251": ("Хлеб и соль", "cp1251", "windows-1251"),
}


class Website(StandIn):
    def say(self, asked: Asked) -> Answer:
        folder, _, name = asked.path.strip("/").partition("/")
        say: Callable[[str], Answer] | None = {
            "pages": self._page,
            "pictures": lambda name: Answer(200, {"content-type": "image/png"}, picture()),
            "oembed.json": self._oembed,
            "files": lambda name: Answer(200, {"content-type": "application/pdf"}, b"%PDF-1.7 nothing more"),
            "archive": lambda name: Answer(200, {"content-type": "application/zip"}, b"PK"),
            "door": lambda name: _html("<title>Sign in</title>", 403),
            "broken": lambda name: _html("<title>Out of order</title>", 503),
            "loop": lambda name: Answer(302, {"location": asked.path.rpartition("/")[2] or "loop"}),
            "inside": lambda name: Answer(302, {"location": "http://169.254.169.254/latest/meta-data/"}),
            "bomb": lambda name: _bomb(),
            "huge": lambda name: _html("<title>Huge</title>" + "x" * 5_000_000),
        }.get(folder)
        return say(name) if say is not None else _html("<title>Not here</title>", 404)

    def _page(self, name: str) -> Answer:
        if name in ENCODED:
            title, codec, label = ENCODED[name]
            return Answer(
                200, {"content-type": "text/html"}, f'<meta charset="{label}"><title>{title}</title>'.encode(codec)
            )
        found = PAGES.get(name)
        return _html(found) if found is not None else _html("<title>Not here</title>", 404)

    def _oembed(self, name: str) -> Answer:
        return Answer.json(
            {"version": "1.0", "type": "video", "title": "Salt &amp; water", "author_name": "The Bakery"}
        )


def _html(body: str, status: int = 200) -> Answer:
    return Answer(status, {"content-type": PAGE_TYPE}, body.encode())


def _bomb() -> Answer:
    return Answer(200, {"content-type": PAGE_TYPE, "content-encoding": "gzip"}, gzip.compress(bytes(50_000_000)))


def picture() -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    rows = (b"\x00" + b"\xc8\x96\x64" * WIDTH) * HEIGHT
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
