from datetime import timedelta
from typing import Any

import pytest

from functions.identity.ratelimit import triggers
from functions.identity.ratelimit.events import SubjectLimited
from functions.identity.ratelimit.store.top import TopStore
from tessera import clock, ids
from tessera.outbox import Envelope
from tessera.tables import ConditionFailed
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.faults import meanwhile
from tests.kit.races import together

from .conftest import Place


def refused(place: Place, subject: str, *, times: int = 1, policy: str = "user:write", kind: str = "user") -> None:
    """As the layer tells it, once in each of so many minutes."""
    for number in range(times):
        at = clock.now() - timedelta(minutes=number)
        event = SubjectLimited(policy=policy, kind=kind, subject=subject, at=at, mode="enforce")
        deliver(place, event.model_dump(mode="json"))


def deliver(place: Place, data: dict[str, Any], event_id: str = "") -> None:
    made = Envelope(event_id or ids.new(), SubjectLimited.type, clock.rfc3339(clock.now()), "", data)
    (on,) = triggers.ENTRIES.events
    on.do(on.model.model_validate(made.data), made, place.bindings)


def names(answer: Any) -> list[tuple[str, int]]:
    return [(item["subject"], item["minutes"]) for item in answer.json()["items"]]


def test_one_sees_ones_own_limits_and_what_is_left(place: Place) -> None:
    person = place.served.person()
    person.post("/ratelimit/check", json={})

    found = person.get("/ratelimit/me").json()

    by_name = {one["policy"]: one for one in found["policies"]}
    assert found["plan"] == "user"
    assert set(by_name) == {"user:read", "user:write", "user:expensive"}
    assert by_name["user:write"]["limits"][0]["remaining"] == 39
    assert (by_name["user:read"]["sampled"], by_name["user:write"]["sampled"]) == (True, False)


def test_a_key_sees_its_one_limit(place: Place, key: Caller) -> None:
    found = key.get("/ratelimit/me").json()

    (one,) = found["policies"]
    assert (one["policy"], one["limits"][0]["remaining"], one["sampled"]) == ("key:default", 99, False)


def test_a_stranger_sees_the_limits_of_their_address(place: Place) -> None:
    place.served.client.post("/ratelimit/check", json={})

    found = place.served.client.get("/ratelimit/me").json()

    by_name = {one["policy"]: one for one in found["policies"]}
    assert set(by_name) == {"anon:read", "anon:write"}
    assert by_name["anon:write"]["limits"][0]["remaining"] == 9


def test_a_wrong_credential_is_no_stranger(place: Place) -> None:
    answer = place.served.client.get("/ratelimit/me", headers={"authorization": "Bearer nonsense"})

    assert answer.status_code == 401


def test_a_refusal_in_the_layer_reaches_the_list(place: Place, admin: Caller) -> None:
    """From the bucket's neighbour, which the layer has written, to the list."""
    for _ in range(45):
        place.limits.decide("user:write", "user:ann")
    (told,) = [item for item in place.items("B#") if item["sk"]["S"].startswith("limited#")]
    event = Envelope.parse(told["event"]["S"])
    assert SubjectLimited.model_validate(event.data).policy == "user:write"

    deliver(place, event.data)

    (item,) = admin.get("/ratelimit/top").json()["items"]
    assert item == {
        "policy": "user:write",
        "kind": "user",
        "subject": told["pk"]["S"].removeprefix("B#"),
        "mode": "enforce",
        "minutes": 1,
        "last_at": "2030-03-14T09:26:00.000Z",
    }
    assert admin.get("/ratelimit/buckets/tessera.user/ann").json()["subject"] == item["subject"]


def test_the_most_limited_come_first(place: Place, admin: Caller) -> None:
    for subject, minutes in (("a", 1), ("b", 12), ("c", 3)):
        for number in range(minutes):
            at = clock.now().replace(minute=number)
            event = SubjectLimited(policy="user:write", kind="user", subject=subject, at=at, mode="enforce")
            deliver(place, event.model_dump(mode="json"))

    assert names(admin.get("/ratelimit/top")) == [("b", 12), ("c", 3), ("a", 1)]
    assert names(admin.get("/ratelimit/top?limit=1")) == [("b", 12)]


def test_the_list_is_of_one_hour_and_of_one_policy_if_asked(place: Place, admin: Caller, frozen: FakeClock) -> None:
    refused(place, "a")
    refused(place, "b", policy="anon:write", kind="ip")
    frozen.advance(hours=1)
    refused(place, "c")

    assert names(admin.get("/ratelimit/top")) == [("c", 1)]
    assert sorted(names(admin.get("/ratelimit/top?hour=2030-03-14T09"))) == [("a", 1), ("b", 1)]
    assert names(admin.get("/ratelimit/top?hour=2030-03-14T09&policy=anon:write")) == [("b", 1)]
    assert names(admin.get("/ratelimit/top?hour=2030-03-14T08")) == []


def test_an_event_that_comes_twice_counts_once(place: Place, admin: Caller) -> None:
    data = SubjectLimited(policy="p", kind="user", subject="a", at=clock.now(), mode="shadow").model_dump(mode="json")
    for _ in range(3):
        deliver(place, data, "01J")

    assert names(admin.get("/ratelimit/top")) == [("a", 1)]


def test_minutes_counted_at_once_all_count(place: Place, frozen: FakeClock) -> None:
    top = place.bindings.get(TopStore)
    at = clock.now().replace(minute=0, second=0)

    together(lambda: top.count("p", "user", "a", "enforce", at), times=6)
    for minute in range(1, 4):
        top.count("p", "user", "a", "enforce", at + timedelta(minutes=minute))

    assert top.most("2030-03-14T09", "p", 10)[0].minutes == 4


def test_a_minute_counted_between_the_read_and_the_write_counts_too(place: Place) -> None:
    top = place.bindings.get(TopStore)
    at = clock.now().replace(minute=0, second=0)

    def count(minute: int) -> bool:
        return top.count("p", "user", "a", "enforce", at + timedelta(minutes=minute))

    with meanwhile("PutItem", lambda: count(0), key="TOP#"):
        count(1)
    with meanwhile("PutItem", lambda: count(2), key="TOP#"):
        count(3)

    assert top.most("2030-03-14T09", "p", 10)[0].minutes == 4


def test_a_count_that_always_meets_another_is_delivered_again(place: Place) -> None:
    top = place.bindings.get(TopStore)
    real = top.table.put

    def beaten(*given: Any, **more: Any) -> None:
        raise ConditionFailed()

    top.table.put = beaten  # type: ignore[method-assign]
    try:
        with pytest.raises(ConditionFailed):
            top.count("p", "user", "a", "enforce", clock.now())
    finally:
        top.table.put = real  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "query",
    ["hour=2030-03-14", "hour=2030-13-14T09", "hour=٢٠٣٠-03-14T09", "policy=No!", "limit=0", "limit=101", "x=1"],
)
def test_a_wrong_wish_is_refused(admin: Caller, query: str) -> None:
    assert admin.get(f"/ratelimit/top?{query}").status_code == 422


def test_the_list_is_for_staff(place: Place, key: Caller) -> None:
    assert place.with_role("support").get("/ratelimit/top").status_code == 200
    for caller in (key, place.served.person()):
        assert caller.get("/ratelimit/top").status_code == 403


def test_what_is_counted_is_counted_for_an_alarm_too(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "tessera"):
        refused(place, "a")

    (line,) = [vars(record) for record in caplog.records if record.getMessage() == "limited"]
    assert (line["subjects_limited"], line["stack"]) == (1, "tessera")
