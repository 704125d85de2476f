"""Connections as staff see and end them, and what is left of an erased user."""

import json
from typing import Any

import pytest

from functions.live.realtime.app import handler
from functions.live.realtime.store.erasure import Erasure
from functions.live.realtime.store.rows import ConnectionRow
from tessera import ids
from tessera.seqlog import HEAD, HeadRow
from tests.kit.apps import invocation
from tests.kit.capacity import CapacityMeter
from tests.kit.stores import events_in, everything_in

TOPIC = "demo:room"


def name(client: Any) -> str:
    return str(client.reply["connect"]["client"])


def disconnects(client: Any) -> list[int]:
    return [line["push"]["disconnect"]["code"] for line in client.lines() if "disconnect" in line.get("push", {})]


def test_the_connections_of_a_user_are_listed(web: Any, alice: Any) -> None:
    clients = [web.hub.connected(alice.id), web.hub.connected(alice.id)]
    web.hub.connected(web.person().id)
    clients[0].subscribe(TOPIC)

    items = web.admin().get("/realtime/connections", params={"user": alice.id}).json()["items"]

    assert {one["client"] for one in items} == {name(client) for client in clients}
    one = next(one for one in items if one["client"] == name(clients[0]))
    assert (one["user"], one["state"], one["topics"]) == (alice.id, "ready", 1)
    assert one["opened_at"] == one["heard_at"] == "2030-03-14T09:26:53.000Z"
    assert one["expires_at"] is not None


def test_a_list_is_one_request(web: Any, alice: Any) -> None:
    admin = web.admin()
    for _ in range(5):
        web.hub.connected(alice.id)
    admin.get("/realtime/connections", params={"user": alice.id})

    with CapacityMeter() as meter:
        admin.get("/realtime/connections", params={"user": alice.id})

    assert meter.of(web.hub.table.name).operations == ["Query"]


@pytest.mark.parametrize("query", ["", "?user=x", "?user=01HZX3J0V7Q8M4N5P6R7S8T9VW&more=1"])
def test_a_list_is_of_one_user(web: Any, query: str) -> None:
    assert web.admin().get(f"/realtime/connections{query}").status_code == 422


def test_one_connection_is_ended_and_no_other(web: Any, alice: Any) -> None:
    cut, kept = web.hub.connected(alice.id), web.hub.connected(alice.id)

    answer = web.admin().delete(f"/realtime/connections/{name(cut)}")
    web.hub.upkeep()
    web.hub.upkeep()

    assert answer.status_code == 204
    assert disconnects(cut) == [3503]
    assert disconnects(kept) == []
    assert web.hub.wire.dropped == [cut.id]


def test_somebody_without_an_account_is_found_by_name_too(web: Any) -> None:
    nobody = web.hub.connected()

    with CapacityMeter() as meter:
        assert web.admin().delete(f"/realtime/connections/{name(nobody)}").status_code == 204

    web.hub.upkeep()
    assert disconnects(nobody) == [3503]
    assert set(meter.of(web.hub.table.name).operations) == {"Query"}
    assert len(meter.of(web.hub.table.name).operations) <= 4


@pytest.mark.parametrize("client", ["4f9c3f0e-7d7c-4f0a-9a53-0d9a3f6f4a11", "x", "01HZX3J0V7Q8M4N5P6R7S8T9VX"])
def test_a_connection_that_is_not_there_is_not_found(web: Any, client: str) -> None:
    assert web.admin().delete(f"/realtime/connections/{client}").status_code == 404


def test_a_connection_that_is_ending_already_is_told_once(web: Any, alice: Any) -> None:
    client, admin = web.hub.connected(alice.id), web.admin()

    admin.delete(f"/realtime/connections/{name(client)}")
    admin.delete(f"/realtime/connections/{name(client)}")
    web.hub.upkeep()

    assert disconnects(client) == [3503]
    assert admin.delete(f"/realtime/connections/{name(client)}").status_code == 404


def test_all_connections_of_a_user_are_ended(web: Any, alice: Any) -> None:
    mine = [web.hub.connected(alice.id) for _ in range(3)]
    other = web.hub.connected(web.person().id)

    assert web.admin().post(f"/realtime/users/{alice.id}/disconnect").status_code == 204
    web.hub.upkeep()

    assert [disconnects(client) for client in mine] == [[3503]] * 3
    assert disconnects(other) == []


