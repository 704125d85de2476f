"""Short links through the front door: made, followed, counted by the worker, blocked, and found out about."""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import localstack_client.session
import pytest

from tessera import ids
from tests.kit.people import eventually, patiently

LINKS = "/shortener/links"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
# A link that was changed is followed as it was for half a minute.
HELD_SECONDS = 40
TURNS = count()


def make(user: Any, url: str = "https://example.com/page", **fields: Any) -> dict[str, Any]:
    answer = user.post(LINKS, json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def user(people: Any) -> Any:
    """One of several in turn, so that nobody writes faster than a person may."""
    return people.pooled(next(TURNS) % 6)


def name() -> str:
    return f"e2e-{ids.new().lower()}"


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).removeprefix("/problems/")


def follow(client: httpx.Client, code: str, method: str = "GET", **given: Any) -> httpx.Response:
    headers = {"user-agent": CHROME, **given.pop("headers", {})}
    return client.request(method, f"/s/{code}", headers=headers, follow_redirects=False, **given)


def at_once(work: Any, times: int) -> list[Any]:
    with ThreadPoolExecutor(16) as pool:
        return [future.result() for future in [pool.submit(work) for _ in range(times)]]


def counted(user: Any, link: dict[str, Any], clicks: int, **asked: str) -> dict[str, Any]:
    """The stats once so many clicks are in them."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = user.get(f"{LINKS}/{link['id']}/stats", params=asked).json()
        return found if found["clicks"] + found["bots"] >= clicks else None

    return eventually(look, within=60, what=f"{clicks} clicks")


def test_a_link_goes_through_its_life(user, anonymous):
    link = make(user, alias=name(), title="A page", tags=["e2e"])
    path = f"{LINKS}/{link['id']}"

    assert follow(anonymous, link["code"]).headers["location"] == "https://example.com/page"
    changed = user.patch(path, json={"title": "Another"}, headers={"If-Match": '"v1"'})
    assert (changed.json()["title"], changed.headers["etag"]) == ("Another", '"v2"')
    assert user.delete(path).status_code == 204
    assert user.get(path).status_code == 404
    assert slug(user.post(LINKS, json={"url": "https://example.com", "alias": link["code"]})) == (409, "alias-taken")


def test_nobody_makes_links_without_signing_in(anonymous):
    assert slug(anonymous.post(LINKS, json={"url": "https://example.com"})) == (401, "credentials-missing")


def test_of_a_hundred_who_want_one_alias_one_gets_it(people):
    users, alias = [people.new() for _ in range(4)], name()

    def claim(number: int) -> int:
        asked = {"url": "https://example.com", "alias": alias}
        return int(patiently(lambda: users[number % 4].post(LINKS, json=asked)).status_code)

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(claim, range(100)))

    assert Counter(results) == {201: 1, 409: 99}


def test_of_a_hundred_clicks_on_a_link_for_ten_ten_get_through(user, anonymous):
    link = make(user, max_clicks=10)

    results = at_once(lambda: follow(anonymous, link["code"]).status_code, 100)

    assert Counter(results) == {302: 10, 410: 90}
    assert user.get(f"{LINKS}/{link['id']}").json()["state"] == "used_up"


def test_every_click_is_counted_once(user, anonymous):
    link = make(user)
    at_once(lambda: follow(anonymous, link["code"]).status_code, 60)
    follow(anonymous, link["code"], "HEAD")

    found = counted(user, link, 61, by="browser")

    assert (found["clicks"], found["bots"], found["uniques"]) == (60, 1, 1)
    assert found["breakdown"] == [{"value": "Chrome", "clicks": 60}]
    assert user.get(f"{LINKS}/{link['id']}").json()["clicks"] == 60
    raw = user.get(f"{LINKS}/{link['id']}/clicks?limit=100").json()["items"]
    assert len(raw) == 61 and all("address" not in one for one in raw)


@pytest.mark.skipif(not os.environ.get("AWS_ENDPOINT_URL"), reason="It puts messages into the local cloud's own queue.")
def test_messages_that_come_twice_are_counted_once(user, anonymous):
    link = make(user)
    region = os.environ.get("AWS_DEFAULT_REGION", "eu-central-1")
    near = localstack_client.session.Session("test", "test", region_name=region)
    sqs = near.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    url = sqs.get_queue_url(QueueName=f"{os.environ.get('STACK', 'tessera')}-shortener-clicks")["QueueUrl"]
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    same = {"at": at, "subject": link["id"], "domain": "-", "code": link["code"], "is_bot": False, "shards": 1}
    clicks = [{**same, "id": ids.new(), "visitor": f"v{number}", "facets": {"country": "DE"}} for number in range(100)]
    bodies = [json.dumps({"kind": "click", "trace": "", "data": click}) for click in clicks]
    for body in [*bodies, *bodies[::-1]]:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    # What is sent last is counted last or at the same time, so that nothing of the others is left out.
    follow(anonymous, link["code"])

    found = counted(user, link, 101, by="country")

    assert found["clicks"] == 101
    assert {"value": "DE", "clicks": 100} in found["breakdown"]


@pytest.mark.parametrize(
    ("redirect", "kept"),
    [(301, "private, max-age=90"), (302, "no-store"), (307, "no-store"), (308, "private, max-age=90")],
)
def test_each_redirect_is_kept_as_long_as_is_good(user, anonymous, redirect, kept):
    answer = follow(anonymous, make(user, redirect=redirect)["code"])

    assert (answer.status_code, answer.headers["cache-control"]) == (redirect, kept)
    assert answer.headers["x-robots-tag"] == "noindex"


def test_a_head_is_answered_like_a_get(user, anonymous):
    answer = follow(anonymous, make(user)["code"], "HEAD")

    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/page")


def test_a_redirect_costs_one_read_at_most(user, anonymous):
    answers = [follow(anonymous, make(user)["code"]) for _ in range(5)]

    costs = [answer.headers["server-timing"].split('"')[1].split() for answer in answers]
    # A process reads the limiter's policy once a minute, and a second one may have been started.
    assert sorted(float(cost[2]) for cost in costs)[:3] == [0.5, 0.5, 0.5], costs
    assert all(float(cost[2]) <= 1 for cost in costs), costs
    # What is written now and then is the limiter's, for one request in ten.
    assert any(float(cost[4]) == 0 for cost in costs), costs


@pytest.mark.parametrize("code", ["no-such-code-at-all", "x", "%F0%9F%92%A9"])
def test_an_unknown_code_is_not_found(anonymous, code):
    assert slug(follow(anonymous, code)) == (404, "not-found")
    page = follow(anonymous, code, headers={"accept": "text/html"})
    assert page.status_code == 404 and page.headers["content-type"].startswith("text/html")


def test_a_link_ends_when_it_says(user, anonymous):
    ends = datetime.now(UTC) + timedelta(seconds=4)
    link = make(user, expires_at=ends.isoformat())

    assert follow(anonymous, link["code"]).status_code == 302
    eventually(lambda: follow(anonymous, link["code"]).status_code == 410 or None, within=20)
    assert datetime.now(UTC) >= ends and user.get(f"{LINKS}/{link['id']}").json()["state"] == "expired"


def test_a_link_that_has_not_begun_is_not_there(user, anonymous):
    begins = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    assert follow(anonymous, make(user, not_before=begins)["code"]).status_code == 404


def test_a_changed_target_is_so_everywhere_within_half_a_minute(user, anonymous):
    link = make(user)
    follow(anonymous, link["code"])
    user.patch(f"{LINKS}/{link['id']}", json={"url": "https://example.com/new"}, headers={"If-Match": "*"})

    def everywhere() -> bool | None:
        seen = {follow(anonymous, link["code"]).headers["location"] for _ in range(6)}
        return True if seen == {"https://example.com/new"} else None

    eventually(everywhere, within=HELD_SECONDS)


def test_a_password_is_asked_for_by_a_form(user, anonymous):
    link = make(user, password="open sesame", redirect=307)
    form = {"content-type": "application/x-www-form-urlencoded"}

    page = follow(anonymous, link["code"], headers={"accept": "text/html"})
    wrong = follow(anonymous, link["code"], "POST", content="password=open", headers=form)
    right = follow(anonymous, link["code"], "POST", content="password=open+sesame", headers=form)

    assert page.status_code == 401 and "<form" in page.text and "example.com" not in page.text
    assert slug(wrong) == (401, "wrong-password")
    assert (right.status_code, right.headers["location"]) == (303, "https://example.com/page")


def test_a_preview_shows_where_it_leads(user, anonymous):
    link = make(user, title="Look first")

    seen = follow(anonymous, f"{link['code']}+")
    page = follow(anonymous, f"{link['code']}+", headers={"accept": "text/html"})

    assert seen.json()["url"] == "https://example.com/page"
    assert "Look first" in page.text and "https://example.com/page" in page.text


def test_rules_and_queries_go_along(user, anonymous):
    rules = [{"url": "https://example.com/de", "language": "de"}]
    link = make(user, rules=rules, forward_query=True)

    german = follow(anonymous, f"{link['code']}?utm=1", headers={"accept-language": "de-DE"})
    other = follow(anonymous, f"{link['code']}?utm=1", headers={"accept-language": "fr"})

    assert german.headers["location"] == "https://example.com/de?utm=1"
    assert other.headers["location"] == "https://example.com/page?utm=1"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("javascript:alert(1)", "scheme"),
        ("http:evil.example", "form"),
        ("https://a@b.example", "form"),
        ("https://example.com/\r\nSet-Cookie: a=b", "form"),
        ("https://example.com/%00", "form"),
        ("http://10.0.0.1/", "address"),
        ("http://169.254.169.254/latest/meta-data/", "address"),
        ("http://[::ffff:10.0.0.1]/", "address"),
        ("https://bit.ly/abc", "chain"),
        ("https://example.com:22/", "port"),
        ("https://p\u0430ypal.com/", "confusable"),
        ("https://malware.example/", "threat"),
    ],
)
def test_nothing_leads_to_what_is_harmful(user, url, reason):
    answer = user.post(LINKS, json={"url": url})

    assert (slug(answer), answer.json()["reason"]) == ((422, "url-refused"), reason)


def test_a_name_of_another_script_is_kept_as_it_is_looked_up(user):
    assert make(user, "https://b\u00fccher.example/")["url"] == "https://xn--bcher-kva.example/"


def test_staff_block_a_link_and_its_owner_hears_of_it(people, anonymous):
    owner, staff = people.new(), people.with_role("moderator")
    link = make(owner)

    assert staff.post("/shortener/blocks", json={"code": link["code"], "reason": "A scam"}).status_code == 200

    page = follow(anonymous, link["code"], headers={"accept": "text/html"})
    assert page.status_code == 403 and "example.com/page" not in page.text
    told = eventually(lambda: _told(owner, link), within=40, what="the notification")
    assert "A scam" in str(told)


def _told(owner: Any, link: dict[str, Any]) -> dict[str, Any] | None:
    items = owner.get("/notifications").json()["items"]
    return next((one for one in items if link["code"] in str(one)), None)


def test_anybody_may_report_a_link(user, people, anonymous):
    link, staff = make(user), people.with_role("moderator")

    made = anonymous.post("/shortener/reports", json={"code": link["code"], "reason": "Phishing"})

    assert made.status_code == 201
    assert made.json()["id"] in [one["id"] for one in staff.get("/shortener/reports").json()["items"]]
    verdict = staff.post(f"/shortener/reports/{made.json()['id']}/verdict", json={"verdict": "dismiss"})
    assert verdict.json()["outcome"] == "dismissed"


def test_what_staff_do_is_for_staff(user):
    assert slug(user.get("/shortener/reports")) == (403, "insufficient-scope")


def test_a_domain_is_shown_to_be_ones_own(people):
    user = people.new()
    host = f"{name()}.example.com"

    made = user.post("/shortener/domains", json={"host": host})
    assert made.status_code == 201 and made.json()["record"]["type"] == "TXT"
    assert slug(user.post(LINKS, json={"url": "https://example.com", "domain": host})) == (403, "domain-forbidden")
    assert user.post(f"/shortener/domains/{host}/verify").json()["verified_at"]
    assert make(user, domain=host)["short_url"].startswith(f"https://{host}/s/")


def test_a_domain_without_its_record_stays_unproven(user):
    host = f"unproven-{name()}.example.com"
    user.post("/shortener/domains", json={"host": host})

    assert slug(user.post(f"/shortener/domains/{host}/verify")) == (409, "domain-unproven")
    assert user.delete(f"/shortener/domains/{host}").status_code == 204


def test_a_code_for_cameras_is_drawn(user):
    path = f"{LINKS}/{make(user)['id']}/qr.svg"

    drawn = user.get(f"{path}?size=4&ec=H&dark=1d3557&light=f1faee")

    assert drawn.status_code == 200 and drawn.headers["content-type"].startswith("image/svg+xml")
    assert user.get(path, headers={"If-None-Match": user.get(path).headers["etag"]}).status_code == 304
    assert slug(user.get(f"{path}?dark=888888&light=999999")) == (422, "invalid-request")


def test_many_links_are_made_each_for_itself(user):
    rows = [{"url": "https://example.com/1"}, {"url": "ftp://example.com"}, {"url": "https://example.com/2"}]

    results = user.post(f"{LINKS}/bulk", json={"links": rows}).json()["results"]

    assert [one["status"] for one in results] == [201, 422, 201]


def test_links_of_others_are_taken_over(user):
    sheet = f"keyword,url,title\n{name()},https://example.com/a,Spring\n,https://example.com/b,\n"

    answer = user.post(f"{LINKS}/import", content=sheet, headers={"content-type": "text/csv"})

    assert [one["status"] for one in answer.json()["results"]] == [201, 201]


def test_a_create_is_repeated_without_harm(user):
    headers, body = {"Idempotency-Key": ids.new()}, {"url": "https://example.com/once"}

    first, again = (user.post(LINKS, json=body, headers=headers) for _ in range(2))

    assert first.json()["id"] == again.json()["id"] and again.headers["idempotent-replay"] == "true"


def test_a_link_that_leads_there_already_is_given_back(user):
    url = f"https://example.com/{name()}"
    first = make(user, url)

    again = user.post(LINKS, json={"url": url, "if_exists": "return"})

    assert (again.status_code, again.json()["id"]) == (200, first["id"])


def test_lists_are_paged_and_filtered(people):
    user = people.new()
    made = [
        make(user, f"https://example.com/{number}", tags=["odd"] if number % 2 else [])["code"] for number in range(5)
    ]

    first = user.get(f"{LINKS}?limit=3").json()
    second = user.get(f"{LINKS}?limit=3&cursor={first['next']}").json()

    assert [one["code"] for one in [*first["items"], *second["items"]]] == made[::-1]
    assert [one["code"] for one in user.get(f"{LINKS}?tag=odd").json()["items"]] == [made[3], made[1]]
    assert [one["code"] for one in user.get(f"{LINKS}?q={made[0]}").json()["items"]] == [made[0]]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=abc", "state=gone"])
def test_a_bad_filter_is_refused(user, query):
    assert slug(user.get(f"{LINKS}?{query}")) == (422, "invalid-request")


@pytest.mark.parametrize("body", ["[]", '{"url": "https://example.com", "colour": "red"}', '{"url": "a\\u0000b"}'])
def test_a_bad_body_is_refused(user, body):
    answer = user.post(LINKS, content=body, headers={"content-type": "application/json"})

    assert slug(answer) == (422, "invalid-request")


def test_a_change_names_its_version(user):
    path = f"{LINKS}/{make(user)['id']}"

    assert slug(user.patch(path, json={"title": "x"})) == (428, "version-required")
    assert slug(user.patch(path, json={"title": "x"}, headers={"If-Match": '"v9"'})) == (412, "version-mismatch")


def test_nobody_sees_what_is_somebody_elses(user, people):
    link, eve = make(user), people.new()

    answers = [eve.get(f"{LINKS}/{link['id']}{rest}") for rest in ("", "/stats", "/clicks", "/qr.svg")]

    assert [one.status_code for one in answers] == [404] * 4


def test_hits_on_unknown_codes_are_counted_for_staff(people, anonymous):
    staff, code = people.with_role("moderator"), name()
    for _ in range(3):
        follow(anonymous, code)

    def look() -> int | None:
        days = staff.get("/shortener/orphans").json()["items"]
        return next((one["clicks"] for day in days for one in day["codes"] if one["value"] == code), None)

    assert eventually(lambda: look() if look() == 3 else None, within=60) == 3


def test_a_body_that_is_too_large_is_refused(user):
    answer = user.post(f"{LINKS}/import", content=b"x" * 1_100_000, headers={"content-type": "text/csv"})

    assert slug(answer) == (413, "payload-too-large")
