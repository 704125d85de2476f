"""Following links."""

import pytest

from tessera import clock
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import failing
from tests.kit.races import together

from .conftest import BOT, CHROME, DAY, PHONE, slug

LINKS = "/shortener/links"


def test_a_link_leads_where_it_was_made_to_lead(world, ann):
    made = world.link(ann, "https://example.com/page?a=1#part")

    answer = world.follow(made["code"])

    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/page?a=1#part")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer-when-downgrade"
    assert answer.headers["x-robots-tag"] == "noindex"


@pytest.mark.parametrize("redirect", [301, 308])
def test_301_not_forever(world, ann, redirect):
    """A permanent redirect is kept for a minute and a half and for nobody else, so that clicks and changes are seen."""
    answer = world.follow(world.link(ann, redirect=redirect)["code"])

    assert (answer.status_code, answer.headers["cache-control"]) == (redirect, "private, max-age=90")


@pytest.mark.parametrize("redirect", [307, 308])
def test_a_post_goes_on_as_a_post(world, ann, redirect):
    answer = world.follow(world.link(ann, redirect=redirect)["code"], method="POST", content=b"a=b")

    assert (answer.status_code, answer.headers["location"]) == (redirect, "https://example.com/page")


def test_a_head_is_answered_like_a_get_without_a_body(world, ann):
    answer = world.follow(world.link(ann)["code"], method="HEAD")

    assert (answer.status_code, answer.headers["location"], answer.content) == (302, "https://example.com/page", b"")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_allowed(world, ann, method):
    assert slug(world.follow(world.link(ann)["code"], method=method)) == (405, "method-not-allowed")


def test_a_crawlable_link_may_be_kept_by_search_engines(world, ann):
    assert "x-robots-tag" not in world.follow(world.link(ann, crawlable=True)["code"]).headers


def test_a_redirect_costs_half_a_read_and_then_nothing_for_half_a_minute(world, ann):
    code = world.link(ann)["code"]

    costs = []
    for wait in (0, 10, 19, 1):
        world.later(seconds=wait)
        with CapacityMeter() as meter:
            assert world.follow(code).status_code == 302
        cost = meter.of(world.table.name)
        costs.append((cost.requests, cost.read_units, cost.write_units))

    assert costs == [(1, 0.5, 0), (0, 0, 0), (0, 0, 0), (1, 0.5, 0)]


@pytest.mark.parametrize("code", ["nothere", "x", "no.such", "no%20such", "a" * 65, "%F0%9F%92%A9"])
def test_an_unknown_code_is_not_found(world, code):
    assert slug(world.follow(code)) == (404, "not-found")


def test_a_browser_gets_a_page_and_a_program_a_document(world):
    page = world.follow("nothere", headers={"accept": "text/html,*/*"})

    assert page.status_code == 404 and page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_link_ends_at_its_second(world, ann):
    code = world.link(ann, expires_at=clock.rfc3339(clock.now() + DAY))["code"]

    world.later(days=1, milliseconds=-1)
    assert world.follow(code).status_code == 302
    world.later(milliseconds=1)
    assert slug(world.follow(code)) == (410, "link-over")
    assert world.follow(code, headers={"accept": "text/html"}).status_code == 410


def test_a_link_begins_at_its_second(world, ann):
    code = world.link(ann, not_before=clock.rfc3339(clock.now() + DAY))["code"]

    assert world.follow(code).status_code == 404
    world.later(days=1, milliseconds=-1)
    assert world.follow(code).status_code == 404
    world.later(milliseconds=1)
    assert world.follow(code).status_code == 302


def test_an_ended_link_can_lead_elsewhere(world, ann):
    ends = clock.rfc3339(clock.now() + DAY)
    code = world.link(ann, expires_at=ends, expired_url="https://example.com/over", redirect=301)["code"]
    world.later(days=1)

    answer = world.follow(code)

    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/over")
    assert answer.headers["cache-control"] == "no-store"


def test_a_limit_of_ten_lets_ten_of_a_hundred_through(world, ann):
    made = world.link(ann, max_clicks=10)

    results = together(lambda: world.follow(made["code"]).status_code, times=100)

    assert sorted(one.value for one in results) == [302] * 10 + [410] * 90
    assert ann.get(f"{LINKS}/{made['id']}").json()["left"] == 0
    assert ann.get(f"{LINKS}/{made['id']}").json()["state"] == "used_up"


