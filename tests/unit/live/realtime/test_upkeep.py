"""What becomes of connections with time, and of those who may not have them any more."""

from collections import Counter
from datetime import timedelta

import pytest

from functions.live.realtime.actions import upkeep
from functions.live.realtime.rules import pings
from functions.live.realtime.store.rows import META, ConnectionRow, connection_key
from tessera import clock, ids
from tessera.auth import tickets
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal
from tessera.due import DueItem
from tessera.live import Live
from tessera.settings import Bindings
from tests.kit.clocks import FakeClock
from tests.kit.stores import events_in
from tests.unit.live.realtime.conftest import TOPIC

ANN, BEN = "01HZX3J0V7Q8M4N5P6R7S8T9VA", "01HZX3J0V7Q8M4N5P6R7S8T9VB"


def disconnects(client):
    return [line["push"]["disconnect"]["code"] for line in client.lines() if "disconnect" in line.get("push", {})]


def pinged(client):
    return sum(frame == "{}" for frame in client.hub.wire.sent[client.id])


def test_ping_cycle(hub, frozen):
    """Every connection is pinged once in four minutes, and none that answers is ended."""
    clients = [hub.connected(ids.new()) for _ in range(3)]
    for _ in range(12):
        frozen.advance(minutes=1)
        hub.minute()
        hub.upkeep()
        for client in clients:
            if pinged(client):
                client.send_text("{}")

    assert [pinged(client) for client in clients] == [3, 3, 3]
    assert [disconnects(client) for client in clients] == [[], [], []]


def test_who_answers_no_ping_is_ended_and_forgotten(hub, frozen):
    client = hub.connected(ANN)
    for _ in range(13):
        frozen.advance(minutes=1)
        hub.minute()
        hub.upkeep()

    assert disconnects(client) == [3012]
    assert hub.wire.dropped == [client.id]
    assert hub.ports.connections.get(client.id) is None


def test_a_ping_to_nobody_forgets_them(hub, frozen):
    client = hub.connected(ANN)
    hub.wire.gone.add(client.id)

    upkeep.ping(hub.ports, [client.id, "unknown"])

    assert hub.ports.connections.get(client.id) is None


def test_two_hour_rotation(hub, frozen):
    """Connections come again before the gateway ends them; who came together does not come again together."""
    clients = [hub.open(name) for name in ("one", "two", "three", "four")]
    for client in clients:
        client.ask("connect")
    ended = {}
    for minute in range(1, 121):
        frozen.advance(minutes=1)
        hub.minute()
        hub.upkeep_in_time()
        for client in clients:
            if minute % 4 == 0:
                client.send_text("{}")
            if disconnects(client):
                ended.setdefault(client.id, minute)

    assert [disconnects(client) for client in clients] == [[3011]] * 4
    assert {name: minute - 105 for name, minute in ended.items()} == {"one": 7, "two": 3, "three": 9, "four": 2}
    assert sorted(hub.wire.dropped) == sorted(ended)


