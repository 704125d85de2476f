"""Pages in the shapes that the web has them, written for these tests, and what a card must say of each."""

import codecs
import json
from dataclasses import dataclass, field
from typing import Any

URL = "https://site.example/stories/one?id=7"
LONG = "A paragraph that goes on for long enough to be taken for the beginning of what the page is about, surely."


@dataclass(frozen=True)
class Page:
    """`says` are fields of the card, `image.url` and the like among them."""

    name: str
    body: bytes
    says: dict[str, Any]
    content_type: str = "text/html; charset=utf-8"
    url: str = URL
    final_url: str = ""
    status: int = 200
    sources: dict[str, str] = field(default_factory=dict)


def html(head: str, body: str = "", attributes: str = "") -> str:
    return f"<!doctype html><html{attributes}><head>{head}</head><body>{body}</body></html>"


def page(name: str, head: str, body: str = "", attributes: str = "", **says: Any) -> Page:
    options = {key: says.pop(key) for key in ("url", "final_url", "status", "sources", "content_type") if key in says}
    named = {key.replace("__", "."): value for key, value in says.items()}
    return Page(name, html(head, body, attributes).encode(), named, **options)


def meta(name: str, content: str, attribute: str = "property") -> str:
    return f'<meta {attribute}="{name}" content="{content}">'


