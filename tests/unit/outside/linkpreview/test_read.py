"""Reading a page: what it points at, and everything that a site of strangers does wrong."""

import gzip
import json
import tracemalloc
from dataclasses import replace

import pytest

from functions.outside.linkpreview.actions import read as reading
from functions.outside.linkpreview.actions.read import UnsupportedContent, read
from functions.outside.linkpreview.extract import heads
from functions.outside.linkpreview.extract.providers import Provider
from tessera.safehttp import (
    AddressRefused,
    FetchFailed,
    Gate,
    Pace,
    SafeHTTP,
    TookTooLong,
    TooManyRedirects,
    UpstreamStatus,
    dial,
)
from tests.kit.stand_ins import Answer, Fault

from .conftest import PNG

PAGE = "<title>A page</title>"


def card(ports, url, lang=None):
    return read(ports, url, lang)[0]


def with_image(link):
    return f'{PAGE}<meta property="og:image" content="{link}">'


def test_a_picture_is_looked_at_for_its_type_and_size(ports, site):
    site.put("/i", PNG, content_type="image/jpeg")
    url = site.put("/a", with_image("/i") + '<meta property="og:image:width" content="9">')

    image = card(ports, url).image

    assert (image.url, image.mime, image.width, image.height) == (f"{site.url}/i", "image/png", 640, 480)


@pytest.mark.parametrize(
    ("body", "status", "content_type"),
    [
        (PNG, 404, "image/png"),
        (b"<html>", 200, "text/html"),
        (b"not one", 200, "image/png"),
        (b"<svg xmlns='x'/>", 200, "image/svg+xml"),
        (b"", 200, "image/png"),
    ],
)
def test_a_picture_that_is_none_is_dropped_and_the_card_is_not(ports, site, body, status, content_type):
    site.put("/i", body, status=status, content_type=content_type)

    found = card(ports, site.put("/a", with_image("/i")))

    assert (found.title, found.image) == ("A page", None)
    assert "image" not in found.sources


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.0.0.1:1/",
        "http://2130706433/",
        "http://metadata.internal/",
    ],
)
def test_a_picture_at_an_inner_address_is_dropped_without_a_request(site, ports, link):
    reached = []

    def reach(*where):
        reached.append(where)
        return dial.reach(*where)

    web = SafeHTTP(Gate(opened=frozenset([site.url.removeprefix("http://")])), reach=reach)

    found = card(replace(ports, web=web), site.put("/a", with_image(link)))

    assert found.image is None
    assert len(reached) == len(site.journal) == 1


def test_a_picture_that_redirects_inside_is_dropped(ports, site):
    site.pages["/i"] = Answer(302, {"location": "http://169.254.169.254/"})

    assert card(ports, site.put("/a", with_image("/i"))).image is None


@pytest.mark.parametrize("where", ["http://169.254.169.254/", "http://[::ffff:169.254.169.254]/", "http://10.0.0.1/"])
def test_a_page_that_redirects_inside_is_refused(ports, site, where):
    site.pages["/a"] = Answer(302, {"location": where})

    with pytest.raises(AddressRefused):
        card(ports, f"{site.url}/a")


def test_redirects_are_followed_and_the_card_says_where_to(ports, site):
    site.pages["/a"] = Answer(301, {"location": "/b"})
    site.put("/b", with_image("i.png"))

    found = card(ports, f"{site.url}/a")

    assert (found.url, found.final_url) == (f"{site.url}/a", f"{site.url}/b")


def test_a_circle_of_redirects_ends(ports, site):
    site.pages["/a"] = Answer(302, {"location": "/a"})

    with pytest.raises(TooManyRedirects):
        card(ports, f"{site.url}/a")


def test_a_refresh_is_followed_once(ports, site):
    site.put("/b", '<title>B</title><meta http-equiv="refresh" content="0;url=/c">')
    url = site.put("/a", '<title>A</title><meta http-equiv="refresh" content="0;url=/b">')

    assert card(ports, url).title == "B"
    assert site.asked_for("/c") == []


@pytest.mark.parametrize("where", ["http://169.254.169.254/", "/none", "javascript:alert(1)"])
def test_a_refresh_that_leads_nowhere_is_ignored(ports, site, where):
    url = site.put("/a", f'<title>A</title><meta http-equiv="refresh" content="0;url={where}">')

    assert card(ports, url).title == "A"


def test_oembed_of_the_page_gives_its_title_but_no_frame(ports, site):
    body = {"type": "video", "title": "Tom &amp; Jerry", "html": '<iframe src="https://www.youtube.com/embed/x">'}
    site.put("/o", json.dumps(body), content_type="application/json")
    link = '<link rel="alternate" type="application/json+oembed" href="/o">'

    found = card(ports, site.put("/a", f"{PAGE}{link}"))

    assert (found.title, found.kind, found.embed) == ("Tom & Jerry", "video", None)