def test_bots_and_heads_use_nothing_up(world, ann):
    made = world.link(ann, max_clicks=1)

    assert [world.follow(made["code"], agent=BOT).status_code for _ in range(3)] == [302] * 3
    assert world.follow(made["code"], method="HEAD").status_code == 302
    assert ann.get(f"{LINKS}/{made['id']}").json()["left"] == 1
    assert [world.follow(made["code"]).status_code for _ in range(2)] == [302, 410]
    world.forget()
    assert world.follow(made["code"], agent=BOT).status_code == 410


def test_a_limited_link_is_not_kept_by_browsers(world, ann):
    assert world.follow(world.link(ann, max_clicks=5, redirect=301)["code"]).headers["cache-control"] == "no-store"


def test_a_password_is_asked_for_and_is_not_handed_on(world, ann):
    made = world.link(ann, password="open sesame", redirect=307)
    form = {"content-type": "application/x-www-form-urlencoded"}

    asked = world.follow(made["code"])
    page = world.follow(made["code"], headers={"accept": "text/html"})
    wrong = world.follow(made["code"], method="POST", content="password=open", headers=form)
    right = world.follow(made["code"], method="POST", content="password=open+sesame", headers=form)

    assert slug(asked) == (401, "password-needed") and slug(wrong) == (401, "wrong-password")
    assert page.status_code == 401 and f'action="/s/{made["code"]}"' in page.text and "example.com" not in page.text
    # Not 307, with which a browser would send the form with the password in it once more.
    assert (right.status_code, right.headers["location"]) == (303, "https://example.com/page")
    assert right.headers["cache-control"] == "no-store"


def test_a_wrong_password_uses_no_click_up_and_counts_none(world, ann):
    made = world.link(ann, password="open sesame", max_clicks=1)

    world.follow(made["code"], method="POST", content="password=wrong")

    assert ann.get(f"{LINKS}/{made['id']}").json()["left"] == 1 and world.messages() == []


def test_a_password_is_tried_five_times_a_minute_from_one_address(world, ann):
    code = world.link(ann, password="open sesame")["code"]

    tried = [world.follow(code, method="POST", content="password=guess").status_code for _ in range(7)]
    late = world.follow(code, method="POST", content="password=open+sesame")

    assert tried == [401] * 5 + [429] * 2
    assert late.status_code == 429
    world.later(seconds=13)
    assert world.follow(code, method="POST", content="password=open+sesame").status_code == 303


def test_a_form_that_is_too_large_is_refused(world, ann):
    code = world.link(ann, password="open sesame")["code"]

    assert world.follow(code, method="POST", content=b"password=" + b"x" * 20_000).status_code == 413


RULES = [
    {"url": "https://example.com/de-phone", "device": "mobile", "language": "de"},
    {"url": "https://example.com/phone", "device": "mobile"},
    {"url": "https://example.com/de", "language": "de"},
]


@pytest.mark.parametrize(
    ("agent", "language", "where"),
    [
        (PHONE, "de-AT,de;q=0.9", "/de-phone"),
        (PHONE, "en", "/phone"),
        (CHROME, "DE", "/de"),
        (CHROME, "en-US,de;q=0.5", "/page"),
        (CHROME, "", "/page"),
    ],
)
def test_the_first_rule_that_fits_wins(world, ann, agent, language, where):
    code = world.link(ann, rules=RULES)["code"]

    answer = world.follow(code, agent=agent, headers={"accept-language": language})

    assert answer.headers["location"] == f"https://example.com{where}"


class TestEdge:
    @pytest.fixture
    def variables(self):
        return {"TRUSTED_EDGE": "cloudfront", "EDGE_SECRET": "secret"}

    def test_a_country_is_believed_from_our_own_edge_alone(self, world, ann):
        code = world.link(ann, rules=[{"url": "https://example.com/at", "country": "AT"}])["code"]
        said = {"cloudfront-viewer-country": "AT"}

        by_edge = world.follow(code, headers={**said, "x-tessera-edge": "secret", "x-forwarded-for": "203.0.113.9"})
        claimed = world.follow(code, headers=said)

        assert by_edge.headers["location"] == "https://example.com/at"
        assert claimed.headers["location"] == "https://example.com/page"


