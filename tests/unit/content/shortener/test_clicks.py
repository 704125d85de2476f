"""Counting clicks: exactly, by whom, and without a place that is written too often."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from functions.content.shortener.rules import distinct
from functions.content.shortener.rules.clicks import MAX_AT_ONCE, added
from functions.content.shortener.store.clicks import ClickStore
from functions.content.shortener.store.rows import ClickRow, CountRow, counts_pk
from tessera import aws, clock, ids
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import failing, meanwhile
from tests.kit.races import together
from tests.kit.stores import everything_in

from .conftest import BOT, PHONE, slug

pytestmark = pytest.mark.long

LINKS = "/shortener/links"


def told(link, number=0, **fields):
    """A click as the redirect tells it."""
    data = {
        "id": ids.new(),
        "at": clock.rfc3339(clock.now()),
        "subject": link["id"],
        "domain": "-",
        "code": link["code"],
        "is_bot": False,
        "shards": 1,
        "visitor": f"visitor-{number}",
        "facets": {"country": ["DE", "FR", "US"][number % 3], "device": "mobile"},
        **fields,
    }
    return json.dumps({"kind": "click", "data": data, "trace": ""})


def stats(owner, link, **asked):
    answer = owner.get(f"{LINKS}/{link['id']}/stats", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_click_exactly_once(world, ann):
    """Ten thousand clicks on one code, every message delivered twice and in another order: ten thousand."""
    link = world.link(ann)
    bodies = [told(link, number) for number in range(10_000)]

    assert world.give(bodies) == []
    assert world.give(bodies[3_000:] + bodies[:3_000]) == []

    found = stats(ann, link, by="country")
    assert (found["clicks"], found["bots"]) == (10_000, 0)
    assert {one["value"]: one["clicks"] for one in found["breakdown"]} == {"DE": 3_334, "FR": 3_333, "US": 3_333}
    assert found["uniques"] == pytest.approx(10_000, rel=0.1)
    assert ann.get(f"{LINKS}/{link['id']}").json()["clicks"] == 10_000
    raw = [item for item in everything_in(world.table) if item["pk"]["S"].startswith("CL#")]
    assert len(raw) == 10_000
    # Sixteen places for the clicks themselves, none of which has much more than its share.
    shares = Counter(item["pk"]["S"] for item in raw)
    assert len(shares) == 16 and max(shares.values()) < 800


def test_a_thousand_redirects_a_second_write_no_counter_ten_times_a_second(world, ann):
    """Once a link is known to be followed by many, its counters stand in sixteen places."""
    link, seconds, written = world.link(ann), 5, Counter()

    def note(service, operation, parameters):
        steps = [next(iter(step.values())) for step in parameters.get("TransactItems", ())]
        keys = [step.get("Key") or step["Item"] for step in steps]
        written.update(key["sk"]["S"] for key in keys if key["pk"]["S"] == counts_pk(link["id"]))

    with aws.intercepted(note):
        assert world.give([told(link, number, shards=16) for number in range(1_000 * seconds)]) == []

    assert stats(ann, link)["clicks"] == 1_000 * seconds
    # Which of them is left to chance.
    assert len({sk for sk in written if sk.startswith("T#")}) > 8
    assert max(written.values()) / seconds < 10


def test_what_comes_twice_in_one_batch_is_one_click(world, ann):
    link = world.link(ann)
    body = told(link)

    world.give([body, body])

    assert stats(ann, link)["clicks"] == 1


def test_two_workers_with_the_same_messages_at_once_count_them_once(world, ann):
    link = world.link(ann)
    bodies = [told(link, number) for number in range(60)]

    results = together(lambda: world.give(bodies), times=4)

    # Whoever met too much contention asks for its messages again.
    for one in results:
        assert world.give(one.value) == []
    assert stats(ann, link)["clicks"] == 60


def test_workers_with_different_messages_lose_none(world, ann):
    link = world.link(ann)
    batches = [[told(link, number) for number in range(20)] for _ in range(5)]

    results = together(*[lambda batch=batch: world.give(batch) for batch in batches])

    for one in results:
        assert world.give(one.value) == []
    found = stats(ann, link, by="device")
    assert found["clicks"] == 100 and found["breakdown"] == [{"value": "mobile", "clicks": 100}]


def test_what_somebody_else_counts_meanwhile_is_not_lost(world, ann):
    link = world.link(ann)
    world.give([told(link)])

    with meanwhile("TransactWriteItems", lambda: world.give([told(link, 1), told(link, 2)])):
        assert world.give([told(link, 3)]) == []

    found = stats(ann, link, by="device")
    assert (found["clicks"], found["breakdown"]) == (4, [{"value": "mobile", "clicks": 4}])


def test_visitors_that_somebody_else_notes_meanwhile_are_not_lost(world):
    first, other, last = (distinct.sketch([name]) for name in ("ann", "bob", "eve"))
    note = world.ports.clicks.note_visitors
    note("link", "20300314", first)

    with meanwhile("PutItem", lambda: note("link", "20300314", other)):
        note("link", "20300314", last)

    (row,) = world.ports.clicks.buckets("link", "D#20300314", "D#20300314")
    assert bytes(row.visitors) == distinct.joined([first, other, last])


def test_the_first_visitors_of_a_day_are_noted_by_two_at_once(world):
    first, other = distinct.sketch(["ann"]), distinct.sketch(["bob"])
    note = world.ports.clicks.note_visitors

    with meanwhile("PutItem", lambda: note("link", "20300314", other)):
        note("link", "20300314", first)

    (row,) = world.ports.clicks.buckets("link", "D#20300314", "D#20300314")
    assert bytes(row.visitors) == distinct.joined([first, other])


def test_a_batch_of_which_one_link_fails_asks_for_that_again_alone(world, ann):
    good, bad = world.link(ann), world.link(ann)
    bodies = [told(good), told(bad), told(good)]
    count = ClickStore.count

    def fails(store, clicks, events):
        if clicks[0].subject == bad["id"]:
            from tessera.problems import Busy

            raise Busy
        return count(store, clicks, events)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ClickStore, "count", fails)
        assert world.give(bodies) == [bodies[1]]
    assert world.give([bodies[1]]) == []
    assert (stats(ann, good)["clicks"], stats(ann, bad)["clicks"]) == (2, 1)


def test_a_message_that_cannot_be_read_comes_again_alone(world, ann):
    link = world.link(ann)
    broken = json.dumps({"kind": "click", "data": {"id": "x"}})

    assert world.give([told(link), broken, "{"]) == [broken, "{"]
    assert stats(ann, link)["clicks"] == 1


def test_a_table_that_is_away_asks_for_all_again(world, ann):
    link = world.link(ann)
    bodies = [told(link, number) for number in range(3)]

    with failing("dynamodb", "GetItem", code="InternalServerError"):
        assert sorted(world.give(bodies)) == sorted(bodies)
    assert world.give(bodies) == [] and stats(ann, link)["clicks"] == 3


def test_a_click_costs_two_units_and_a_share_of_three_counters(world, ann):
    link = world.link(ann)
    bodies = [told(link, number, visitor=None) for number in range(MAX_AT_ONCE)]
    world.give(bodies[:1])

    with CapacityMeter() as meter:
        world.give([told(link, number, visitor=None) for number in range(MAX_AT_ONCE)])

    cost = meter.of(world.table.name)
    assert cost.operations == ["GetItem", "TransactWriteItems"]
    assert cost.write_units == 2 * MAX_AT_ONCE + 6
    assert cost.write_units / MAX_AT_ONCE == pytest.approx(2.1, rel=0.1)


def test_a_burst_spreads_the_counters_of_a_link(world, ann):
    link = world.link(ann)
    world.give([told(link, number) for number in range(200)])
    assert world.ports.links.at("-", link["code"]).shards == 1

    world.give([told(link, number) for number in range(201)])
    assert world.ports.links.at("-", link["code"]).shards == 16

    world.follow(link["code"])
    assert world.messages()[0]["data"]["shards"] == 16
    for _ in range(4):
        world.give([told(link, number, shards=16) for number in range(100)])
    places = {row.sk for row in world.table.query_all(CountRow, counts_pk(link["id"])) if row.sk.startswith("T#")}
    assert len(places) > 2 and stats(ann, link)["clicks"] == 801


def test_a_deleted_link_is_not_brought_back_by_a_burst(world, ann):
    link = world.link(ann)
    ann.delete(f"{LINKS}/{link['id']}")

    assert world.give([told(link, number) for number in range(201)]) == []

    assert world.follow(link["code"]).status_code == 404
    (kept,) = [item for item in everything_in(world.table) if item["pk"]["S"] == f"S#-#{link['code']}"]
    assert kept["gone"] and "shards" not in kept


def test_a_click_is_told_by_the_redirect_and_counted_with_what_it_tells(world, ann):
    link = world.link(ann)
    headers = {"referer": "https://news.example.com/story?id=7", "accept-language": "de-AT"}

    world.follow(link["code"], agent=PHONE, headers=headers)
    (message,) = world.messages()
    world.give([json.dumps(message)])

    assert "203.0.113" not in json.dumps(message) and "testclient" not in json.dumps(message)
    (seen,) = ann.get(f"{LINKS}/{link['id']}/clicks").json()["items"]
    assert seen == {
        "id": message["data"]["id"],
        "at": message["data"]["at"],
        "is_bot": False,
        "country": None,
        "referrer": "news.example.com",
        "device": "mobile",
        "browser": "Safari",
        "os": "iOS",
        "language": "de",
    }


@pytest.mark.parametrize("header", ["dnt", "sec-gpc"])
def test_who_asks_for_privacy_is_counted_and_nothing_else(world, ann, header):
    link = world.link(ann)

    world.follow(link["code"], headers={header: "1", "referer": "https://example.org/"})
    world.count()

    found = stats(ann, link, by="referrer")
    assert (found["clicks"], found["uniques"], found["breakdown"]) == (1, 0, [])


def test_bots_are_counted_apart(world, ann):
    link = world.link(ann)
    world.follow(link["code"], agent=BOT)
    world.follow(link["code"], method="HEAD")
    world.follow(link["code"], headers={"sec-purpose": "prefetch;prerender"})
    world.follow(link["code"])
    world.count()

    found = stats(ann, link, by="browser")

    assert (found["clicks"], found["bots"], found["uniques"]) == (1, 3, 1)
    assert found["breakdown"] == [{"value": "Chrome", "clicks": 1}]


def test_one_visitor_is_one_a_day(world, ann):
    link = world.link(ann)
    for _ in range(3):
        world.follow(link["code"])
    world.later(days=1)
    world.follow(link["code"])
    world.count()

    assert stats(ann, link)["uniques"] == 2


def test_stats_show_every_hour_or_day_of_the_range(world, ann):
    link = world.link(ann)
    world.give([told(link)])
    world.later(hours=2)
    world.give([told(link), told(link)])
    now = clock.now()

    hours = stats(
        ann, link, bucket="hour", **{"from": clock.rfc3339(now - timedelta(hours=3)), "to": clock.rfc3339(now)}
    )
    days = stats(ann, link)

    assert [bar["clicks"] for bar in hours["series"]] == [0, 1, 0, 2]
    assert hours["clicks"] == 3 and hours["series"][0]["start"] == "2030-03-14T08:00:00.000Z"
    assert len(days["series"]) == 31 and days["series"][-1]["clicks"] == 3


@pytest.mark.parametrize(
    "asked",
    [
        {"bucket": "hour", "from": "2030-02-14T00:00:00Z"},
        {"from": "2028-03-14T00:00:00Z"},
        {"from": "2030-03-14T10:00:00Z"},
        {"from": "yesterday"},
        {"bucket": "minute"},
        {"by": "name"},
        {"since": "2030-03-14T00:00:00Z"},
    ],
    ids=str,
)
def test_a_range_or_a_facet_that_makes_no_sense_is_refused(world, ann, asked):
    link = world.link(ann)

    assert slug(ann.get(f"{LINKS}/{link['id']}/stats", params=asked)) == (422, "invalid-request")


def test_stats_cost_one_request_for_thirty_days(world, ann):
    link = world.link(ann)
    for _ in range(30):
        world.give([told(link, number) for number in range(3)])
        world.later(days=1)

    with CapacityMeter() as meter:
        assert stats(ann, link, by="country")["clicks"] == 90

    cost = meter.of(world.table.name)
    assert cost.operations == ["GetItem", "GetItem", "Query"]
    assert cost.read_units <= 60


def test_single_clicks_are_paged_day_by_day(world, ann):
    link = world.link(ann)
    for count in (3, 0, 5):
        world.give([told(link, number) for number in range(count)])
        world.later(days=1)

    seen, sizes, cursor = [], [], None
    while True:
        page = ann.get(
            f"{LINKS}/{link['id']}/clicks", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += [one["id"] for one in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["next"]
        if cursor is None:
            break

    assert len(set(seen)) == 8 and seen == sorted(seen, reverse=True)
    assert sizes == [2, 2, 1, 2, 1]


def test_a_page_of_clicks_costs_seventeen_queries_whatever_there_is(world, ann):
    link = world.link(ann)
    world.give([told(link, number) for number in range(30)])

    with CapacityMeter() as meter:
        ann.get(f"{LINKS}/{link['id']}/clicks", params={"limit": 5})

    assert Counter(meter.of(world.table.name).operations) == {"GetItem": 2, "Query": 17}


def test_clicks_of_more_than_thirty_days_ago_are_not_shown(world, ann):
    link = world.link(ann)
    world.give([told(link)])
    world.later(days=31)

    assert ann.get(f"{LINKS}/{link['id']}/clicks").json() == {"items": [], "next": None}
    assert stats(ann, link, **{"from": clock.rfc3339(clock.now() - timedelta(days=40))})["clicks"] == 1


def test_hits_on_unknown_codes_are_seen_by_staff_and_by_who_has_the_domain(world, ann, staff):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    world.follow("missing-one")
    world.follow("missing-one", agent=BOT)
    world.follow("missing-two", headers={"host": "go.example.com"})
    world.follow("!!")
    world.count()

    ours = staff.get("/shortener/orphans").json()["items"]
    theirs = ann.get("/shortener/orphans?domain=go.example.com").json()["items"]

    assert ours == [{"day": "2030-03-14", "hits": 1, "bots": 1, "codes": [{"value": "missing-one", "clicks": 1}]}]
    assert theirs[0]["codes"] == [{"value": "missing-two", "clicks": 1}]
    assert slug(ann.get("/shortener/orphans")) == (403, "insufficient-scope")
    assert world.person().get("/shortener/orphans?domain=go.example.com").status_code == 404


def test_the_rarest_values_are_added_up(world):
    before = {"referrer": {f"site-{number:03}": 2 for number in range(200)}}

    made = added(before, {"referrer": {"new-one": 1, "site-000": 1}})

    assert len(made["referrer"]) == 201 and made["referrer"]["other"] == 1
    assert made["referrer"]["site-000"] == 3 and sum(made["referrer"].values()) == 402


@pytest.mark.parametrize("count", [0, 1, 10, 1_000, 50_000])
def test_distinct_visitors_are_told_to_some_percent(count):
    made = distinct.sketch(f"visitor-{number}" for number in range(count))

    assert len(made) == 768
    assert distinct.estimate(made) == pytest.approx(count, rel=0.1)
    assert distinct.joined([made, made]) == made


def test_joined_sketches_are_the_sketch_of_all():
    first = distinct.sketch(f"a-{number}" for number in range(500))
    other = distinct.sketch(f"b-{number}" for number in range(500))
    whole = distinct.sketch([*(f"a-{n}" for n in range(500)), *(f"b-{n}" for n in range(500))])

    assert distinct.joined([first, other]) == whole


def test_visitors_noted_at_once_are_all_noted(world):
    sketches = [distinct.sketch(f"{number}-{one}" for one in range(50)) for number in range(8)]
    clicks = world.ports.clicks

    results = together(*[lambda one=one: clicks.note_visitors("link", "20300314", one) for one in sketches])
    for one, sketch in zip(results, sketches, strict=True):
        if one.error is not None:
            clicks.note_visitors("link", "20300314", sketch)

    (row,) = clicks.buckets("link", "D#20300314", "D#20300314")
    assert distinct.joined(sketches) == bytes(row.visitors)


class TestEvents:
    @pytest.fixture
    def variables(self):
        return {"CLICK_EVENTS": "on"}

    def test_each_click_is_an_event_where_the_stack_says_so(self, world, ann):
        link = world.link(ann)
        world.give([told(link), told(link)])

        assert [one["link_id"] for one in world.events("shortener.link.clicked.v1")] == [link["id"]] * 2


def test_no_click_is_an_event_otherwise(world, ann):
    world.give([told(world.link(ann))])

    assert world.events("shortener.link.clicked.v1") == []


def test_a_click_is_kept_for_thirty_days(world, ann):
    link = world.link(ann)
    world.give([told(link)])
    (item,) = [one for one in everything_in(world.table) if one["pk"]["S"].startswith("CL#")]

    assert int(item["ttl"]["N"]) == int((clock.now() + timedelta(days=30)).timestamp())
    assert world.table.get(ClickRow, item["pk"]["S"], item["sk"]["S"]) is not None
