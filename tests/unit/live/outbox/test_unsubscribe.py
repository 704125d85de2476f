"""Links of bulk mails, good without signing in, that end bulk mail for one address and nothing else (RFC 8058)."""

import pytest

from functions.live.outbox.addresses import digest
from functions.live.outbox.rules import Suppression
from functions.live.outbox.store import suppression_of
from tessera import clock
from tests.kit.races import together

ANN = "ann@example.com"
BULK = {"to": [ANN], "subject": "News", "text": "Hello.", "category": "bulk"}


def link_of(letter):
    return letter.headers["List-Unsubscribe"].strip("<>").removeprefix("https://tessera.test")


@pytest.fixture
def link(admin, worker, provider):
    assert admin("POST", "/outbox/emails", json=BULK).status_code == 202
    worker.work()
    return link_of(provider.letters[0])


def held(store, category):
    return store.suppressions.held([ANN], category, clock.now())


def test_a_bulk_mail_carries_a_link_of_one_click(link, provider):
    letter = provider.letters[0]

    assert letter.headers["List-Unsubscribe"].startswith("<https://tessera.test/outbox/unsubscribe?token=")
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert ANN not in letter.headers["List-Unsubscribe"]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in letter.mime()


def test_a_transactional_mail_carries_none(admin, worker, provider):
    admin("POST", "/outbox/emails", json={**BULK, "category": "transactional"})
    worker.work()

    assert "List-Unsubscribe" not in provider.letters[0].headers


def test_a_link_of_their_own_stays_and_may_go_to_many(admin, worker, provider):
    own = {"list-unsubscribe": "<https://example.com/out>"}
    admin("POST", "/outbox/emails", json={**BULK, "to": [ANN, "bob@example.com"], "headers": own})
    worker.work()

    assert provider.letters[0].headers == own


def test_a_bulk_mail_to_many_without_a_link_of_their_own_is_refused(admin):
    assert admin("POST", "/outbox/emails", json={**BULK, "cc": ["bob@example.com"]}).status_code == 422
    assert admin("POST", "/outbox/emails", json={**BULK, "cc": [ANN]}).status_code == 202


def test_one_click_ends_bulk_and_not_what_people_ask_for(client, store, link):
    assert client.post(link, content="List-Unsubscribe=One-Click").status_code == 200
    assert client.post(link).status_code == 200

    assert (held(store, "bulk"), held(store, "transactional")) == ({ANN}, frozenset())
    (shown,), _ = store.suppressions.page(10, None)
    assert (shown["address"], shown["reason"], shown["bulk_only"], shown["until"]) == (ANN, "unsubscribed", True, None)


def test_looking_at_the_page_ends_nothing(client, store, link):
    page = client.get(link)

    assert page.status_code == 200 and '<form method="post"' in page.text
    assert held(store, "bulk") == frozenset()


def test_what_says_more_stays(client, store, link):
    store.suppressions.put(ANN, Suppression(reason="bounce"))

    client.post(link)

    assert suppression_of(store.suppressions.get(digest(ANN))).reason == "bounce"


def test_a_link_works_after_the_mail_is_gone_and_names_nobody(client, store, link):
    store.listing.forget(ANN, at_most=10)

    assert client.post(link).status_code == 200

    assert held(store, "bulk") == {ANN}
    assert store.suppressions.get(digest(ANN)).address is None


def test_clicks_at_once_all_succeed(client, store, link):
    results = together(lambda: client.post(link).status_code, times=8)

    assert {result.value for result in results} == {200}
    assert held(store, "bulk") == {ANN}


@pytest.mark.parametrize("change", [lambda t: t[:-4], lambda t: "a" + t, lambda t: "x.y", lambda t: "é", lambda t: "."])
def test_a_link_that_is_not_ours_is_unknown(client, store, link, change):
    path, _, token = link.partition("=")

    for method in ("GET", "POST"):
        assert client.request(method, path, params={"token": change(token)}).status_code == 404
    assert held(store, "bulk") == frozenset()
