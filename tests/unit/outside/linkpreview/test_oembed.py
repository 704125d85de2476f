"""oEmbed: found, read, and reduced to a frame of our own."""

import json

import pytest

from functions.outside.linkpreview.extract import heads, oembed, pages
from functions.outside.linkpreview.extract.providers import PROVIDERS, provider_of

URL = "https://site.example/a"
VIDEO = "https://www.youtube.com/watch?v=abc"
FRAME = '<iframe width="200" src="https://www.youtube.com/embed/abc?x=1&y=2" onload="steal()"></iframe>'


def answer(**values):
    return json.dumps({"version": "1.0", "type": "video", **values}).encode()


def read(body, content_type="application/json"):
    return oembed.parsed(body, content_type)


def embed(html, url=VIDEO, **values):
    found = read(answer(html=html, **values))
    return oembed.embed_of(found, provider_of(url), url)


@pytest.mark.parametrize("kind", ["application/json+oembed", "text/xml+oembed", "application/xml+oembed"])
def test_the_address_is_found_in_the_page(kind):
    head = heads.read(f'<link rel="alternate" type="{kind}" href="/oembed?url=x">', URL)

    assert oembed.discovered(head) == "https://site.example/oembed?url=x"


def test_json_is_preferred_and_a_feed_is_no_oembed():
    head = heads.read(
        '<link rel="alternate" type="application/rss+xml" href="/feed">'
        '<link rel="alternate" type="text/xml+oembed" href="/xml">'
        '<link rel="alternate" type="application/json+oembed" href="/json">',
        URL,
    )

    assert oembed.discovered(head) == "https://site.example/json"


def test_entities_in_json_are_decoded_once_more():
    found = read(answer(title="Fish &#8211; &amp; Chips", author_name="O&#039;Hara"))

    assert (found.title, found.author) == ("Fish – & Chips", "O'Hara")


def test_xml_is_read():
    body = b"""<?xml version="1.0" encoding="utf-8"?><oembed><type>rich</type><title>A &amp;amp; B</title>
    <html><![CDATA[<iframe src="https://x.example/"></iframe>]]></html><width>640</width></oembed>"""

    found = read(body, "text/xml")

    assert (found.kind, found.title, found.width) == ("rich", "A & B", 640)
    assert found.html == '<iframe src="https://x.example/"></iframe>'


def test_entities_that_xml_declares_are_not_expanded():
    body = b'<!DOCTYPE o [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><oembed><type>link</type><title>&b;</title></oembed>'

    assert read(body, "text/xml").title == "&b;"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"<html></html>", b"[" * 100_000, b'{"type": ["a"]}', b"\xff\xfe"]
)
def test_what_is_no_oembed_is_none(body):
    assert read(body) is None


def test_the_frame_of_a_listed_provider_is_written_anew_in_a_sandbox():
    made = embed(FRAME, width=640, height=360)

    assert (made.kind, made.provider, made.src) == ("video", "YouTube", "https://www.youtube.com/embed/abc?x=1&y=2")
    assert made.html.startswith(
        '<iframe src="https://www.youtube.com/embed/abc?x=1&amp;y=2" width="640" height="360" sandbox='
    )
    assert "onload" not in made.html
    assert "allow-top-navigation" not in made.html


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<script>alert(1)</script>",
        '<iframe src="https://evil.example/"></iframe>',
        '<iframe src="http://www.youtube.com/embed/abc"></iframe>',
        '<iframe src="javascript:alert(1)"></iframe>',
        '<iframe src="https://www.youtube.com@evil.example/"></iframe>',
        '<iframe src="https://www.youtube.com.evil.example/"></iframe>',
        '<iframe srcdoc="<script>1</script>"></iframe>',
        FRAME + FRAME,
    ],
)
def test_a_frame_that_is_not_the_providers_own_is_ignored(html):
    assert embed(html) is None


def test_the_frame_of_whoever_is_not_listed_is_ignored():
    assert embed(FRAME, url="https://blog.example/post") is None


def test_a_frame_cannot_leave_its_attribute():
    made = embed("<iframe src='https://www.youtube.com/embed/\"><script>alert(1)</script>'></iframe>")

    assert made is None or "<script>" not in made.html


def test_a_photo_is_shown_as_a_picture():
    found = read(answer(type="photo", url="https://live.staticflickr.com/1.jpg", width=800, height=600))

    made = oembed.embed_of(found, provider_of("https://www.flickr.com/photos/a/1"), URL)

    assert (made.kind, made.src, made.html, made.width) == ("photo", "https://live.staticflickr.com/1.jpg", None, 800)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (VIDEO, "YouTube"),
        ("https://youtu.be/abc", "YouTube"),
        ("https://www.youtube.com/about", None),
        ("https://vimeo.com/1", "Vimeo"),
        ("https://acme.wistia.com/medias/x", "Wistia"),
        ("https://evilwistia.com/medias/x", None),
        ("https://x.com/a/status/1", "X"),
        ("https://example.com/", None),
    ],
)
def test_a_provider_is_known_by_host_and_path(url, name):
    found = provider_of(url)

    assert (found.name if found else None) == name


def test_every_provider_is_asked_over_https_and_about_forty_are_known():
    assert 38 <= len(PROVIDERS) <= 50
    assert all(provider.endpoint.startswith("https://") and provider.frames for provider in PROVIDERS)
    assert (
        provider_of(VIDEO).request(VIDEO).endswith("?url=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3Dabc&format=json")
    )


def test_a_title_of_oembed_stands_before_that_of_the_page():
    head = heads.read("<title>Page - Site</title>", URL)

    card = pages.card_of(URL, URL, head, read(answer(title="The video", thumbnail_url="/t.jpg")))

    assert (card.title, card.sources["title"], card.kind) == ("The video", "oembed", "video")
    assert card.image.url == "https://site.example/t.jpg"
