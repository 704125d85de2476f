"""The cache: one fetch for all who ask, what is kept for how long, and what it costs."""

import threading
from dataclasses import replace

import pytest

from functions.outside.linkpreview.actions import preview
from functions.outside.linkpreview.actions.preview import StillReading, Wish
from functions.outside.linkpreview.actions.read import UnsupportedContent
from functions.outside.linkpreview.extract import charsets, heads, pages
from functions.outside.linkpreview.rules.cards import Card
from functions.outside.linkpreview.rules.urls import key_of
from functions.outside.linkpreview.store import CardRow, Kept
from tessera import clock
from tessera.decisions import LimitExceeded
from tessera.gcra import Window
from tessera.policies import DEFAULTS, Policy
from tessera.safehttp import AddressRefused, FetchFailed, TookTooLong, UpstreamStatus
from tests.kit.capacity import CapacityMeter
from tests.kit.races import outcomes, together
from tests.kit.stand_ins import Answer

from .conftest import without_waiting
from .corpus import PAGES

PAGE = '<title>A page</title><meta name="description" content="About it">'


def ask(ports, url, **options):
    return preview.preview(ports, Wish(url, **options))


def test_the_second_who_asks_gets_what_is_kept(ports, site):
    url = site.put("/a", PAGE)

    first, second = ask(ports, url), ask(ports, url)

    assert (first.cache, second.cache) == ("miss", "hit")
    assert first.card == second.card
    assert len(site.journal) == 1


def test_fifty_who_ask_at_once_cost_the_site_one_request(ports, site):
    url = site.put("/a", PAGE)

    results = together(lambda: ask(ports, url), times=50)

    assert outcomes(results) == {"ok": 50}
    assert {result.value.card.title for result in results} == {"A page"}
    assert sum(result.value.cache == "miss" for result in results) == 1
    assert len(site.asked_for("/a")) == 1


def test_of_many_who_want_to_fetch_exactly_one_may(ports):
    results = together(lambda: ports.cards.lease("k"), times=12)

    assert sum(result.value.is_mine for result in results) == 1


def test_a_failure_is_kept_for_all_who_ask_at_once(ports, site):
    url = site.put("/a", "", status=503)

    results = together(lambda: ask(ports, url), times=8)

    assert outcomes(results) == {"upstream-status": 8}
    assert len(site.journal) == 1


def test_a_hit_costs_one_read(ports, site, served):
    url = site.put("/a", PAGE)
    ask(ports, url)

    with CapacityMeter() as meter:
        ask(ports, url)

    cost = meter.of(served.table.name)
    assert (cost.requests, cost.read_units, cost.write_units) == (1, 0.5, 0)


def test_a_miss_costs_one_read_and_two_writes(ports, site, served):
    url = site.put("/a", PAGE)

    with CapacityMeter() as meter:
        ask(ports, url)

    cost = meter.of(served.table.name)
    assert sorted(cost.operations) == ["GetItem", "PutItem", "PutItem"]
    assert cost.read_units == 0.5 and 2 <= cost.write_units <= 8


def test_an_outdated_card_is_shown_while_one_job_refreshes_it(ports, site, sent, frozen):
    url = site.put("/a", PAGE)
    ask(ports, url)
    frozen.advance(hours=25)

    results = together(lambda: ask(ports, url), times=8)
    site.put("/a", "<title>Anew</title>")
    preview.refresh(ports, url, None)

    assert {result.value.cache for result in results} == {"stale"}
    assert sent == [("refresh", {"url": url, "lang": ""})]
    assert (ask(ports, url).cache, ask(ports, url).card.title) == ("hit", "Anew")


def test_a_card_is_not_shown_after_seven_days_of_being_outdated(ports, site, sent, frozen):
    url = site.put("/a", PAGE)
    ask(ports, url)

    frozen.advance(days=8, minutes=1)

    assert ask(ports, url).cache == "miss"
    assert sent == []


def test_a_refresh_that_fails_does_not_lose_the_card(ports, site, sent, frozen):
    url = site.put("/a", PAGE)
    ask(ports, url)
    frozen.advance(hours=25)
    site.put("/a", "", status=500)

    preview.refresh(ports, url, None)

    found = ask(ports, url)
    assert (found.cache, found.card.title) == ("hit", "A page")
    frozen.advance(minutes=11)
    assert ask(ports, url).cache == "stale"


