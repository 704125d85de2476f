"""`linkpreview` through the front door, over the site that it stands in for."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from tessera import ids


@pytest.fixture
def site(base_url):
    """The site, with a mark by which each test has pages of its own."""
    found = f"{base_url}/stand-ins/website"
    if httpx.get(f"{found}/pages/plain").status_code != 200:
        pytest.skip("This stack has no stand-in of a site: only a local one has.")
    mark = ids.new()
    return lambda path: f"{found}/{path}?mark={mark}"


def card(user, url, **options):
    answer = user.post("/linkpreview", json={"url": url, **options})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("pages/bread", {"title": "How a loaf is made", "type": "article", "site_name": "The Bakery"}),
        ("pages/twitter", {"title": "A card of another kind", "description": "Said for another reader"}),
        ("pages/news", {"title": "Rain", "type": "article"}),
        ("pages/lamp", {"title": "A lamp", "type": "product", "description": "It shines & lasts"}),
        ("pages/plain", {"title": "A plain page", "warnings": []}),
        ("pages/video", {"title": "Salt & water", "author": "The Bakery", "embed": None}),
        ("pages/app", {"warnings": ["no-metadata"]}),
        ("pages/moved", {"title": "A plain page"}),
        ("pages/shift-jis", {"title": "日本語のページ"}),
        ("pages/windows-1251", {"title": "Хлеб и соль"}),
        ("pages/many-tags", {"title": "Many tags"}),
        ("pages/long-title", {"title": "x" * 299 + "…"}),
        ("pages/deep-data", {"title": "Deep"}),
        ("pages/inner-picture", {"title": "A trap", "image": None}),
        ("files/report.pdf", {"title": "report.pdf", "type": "document"}),
        ("pictures/a.png", {"type": "image"}),
        ("door", {"warnings": ["wall"], "status": 403}),
        ("huge", {"title": "Huge"}),
    ],
)
def test_a_page_has_the_card_it_should_have(user, site, path, says):
    found = card(user, site(path)).json()

    assert {name: found[name] for name in says} == says


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("pages/none", 502, "upstream-status"),
        ("broken", 502, "upstream-status"),
        ("loop", 502, "too-many-redirects"),
        ("inside", 422, "address-refused"),
        ("archive", 415, "unsupported-content"),
    ],
)
def test_what_a_site_does_wrong_is_told(user, site, path, status, slug):
    answer = user.post("/linkpreview", json={"url": site(path)})

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[::1]/", "http://10.0.0.1/", "http://localhost/"])
def test_nothing_inside_is_read(user, url):
    assert user.post("/linkpreview", json={"url": url}).json()["type"] == "/problems/address-refused"


def test_a_bomb_ends(user, site):
    assert user.post("/linkpreview", json={"url": site("bomb")}).status_code in (200, 502)


def test_many_who_ask_at_once_cost_the_site_one_request(user, site):
    url = site("pages/plain")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: card(user, url), range(6)))

    assert sorted(answer.headers["x-cache"] for answer in answers).count("miss") == 1
    assert len({answer.json()["fetched_at"] for answer in answers}) == 1


def test_a_card_is_kept(user, site):
    url = site("pages/plain")

    assert [card(user, url).headers["x-cache"] for _ in range(2)] == ["miss", "hit"]


def test_a_picture_is_served_by_us(user, anonymous, site):
    image = card(user, site("pages/bread")).json()["image"]
    parts = urlsplit(image["proxy_url"])

    answer = anonymous.get(f"{parts.path}?{parts.query}")

    assert (image["width"], image["height"], image["mime"]) == (64, 48, "image/png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")
    assert anonymous.get(f"{parts.path}?{parts.query}x").status_code == 403


def test_several_are_read_at_once(user, site):
    urls = [site("pages/plain"), site("broken"), site("pages/bread")]

    items = user.post("/linkpreview/batch", json={"urls": urls}).json()["items"]

    assert [item["card"] is not None for item in items] == [True, False, True]


def test_our_own_pages_are_described(anonymous, base_url):
    answer = anonymous.get("/linkpreview/oembed", params={"url": f"{base_url}/docs"})

    assert (answer.status_code, answer.json()["type"]) == (200, "link")


def test_only_staff_forget_a_card(user, site):
    assert user.delete("/linkpreview/cache", params={"url": site("pages/plain")}).status_code == 403


def test_cards_for_services_are_not_for_the_outside(user, site):
    assert user.post("/linkpreview/internal/cards", json={"urls": [site("pages/plain")]}).status_code == 404
