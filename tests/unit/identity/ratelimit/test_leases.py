import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from functions.identity.ratelimit import triggers
from functions.identity.ratelimit.app import app
from functions.identity.ratelimit.store.leases import Free, Full, LeaseStore
from tessera import clock, ids
from tessera.due import DueItem
from tessera.idempotency import Intent
from tessera.tables import Table
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

from .conftest import Place, internal

Acquire = Callable[..., httpx.Response]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def acquire(key: Caller) -> Acquire:
    def ask(*, by: Caller | None = None, headers: dict[str, str] | None = None, **given: Any) -> httpx.Response:
        body = {"namespace": "render", "key": "worker", "limit": 2, **given}
        return (by or key).post("/ratelimit/leases", json=body, headers=headers or {})

    return ask


@pytest.fixture
def leases(table_of: Callable[[str], Table], frozen: FakeClock) -> LeaseStore:
    return LeaseStore(table_of("Ratelimit"))


def take(leases: LeaseStore, limit: int = 3) -> str:
    lease, _ = leases.acquire("s", "ann", limit=limit, ttl=MINUTE, intent=Intent(ids.new(), "x"))
    return lease.id


def due_of(table: Table, lease_id: str) -> DueItem:
    (item,) = [one for one in everything_in(table) if one["sk"]["S"] == f"L#{lease_id.partition('.')[0]}"]
    return DueItem(*(item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")))


def test_a_lease_is_a_place_for_a_while(acquire: Acquire) -> None:
    made = acquire(ttl_s=30)

    assert made.status_code == 201
    assert made.headers["location"] == f"/ratelimit/leases/{made.json()['id']}"
    assert (made.json()["in_use"], made.json()["limit"]) == (1, 2)
    assert made.json()["expires_at"] == "2030-03-14T09:27:23.000Z"


def test_when_all_places_are_taken_the_refusal_says_when_the_next_one_ends(acquire: Acquire, frozen: FakeClock) -> None:
    acquire(ttl_s=30)
    frozen.advance(seconds=10)
    acquire(ttl_s=40)

    refused = acquire()

    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/leases-exhausted")
    assert refused.headers["retry-after"] == "20"


def test_a_place_given_back_is_free_at_once(acquire: Acquire, key: Caller) -> None:
    first, second = acquire(), acquire()

    released = key.delete(first.headers["location"])
    third = acquire()

    assert (released.status_code, third.status_code) == (204, 201)
    assert key.delete(first.headers["location"]).status_code == 404
    assert key.delete(second.headers["location"]).status_code == 204


def test_a_lease_that_nobody_gives_back_ends_by_itself(acquire: Acquire, frozen: FakeClock) -> None:
    acquire(ttl_s=30)
    acquire(ttl_s=60)
    frozen.advance(seconds=30)

    third = acquire()

    assert (third.status_code, third.json()["in_use"]) == (201, 2)
    assert acquire().status_code == 429


def test_the_sweeper_frees_what_is_due(place: Place, acquire: Acquire, frozen: FakeClock) -> None:
    made = acquire(ttl_s=30).json()
    item = due_of(place.table, made["id"])
    frozen.advance(seconds=30)

    for _ in range(2):
        triggers.come_due(item, place.bindings)

    assert place.bindings.get(LeaseStore).count(item.pk.removeprefix("LS#")) == 0


def test_a_lease_that_was_given_back_is_not_freed_again(place: Place, acquire: Acquire, key: Caller) -> None:
    made, other = acquire().json(), acquire().json()
    item = due_of(place.table, made["id"])
    key.delete(f"/ratelimit/leases/{made['id']}")

    triggers.come_due(item, place.bindings)

    assert place.bindings.get(LeaseStore).count(item.pk.removeprefix("LS#")) == 1
    assert key.delete(f"/ratelimit/leases/{other['id']}").status_code == 204


def test_nobody_gives_back_anothers_lease(acquire: Acquire, place: Place) -> None:
    made = acquire().json()

    assert place.key().delete(f"/ratelimit/leases/{made['id']}").status_code == 404


@pytest.mark.parametrize("lease_id", ["nothing", "01J", f"{'0' * 26}.{'a' * 43}", f"{'0' * 26}.{'a' * 44}"])
def test_what_is_no_lease_is_not_found(key: Caller, lease_id: str) -> None:
    assert key.delete(f"/ratelimit/leases/{lease_id}").status_code == 404


def test_two_owners_have_places_of_their_own(acquire: Acquire, place: Place) -> None:
    acquire(limit=1)

    assert acquire(limit=1, by=place.key()).status_code == 201


@pytest.mark.parametrize("kind", ["timed", "plain"])
def test_the_same_request_takes_one_place(acquire: Acquire, kind: str) -> None:
    headers = {"idempotency-key": ids.new() if kind == "timed" else "job 7"}

    first, second = acquire(headers=headers), acquire(headers=headers)

    assert first.json() == second.json()
    assert second.headers["idempotent-replay"] == "true"
    assert acquire(headers=headers, ttl_s=5).status_code == 422
    assert acquire(headers=headers, key="another").status_code == 422


@pytest.mark.parametrize("seconds", [160, 320])
def test_the_same_request_of_a_clock_that_is_ahead_takes_one_place(
    acquire: Acquire, frozen: FakeClock, seconds: int
) -> None:
    headers = {"idempotency-key": ids.at(clock.millis() + seconds * 1_000, b"0123456789")}
    first = acquire(headers=headers)
    frozen.advance(seconds=30)

    again = acquire(headers=headers)

    assert (again.json()["id"], again.json()["in_use"]) == (first.json()["id"], 1)


@pytest.mark.parametrize("kind", ["timed", "plain"])
@pytest.mark.parametrize("ended", ["given back", "run out"])
def test_the_same_request_takes_no_place_after_the_first_has_ended(
    place: Place, acquire: Acquire, key: Caller, frozen: FakeClock, kind: str, ended: str
) -> None:
    headers = {"idempotency-key": ids.new() if kind == "timed" else "job 7"}
    made = acquire(headers=headers)
    if ended == "given back":
        key.delete(made.headers["location"])
    else:
        item = due_of(place.table, made.json()["id"])
        frozen.advance(minutes=1)
        triggers.come_due(item, place.bindings)

    again = acquire(headers=headers)

    assert (again.status_code, again.json()["type"]) == (410, "/problems/gone")
    assert acquire().json()["in_use"] == 1


def test_what_a_repetition_may_be_told_is_declared() -> None:
    declared = {
        route.path: set(route.responses)
        for route in app.router.routes
        if isinstance(route, APIRoute) and route.path.endswith("/leases")
    }

    assert {path: {410, 422, 429} <= statuses for path, statuses in declared.items()} == dict.fromkeys(declared, True)
    assert len(declared) == 2


@pytest.mark.parametrize(
    "given",
    [{"limit": 0}, {"limit": 1_001}, {"ttl_s": 0}, {"ttl_s": 3_601}, {"namespace": "tessera.user"}, {"key": ""}],
    ids=str,
)
def test_a_wrong_wish_is_refused(acquire: Acquire, given: dict[str, Any]) -> None:
    assert acquire(**given).status_code == 422


def test_people_need_a_key(acquire: Acquire, place: Place) -> None:
    assert acquire(by=place.served.person()).status_code == 403


def test_a_capability_acquires_and_releases_by_invocation(place: Place) -> None:
    body = {"namespace": "render", "key": "worker", "limit": 1}
    made = internal("/ratelimit/internal/leases", body)
    full = internal("/ratelimit/internal/leases", body)
    lease_id = json.loads(made["body"])["id"]
    released = internal(f"/ratelimit/internal/leases/{lease_id}", {}, method="DELETE")

    assert (made["statusCode"], full["statusCode"], released["statusCode"]) == (201, 429, 204)


def test_of_fifty_at_once_exactly_as_many_get_in_as_may(leases: LeaseStore) -> None:
    results = together(lambda: take(leases, limit=7), times=50)

    assert outcomes(results) == {"ok": 7, "Full": 43}
    assert leases.count("s") == 7


def test_a_release_and_an_expiry_at_once_free_one_place(leases: LeaseStore, frozen: FakeClock) -> None:
    for _ in range(5):
        lease_id = take(leases)
        item = due_of(leases.table, lease_id)
        frozen.advance(minutes=1)
        results = together(
            lambda own=lease_id: leases.release("s", own, "ann"),  # type: ignore[misc]
            lambda item=item: leases.expire(item.pk, item.sk, item.due_pk),  # type: ignore[misc]
        )
        assert outcomes(results) == {"ok": 1, "Free": 1}
    assert leases.count("s") == 0


def test_a_place_that_was_taken_anew_is_not_taken_back_for_its_old_time(leases: LeaseStore, frozen: FakeClock) -> None:
    """Who has read that it ran out comes too late: it was given back, and the same request has taken it again."""
    intent = Intent(ids.new(), "x")
    leases.acquire("s", "ann", limit=3, ttl=MINUTE, intent=intent)
    frozen.advance(minutes=1)
    leases.release("s", intent.id, "ann")
    leases.acquire("s", "ann", limit=3, ttl=MINUTE, intent=intent)

    with pytest.raises(Free):
        leases.end("s", intent.id)

    assert leases.count("s") == len(leases.all("s")) == 1


def test_the_counter_is_the_number_of_leases_whatever_happens(leases: LeaseStore, frozen: FakeClock) -> None:
    held: list[str] = []
    for number in range(60):
        frozen.advance(seconds=7)
        if number % 3 == 2 and held:
            with suppress(Free):
                leases.release("s", held.pop(0), "ann")
        for lease in leases.all("s"):
            if lease.expires_at <= clock.now():
                leases.end("s", lease.id)
        with suppress(Full):
            held.append(take(leases, limit=4))
        assert leases.count("s") == len(leases.all("s")) <= 4
