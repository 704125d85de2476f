"""History, presence, where to listen, and topics as they stand in a path."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from functions.live.realtime.app import app, handler
from tessera.settings import Bindings
from tests.kit.capacity import CapacityMeter

FIRST = "demo:one"


def history(topic: str) -> str:
    return f"/realtime/topics/{quote(topic, safe='')}/history"


def test_the_history_of_a_topic_is_read_in_both_directions(web: Any, alice: Any) -> None:
    web.publish(FIRST, *"abcde")

    whole = alice.get(history(FIRST)).json()
    epoch = whole["epoch"]
    given = {"since_epoch": epoch, "since_offset": 3}

    def offsets(**query: Any) -> list[int]:
        return [one["offset"] for one in alice.get(history(FIRST), params=query).json()["items"]]

    assert [one["data"] for one in whole["items"]] == list("abcde")
    assert (whole["offset"], whole["floor"]) == (5, 1)
    assert offsets(limit=2) == [1, 2]
    assert offsets(**given) == [4, 5]
    assert offsets(reverse=True, limit=2) == [5, 4]
    assert offsets(reverse=True, **given) == [2, 1]
    assert offsets(limit=0) == []


def test_a_history_costs_two_reads(web: Any, alice: Any) -> None:
    web.fill(FIRST, 60)
    alice.get(history(FIRST))

    with CapacityMeter() as meter:
        answer = alice.get(history(FIRST), params={"limit": 50})

    assert len(answer.json()["items"]) == 50
    assert meter.of(web.hub.table.name).operations == ["GetItem", "Query"]


def test_a_history_shows_what_clients_said_of_themselves_and_what_was_erased(web: Any, alice: Any) -> None:
    alice.post("/realtime/publish", json={"topic": FIRST, "data": 1, "tags": {"kind": "x"}})
    alice.post("/realtime/publish", json={"topic": FIRST, "data": 2})
    web.hub.log.erase(FIRST, 2)

    items = alice.get(history(FIRST)).json()["items"]

    assert items == [
        {"data": 1, "offset": 1, "info": {"user": alice.id}, "tags": {"kind": "x"}},
        {"data": None, "offset": 2, "tags": {"erased": "1"}},
    ]


@pytest.mark.parametrize(("epoch", "offset"), [("aaaaaaaa", 1), (None, 9)], ids=["of another epoch", "not reached yet"])
def test_a_position_that_cannot_be_gone_on_from_is_said_to_be_one(
    web: Any, alice: Any, epoch: str | None, offset: int
) -> None:
    web.publish(FIRST, 1)
    given = {"since_epoch": epoch or web.hub.log.head(FIRST).epoch, "since_offset": offset}

    answer = alice.get(history(FIRST), params=given)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/unrecoverable-position")


def test_a_position_below_the_floor_cannot_be_gone_on_from(web: Any, alice: Any) -> None:
    web.fill("poll:1", 60, floor=51)

    lost = alice.get(history("poll:1"), params={"since_epoch": "abcdefgh", "since_offset": 49})
    whole = alice.get(history("poll:1"), params={"since_epoch": "abcdefgh", "since_offset": 50})

    assert lost.status_code == 409
    assert whole.json()["items"][0]["offset"] == 51


@pytest.mark.parametrize(
    "query",
    [
        "since_offset=1",
        "since_epoch=aaaaaaaa",
        "since_epoch=A&since_offset=1",
        "since_epoch=aaaaaaaa&since_offset=-1",
        "limit=101",
        "limit=-1",
        "what=1",
    ],
)
def test_a_question_that_makes_no_sense_is_explained(alice: Any, query: str) -> None:
    answer = alice.get(f"{history(FIRST)}?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"]


@pytest.mark.parametrize("kind", ["history", "presence", "presence-stats"])
def test_a_topic_shows_itself_to_those_it_is_for(web: Any, alice: Any, kind: str) -> None:
    def status(person: Any, topic: str) -> int:
        return int(person.get(f"/realtime/topics/{quote(topic, safe='')}/{kind}").status_code)

    web.grant("room:1", alice.id, "hr")
    web.grant("room:2", alice.id, "s")

    assert [status(alice, topic) for topic in ("room:1", "room:2", "room:3")] == [200, 403, 403]
    assert status(web.person(), "room:1") == 403
    assert status(web.person(), f"user:{alice.id}") == 403
    assert [status(alice, topic) for topic in ("nothing:1", "nothing", "demo:a b")] == [404] * 3
    assert status(web.client, "room:1") == 401


def test_what_is_public_is_read_by_anybody(web: Any) -> None:
    web.publish("poll:1", "open")

    assert web.nobody(history("poll:1")).json()["items"][0]["data"] == "open"


def test_a_key_of_narrow_scope_reads_nothing_here(web: Any) -> None:
    assert web.person(scope="tasks:read").get(history("poll:1")).status_code == 403


def test_presence_tells_who_listens(web: Any, alice: Any) -> None:
    clients = [web.hub.connected(alice.id), web.hub.connected(alice.id), web.hub.connected(web.person().id)]
    for client in clients:
        client.subscribe(FIRST)
    web.hub.work()

    found = alice.get(f"/realtime/topics/{FIRST}/presence").json()["presence"]
    stats = alice.get(f"/realtime/topics/{FIRST}/presence-stats").json()

    names = [client.reply["connect"]["client"] for client in clients]
    assert set(found) == set(names)
    assert found[names[0]] == {"client": names[0], "user": alice.id}
    assert stats == {"num_clients": 3, "num_users": 2}


def test_presence_that_is_not_kept_is_said_to_be_so(web: Any, alice: Any) -> None:
    answer = alice.get("/realtime/topics/poll:1/presence")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/presence-not-kept")


@pytest.mark.parametrize("topic", ["demo:a#b", "demo:a:b", "demo:a-b_c.d", "demo:" + "x" * 155], ids=range(4))
@pytest.mark.parametrize("is_decoded", [True, False], ids=["decoded by the gateway", "as it was sent"])
def test_a_topic_arrives_whole_whatever_the_gateway_does_to_its_path(web: Any, topic: str, is_decoded: bool) -> None:
    web.publish(topic, "found")
    path = f"/realtime/topics/{topic if is_decoded else quote(topic, safe='')}/history"
    event = {
        "version": "2.0",
        "routeKey": "ANY /realtime/{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": f"Bearer {web.person().token}", "host": "app.test"},
        "requestContext": {
            "apiId": "api",
            "domainName": "app.test",
            "http": {"method": "GET", "path": path, "sourceIp": "203.0.113.9", "protocol": "HTTP/1.1"},
        },
        "isBase64Encoded": False,
    }

    answer = handler(event, None)

    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["items"][0]["data"] == "found"


def test_a_topic_in_the_query_is_encoded_by_its_client(web: Any, alice: Any) -> None:
    web.publish("demo:a#b", 1)

    told = alice.get("/realtime/poll?topic=demo%3Aa%23b").json()["topics"]

    assert told["demo:a#b"]["offset"] == 1


def test_the_configuration_says_where_to_listen_and_what_is_allowed(web: Any) -> None:
    found = web.nobody("/realtime/config").json()

    assert found["ws_url"] == "wss://app.test/live"
    assert (found["sse_url"], found["poll_url"]) == ("https://app.test/realtime/sse", "https://app.test/realtime/poll")
    assert found["ping"] == 300
    assert found["limits"] == {
        "frame_bytes": 32_768,
        "topics_per_connection": 64,
        "topics_per_poll": 10,
        "wait_seconds": 25,
        "history_entries": 100,
        "publish_bytes": 98_304,
        "connections_per_user": 50,
    }


def test_the_configuration_names_the_socket_of_the_stack(web: Any) -> None:
    more = {"SOCKET_URL": "wss://api.example/live", "PUBLIC_BASE_URL": "https://x.example/"}
    app.state.bindings = Bindings({**web.hub.bindings.environment, **more})

    found = web.nobody("/realtime/config").json()

    assert (found["ws_url"], found["poll_url"]) == ("wss://api.example/live", "https://x.example/realtime/poll")
