"""Commands and their replies, word for word as clients expect them."""

import json

import pytest

from functions.live.realtime.protocol import replies
from functions.live.realtime.protocol.commands import BadFrame, parse
from tessera import clock
from tessera.auth.internal import Internal
from tests.kit.clocks import FakeClock
from tests.unit.live.realtime.conftest import TOPIC

ANN, BEN = "01HZX3J0V7Q8M4N5P6R7S8T9VA", "01HZX3J0V7Q8M4N5P6R7S8T9VB"


def test_connect_says_who_it_is_and_how_long(hub, frozen):
    client = hub.connected(ANN)

    said = client.reply["connect"]
    topic = f"user:{ANN}"
    epoch = said["subs"][topic].pop("epoch")
    assert len(said["client"]) == 36
    assert len(epoch) == 8
    assert client.reply == {
        "id": 1,
        "connect": {
            "client": said["client"],
            "version": "tessera",
            "session": said["client"],
            "node": "tessera",
            "ping": 300,
            "pong": True,
            "expires": True,
            "ttl": 600,
            "subs": {
                topic: {
                    "recoverable": True,
                    "positioned": True,
                    "offset": 0,
                    "recovered": False,
                    "was_recovering": False,
                }
            },
        },
    }


def test_somebody_without_an_account_hears_what_is_public(hub):
    client = hub.connected()

    assert client.reply["connect"]["expires"] is False
    assert "subs" not in client.reply["connect"]
    assert client.subscribe("poll:1")["recoverable"] is True
    assert client.subscribe(TOPIC)["error"]["code"] == 103


@pytest.mark.parametrize(
    ("method", "body", "answer"),
    [
        ("unsubscribe", {"channel": TOPIC}, {}),
        ("presence", {"channel": TOPIC}, {"presence": {}}),
        ("presence_stats", {"channel": TOPIC}, {"num_clients": 0, "num_users": 0}),
        ("ping", {}, {}),
        ("publish", {"channel": TOPIC, "data": {"x": 1}}, {}),
        ("publish", {"channel": TOPIC, "data": None}, {}),
        ("history", {"channel": "user:me"}, {"epoch": "", "offset": 0}),
    ],
)
def test_a_reply_has_its_member_also_when_it_is_empty(hub, method, body, answer):
    client = hub.connected(ANN)
    if body.get("channel") == "user:me":
        body = {**body, "channel": "demo:nobody"}

    assert client.ask(method, **body) == {"id": 2, method: answer}


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("subscribe", {"channel": "nobody:x"}, 102),
        ("subscribe", {"channel": ""}, 102),
        ("subscribe", {}, 102),
        ("subscribe", {"channel": ["x"]}, 102),
        ("subscribe", {"channel": f"user:{BEN}"}, 103),
        ("subscribe", {"channel": "room:1"}, 103),
        ("subscribe", {"channel": TOPIC, "type": 1}, 107),
        ("subscribe", {"channel": TOPIC, "tf": {"x": 1}}, 107),
        ("subscribe", {"channel": TOPIC, "token": "x"}, 103),
        ("sub_refresh", {"channel": TOPIC, "token": "x"}, 103),
        ("sub_refresh", {"channel": TOPIC}, 103),
        ("publish", {"channel": "poll:1", "data": 1}, 103),
        ("publish", {"channel": f"user:{ANN}", "data": 1}, 103),
        ("publish", {"channel": TOPIC}, 107),
        ("publish", {"channel": TOPIC, "data": "x" * 16_400}, 107),
        ("presence", {"channel": f"user:{ANN}"}, 108),
        ("presence", {"channel": "room:1"}, 103),
        ("presence_stats", {"channel": "poll:1"}, 108),
        ("history", {"channel": "room:1"}, 103),
        ("history", {"channel": TOPIC, "since": {"epoch": "other", "offset": 3}}, 112),
        ("rpc", {"method": "unknown"}, 104),
        ("rpc", {}, 104),
    ],
)
def test_what_is_refused_says_why_by_its_code(hub, method, body, code):
    answer = hub.connected(ANN).ask(method, **body)

    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


def test_the_time_is_told(hub, frozen):
    assert hub.connected(ANN).ask("rpc", method="time") == {"id": 2, "rpc": {"data": {"time": clock.millis()}}}


def test_nothing_comes_before_connect(hub):
    client = hub.open()

    assert client.send({"id": 1, "subscribe": {"channel": TOPIC}}) == [
        {"push": {"disconnect": {"code": 3501, "reason": "bad request"}}}
    ]
    assert client.send({"id": 2, "connect": {}}) == []


def test_a_second_connect_ends_it(hub):
    client = hub.connected(ANN)

    assert client.send({"id": 2, "connect": {}})[-1]["push"]["disconnect"]["code"] == 3501


