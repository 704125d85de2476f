"""HTTP: statuses, headers, and who is refused."""

import json
import os
import subprocess
import sys

import pytest

from functions.outside.linkpreview.actions import images, preview
from functions.outside.linkpreview.app import app, handler
from tessera import ids
from tests.kit.apps import Caller, invocation
from tests.kit.stand_ins import Answer

from .conftest import BASE, PNG

PAGE = '<title>A page</title><meta property="og:image" content="/i.png">'


@pytest.fixture
def page(site):
    site.put("/i.png", PNG, content_type="image/png")
    return site.put("/a", PAGE)


def staff(served):
    user_id = ids.new()
    token = served.signer.token(sub=user_id, sid=f"family-{user_id}", roles=["admin"], acr="aal2")
    return Caller(served.client, token, user_id)


def test_a_card_is_read_then_kept(alice, page):
    first = alice.post("/linkpreview", json={"url": page})
    second = alice.get("/linkpreview", params={"url": page})

    assert (first.status_code, first.headers["x-cache"], first.headers["age"]) == (200, "miss", "0")
    assert (second.status_code, second.headers["x-cache"]) == (200, "hit")
    assert first.json() == second.json()
    card = first.json()
    assert (card["title"], card["type"], card["status"], card["warnings"]) == ("A page", "website", 200, [])
    assert (card["description"], card["embed"], card["author"]) == (None, None, None)
    assert card["sources"] == {"title": "html", "image": "og"}


def test_a_picture_of_a_card_is_served_by_us(alice, served, page):
    image = alice.post("/linkpreview", json={"url": page}).json()["image"]

    answer = served.client.get(image["proxy_url"].removeprefix(BASE))

    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "max-age" in answer.headers["cache-control"]


def proxied(served, ports, url, sig=None):
    found = images.address_of(ports, url).removeprefix(BASE)
    return served.client.get(found if sig is None else f"/linkpreview/image?u={url}&sig={sig}")


@pytest.mark.parametrize("sig", ["x", "AAAA", "é", "A" * 44, "="])
def test_a_picture_that_no_card_named_is_not_served(served, ports, site, sig):
    answer = proxied(served, ports, site.put("/i", PNG), sig)

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/signature-refused")
    assert site.journal == []


def test_a_signature_is_good_for_its_own_picture_alone(served, ports, site):
    address = images.address_of(ports, f"{site.url}/one").removeprefix(BASE)

    assert served.client.get(address.replace("%2Fone", "%2Ftwo")).status_code == 403


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "image/svg+xml", 415),
        (b"<html><script>1</script>", "image/png", 415),
        (b"<html>", "text/html", 415),
        (PNG + bytes(images.MAX_BYTES), "image/png", 413),
    ],
    ids=["svg", "html as png", "html", "too large"],
)
def test_what_is_no_picture_is_not_served(served, ports, site, body, content_type, status):
    assert proxied(served, ports, site.put("/i", body, content_type=content_type)).status_code == status


@pytest.mark.parametrize("url", ["http://169.254.169.254/x.png", "http://[::1]/x.png", "http://10.1.2.3/x.png"])
def test_the_proxy_reaches_nothing_inside_even_with_a_signature(served, ports, url):
    answer = proxied(served, ports, url)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/address-refused")


def test_the_proxy_follows_no_redirect_inside(served, ports, site):
    site.pages["/i"] = Answer(302, {"location": "http://169.254.169.254/"})

    assert proxied(served, ports, f"{site.url}/i").status_code == 422


@pytest.mark.parametrize(
    ("url", "status", "slug"),
    [
        ("nonsense", 422, "scheme-refused"),
        ("ftp://example.com/", 422, "scheme-refused"),
        ("http://169.254.169.254/latest/meta-data/", 422, "address-refused"),
        ("http://[::ffff:127.0.0.1]/", 422, "address-refused"),
        ("http://0x7f000001/", 422, "url-invalid"),
        ("http://localhost/", 422, "address-refused"),
        ("https://kms.eu-central-1.amazonaws.com/", 422, "address-refused"),
        (f"{BASE}/docs", 422, "address-refused"),
        ("http://u:p@example.com/", 422, "url-invalid"),
        ("https://example.com:22/", 422, "address-refused"),
        ("a\x00b", 422, "invalid-request"),
        ("", 422, "invalid-request"),
        ("https://example.com/" + "a" * 2_048, 422, "invalid-request"),
        ("https://[::1", 422, "url-invalid"),
    ],
)
def test_a_url_that_is_not_fetched_is_told_why(alice, url, status, slug):
    answer = alice.post("/linkpreview", json={"url": url})

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert "169.254" not in answer.json().get("detail", "")