def ld(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f'<script type="application/ld+json">{text}</script>'


def encoded(name: str, text: str, codec: str, label: str, *, content_type: str = "text/html") -> Page:
    head = f'<meta charset="{label}"><title>{text}</title>' if label else f"<title>{text}</title>"
    return Page(name, html(head).encode(codec), {"title": text}, content_type)


TITLE, OG_TITLE = "<title>From title</title>", meta("og:title", "From OpenGraph")
CYRILLIC = "Съешь же ещё этих мягких французских булок, да выпей чаю"

USUAL = [
    page(
        "everything OpenGraph has",
        OG_TITLE
        + meta("og:description", "What it is about")
        + meta("og:site_name", "The Site")
        + meta("og:type", "article")
        + meta("og:image", "https://cdn.example/a.png")
        + meta("og:url", "https://site.example/canonical")
        + meta("article:published_time", "2026-03-01T10:00:00+02:00")
        + meta("article:author", "Ada"),
        title="From OpenGraph",
        description="What it is about",
        site_name="The Site",
        kind="article",
        author="Ada",
        image__url="https://cdn.example/a.png",
        canonical_url="https://site.example/canonical",
        published_at="2026-03-01T08:00:00+00:00",
        sources={"title": "og", "description": "og", "image": "og"},
    ),
    page("OpenGraph before Twitter", meta("twitter:title", "T", "name") + OG_TITLE + TITLE, title="From OpenGraph"),
    page(
        "a Twitter card",
        meta("twitter:title", "T", "name") + meta("twitter:description", "D", "name") + TITLE,
        title="T",
        description="D",
        sources={"title": "twitter", "description": "twitter"},
    ),
    page(
        "Twitter's picture of old", meta("twitter:image:src", "/t.png", "name"), image__url="https://site.example/t.png"
    ),
    page("a player card", TITLE + meta("twitter:card", "player", "name"), kind="video"),
    page("OpenGraph in name instead of property", meta("og:title", "By name", "name"), title="By name"),
    page(
        "names in capitals",
        meta("OG:Title", "Loud") + meta("Description", "Also", "NAME"),
        title="Loud",
        description="Also",
    ),
    page(
        "the first that is not empty wins",
        meta("og:title", " ") + meta("og:title", "Second") + meta("og:title", "Third"),
        title="Second",
    ),
    page(
        "tags in the body", "", OG_TITLE + meta("og:description", "Below"), title="From OpenGraph", description="Below"
    ),
    page("a title alone", TITLE, title="From title", sources={"title": "html"}),
    page("a heading alone", "", "<h1>Only <em>this</em></h1>", title="Only this"),
    page(
        "a description in meta",
        TITLE + meta("description", "Plain", "name"),
        description="Plain",
        sources={"description": "html"},
    ),
    page("a first paragraph", TITLE, f"<nav><p>{LONG} nav</p></nav><p>short</p><p>{LONG}</p>", description=LONG),
    page("no description", TITLE, f"<footer><p>{LONG}</p></footer>", description=None),
    page(
        "entities in attributes",
        meta("og:title", "Fish &amp; Chips &#8211; &quot;best&quot;"),
        title='Fish & Chips – "best"',
    ),
    page("entities in the title", "<title>Tom &amp; Jerry &lt;3</title>", title="Tom & Jerry <3"),
    page("whitespace", "<title>\n  a \t b\r\n\u00a0 c  </title>", title="a b c"),
    page("a title too long", f"<title>{'word ' * 200}</title>", title=("word " * 200)[:299].rstrip() + "…"),
    page("text turned around", "<title>invoice\u202egpj.exe\u202c</title>", title="invoicegpj.exe"),
    page("a title in a picture", "", "<svg><title>Icon</title></svg><h1>Page</h1>", title="Icon"),
    page("language of the page", TITLE, attributes=' lang="pt_BR"', lang="pt-BR"),
    page("language of OpenGraph", TITLE + meta("og:locale", "de_DE"), lang="de-DE"),
    page("a language that is none", TITLE, attributes=' lang="<script>"', lang=None),
    page("a theme color", TITLE + meta("theme-color", "#0a7", "name"), theme_color="#0a7"),
    page("a theme color that is none", TITLE + meta("theme-color", "url(javascript:1)", "name"), theme_color=None),
    page(
        "dates without offset",
        TITLE + meta("article:published_time", "2026-01-02"),
        published_at="2026-01-02T00:00:00+00:00",
    ),
    page("dates that are none", TITLE + meta("article:published_time", "yesterday"), published_at=None),
    page("an author by address", TITLE + meta("article:author", "https://fb.example/ada"), author=None),
    page("video of OpenGraph", TITLE + meta("og:type", "video.movie"), kind="video"),
    page("music of OpenGraph", TITLE + meta("og:type", "music.song"), kind="audio"),
]
PICTURES = [
    page("a relative picture", meta("og:image", "../img/a.png"), image__url="https://site.example/img/a.png"),
    page(
        "a picture on the same scheme", meta("og:image", "//cdn.example/a.png"), image__url="https://cdn.example/a.png"
    ),
    page(
        "a base", '<base href="/assets/">' + meta("og:image", "a.png"), image__url="https://site.example/assets/a.png"
    ),
    page(
        "a base elsewhere",
        '<base href="https://cdn.example/x/">' + meta("og:image", "a.png"),
        image__url="https://cdn.example/x/a.png",
    ),
    page(
        "a base that is none",
        '<base href="javascript:1">' + meta("og:image", "a.png"),
        image__url="https://site.example/stories/a.png",
    ),
    page("a picture in data", meta("og:image", "data:image/png;base64,AAAA") + TITLE, image=None),
    page("a picture in script", meta("og:image", "javascript:alert(1)") + TITLE, image=None),
    page(
        "data first, a picture next",
        meta("og:image", "data:,x") + meta("twitter:image", "/t.png"),
        image__url="https://site.example/t.png",
    ),
    page(
        "the secure picture",
        meta("og:image", "http://a.example/i.png") + meta("og:image:secure_url", "https://a.example/i.png"),
        image__url="https://a.example/i.png",
    ),
    page(
        "the largest picture",
        meta("og:image", "/small.png")
        + meta("og:image:width", "100")
        + meta("og:image:height", "100")
        + meta("og:image", "/unknown.png")
        + meta("og:image", "/large.png")
        + meta("og:image:width", "1200")
        + meta("og:image:height", "630")
        + meta("og:image:alt", "A view"),
        image__url="https://site.example/large.png",
        image__alt="A view",
    ),
    page(
        "a picture that says nothing before a small one",
        meta("og:image", "/s.png") + meta("og:image:width", "50") + meta("og:image", "/u.png"),
        image__url="https://site.example/u.png",
    ),
    page(
        "a linked picture",
        '<link rel="image_src" href="/i.jpg">',
        image__url="https://site.example/i.jpg",
        sources={"image": "html"},
    ),
    page(
        "a picture of the article",
        TITLE,
        '<img src="/logo.png"><article><img src="/dot.gif" width="1" height="1"><img src="/in.jpg"></article>',
        image__url="https://site.example/in.jpg",
    ),
    page(
        "a picture that loads late",
        TITLE,
        '<main><img src="data:,x" data-src="/late.jpg"></main>',
        image__url="https://site.example/late.jpg",
    ),
    page("a picture with a space", meta("og:image", "/my pic.png"), image__url="https://site.example/my%20pic.png"),
    page(
        "the largest icon",
        '<link rel="icon" sizes="16x16" href="/16.png"><link rel="shortcut icon" sizes="32x32 96x96" href="/96.png">',
        favicon="https://site.example/96.png",
    ),
    page("a touch icon", '<link rel="apple-touch-icon" href="/touch.png">', favicon="https://site.example/touch.png"),
    page("no icon", TITLE, favicon="https://site.example/favicon.ico"),
]
LINKED_DATA = [
    page(
        "an article",
        ld(
            {
                "@type": "NewsArticle",
                "headline": "Head",
                "description": "Desc",
                "author": {"name": "Ada"},
                "publisher": {"name": "Pub"},
                "datePublished": "2026-05-05T00:00:00Z",
            }
        )
        + TITLE,
        title="Head",
        description="Desc",
        author="Ada",
        site_name="Pub",
        kind="article",
        published_at="2026-05-05T00:00:00+00:00",
        sources={"title": "jsonld"},
    ),
    page(
        "a graph",
        ld({"@graph": [{"@type": "Organization", "name": "Org"}, {"@type": "Article", "headline": "In the graph"}]}),
        title="In the graph",
    ),
    page(
        "several blocks",
        ld({"@type": "BreadcrumbList", "name": "Crumbs"})
        + ld({"@type": "Product", "name": "Lamp", "image": ["/lamp.png"]}),
        title="Lamp",
        kind="product",
        image__url="https://site.example/lamp.png",
    ),
    page(
        "a list at the top",
        ld([{"@type": "WebSite", "name": "Site"}, {"@type": "BlogPosting", "headline": "Post"}]),
        title="Post",
    ),
    page(
        "types in a list",
        ld({"@type": ["Thing", "https://schema.org/VideoObject"], "name": "Clip", "thumbnailUrl": "/c.jpg"}),
        title="Clip",
        kind="video",
        image__url="https://site.example/c.jpg",
    ),
    page(
        "commas that do not belong",
        ld('{"@type": "Article", "headline": "Comma", "keywords": ["a", "b", ], }'),
        title="Comma",
    ),
    page(
        "comments",
        ld('/* by hand */ {"@type": "Article", // here\n "headline": "http://not.a/comment"}'),
        title="http://not.a/comment",
    ),
    page("line ends in text", ld('{"@type": "Article", "headline": "Two\nlines"}'), title="Two lines"),
    page(
        "entities",
        ld({"@type": "Article", "headline": "Ben &amp; Jerry", "description": "<p>Bold <b>words</b></p>"}),
        title="Ben & Jerry",
        description="Bold words",
    ),
    page(
        "one broken block",
        ld('{"@type": "Article", "headline": ') + ld({"@type": "Article", "headline": "Whole"}),
        title="Whole",
    ),
    page("in CDATA", ld('//<![CDATA[\n{"@type": "Article", "headline": "Wrapped"}\n//]]>'), title="Wrapped"),
    page(
        "an author in a list",
        ld({"@type": "Article", "headline": "H", "author": [{"name": "A"}, {"name": "B"}]}),
        author="A",
    ),
    page("a person", ld({"@type": "ProfilePage", "mainEntity": {"@type": "Person", "name": "Grace"}}), kind="profile"),
    page(
        "numbers where text is meant",
        ld({"@type": "Article", "headline": 7, "image": 5, "author": [None]}) + TITLE,
        title="From title",
    ),
    page(
        "too much", ld({"@type": "Article", "headline": "H", "articleBody": "x" * 300_000}) + TITLE, title="From title"
    ),
]
ENCODINGS = [
    encoded("Shift_JIS", "日本語のページと①", "cp932", "Shift_JIS"),
    encoded("EUC-JP", "日本語のページ", "euc_jp", "euc-jp"),
    encoded("GB2312 that is GB 18030", "中文網頁㐀", "gb18030", "gb2312"),
    encoded("Big5", "繁體中文", "big5", "big5"),
    encoded("EUC-KR", "한국어 페이지", "euc_kr", "euc-kr"),
    encoded("windows-1251", CYRILLIC, "cp1251", "windows-1251"),
    encoded("KOI8-R", CYRILLIC, "koi8_r", "koi8-r"),
    encoded("ISO-8859-1 that is windows-1252", "“café” – 5 €", "cp1252", "iso-8859-1"),
    encoded("ISO-8859-2", "Zażółć gęślą jaźń", "iso8859_2", "iso-8859-2"),
    encoded("the header before the page", "été", "utf-8", "windows-1251", content_type='text/html; charset="UTF-8"'),
    encoded("a label nobody knows", "été", "utf-8", "klingon"),
    encoded("UTF-16 that cannot be", "été", "utf-8", "utf-16"),
    encoded("no word of it, UTF-8", "naïve été", "utf-8", ""),
    encoded("no word of it, Cyrillic", f"{CYRILLIC}. {CYRILLIC}", "cp1251", ""),
    Page(
        "a mark of UTF-8",
        codecs.BOM_UTF8 + html("<title>été</title>").encode(),
        {"title": "été"},
        "text/html; charset=iso-8859-1",
    ),
    Page(
        "a mark of UTF-16",
        codecs.BOM_UTF16_LE + html("<title>été</title>").encode("utf-16-le"),
        {"title": "été"},
        "text/html",
    ),
    Page(
        "a mark of UTF-16, the other way",
        codecs.BOM_UTF16_BE + html("<title>été</title>").encode("utf-16-be"),
        {"title": "été"},
        "text/html",
    ),
    Page(
        "said late",
        html(
            "<!-- charset=klingon "
            + "x" * 200
            + ' --><meta http-equiv="content-type" content="text/html; charset=windows-1251"><title>Привет</title>'
        ).encode("cp1251"),
        {"title": "Привет"},
        "text/html",
    ),
]
WALLS = [
    page(
        "an application without a word",
        "",
        '<div id="root"></div><script src="/app.js"></script>',
        title="site.example",
        warnings=("no-metadata",),
    ),
    Page("nothing at all", b"", {"title": "site.example", "warnings": ("no-metadata",)}),
    page(
        "consent elsewhere",
        "<title>Before you continue</title>",
        title="site.example",
        description=None,
        final_url="https://consent.site.example/m?continue=x",
        warnings=("wall",),
    ),
    page("a door", "<title>Sign in</title>", status=401, title="site.example", warnings=("wall",)),
    page("a closed door", "<title>Attention required</title>", status=403, title="site.example", warnings=("wall",)),
    page("not in your country", "<title>Not available</title>", status=451, title="site.example", warnings=("wall",)),
    page(
        "a sign-in page asked for",
        "<title>Sign in</title>",
        url="https://login.site.example/",
        title="Sign in",
        warnings=(),
    ),
]
HOSTILE = [
    page("20,000 tags", "".join(meta(f"x:{number}", "y") for number in range(20_000)) + TITLE, title="From title"),
    page("a title of 1 MB", f"<title>{'x' * 1_000_000}</title>", title="x" * 299 + "…"),
    page("data 10,000 deep", ld("[" * 10_000 + "]" * 10_000) + TITLE, title="From title"),
    page("data 10,000 deep that never ends", ld('{"a":' * 10_000) + TITLE, title="From title"),
    page("data of quotes", ld('"' + '\\"' * 100_000) + TITLE, title="From title"),
    page("data of comments", ld("/*" * 100_000) + TITLE, title="From title"),
    page("elements 100,000 deep", TITLE, "<div>" * 100_000, title="From title"),
    page("tables 50,000 deep", TITLE, "<table><tr><td>" * 50_000, title="From title"),
    page("paragraphs that never end", TITLE, "<p>" * 100_000, title="From title"),
    page("nothing but the start of tags", TITLE, "<" * 500_000, title="From title"),
    page(
        "characters of nothing",
        "<title>a\0b\x07c</title>" + meta("og:description", "x\0y"),
        title="abc",
        description="xy",
    ),
    page(
        "a picture at the metadata address",
        meta("og:image", "http://169.254.169.254/latest/meta-data/") + TITLE,
        image__url="http://169.254.169.254/latest/meta-data/",
    ),
    page(
        "a link with a password", '<link rel="canonical" href="https://u:p@site.example/">' + TITLE, canonical_url=None
    ),
    page("a port that is none", meta("og:image", "https://a.example:99999/x.png") + TITLE, image=None),
    page("brackets that do not close", meta("og:image", "https://[::1/x.png") + TITLE, image=None),
    page("script in a canonical link", '<link rel="canonical" href="javascript:alert(1)">' + TITLE, canonical_url=None),
    page(
        "markup in a title",
        meta("og:title", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        title="<script>alert(1)</script>",
    ),
    page("half a surrogate", ld('{"@type": "Article", "headline": "a\\ud83d b"}'), title="a b"),
    Page("not text at all", bytes(range(256)) * 400, {}, "text/html"),
    Page("a page cut in a tag", b'<title>Cut</title><meta property="og:desc', {"title": "Cut"}),
]
PAGES = [*USUAL, *PICTURES, *LINKED_DATA, *ENCODINGS, *WALLS, *HOSTILE]