def test_a_bad_token_is_final_and_an_old_one_is_not(hub):
    bad, old = hub.open(), hub.open()

    assert bad.send({"id": 1, "connect": {"token": "x.y.z"}})[-1]["push"]["disconnect"]["code"] == 3500
    token = hub.signer.token(sub=ANN, iat=1, exp=2)
    assert old.ask("connect", token=token)["error"]["code"] == 109
    # It may say so again with a new one, on the same socket.
    assert old.ask("connect", token=hub.signer.token(sub=ANN))["connect"]["expires"]


def test_one_frame_of_many_commands_is_answered_in_one_frame_in_order(hub):
    client = hub.connected(ANN)
    frames = len(hub.wire.sent[client.id])

    answers = client.send(
        {"id": 7, "subscribe": {"channel": TOPIC}}, {"id": 8, "rpc": {"method": "nope"}}, {"id": 9, "ping": {}}
    )

    assert [answer["id"] for answer in answers] == [7, 8, 9]
    assert len(hub.wire.sent[client.id]) == frames + 1


def test_32k_subs_batch(hub):
    client = hub.connected(ANN)
    # As they come when a connection is made anew: all at once, by the longest names there are.
    names = [f"demo:{number}:".ljust(160, "x") for number in range(65)]
    position = {"recover": True, "epoch": "abcdefgh", "offset": 10**9}
    commands = [{"id": 10 + number, "subscribe": {"channel": name, **position}} for number, name in enumerate(names)]

    assert len("\n".join(map(json.dumps, commands))) < 32_768
    answers = client.send(*commands)

    assert [answer["id"] for answer in answers] == [10 + number for number in range(65)]
    assert [answer["error"]["code"] for answer in answers if "error" in answer] == [106]
    assert client.ask("unsubscribe", channel=names[3])["unsubscribe"] == {}
    assert "error" not in client.subscribe(names[64])


def test_two_subscriptions_to_one_topic_are_one(hub):
    client = hub.connected(ANN)

    assert "error" not in client.subscribe()
    assert client.subscribe()["error"]["code"] == 105
    # What was refused has not taken a place.
    assert int(hub.ports.connections.get(client.id).n_subs) == 1


@pytest.mark.parametrize("frame", ["nonsense", "[1]", '{"id":1.5,"ping":{}}', '{"ping":{}}', '{"id":-1,"ping":{}}'])
def test_frames_without_sense_end_the_connection_at_the_fifth(hub, frame):
    client = hub.connected(ANN)

    answers = [client.send_text(frame) for _ in range(5)]

    assert answers[:4] == [[], [], [], []]
    assert answers[4] == [{"push": {"disconnect": {"code": 3013, "reason": "too many errors"}}}]


def test_a_bad_frame_now_and_then_is_forgiven(hub):
    fake = FakeClock()
    with clock.using(fake):
        client = hub.connected(ANN)
        for _ in range(8):
            assert client.send_text("nonsense") == []
            fake.advance(seconds=20)


def test_two_methods_in_one_command_are_a_bad_request(hub):
    client = hub.connected(ANN)

    assert client.send({"id": 5, "ping": {}, "rpc": {}})[0]["error"]["code"] == 107
    assert client.send({"id": 6})[0]["error"]["code"] == 107
    assert client.send({"id": 7, "ping": [1]})[0]["error"]["code"] == 107


def test_a_frame_that_the_gateway_would_cut_is_cut(hub):
    client = hub.connected(ANN)

    answers = client.send({"id": 2, "publish": {"channel": TOPIC, "data": "x" * 33_000}})

    assert answers == [{"push": {"disconnect": {"code": 3501, "reason": "bad request"}}}]


def test_send_has_no_answer_and_unknown_members_are_let_be(hub):
    client = hub.connected(ANN)

    assert client.send({"send": {"data": 1}}) == []
    assert client.send({"id": 3, "ping": {"surprise": 1}, "extra": True}) == [{"id": 3, "ping": {}}]


def test_history_pages_both_ways(hub):
    client = hub.connected(ANN)
    for number in range(1, 8):
        hub.publish(TOPIC, number)
    epoch = hub.log.head(TOPIC).epoch

    def asked(**body):
        found = client.ask("history", channel=TOPIC, **body)["history"]
        return found["offset"], [entry["data"] for entry in found.get("publications", [])]

    assert asked() == (7, [])
    assert asked(limit=3) == (7, [1, 2, 3])
    assert asked(limit=3, since={"epoch": epoch, "offset": 3}) == (7, [4, 5, 6])
    assert asked(limit=3, reverse=True) == (7, [7, 6, 5])
    assert asked(limit=9, reverse=True, since={"epoch": epoch, "offset": 3}) == (7, [2, 1])
    assert asked(limit=9, since={"epoch": epoch, "offset": 7}) == (7, [])