@pytest.mark.parametrize(
    ("status", "content_type", "expected", "slug"),
    [(404, "text/html", 502, "upstream-status"), (200, "application/zip", 415, "unsupported-content")],
)
def test_what_was_in_the_way_is_told_and_kept(alice, site, status, content_type, expected, slug):
    url = site.put("/x", PAGE, status=status, content_type=content_type)

    answers = [alice.post("/linkpreview", json={"url": url}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [expected, expected]
    assert [answer.headers["x-cache"] for answer in answers] == ["miss", "hit"]
    assert answers[1].json()["type"] == f"/problems/{slug}"
    assert len(site.journal) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 5},
        {"url": None},
        {"url": "https://a.example/", "extra": 1},
        {"url": "https://a.example/", "refresh": "yes"},
        {"url": "https://a.example/", "lang": "not a language"},
        [],
        "text",
    ],
    ids=repr,
)
def test_a_body_that_is_wrong_is_refused(alice, body):
    assert alice.post("/linkpreview", json=body).status_code == 422


def test_a_body_of_more_than_a_megabyte_is_refused(alice):
    assert alice.post("/linkpreview", json={"url": "a" * 1_100_000}).status_code == 413


def test_several_links_are_read_at_once(alice, page):
    body = {"urls": [page, "http://10.0.0.1/", page]}

    answer = alice.post("/linkpreview/batch", json=body)

    items = answer.json()["items"]
    assert [item["url"] for item in items] == body["urls"]
    assert items[0]["card"]["title"] == items[2]["card"]["title"] == "A page"
    assert (items[1]["card"], items[1]["problem"]["status"]) == (None, 422)


@pytest.mark.parametrize("urls", [[], ["https://a.example/"] * 11, "https://a.example/", [5]])
def test_a_batch_has_one_to_ten_links(alice, urls):
    assert alice.post("/linkpreview/batch", json={"urls": urls}).status_code == 422


def test_whoever_would_rather_come_back_is_told_when(alice, ports, page, monkeypatch):
    ports.cards.lease(preview.checked_key(ports, page, None))
    monkeypatch.setattr(preview, "PATIENCE_SECONDS", 0.0)

    answer = alice.post("/linkpreview", json={"url": page}, headers={"prefer": "wait=3, respond-async"})

    assert (answer.status_code, answer.headers["retry-after"]) == (202, "2")


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/?utm_source=x"])
def test_our_own_pages_are_described(served, path):
    answer = served.client.get("/linkpreview/oembed", params={"url": f"{BASE}{path}", "format": "json"})

    assert answer.status_code == 200
    assert (answer.json()["version"], answer.json()["type"], answer.json()["provider_name"]) == (
        "1.0",
        "link",
        "Tessera",
    )


@pytest.mark.parametrize(
    ("url", "wanted", "status"),
    [
        (f"{BASE}/none", "json", 404),
        ("https://other.example/docs", "json", 404),
        ("http://app.test/docs", "json", 404),
        ("https://[::1", "json", 404),
        (f"{BASE}/docs", "xml", 501),
    ],
)
def test_what_is_not_ours_or_not_offered_is_not_described(served, url, wanted, status):
    assert served.client.get("/linkpreview/oembed", params={"url": url, "format": wanted}).status_code == status


def test_a_card_is_forgotten_by_those_who_may(served, alice, page, site):
    alice.post("/linkpreview", json={"url": page})

    refused = alice.delete("/linkpreview/cache", params={"url": page})
    done = staff(served).delete("/linkpreview/cache", params={"url": page})

    assert (refused.status_code, done.status_code) == (403, 204)
    assert alice.post("/linkpreview", json={"url": page}).headers["x-cache"] == "miss"


def test_nobody_gets_in_without_a_token(served):
    assert served.client.get("/linkpreview?url=https://a.example/").status_code == 401
    assert served.client.post("/linkpreview/batch", json={"urls": ["https://a.example/"]}).status_code == 401


def test_only_capabilities_that_show_cards_ask_for_them(alice, page):
    body = {"urls": [page]}
    path = "/linkpreview/internal/cards"

    assert alice.post(path, json=body).status_code == 404
    assert handler(invocation(path, body, caller="relay"), None)["statusCode"] == 403
    answer = handler(invocation(path, body, caller="chat"), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["items"][0]["card"]["title"] == "A page"


def test_a_job_refreshes_a_card(served, alice, page, site, frozen):
    alice.post("/linkpreview", json={"url": page})
    frozen.advance(hours=25)
    site.put("/a", "<title>Anew</title>")
    body = json.dumps({"kind": "refresh", "data": {"url": page, "lang": ""}, "trace": ""})
    record = {"eventSource": "aws:sqs", "messageId": "1", "body": body, "attributes": {}}

    assert handler({"Records": [record]}, None) == {"batchItemFailures": []}

    # The token of before has run out.
    assert served.person().get("/linkpreview", params={"url": page}).json()["title"] == "Anew"


def test_no_parser_is_loaded_before_a_page_is_read():
    code = (
        "import sys; import functions.outside.linkpreview.app; "
        "print({'selectolax', 'webencodings', 'charset_normalizer'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    assert found.stdout.strip() == "set()"
    assert app.title == "linkpreview"