def test_a_listed_provider_is_asked_and_its_frame_shown(ports, site, monkeypatch):
    body = {"type": "video", "title": "T", "html": '<iframe src="https://p.example/x"></iframe>', "thumbnail_url": "/i"}
    site.put("/o", json.dumps(body), content_type="application/json")
    site.put("/i", PNG, content_type="image/png")
    provider = Provider("P", f"{site.url}/o", (), frozenset(["p.example"]))
    monkeypatch.setattr(reading, "provider_of", lambda url: provider)
    url = site.put("/a", PAGE)

    found = card(ports, url)

    assert found.embed.src == "https://p.example/x"
    assert site.asked_for("/o")[0].query == {"url": url, "format": "json"}
    assert (found.image.width, found.sources["image"]) == (640, "oembed")


@pytest.mark.parametrize("href", ["http://169.254.169.254/o", "/none", "/garbage"])
def test_oembed_that_fails_is_done_without(ports, site, href):
    site.put("/garbage", "<html>", content_type="application/json")
    url = site.put("/a", f'{PAGE}<link rel="alternate" type="application/json+oembed" href="{href}">')

    assert card(ports, url).title == "A page"


@pytest.mark.parametrize("status", [400, 404, 410, 418, 500, 503])
def test_a_refusal_of_the_site_is_told(ports, site, status):
    with pytest.raises(UpstreamStatus):
        card(ports, site.put("/a", PAGE, status=status))


@pytest.mark.parametrize("fault", [Fault.hang_up(), Fault.cut_short()], ids=["hangs up", "cut short"])
def test_a_connection_that_breaks_is_told(ports, site, fault):
    url = site.put("/a", PAGE)
    site.next(fault)

    with pytest.raises(FetchFailed):
        card(ports, url)


def test_silence_ends(ports, site, monkeypatch):
    monkeypatch.setattr(reading, "PAGE_SECONDS", 0.2)
    url = site.put("/a", PAGE)
    site.next(Fault.silence())

    with pytest.raises(TookTooLong):
        card(ports, url)


def test_a_page_that_drips_ends(site, ports):
    opened = frozenset([site.url.removeprefix("http://")])
    web = SafeHTTP(Gate(opened=opened), pace=Pace(0.2, 0.0, 10**9))

    with pytest.raises(TookTooLong):
        card(replace(ports, web=web), site.put("/a", PAGE + "x" * 200_000))


def test_of_a_page_of_100_mb_one_is_read(ports, site):
    found = card(ports, site.put("/a", PAGE + "x" * 5_000_000))

    assert found.title == "A page"


def test_a_page_whose_head_says_all_is_not_read_to_its_end(ports, site):
    head = f'<head>{with_image("/i")}<meta name="description" content="About it"></head>'
    told, silent = heads.Told(), heads.Told()

    assert not told(bytearray(head.encode()))
    assert told(bytearray(head.encode() + bytes(70_000)))
    assert not silent(bytearray(b"<head><title>A</title></head>" + bytes(70_000)))
    assert card(ports, site.put("/a", head + "x" * 5_000_000)).description == "About it"


def test_the_end_of_a_head_is_seen_when_it_comes_in_two_parts():
    page = b'<title>A</title><meta name="description"><link rel="image_src"></head>'
    told = heads.Told()

    told(bytearray(page[:-4]))

    assert told(bytearray(page + bytes(70_000)))


def test_of_a_bomb_no_more_is_unpacked_than_of_any_page(ports, site):
    url = site.put("/a", gzip.compress(PAGE.encode() + bytes(200_000_000)), content_encoding="gzip")
    tracemalloc.start()

    found = card(ports, url)

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.title == "A page"
    assert most < 64_000_000


def test_a_packed_page_is_read(ports, site):
    assert card(ports, site.put("/a", gzip.compress(PAGE.encode()), content_encoding="gzip")).title == "A page"


def test_html_that_says_it_is_something_else_is_not_read(ports, site):
    with pytest.raises(UnsupportedContent):
        card(ports, site.put("/a", PAGE, content_type="text/plain"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [(PAGE, "website"), ("<!DOCTYPE html>" + PAGE, "website"), (PNG, "image"), (b"%PDF-1.7", "document")],
)
def test_what_does_not_say_what_it_is_is_looked_at(ports, site, body, kind):
    assert card(ports, site.put("/a", body, content_type="")).kind == kind


@pytest.mark.parametrize("body", ["", "just words", b"\x00\x01\x02"])
def test_what_does_not_say_what_it_is_and_is_nothing_known_is_told(ports, site, body):
    with pytest.raises(UnsupportedContent):
        card(ports, site.put("/a", body, content_type=""))


def test_a_picture_has_a_card_of_its_own(ports, site):
    found = card(ports, site.put("/view.png", PNG, content_type="image/png"))

    assert (found.kind, found.title, found.image.width, found.length_bytes) == ("image", "view.png", 640, len(PNG))


def test_a_picture_that_is_none_has_no_card(ports, site):
    with pytest.raises(UnsupportedContent):
        card(ports, site.put("/view.svg", "<svg/>", content_type="image/svg+xml"))


def test_nothing_is_sent_that_tells_of_us(ports, site):
    card(ports, site.put("/a", PAGE), "de")

    headers = site.journal[0].headers
    assert {"cookie", "authorization", "referer"}.isdisjoint(headers)
    assert headers["accept-language"] == "de, *;q=0.5"