def test_how_long_connections_last_is_spread_evenly_over_ten_minutes():
    left = [pings.seconds_left(str(number), 0, 105 * 60_000) for number in range(6_000)]
    in_minutes = Counter(seconds // 60 for seconds in left)

    assert sorted(in_minutes) == list(range(10))
    assert all(500 <= count <= 700 for count in in_minutes.values())


@pytest.mark.parametrize(("seconds", "minutes", "times"), [(300, 4, 1), (120, 1, 1), (75, 1, 1), (25, 1, 3)])
def test_how_often_a_ping_is_sent_follows_what_clients_expect(seconds, minutes, times):
    assert (pings.rounds_of(seconds), pings.times_a_minute(seconds)) == (minutes, times)
    assert minutes * 60 / times < seconds + 10


def test_expired_token_refresh(hub, frozen):
    kept, left = hub.connected(ANN), hub.connected(BEN)
    rows = {client.id: hub.ports.connections.get(client.id) for client in (kept, left)}
    kept.ask("refresh", token=hub.signer.token(sub=ANN, exp=int(clock.now().timestamp()) + 900))
    frozen.advance(seconds=630)

    for row in rows.values():
        upkeep.come_due(hub.ports, DueItem(row.pk, row.sk, row.due_pk, row.due_sk))

    assert (disconnects(kept), disconnects(left)) == ([], [3005])


def test_a_connection_is_due_25_seconds_after_its_token(hub, frozen):
    row = hub.ports.connections.get(hub.connected(ANN).id)

    due = DueItem(row.pk, row.sk, row.due_pk, row.due_sk).due
    assert due - clock.now() == timedelta(seconds=625)


def test_a_socket_that_says_nothing_is_closed(hub):
    silent, ready = hub.open(), hub.connected(ANN)

    kinds = hub.upkeep()

    assert kinds.count("opened") == 2
    assert hub.wire.dropped == [silent.id]
    assert hub.ports.connections.get(ready.id) is not None


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("accounts.session.revoked.v1", {"user_id": ANN, "session_id": "mine", "reason": "x"}, 3503),
        ("accounts.user.locked.v1", {"user_id": ANN}, 3503),
        ("accounts.user.deleted.v1", {"user_id": ANN}, 3503),
        ("organisations.member.removed.v1", {"user_id": ANN, "organisation_id": "o"}, 3011),
    ],
)
def test_revocation_cuts_socket(hub, event, data, code):
    mine, other = hub.connected(ANN, sid="mine"), hub.connected(BEN, sid="mine")

    hub.tell(event, **data)

    assert (disconnects(mine), disconnects(other)) == ([code], [])


def test_only_the_session_that_ended_is_cut(hub):
    ended, kept = hub.connected(ANN, sid="one"), hub.connected(ANN, sid="two")

    hub.tell("accounts.session.revoked.v1", user_id=ANN, session_id="one", reason="x")

    assert (disconnects(ended), disconnects(kept)) == ([3503], [])


def test_after_the_last_push_nothing_is_answered_and_the_socket_goes_a_little_later(hub):
    client = hub.connected(ANN)
    hub.tell("accounts.user.locked.v1", user_id=ANN)

    assert client.send({"id": 9, "ping": {}}) == []
    assert hub.wire.dropped == []
    hub.upkeep()
    assert hub.wire.dropped == [client.id]


def test_a_connection_is_cut_once(hub):
    client = hub.connected(ANN)

    for _ in range(3):
        hub.tell("accounts.user.locked.v1", user_id=ANN)

    assert disconnects(client) == [3503]


def test_a_grant_that_is_taken_away_ends_what_was_listened_to(hub):
    chat = Live("chat", hub.log, hub.line)
    chat.grant("room:1", ANN)
    client = hub.connected(ANN)
    assert client.subscribe("room:1")["recoverable"]
    hub.work()

    chat.revoke("room:1", ANN)
    hub.tell("realtime.grant.revoked.v1", topic="room:1", user_id=ANN)
    chat.publish("room:1", "secret")
    hub.work()

    assert client.pushes("unsubscribe", "room:1") == [{"code": 2000, "reason": "server unsubscribe"}]
    assert client.offsets("room:1") == []
    assert client.subscribe("room:1")["error"]["code"] == 103


def test_who_has_been_given_a_right_again_goes_on_listening(hub):
    """A reload takes the right away and asks for it again before anybody has heard of the first."""
    chat = Live("chat", hub.log, hub.line)
    chat.grant("room:1", ANN)
    chat.revoke("room:1", ANN)
    chat.grant("room:1", ANN, "sh")
    client = hub.connected(ANN)
    client.subscribe("room:1")
    hub.work()
    hub.tell("realtime.grant.revoked.v1", topic="room:1", user_id=ANN)
    hub.work()

    assert client.pushes("unsubscribe", "room:1") == []
    chat.grant("room:1", ANN, "h")
    hub.tell("realtime.grant.revoked.v1", topic="room:1", user_id=ANN)
    hub.work()
    assert [push["code"] for push in client.pushes("unsubscribe", "room:1")] == [2000]


def test_a_grant_lasts_as_long_as_it_says(hub):
    fake = FakeClock()
    with clock.using(fake):
        Live("chat", hub.log, hub.line).grant("room:1", ANN, "s", until=clock.now() + timedelta(minutes=5))
        client = hub.connected(ANN)
        assert client.subscribe("room:1")["recoverable"]
        assert client.ask("history", channel="room:1")["error"]["code"] == 103
        fake.advance(minutes=6)
        assert hub.connected(ANN, exp=int(fake.now().timestamp()) + 60).subscribe("room:1")["error"]["code"] == 103