def test_a_user_is_unsubscribed_from_one_topic_and_hears_nothing_of_it_after(web: Any, alice: Any) -> None:
    client, other = web.hub.connected(alice.id), web.hub.connected(web.person().id)
    for one in (client, other):
        one.subscribe(TOPIC)
        one.subscribe("demo:other")
    web.hub.work()

    answer = web.admin().post(f"/realtime/topics/{TOPIC}/unsubscribe", json={"user": alice.id})
    web.hub.upkeep()
    web.hub.work()
    web.hub.publish(TOPIC, "after")
    web.hub.publish("demo:other", "still")
    web.hub.work()

    assert answer.status_code == 204
    assert [push["code"] for push in client.pushes("unsubscribe", TOPIC)] == [2000]
    assert (client.offsets(TOPIC), client.offsets("demo:other")) == ([], [1])
    assert other.offsets(TOPIC) == [1]


def test_an_unknown_topic_has_nobody_to_unsubscribe(web: Any, alice: Any) -> None:
    answer = web.admin().post("/realtime/topics/nothing:1/unsubscribe", json={"user": alice.id})

    assert answer.status_code == 404


@pytest.mark.parametrize("body", [{}, {"user": "x"}, {"user": None}, {"user": "01HZX3J0V7Q8M4N5P6R7S8T9VW", "x": 1}])
def test_who_is_to_be_unsubscribed_must_be_said(web: Any, body: Any) -> None:
    assert web.admin().post(f"/realtime/topics/{TOPIC}/unsubscribe", json=body).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/realtime/connections?user=01HZX3J0V7Q8M4N5P6R7S8T9VW"),
        ("DELETE", "/realtime/connections/4f9c3f0e-7d7c-4f0a-9a53-0d9a3f6f4a11"),
        ("POST", "/realtime/users/01HZX3J0V7Q8M4N5P6R7S8T9VW/disconnect"),
        ("POST", "/realtime/topics/demo:x/unsubscribe"),
    ],
)
def test_connections_are_for_staff(web: Any, alice: Any, method: str, path: str) -> None:
    assert alice.request(method, path).status_code == 403
    assert web.client.request(method, path).status_code == 401


def erase(user_id: str, caller: str = "accounts") -> Any:
    return handler(invocation("/realtime/internal/erase", {"owner_id": user_id}, caller=caller), None)


def test_erasure_leaves_nothing_of_a_user_but_where_their_log_stood(web: Any, alice: Any) -> None:
    client = web.hub.connected(alice.id)
    client.subscribe(TOPIC)
    web.publish(f"user:{alice.id}", *range(5))
    kept = web.publish(f"user:{web.person().id}", "mine")
    web.hub.upkeep()

    answer = erase(alice.id)

    assert json.loads(answer["body"]) == {"done": True, "erased": 6}
    left = [item for item in everything_in(web.hub.table) if alice.id in json.dumps(item)]
    kinds = {item["pk"]["S"].partition("#")[0] for item in left if "event" not in item}
    assert kinds <= {"LOG", "FAN"} and not [item for item in left if item["sk"]["S"].startswith("E#")]
    head = web.hub.log.head(f"user:{alice.id}")
    assert (head.off, head.floor) == (5, 6)
    assert kept == 1
    assert "privacy.data.erased.v1" in events_in(web.hub.table)
    web.hub.upkeep()
    assert client.id in web.hub.wire.dropped
    assert web.hub.table.get(ConnectionRow, f"CONN#{client.id}", "META") is None


def test_an_erasure_is_done_in_bounded_steps(web: Any, alice: Any) -> None:
    web.fill(f"user:{alice.id}", 225)

    answers = [json.loads(erase(alice.id)["body"]) for _ in range(3)]

    assert [(one["done"], one["erased"]) for one in answers] == [(False, 200), (True, 25), (True, 0)]


def test_what_is_erased_cannot_be_read_from_the_first_step_on(web: Any, alice: Any) -> None:
    topic = f"user:{alice.id}"
    web.fill(topic, 225)

    erase(alice.id)

    assert alice.get(f"/realtime/topics/{topic}/history").json()["items"] == []
    told = alice.get("/realtime/poll", params={"topic": topic, "pos": "abcdefgh:220"}).json()["topics"][topic]
    assert (told["recovered"], told["publications"]) == (False, [])


def test_a_floor_that_has_moved_further_meanwhile_is_left_there(web: Any) -> None:
    web.publish("poll:1", 1, 2, 3)
    erasure = Erasure(web.hub.table)
    erasure._raise_floor("poll:1", 4)
    erasure._raise_floor("poll:1", 2)

    row = web.hub.table.get(HeadRow, "LOG#poll:1", HEAD)
    assert row is not None and int(row.floor) == 4


def test_a_user_of_whom_nothing_is_here_is_erased_at_once(web: Any) -> None:
    assert json.loads(erase(ids.new())["body"]) == {"done": True, "erased": 0}


def test_only_accounts_may_erase(web: Any, alice: Any) -> None:
    assert alice.post("/realtime/internal/erase", json={"owner_id": alice.id}).status_code == 404
    assert erase(alice.id, caller="relay")["statusCode"] == 403