def test_who_listens_is_told_by_client(hub):
    ann, ben = hub.connected(ANN), hub.connected(BEN)
    ann.subscribe()
    ben.subscribe()

    found = ann.ask("presence", channel=TOPIC)["presence"]["presence"]

    clients = {client.reply["connect"]["client"]: user for client, user in ((ann, ANN), (ben, BEN))}
    assert found == {client: {"client": client, "user": user} for client, user in clients.items()}
    assert ann.ask("presence_stats", channel=TOPIC)["presence_stats"] == {"num_clients": 2, "num_users": 2}


def test_a_new_token_extends_the_connection_for_the_same_user_only(hub):
    client, other = hub.connected(ANN), hub.connected(ANN)

    assert client.ask("refresh", token=hub.signer.token(sub=ANN))["refresh"]["ttl"] > 500
    assert (
        other.send({"id": 9, "refresh": {"token": hub.signer.token(sub=BEN)}})[-1]["push"]["disconnect"]["code"] == 3500
    )


@pytest.mark.parametrize("code", [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 111, 112])
def test_only_what_may_pass_by_itself_is_called_temporary(code):
    said = json.loads(replies.error(1, code))["error"]

    assert said.get("temporary", False) is (code in (100, 111))


def test_frames_hold_to_their_limits_and_keep_the_order():
    lines = [json.dumps("x" * 5_000 + str(number)) for number in range(120)]

    packed = list(replies.frames(lines))

    assert "\n".join(packed).split("\n") == lines
    assert all(len(frame.encode()) <= replies.LARGEST_OUT for frame in packed)
    assert max(len(list(frame.split("\n"))) for frame in replies.frames(["{}"] * 120)) == 50


@pytest.mark.parametrize("data", ['"\\ud800"', '"a\\u0000"', "1e999", "NaN", "[" * 240 + "]" * 240])
def test_what_others_could_not_be_sent_is_not_taken(hub, data):
    client = hub.connected(ANN)

    answers = client.send_text(f'{{"id":9,"publish":{{"channel":"{TOPIC}","data":{data}}}}}')

    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [(9, 107)]
    assert "publications" not in hub.connected(BEN).ask("history", channel=TOPIC, limit=10)["history"]


def test_a_frame_of_deep_nesting_is_only_a_bad_frame():
    with pytest.raises(BadFrame):
        parse('{"id":1,"rpc":' + "[" * 100_000)


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, {"result": {"read_n": 3}}, {"rpc": {"data": {"read_n": 3}}}),
        (403, {}, {"error": {"code": 103, "message": "permission denied"}}),
        (409, {}, {"error": {"code": 106, "message": "limit exceeded"}}),
        (413, {}, {"error": {"code": 107, "message": "bad request"}}),
        (422, {}, {"error": {"code": 107, "message": "bad request"}}),
        (429, {}, {"error": {"code": 111, "message": "too many requests", "temporary": True}}),
        (500, {}, {"error": {"code": 100, "message": "internal server error", "temporary": True}}),
    ],
)
def test_another_capability_answers_for_the_user_who_is_connected(hub, status, body, answer):
    asked = []

    def transport(function, event, timeout_seconds):
        asked.append((function, event["rawPath"], json.loads(event["body"]), event["requestContext"]["tessera"]))
        return {"statusCode": status, "body": json.dumps(body)}

    hub.bindings.replace(Internal, Internal("realtime", hub.bindings, transport))
    client = hub.connected(ANN)

    assert client.ask("rpc", method="chat.read", data={"room_id": "r", "n": 3}) == {"id": 2, **answer}
    function, path, sent, context = asked[0]
    assert (function, path) == ("tessera-chat", "/chat/internal/rpc")
    assert sent == {"method": "chat.read", "data": {"room_id": "r", "n": 3}}
    assert (context["caller"], context["on_behalf_of"]["id"]) == ("realtime", ANN)


@pytest.mark.parametrize("method", ["presence.join", "presence.beat", "presence.cursor", "presence.leave"])
def test_who_keeps_track_of_connections_is_told_which_one_asks(hub, method):
    asked = []

    def transport(function, event, timeout_seconds):
        asked.append((function, event["rawPath"], json.loads(event["body"])))
        return {"statusCode": 200, "body": json.dumps({"result": {}})}

    hub.bindings.replace(Internal, Internal("realtime", hub.bindings, transport))
    client = hub.connected(ANN)
    client.ask("rpc", method=method, data={"doc": "plan"})

    body = {"method": method, "data": {"doc": "plan"}, "client": client.reply["connect"]["client"]}
    assert asked == [("tessera-presence", "/presence/internal/rpc", body)]


def test_nobody_in_particular_calls_nobody(hub):
    assert hub.connected().ask("rpc", method="chat.typing", data={})["error"]["code"] == 101