def test_a_user_is_online_from_the_first_connection_to_the_last(hub):
    one, two = hub.connected(ANN), hub.connected(ANN)
    hub.upkeep()
    assert events_in(hub.table) == ["realtime.user.online.v1"]

    one.hang_up()
    hub.upkeep()
    assert events_in(hub.table) == ["realtime.user.online.v1"]
    two.hang_up()
    hub.upkeep()
    assert events_in(hub.table) == ["realtime.user.offline.v1"]


def test_somebody_who_comes_again_at_once_was_never_away(hub):
    client = hub.connected(ANN)
    hub.upkeep()
    version = events_in(hub.table)
    client.hang_up()
    hub.connected(ANN)
    hub.upkeep()

    assert events_in(hub.table) == version


def test_a_closed_connection_that_had_a_document_open_is_told(hub):
    Live("presence", hub.log, hub.line).grant("doc:1", ANN)
    client = hub.connected(ANN)
    client.subscribe("doc:1")
    client.hang_up()
    hub.upkeep()

    assert "realtime.connection.closed.v1" in events_in(hub.table)


def test_a_user_has_so_many_connections_and_no_more(hub):
    small = {**hub.bindings.environment, "CONNECTIONS_PER_USER": "2"}
    for kind in (type(hub.wire).__mro__[1],):
        other = Bindings(small)
        other.replace(kind, hub.wire)
    hub.bindings = other
    first, second, third = (hub.connected(ANN) for _ in range(3))

    assert "connect" in first.reply
    assert "connect" in second.reply
    assert disconnects(third) == [3504]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "https://app.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Authorization": "Bearer x.y.z"}, 403),
        ({"Sec-WebSocket-Protocol": "bearer.x.y.z"}, 403),
    ],
)
def test_who_may_open_a_socket(hub, headers, status):
    hub.bindings.environment = {**hub.bindings.environment, "WEB_ORIGINS": "https://app.example"}

    assert hub.open(headers=headers).opened == status


def test_a_token_in_the_address_is_refused(hub):
    token = hub.signer.token(sub=ANN)

    assert hub.open(queryStringParameters={"access_token": token}).opened == 403


@pytest.mark.parametrize("name", ["Authorization", "Sec-WebSocket-Protocol"])
def test_who_says_it_while_opening_need_not_say_it_again(hub, name):
    token = hub.signer.token(sub=ANN)
    headers = {name: f"Bearer {token}" if name == "Authorization" else f"centrifuge-json, bearer.{token}"}

    client = hub.open(headers=headers)

    assert client.ask("connect")["connect"]["subs"].keys() == {f"user:{ANN}"}


def test_a_ticket_opens_one_socket(hub):
    principal = Principal(kind="user", id=ANN, user_id=ANN, session_id="s", epoch=1)
    text, _ = tickets.issue(hub.bindings.get(Mac), principal)

    first, second = (hub.open(queryStringParameters={"ticket": text}) for _ in range(2))

    assert (first.opened, second.opened) == (200, 403)
    assert first.ask("connect")["connect"]["subs"].keys() == {f"user:{ANN}"}


def test_sockets_of_one_address_are_limited(hub, frozen):
    assert [hub.open().opened for _ in range(32)].count(429) == 2


def test_a_client_that_publishes_too_fast_is_told_to_wait(hub, frozen):
    client = hub.connected(ANN)

    codes = [client.ask("publish", channel=TOPIC, data=1).get("error", {}).get("code") for _ in range(22)]

    assert codes == [None] * 20 + [111] * 2


def test_an_unexpected_fault_ends_no_process_and_says_nothing(hub):
    client = hub.connected(ANN)
    hub.table.update(
        ConnectionRow, connection_key(client.id), META, ConnectionRow.principal.set("not json"), bump=False
    )

    assert client.send({"id": 5, "rpc": {"method": "chat.typing", "data": {}}}) == []
    assert client.send({"id": 6, "ping": {}}) == [{"id": 6, "ping": {}}]
