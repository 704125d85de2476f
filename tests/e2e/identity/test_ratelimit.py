"""`ratelimit` through the front door: limits that fall and recover, leases, policies, and who was limited most."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.kit.people import People, Person, eventually
from tests.kit.structured_fields import parse_list

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def program(people: People) -> tuple[Person, str]:
    """Somebody with an API key that may use the limiter."""
    owner = people.new()
    made = owner.post("/apikeys", json={"name": "A program", "scopes": ["ratelimit:check"]})
    assert made.status_code == 201, made.text
    return owner, made.json()["key"]


@pytest.fixture
def ask(program: tuple[Person, str], anonymous: httpx.Client) -> Ask:
    """`ask("POST", "/ratelimit/check", json=…)`, by the program."""

    def request(method: str, path: str, **given: Any) -> httpx.Response:
        return anonymous.request(method, path, headers={"authorization": f"Bearer {program[1]}"}, **given)

    return request


def question(**given: Any) -> dict[str, Any]:
    return {"namespace": "e2e", "key": secrets.token_hex(8), "limit": 60, "period_s": 60, "burst": 5, **given}


def test_a_limit_falls(ask: Ask):
    body = question(period_s=3_600)

    answers = [ask("POST", "/ratelimit/check", json=body).json() for _ in range(7)]

    assert [answer["remaining"] for answer in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert [answer["allowed"] for answer in answers] == [True] * 5 + [False] * 2
    assert 0 < answers[-1]["retry_after_ms"] <= 60_000


def test_a_limit_recovers(ask: Ask):
    body = question(limit=20, burst=1)
    ask("POST", "/ratelimit/check", json=body)

    again = eventually(
        lambda: found if (found := ask("POST", "/ratelimit/check", json=body).json())["allowed"] else None,
        what="An admission",
    )

    assert again["policy"] == "inline/60"


def test_a_refusal_is_a_429_with_its_headers_for_who_asks_for_that(ask: Ask):
    body = question(limit=1, period_s=3_600, burst=1)
    ask("POST", "/ratelimit/check", json=body)

    refused = ask("POST", "/ratelimit/check?status=true", json=body)

    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
    (member,) = parse_list(refused.headers["ratelimit"])
    assert (member.parameters["r"], str(member.parameters["t"])) == (0, refused.headers["retry-after"])


def test_a_batch_a_refund_and_a_look_agree(ask: Ask):
    body = question()

    ask("POST", "/ratelimit/check-batch", json={"checks": [body, {**body, "cost": 3}]})
    after = ask("POST", "/ratelimit/refund", json={**body, "cost": 2}).json()
    seen = ask("GET", f"/ratelimit/buckets/e2e/{body['key']}").json()

    assert after["remaining"] >= 3
    assert seen["buckets"][0]["limits"][0]["remaining"] >= 3


def test_many_at_once_never_pass_more_than_the_burst(ask: Ask, program: tuple[Person, str], people: People):
    body = question(limit=1, period_s=3_600, burst=10)
    headers = {"authorization": f"Bearer {program[1]}"}

    def once(_: int) -> bool:
        with people.client() as client:
            return bool(client.post("/ratelimit/check", json=body, headers=headers).json()["allowed"])

    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(once, range(30)))

    assert sum(passed) == 10


def test_people_need_a_key(user: Person):
    assert user.post("/ratelimit/check", json=question()).status_code == 403


def test_every_answer_carries_the_callers_own_limit(user: Person, ask: Ask, anonymous: httpx.Client):
    mine, its, strangers = user.get("/tasks"), ask("GET", "/ratelimit/me"), anonymous.get("/tasks")

    assert parse_list(mine.headers["ratelimit"])[0].value == "user:read"
    assert parse_list(mine.headers["ratelimit"])[0].parameters["sampled"] == 10
    assert parse_list(its.headers["ratelimit"])[0].value == "key:default"
    assert strangers.status_code == 401
    assert parse_list(strangers.headers["ratelimit"])[0].value == "anon:read"


def test_pages_of_other_origins_may_read_the_headers(user: Person):
    answer = user.get("/ratelimit/me", headers={"origin": "http://elsewhere.test"})

    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= exposed


def test_one_sees_ones_own_limits(user: Person):
    began = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: user.post("/tasks", json={"title": f"Count {number}"}), range(18)))

    found = {one["policy"]: one["limits"][0] for one in user.get("/ratelimit/me").json()["policies"]}

    assert found["user:write"]["limit"] == 120
    # Two a second come back meanwhile.
    came_back = 2 * (time.monotonic() - began)
    assert found["user:write"]["remaining"] <= 40 - 18 + came_back + 1


def test_a_place_is_taken_given_back_and_taken_again(ask: Ask):
    body = {"namespace": "e2e", "key": secrets.token_hex(8), "limit": 1, "ttl_s": 60}

    first = ask("POST", "/ratelimit/leases", json=body)
    full = ask("POST", "/ratelimit/leases", json=body)
    released = ask("DELETE", first.headers["location"])
    second = ask("POST", "/ratelimit/leases", json=body)

    assert [answer.status_code for answer in (first, full, released, second)] == [201, 429, 204, 201]
    assert full.json()["type"] == "/problems/leases-exhausted"


def test_a_refusal_reaches_the_list_of_who_is_limited_most(ask: Ask, people: People):
    body, staff = question(limit=1, period_s=3_600, burst=1), people.with_role("support")
    for _ in range(2):
        ask("POST", "/ratelimit/check", json=body)
    subject = ask("GET", f"/ratelimit/buckets/e2e/{body['key']}").json()["subject"]

    def listed() -> dict[str, Any] | None:
        items = staff.get("/ratelimit/top?limit=100").json()["items"]
        return next((item for item in items if item["subject"] == subject), None)

    found = eventually(listed, what="The subject")
    assert (found["policy"], found["kind"], found["mode"]) == ("inline/3600", "app", "enforce")


def test_staff_set_a_policy_and_take_it_back(people: People):
    admin, path = people.admin(), f"/ratelimit/policies/e2e-{secrets.token_hex(4)}"
    body = {"windows": [{"limit": 10, "period_s": 1}, {"limit": 100, "period_s": 60}], "mode": "shadow"}

    made = admin.put(path, json=body)
    stale = admin.put(path, json=body, headers={"if-match": '"v9"'})
    changed = admin.put(path, json={**body, "mode": "enforce"}, headers={"if-match": made.headers["etag"]})
    gone = admin.delete(path)

    assert [answer.status_code for answer in (made, stale, changed, gone)] == [201, 412, 200, 204]
    assert admin.get(path).status_code == 404


def test_a_policy_that_staff_have_set_is_in_force_for_who_names_it(ask: Ask, people: People):
    name = f"e2e-{secrets.token_hex(4)}"
    people.admin().put(f"/ratelimit/policies/{name}", json={"windows": [{"limit": 2, "period_s": 3_600}]})
    body = {"namespace": "e2e", "key": "x", "policy": name}

    answers = [ask("POST", "/ratelimit/check", json=body).json()["allowed"] for _ in range(3)]

    assert answers == [True, True, False]


def test_a_subject_is_let_begin_anew(ask: Ask, program: tuple[Person, str], people: People):
    body = question(limit=1, period_s=3_600, burst=1)
    ask("POST", "/ratelimit/check", json=body)

    reset = people.admin().delete(f"/ratelimit/buckets/e2e/{body['key']}?owner_id={program[0].id}")

    assert reset.status_code == 204
    seen = ask("GET", f"/ratelimit/buckets/e2e/{body['key']}").json()
    assert seen["buckets"][0]["limits"][0]["remaining"] == 1


@pytest.mark.parametrize("path", ["check", "check-batch", "refund", "leases", "erase"])
def test_what_is_internal_is_not_there_for_the_outside(user: Person, path: str):
    assert user.post(f"/ratelimit/internal/{path}", json={"owner_id": user.id}).status_code == 404
