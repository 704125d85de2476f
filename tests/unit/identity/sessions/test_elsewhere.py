"""The access cookie in another capability: as good as a token, for no more requests and no more time."""

import statistics
import time

import pytest

from functions.work.tasks.app import app as tasks
from tessera import clock
from tessera.auth import require
from tessera.auth.call import Call
from tessera.auth.cookies import ACCESS_COOKIE
from tessera.auth.guards import Guard
from tessera.settings import Bindings
from tests.kit.capacity import CapacityMeter
from tests.kit.cookies import Browser
from tests.kit.queues import make_queue
from tests.kit.stores import make_table
from tests.kit.web import AppClient

from .conftest import ORIGIN


@pytest.fixture
def elsewhere(served, bindings):
    """`tasks` on the same keys and the same feed, at the same address."""
    table = make_table("Tasks")
    theirs = {**bindings.environment, "CAPABILITY": "tasks", "TABLE": table.name, "QUEUE": make_queue("tasks")}
    before, tasks.state.bindings = tasks.state.bindings, Bindings(theirs)
    yield lambda browser: Browser(AppClient(tasks, base_url=ORIGIN), ORIGIN, jar=browser.jar)
    tasks.state.bindings = before


def requests_of(meter):
    """By table; the limiter counts some reads and not others."""
    return {name: cost.operations for name, cost in meter.by_table.items() if not name.startswith("ratelimit-")}


def test_the_cookie_opens_another_capability_and_adds_no_request(signed_in, elsewhere, ann):
    there = elsewhere(signed_in(ann))
    made = there.post("/tasks", json={"title": "Buy milk"})
    assert made.status_code == 201

    with CapacityMeter() as by_cookie:
        answer = there.get(made.headers["location"])
    bearer = {"authorization": f"Bearer {there.jar[ACCESS_COOKIE]}", "cookie": "a=b"}
    with CapacityMeter() as by_token:
        there.get(made.headers["location"], headers=bearer)

    assert (answer.status_code, answer.json()["title"]) == (200, "Buy milk")
    assert requests_of(by_cookie) == requests_of(by_token)
    assert list(requests_of(by_cookie).values()) == [["GetItem"]]


def test_the_cookie_costs_less_than_a_millisecond_more_than_a_token(signed_in, ann, bindings, frozen):
    jar = signed_in(ann).jar
    guard = require("accounts:self").dependency
    assert isinstance(guard, Guard)

    def took(*headers):
        # Time goes on, so that no limit is met.
        frozen.advance(milliseconds=700)
        call = Call("GET", "/tasks", headers, "", "203.0.113.7", True, None, bindings, "r")
        began = time.perf_counter()
        guard.admit(call)
        return time.perf_counter() - began

    cookie = ("cookie", "; ".join(f"{name}={value}" for name, value in jar.items()))
    token = ("authorization", f"Bearer {jar[ACCESS_COOKIE]}")
    by_cookie, by_token = (statistics.median(took(header) for _ in range(100)) for header in (cookie, token))

    assert by_cookie - by_token < 0.001


def test_a_change_elsewhere_needs_a_page_of_ours(signed_in, elsewhere, ann):
    there = elsewhere(signed_in(ann))

    refused = there.post("/tasks", json={"title": "x"}, headers={"sec-fetch-site": "cross-site"})

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/csrf-failed")


def test_a_token_beside_the_cookie_of_somebody_else_is_who_counts_and_needs_no_csrf_token(
    signed_in, elsewhere, accounts, served, ann
):
    bob = accounts.add("bob@example.com")
    there = elsewhere(signed_in(ann))
    headers = {"authorization": f"Bearer {served.signer.token(sub=bob.id)}", "sec-fetch-site": "cross-site"}

    made = there.post("/tasks", json={"title": "Bob's"}, headers=headers)

    assert made.status_code == 201
    assert there.get(made.headers["location"]).status_code == 404
    assert there.get(made.headers["location"], headers=headers).status_code == 200


@pytest.mark.asvs("7.4.1")
def test_a_signed_out_cookie_is_refused_elsewhere_within_fifteen_seconds(signed_in, elsewhere, ann, frozen):
    mine = signed_in(ann)
    there = elsewhere(mine.tab())
    kept = dict(mine.jar)
    assert there.get("/tasks").status_code == 200
    mine.post("/sessions/logout")
    there.jar.update(kept)
    signed_out_at = clock.now()

    while there.get("/tasks").status_code == 200:
        frozen.advance(seconds=1)

    assert (clock.now() - signed_out_at).total_seconds() <= 15


@pytest.mark.parametrize("name", ["\u00a0__Host-tessera_at", "\u2000__Host-tessera_at", "__host-tessera_at"], ids=ascii)
def test_a_name_that_only_looks_like_the_cookies_is_another_cookie(signed_in, elsewhere, ann, name):
    mine = signed_in(ann)
    there = elsewhere(mine)

    answer = there.get("/tasks", headers={"cookie": f"{name}={mine.jar[ACCESS_COOKIE]}".encode()})

    assert answer.json()["type"] == "/problems/credentials-missing"
