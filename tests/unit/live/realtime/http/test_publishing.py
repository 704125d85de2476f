"""Publishing over HTTP."""

from typing import Any

import pytest

from tessera import clock, ids
from tests.kit.capacity import CapacityMeter
from tests.kit.races import outcomes, together

PUBLISH, BROADCAST = "/realtime/publish", "/realtime/broadcast"
NOTICE = "notice:all"


def entries(web: Any, topic: str) -> list[str]:
    return [entry.data for entry in web.hub.log.read(topic, 0, 100)]


def test_a_publication_is_in_the_log_when_it_is_answered_and_reaches_who_listens(web: Any) -> None:
    admin, listener = web.admin(), web.hub.connected()
    listener.subscribe(NOTICE)
    web.hub.work()

    answer = admin.post(PUBLISH, json={"topic": NOTICE, "data": {"a": [1.5, None]}, "tags": {"kind": "news"}})
    web.hub.work()

    assert answer.status_code == 200, answer.text
    assert answer.json() == {"epoch": web.hub.log.head(NOTICE).epoch, "offset": 1}
    assert listener.pushes("pub", NOTICE) == [{"data": {"a": [1.5, None]}, "offset": 1, "tags": {"kind": "news"}}]


def test_a_publication_that_nobody_hears_costs_one_transaction(web: Any) -> None:
    admin = web.admin()
    admin.post(PUBLISH, json={"topic": NOTICE, "data": 0})

    with CapacityMeter() as meter:
        admin.post(PUBLISH, json={"topic": NOTICE, "data": 1})

    cost = meter.of(web.hub.table.name)
    assert (cost.operations, cost.write_units) == (["TransactWriteItems"], 4.0)


@pytest.mark.parametrize("place", ["body", "header"])
@pytest.mark.parametrize("carries_time", [True, False])
def test_what_is_asked_twice_is_published_once(web: Any, place: str, carries_time: bool) -> None:
    # An id made now carries the time of the test's own clock.
    admin, key = web.admin(), ids.new() if carries_time else "order 66"

    def ask(data: Any) -> Any:
        body = {"topic": NOTICE, "data": data, **({"idempotency_key": key} if place == "body" else {})}
        return admin.post(PUBLISH, json=body, headers={"idempotency-key": key} if place == "header" else {})

    first, second, other = ask("a"), ask("a"), ask("b")

    assert first.status_code == 200, first.text
    assert (second.json(), second.headers["idempotent-replay"]) == (first.json(), "true")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert entries(web, NOTICE) == ['"a"']


@pytest.mark.parametrize("seconds", [160, 320])
def test_what_a_clock_that_is_ahead_asks_twice_is_published_once(web: Any, frozen: Any, seconds: int) -> None:
    admin, headers = web.admin(), {"idempotency-key": ids.at(clock.millis() + seconds * 1_000, b"0123456789")}
    first = admin.post(PUBLISH, json={"topic": NOTICE, "data": "a"}, headers=headers)
    frozen.advance(seconds=30)

    again = admin.post(PUBLISH, json={"topic": NOTICE, "data": "a"}, headers=headers)

    assert again.json() == first.json()
    assert entries(web, NOTICE) == ['"a"']


def test_the_same_key_published_by_twenty_at_once_has_one_offset(web: Any) -> None:
    admin = web.admin()
    body = {"topic": NOTICE, "data": "once", "idempotency_key": "the same"}

    results = together(lambda: admin.post(PUBLISH, json=body), times=20)

    assert outcomes(results)["ok"] == 20
    answers = [one.value for one in results]
    done = [answer.json() for answer in answers if answer.status_code == 200]
    # Who meets too many others is told to come again, and is then answered the same.
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert done and all(one == done[0] for one in done)
    assert entries(web, NOTICE) == ['"once"']


def test_a_key_is_ones_own_and_one_topics_and_good_for_a_day(web: Any) -> None:
    body = {"topic": NOTICE, "data": 1, "idempotency_key": "k"}
    one = web.admin()
    one.post(PUBLISH, json=body)
    web.admin().post(PUBLISH, json=body)
    one.post(PUBLISH, json={**body, "topic": "notice:other"})
    web.frozen.advance(hours=23, minutes=50)
    again = web.person(one.id, roles=["user", "admin"])
    again.post(PUBLISH, json=body)
    web.frozen.advance(minutes=20)
    again = web.person(one.id, roles=["user", "admin"])
    again.post(PUBLISH, json=body)

    # Twice by the first, a day apart, and once by the other: the first entries have grown old meanwhile.
    assert web.hub.log.head(NOTICE).off == 3
    assert web.hub.log.head("notice:other").off == 1


def test_two_keys_in_one_request_are_refused(web: Any) -> None:
    body = {"topic": NOTICE, "data": 1, "idempotency_key": "a"}

    answer = web.admin().post(PUBLISH, json=body, headers={"idempotency-key": "b"})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/idempotency_key")


def test_a_user_publishes_where_the_topic_lets_clients(web: Any, alice: Any) -> None:
    answer = alice.post(PUBLISH, json={"topic": "demo:x", "data": "hello"})

    assert answer.status_code == 200
    [entry] = web.hub.log.read("demo:x", 0, 10)
    assert (entry.data, entry.info) == ('"hello"', f'{{"user":"{alice.id}"}}')


@pytest.mark.parametrize(
    ("topic", "slug"),
    [
        (NOTICE, "topic-forbidden"),
        ("user:{id}", "topic-forbidden"),
        ("room:1", "topic-forbidden"),
        ("job:1", "topic-forbidden"),
    ],
)
def test_a_user_does_not_speak_for_the_product(web: Any, alice: Any, topic: str, slug: str) -> None:
    answer = alice.post(PUBLISH, json={"topic": topic.format(id=alice.id), "data": 1})

    assert (answer.status_code, answer.json()["type"]) == (403, f"/problems/{slug}")