def test_a_page_that_cannot_be_read_for_long_loses_its_card_in_the_end(ports, site, sent, frozen):
    url = site.put("/a", PAGE)
    ask(ports, url)
    site.put("/a", "", status=500)
    for _ in range(8):
        frozen.advance(hours=24, minutes=1)
        preview.refresh(ports, url, None)

    with pytest.raises(UpstreamStatus):
        ask(ports, url)


def test_a_page_that_is_gone_loses_its_card(ports, site, frozen):
    url = site.put("/a", PAGE)
    ask(ports, url)
    frozen.advance(hours=25)
    site.pages.clear()

    preview.refresh(ports, url, None)

    with pytest.raises(UpstreamStatus):
        ask(ports, url)


def test_a_job_delivered_twice_fetches_once(ports, site, frozen):
    url = site.put("/a", PAGE)
    ask(ports, url)
    frozen.advance(hours=25)

    preview.refresh(ports, url, None)
    preview.refresh(ports, url, None)

    assert len(site.journal) == 2


@pytest.mark.parametrize(("status", "minutes"), [(500, 10), (429, 10), (404, 60), (410, 60)])
def test_a_failure_is_not_asked_for_again_for_a_while(ports, site, frozen, status, minutes):
    url = site.put("/a", "", status=status)
    for _ in range(2):
        with pytest.raises(UpstreamStatus):
            ask(ports, url)
    assert len(site.journal) == 1

    frozen.advance(minutes=minutes, seconds=1)
    site.put("/a", PAGE)

    assert ask(ports, url).card.title == "A page"


def test_what_a_page_says_of_its_age_holds_within_limits(ports, site, frozen):
    url = site.put("/a", PAGE, cache_control="max-age=3600")

    found = ask(ports, url)

    assert found.expires - found.fetched == 3_600_000


def test_a_wall_is_forgotten_soon_whatever_it_says(ports, site, frozen):
    url = site.put("/a", "<title>Sign in</title>", status=403, cache_control="max-age=86400")

    found = ask(ports, url)

    assert (found.card.title, found.card.warnings, found.card.status) == ("127.0.0.1", ("wall",), 403)
    assert found.expires - found.fetched == 600_000


def test_refresh_reads_a_page_anew(ports, site, frozen):
    url = site.put("/a", PAGE)
    ask(ports, url)
    frozen.advance(seconds=13)
    site.put("/a", "<title>Anew</title>")

    found = ask(ports, url, refresh=True)

    assert (found.cache, found.card.title) == ("miss", "Anew")


def test_languages_have_cards_of_their_own(ports, site):
    site.pages["/a"] = lambda asked: Answer(
        200, {"content-type": "text/html"}, f"<title>{asked.headers.get('accept-language')}</title>".encode()
    )
    url = f"{site.url}/a"

    assert ask(ports, url, lang="de").card.title == "de, *;q=0.5"
    assert ask(ports, url, lang="fr").card.title == "fr, *;q=0.5"
    assert "Tessera-LinkPreview/1 (+https://app.test" in site.journal[0].headers["user-agent"]


def test_marks_of_where_a_visitor_comes_from_make_no_other_page(ports, site):
    url = site.put("/a", PAGE)
    ask(ports, f"{url}?utm_source=x")

    assert ask(ports, f"{url}?fbclid=y").cache == "hit"


def test_whoever_waits_takes_over_from_a_holder_that_died(ports, site, frozen):
    url = site.put("/a", PAGE)
    ports.cards.lease(key_of(url, None))

    found = ask(replace(ports, pause=lambda seconds: frozen.advance(seconds=seconds)), url)

    assert found.cache == "miss"
    assert frozen.now().second != 53


def test_whoever_asked_not_to_wait_is_told_to_come_back(ports, site, monkeypatch):
    url = site.put("/a", PAGE)
    ports.cards.lease(key_of(url, None))
    monkeypatch.setattr(preview, "PATIENCE_SECONDS", 0.0)

    with pytest.raises(StillReading):
        ask(without_waiting(ports), url, patient=False)


def test_whoever_waits_does_not_wait_for_ever(ports, site, monkeypatch):
    url = site.put("/a", PAGE)
    ports.cards.lease(key_of(url, None))
    monkeypatch.setattr(preview, "DEADLINE_SECONDS", 0.0)

    with pytest.raises(TookTooLong):
        ask(without_waiting(ports), url)