@pytest.mark.parametrize(
    ("target", "query", "where"),
    [
        ("https://example.com/a", "utm=1&b=2", "https://example.com/a?utm=1&b=2"),
        ("https://example.com/a?b=own#f", "b=2&c=3", "https://example.com/a?b=own&c=3#f"),
        ("https://example.com/a", "", "https://example.com/a"),
        ("https://example.com/a?b=1", "b=2", "https://example.com/a?b=1"),
        ("https://example.com/a", "x=%0d%0aSet-Cookie:a", "https://example.com/a?x=%0D%0ASet-Cookie%3Aa"),
    ],
)
def test_the_query_goes_along_where_the_links_own_parameters_win(world, ann, target, query, where):
    code = world.link(ann, target, forward_query=True)["code"]

    assert world.follow(f"{code}?{query}").headers["location"] == where


def test_the_query_is_left_behind_otherwise(world, ann):
    assert world.follow(f"{world.link(ann)['code']}?x=1").headers["location"] == "https://example.com/page"


def test_a_preview_shows_where_it_leads_and_counts_nothing(world, ann):
    made = world.link(ann, "https://example.com/<script>", title="A <b>page</b>", max_clicks=1)

    seen = world.follow(f"{made['code']}+")
    page = world.follow(f"{made['code']}%2B", headers={"accept": "text/html"})

    assert (seen.status_code, seen.json()["url"]) == (200, "https://example.com/%3Cscript%3E")
    assert "<b>page" not in page.text and "&lt;b&gt;page" in page.text and "<script" not in page.text
    assert world.messages() == [] and ann.get(f"{LINKS}/{made['id']}").json()["left"] == 1


def test_a_preview_tells_nothing_of_where_a_password_leads(world, ann):
    made = world.link(ann, password="open sesame")

    assert world.follow(f"{made['code']}+").json()["url"] is None
    assert "example.com" not in world.follow(f"{made['code']}+", headers={"accept": "text/html"}).text


def test_a_preview_of_what_has_not_begun_or_is_not_there_is_not_found(world, ann):
    made = world.link(ann, not_before=clock.rfc3339(clock.now() + DAY))

    assert world.follow(f"{made['code']}+").status_code == 404
    assert world.follow("nothere+").status_code == 404


def test_what_is_changed_or_deleted_is_so_within_half_a_minute_elsewhere(world, ann):
    made = world.link(ann)
    world.follow(made["code"])
    other = dict(world.ports.held._entries)
    ann.patch(f"{LINKS}/{made['id']}", json={"url": "https://example.com/new"}, headers={"If-Match": '"v1"'})
    world.ports.held._entries.update(other)

    assert world.follow(made["code"]).headers["location"] == "https://example.com/page"
    world.later(seconds=30)
    assert world.follow(made["code"]).headers["location"] == "https://example.com/new"


def test_a_queue_that_is_away_keeps_nobody_from_going_on(world, ann):
    code = world.link(ann)["code"]

    with failing("sqs", "SendMessage", code="ServiceUnavailable"):
        assert world.follow(code).status_code == 302


def test_a_link_under_a_domain_of_ones_own_is_found_there_alone(world, ann):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    ann.post("/shortener/domains/go.example.com/verify")
    made = world.link(ann, domain="go.example.com", alias="sale")
    other = world.link(world.person(), "https://example.com/other", alias="sale")

    assert made["short_url"] == "https://go.example.com/s/sale" and other["domain"] is None
    assert world.follow("sale", headers={"host": "go.example.com"}).headers["location"] == "https://example.com/page"
    assert world.follow("sale").headers["location"] == "https://example.com/other"
    assert world.follow("sale", headers={"host": "else.example.com"}).status_code == 404


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost", "x1.execute-api.eu-central-1.amazonaws.com", "[::1]:80"]
)
def test_names_of_the_machine_and_the_gateway_are_ours(world, ann, host):
    assert world.follow(world.link(ann)["code"], headers={"host": host}).status_code == 302


def test_one_address_cannot_try_all_codes(world):
    codes = [world.follow(f"guess-{number}").status_code for number in range(320)]

    assert 429 in codes and codes[:100] == [404] * 100