def test_not_even_staff_append_to_what_another_capability_owns(web: Any) -> None:
    answer = web.admin().post(PUBLISH, json={"topic": "room:1", "data": 1})

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/topic-forbidden")
    assert "chat" in answer.json()["detail"]
    assert web.hub.log.head("room:1").off == 0


def test_a_token_for_something_else_does_not_publish(web: Any) -> None:
    def ask(scope: str) -> int:
        person = web.person(roles=["user", "admin"], scope=scope)
        return int(person.post(PUBLISH, json={"topic": "demo:x", "data": 1}).status_code)

    assert [ask(scope) for scope in ("tasks:write", "realtime:read", "realtime:write", "realtime:publish")] == [
        403,
        403,
        200,
        200,
    ]
    assert web.client.post(PUBLISH, json={"topic": "demo:x", "data": 1}).status_code == 401


def test_a_user_who_publishes_too_fast_is_told_when_to_go_on(web: Any, alice: Any) -> None:
    statuses = [alice.post(PUBLISH, json={"topic": "demo:x", "data": n}).status_code for n in range(22)]

    assert statuses[:20] == [200] * 20
    assert 429 in statuses[20:]


@pytest.mark.parametrize(("topic", "most"), [(NOTICE, 16_384), ("demo:x", 16_384)])
def test_what_is_too_large_for_its_topic_is_refused(web: Any, topic: str, most: int) -> None:
    admin = web.admin()

    fits = admin.post(PUBLISH, json={"topic": topic, "data": "x" * (most - 2)})
    beyond = admin.post(PUBLISH, json={"topic": topic, "data": "x" * (most - 1)})
    # Counted as it is kept, not by characters.
    wide = admin.post(PUBLISH, json={"topic": topic, "data": "é" * (most // 2)})

    assert [one.status_code for one in (fits, beyond, wide)] == [200, 413, 413]
    assert beyond.json()["type"] == "/problems/payload-too-large"


@pytest.mark.parametrize("depth", [200, 300, 5_000])
def test_data_of_any_depth_is_kept_or_refused(web: Any, depth: int) -> None:
    text = f'{{"topic": "{NOTICE}", "data": {"[" * depth}{"]" * depth}}}'

    answer = web.admin().post(PUBLISH, content=text, headers={"content-type": "application/json"})

    assert answer.status_code == (200 if depth == 200 else 422)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"topic": NOTICE},
        {"topic": 5, "data": 1},
        {"topic": "", "data": 1},
        {"topic": "nothing", "data": 1},
        {"topic": "nothing:x", "data": 1},
        {"topic": "notice:a b", "data": 1},
        {"topic": "notice:" + "x" * 160, "data": 1},
        {"topic": NOTICE, "data": 1, "tags": {"a": 1}},
        {"topic": NOTICE, "data": 1, "tags": {"": "x"}},
        {"topic": NOTICE, "data": 1, "tags": {str(n): "x" for n in range(11)}},
        {"topic": NOTICE, "data": 1, "idempotency_key": ""},
        {"topic": NOTICE, "data": 1, "idempotency_key": "ä"},
        {"topic": NOTICE, "data": 1, "more": 1},
    ],
)
def test_what_is_no_publication_is_explained(web: Any, body: Any) -> None:
    answer = web.admin().post(PUBLISH, json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_broadcast_has_a_result_for_each_topic(web: Any) -> None:
    topics = [NOTICE, "room:1", "nothing:x", "user:01HZX3J0V7Q8M4N5P6R7S8T9VW"]

    answer = web.admin().post(BROADCAST, json={"topics": topics, "data": "to all"})

    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["topic"] for one in results] == topics
    assert [one["placed"] and one["placed"]["offset"] for one in results] == [1, None, None, 1]
    assert [one["problem"] and one["problem"]["status"] for one in results] == [None, 403, 422, None]


def test_a_broadcast_asked_twice_adds_only_what_was_missing(web: Any) -> None:
    admin = web.admin()
    body: dict[str, Any] = {"topics": [NOTICE, "notice:b"], "data": 1, "idempotency_key": "k"}

    first = admin.post(BROADCAST, json=body).json()
    second = admin.post(BROADCAST, json=body).json()

    assert first == second
    assert [web.hub.log.head(topic).off for topic in body["topics"]] == [1, 1]


def test_a_broadcast_is_for_those_who_may_publish_anywhere(web: Any, alice: Any) -> None:
    assert alice.post(BROADCAST, json={"topics": ["demo:x"], "data": 1}).status_code == 403


@pytest.mark.parametrize(
    "topics", [[], [NOTICE, NOTICE], [f"notice:{n}" for n in range(101)], "notice:x", [None]], ids=range(5)
)
def test_a_broadcast_is_to_one_to_a_hundred_topics(web: Any, topics: Any) -> None:
    assert web.admin().post(BROADCAST, json={"topics": topics, "data": 1}).status_code == 422


def test_a_broadcast_is_one_transaction_a_topic(web: Any) -> None:
    admin = web.admin()
    topics = [f"notice:{number}" for number in range(10)]
    admin.post(BROADCAST, json={"topics": topics, "data": 0})

    with CapacityMeter() as meter:
        answer = admin.post(BROADCAST, json={"topics": topics, "data": 1})

    assert {one["placed"]["offset"] for one in answer.json()["results"]} == {2}
    assert meter.of(web.hub.table.name).operations == ["TransactWriteItems"] * 10