def test_an_older_find_never_replaces_a_newer_one(ports):
    def found(at):
        return Kept(at, at + 1_000, Card("https://a.example/", "https://a.example/", str(at)))

    now = clock.millis() + 1_000
    results = together(*[lambda at=at: ports.cards.keep("k", found(at)) for at in range(now, now + 8)])

    assert outcomes(results) == {"ok": 8}
    assert ports.cards.get("k", consistent=True).fetched == now + 7
    assert ports.cards.keep("k", found(now)).fetched == now + 7


def test_a_lease_is_given_back_only_by_its_holder(ports, frozen):
    mine = ports.cards.lease("k")
    frozen.advance(seconds=13)
    theirs = ports.cards.lease("k")

    ports.cards.release("k", mine)
    assert not ports.cards.lease("k").is_mine

    ports.cards.release("k", theirs)
    assert ports.cards.lease("k").is_mine


def test_a_card_survives_being_kept_whole(ports, served):
    for number, page in enumerate(PAGES[:60]):
        head = heads.read(charsets.decoded(page.body, page.content_type), page.url)
        card = pages.card_of(page.url, page.url, head)
        ports.cards.keep(str(number), Kept(1, clock.millis() + 1_000_000, card))
        assert ports.cards.get(str(number)).card == card


def test_what_is_forgotten_is_read_anew_at_once(ports, site):
    url = site.put("/a", PAGE)
    ask(ports, url)

    preview.forget(ports, url, None)

    assert ask(ports, url).cache == "miss"


def test_one_person_reads_sixty_pages_a_minute_and_hits_are_free(ports, site, frozen, monkeypatch):
    url = site.put("/a", PAGE)
    wide = Policy(preview.PER_HOST, (Window(1_000, 60, 1_000),))
    monkeypatch.setitem(DEFAULTS, preview.PER_HOST, wide)
    for number in range(60):
        ask(ports, f"{url}?n={number}", payer="user:1")

    with pytest.raises(LimitExceeded):
        ask(ports, f"{url}?n=60", payer="user:1")
    assert ask(ports, f"{url}?n=5", payer="user:1").cache == "hit"
    assert ask(ports, f"{url}?n=60", payer="user:2").cache == "miss"


def test_one_site_is_asked_thirty_times_a_minute_and_nobody_waits_for_the_refused(ports, site, frozen):
    url = site.put("/a", PAGE)
    for number in range(30):
        ask(ports, f"{url}?n={number}")

    for _ in range(2):
        with pytest.raises(LimitExceeded):
            ask(ports, f"{url}?n=30")
    assert len(site.journal) == 30


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/"])
def test_an_address_that_is_never_fetched_is_refused_without_a_trace(ports, served, url):
    with CapacityMeter() as meter, pytest.raises(AddressRefused):
        ask(ports, url)

    assert meter.of(served.table.name).requests == 0


@pytest.mark.parametrize("url", ["", "example.com", "http://", "http://u:p@example.com/"])
def test_what_is_no_url_is_refused(ports, url):
    with pytest.raises(FetchFailed) as refused:
        ask(ports, url)

    assert refused.value.status == 422


def test_several_are_read_at_once_and_one_that_fails_spoils_nothing(ports, site):
    good, bad = site.put("/a", PAGE), f"{site.url}/none"
    turn = threading.Barrier(2, timeout=10)
    both = Answer(200, {"content-type": "text/html"}, PAGE.encode())

    def meet(asked):
        turn.wait()
        return both

    site.pages["/x"] = site.pages["/y"] = meet
    wishes = [Wish(good), Wish(bad), Wish(f"{site.url}/x"), Wish(f"{site.url}/y"), Wish("http://127.0.0.1:1/")]

    found = preview.previews(ports, wishes)

    assert [getattr(each, "slug", "card") for each in found] == [
        "card",
        "upstream-status",
        "card",
        "card",
        "address-refused",
    ]


def test_what_nothing_can_be_shown_of_is_kept_as_that(ports, site):
    url = site.put("/a.zip", b"PK", content_type="application/zip")

    for _ in range(2):
        with pytest.raises(UnsupportedContent):
            ask(ports, url)
    assert len(site.journal) == 1


def test_items_are_small_enough_for_a_cheap_hit(ports, site, served):
    url = site.put("/a", f'<title>{"t" * 400}</title><meta name="description" content="{"d" * 900}">')
    ask(ports, url)

    row = served.table.get(CardRow, f"LP#{key_of(url, None)}", "CARD")

    assert len(row.card) < 4_096
