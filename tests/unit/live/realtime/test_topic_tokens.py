"""Listening by a token for one topic: without a grant, until it ends, and on with a new one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tessera.auth.feed import Feed
from tessera.live import Live
from tessera.transact import transact
from tests.kit.faults import failing, meanwhile
from tests.kit.stores import ready_in

ANN, BEN = "01HZX3J0V7Q8M4N5P6R7S8T9VA", "01HZX3J0V7Q8M4N5P6R7S8T9VB"
TOPIC = "room:1"


def ended(client: Any) -> list[int]:
    return [one["code"] for one in client.pushes("unsubscribe", TOPIC)]


def say(hub: Any, data: Any) -> int:
    return int(Live("chat", hub.log, hub.line).publish(TOPIC, data).last)


def sweep(hub: Any) -> None:
    assert hub.deliver([("", json.dumps(message)) for message in ready_in(hub.table)]) == []
    hub.work()


@pytest.fixture
def ann(hub: Any, frozen: Any) -> Any:
    """Connected for longer than any token of a topic lasts."""
    client = hub.connected(ANN, exp=int(frozen.now().timestamp()) + 86_400)
    hub.work()
    return client


@pytest.fixture
def token(hub: Any) -> Callable[..., str]:
    def made(user: str = ANN, topic: str = TOPIC, seconds: int = 600) -> str:
        found: str = hub.signer.subscription(user, topic, seconds=seconds)
        return found

    return made


def test_who_shows_one_hears_the_topic_without_a_grant(hub, ann, token):
    assert ann.subscribe(TOPIC)["error"]["code"] == 103

    reply = ann.subscribe(TOPIC, token=token())
    hub.work()
    say(hub, "hello")
    hub.work()

    assert (reply["expires"], reply["ttl"], reply["offset"]) == (True, 600, 0)
    assert [one["data"] for one in ann.pushes("pub", TOPIC)] == ["hello"]


def test_what_is_granted_needs_none_and_does_not_end(hub, ann, frozen):
    Live("chat", hub.log, hub.line).grant(TOPIC, ANN, "s")

    reply = ann.subscribe(TOPIC)
    hub.work()

    assert "expires" not in reply
    assert ann.ask("sub_refresh", channel=TOPIC)["sub_refresh"] == {"expires": False}
    frozen.advance(hours=1)
    sweep(hub)
    assert ended(ann) == []


@pytest.mark.parametrize(
    ("user", "topic"), [(BEN, TOPIC), (ANN, "room:2"), ("", TOPIC)], ids=["of another", "of another topic", "of nobody"]
)
def test_one_for_somebody_or_something_else_is_refused(hub, ann, token, user, topic):
    assert ann.subscribe(TOPIC, token=token(user, topic))["error"]["code"] == 103


def test_nobody_in_particular_hears_nothing_by_one(hub, token):
    client = hub.connected()

    assert client.subscribe(TOPIC, token=token(""))["error"]["code"] == 103
    assert client.subscribe(TOPIC, token=token(ANN))["error"]["code"] == 103


def test_what_is_somebodys_own_is_heard_by_no_token(hub, ann, token):
    topic = f"user:{BEN}"

    assert ann.subscribe(topic, token=token(ANN, topic))["error"]["code"] == 103


def test_it_lets_nobody_publish_or_read_what_was_before(hub, ann, token):
    ann.subscribe(TOPIC, token=token())

    assert ann.ask("publish", channel=TOPIC, data=1)["error"]["code"] == 103
    assert ann.ask("history", channel=TOPIC, limit=5)["error"]["code"] == 103
    assert ann.ask("presence", channel=TOPIC)["error"]["code"] == 103


def test_one_that_has_ended_asks_for_a_new_one(hub, ann, token, frozen):
    old = token(seconds=60)
    frozen.advance(seconds=60)

    assert ann.subscribe(TOPIC, token=old)["error"] == {"code": 109, "message": "token expired"}
    assert ann.subscribe(TOPIC, token=token())["ttl"] == 600


def test_while_nobody_can_say_it_is_asked_again(hub, ann, token, frozen):
    frozen.advance(seconds=60)
    with failing("dynamodb", "Query", code="InternalServerError"):
        refused = ann.subscribe(TOPIC, token=token())["error"]

    assert (refused["code"], refused["temporary"]) == (100, True)


def test_what_a_leaked_key_has_signed_is_refused(hub, ann, token, frozen):
    found = token()
    transact(hub.bindings.get(Feed).revoke("g", hub.signer.kid))
    frozen.advance(seconds=15)

    assert ann.subscribe(TOPIC, token=found)["error"]["code"] == 103


def test_without_a_new_one_it_ends_soon_after_its_time(hub, ann, token, frozen):
    ann.subscribe(TOPIC, token=token(seconds=60))
    hub.work()
    frozen.advance(seconds=84)
    sweep(hub)
    assert ended(ann) == []

    frozen.advance(seconds=1)
    sweep(hub)
    say(hub, "too late")
    hub.work()

    assert ended(ann) == [2501]
    assert ann.pushes("pub", TOPIC) == []
    assert int(hub.ports.connections.get(ann.id).n_subs) == 0


def test_who_comes_again_with_a_new_one_has_missed_nothing(hub, ann, token, frozen):
    ann.subscribe(TOPIC, token=token(seconds=60))
    hub.work()
    first = say(hub, "heard")
    hub.work()
    epoch = hub.log.head(TOPIC).epoch
    frozen.advance(seconds=90)
    sweep(hub)
    say(hub, "missed")
    hub.work()

    again = ann.subscribe(TOPIC, token=token(), recover=True, epoch=epoch, offset=first)

    assert again["recovered"] and [one["data"] for one in again["publications"]] == ["missed"]


def test_a_new_one_in_time_lets_it_go_on(hub, ann, token, frozen):
    ann.subscribe(TOPIC, token=token(seconds=60))
    hub.work()
    frozen.advance(seconds=50)

    reply = ann.ask("sub_refresh", channel=TOPIC, token=token(seconds=60))

    assert reply["sub_refresh"] == {"expires": True, "ttl": 60}
    frozen.advance(seconds=50)
    sweep(hub)
    say(hub, "still here")
    hub.work()
    assert (ended(ann), [one["data"] for one in ann.pushes("pub", TOPIC)]) == ([], ["still here"])
    frozen.advance(seconds=35)
    sweep(hub)
    assert ended(ann) == [2501]


def test_a_new_one_that_comes_while_it_is_being_ended_wins(hub, ann, token, frozen):
    ann.subscribe(TOPIC, token=token(seconds=60))
    hub.work()
    frozen.advance(seconds=90)
    assert hub.deliver([("", json.dumps(message)) for message in ready_in(hub.table)]) == []

    assert "sub_refresh" in ann.ask("sub_refresh", channel=TOPIC, token=token())
    hub.work()

    assert ended(ann) == []


def test_the_sweeper_may_see_what_was_since_renewed(hub, ann, token, frozen):
    ann.subscribe(TOPIC, token=token(seconds=60))
    hub.work()
    frozen.advance(seconds=90)
    seen = [json.dumps(message) for message in ready_in(hub.table)]
    ann.ask("sub_refresh", channel=TOPIC, token=token())

    hub.deliver([("", body) for body in seen])

    assert hub.line.waiting == [] and ended(ann) == []


def test_a_refresh_wants_a_token_for_what_ends(hub, ann, token):
    ann.subscribe(TOPIC, token=token())

    assert ann.ask("sub_refresh", channel=TOPIC)["error"]["code"] == 107
    assert ann.ask("sub_refresh", channel=TOPIC, token=token(BEN))["error"]["code"] == 103
    assert ann.ask("sub_refresh", channel="room:2", token=token(ANN, "room:2"))["error"]["code"] == 103


def test_a_refresh_of_what_has_just_ended_is_refused(hub, ann, token):
    ann.subscribe(TOPIC, token=token())
    row = next(one for one in hub.ports.listeners.of_connection(ann.id) if one.topic == TOPIC)

    with meanwhile("UpdateItem", lambda: hub.ports.listeners.remove(TOPIC, int(row.shard), ann.id), key="SUB#room:1"):
        answer = ann.ask("sub_refresh", channel=TOPIC, token=token())

    assert answer["error"]["code"] == 103
    assert hub.ports.listeners.get(TOPIC, int(row.shard), ann.id) is None


def test_a_refresh_of_what_was_begun_anew_by_right_gives_it_no_end(hub, ann, token, frozen):
    """By the time it is written the topic was left and listened to again, this time by a grant that does not end."""
    ann.subscribe(TOPIC, token=token(seconds=60))
    row = next(one for one in hub.ports.listeners.of_connection(ann.id) if one.topic == TOPIC)
    Live("chat", hub.log, hub.line).grant(TOPIC, ANN)

    def come_again():
        frozen.advance(seconds=1)
        ann.ask("unsubscribe", channel=TOPIC)
        assert "expires" not in ann.subscribe(TOPIC)

    with meanwhile("UpdateItem", come_again, key=row.pk):
        answer = ann.ask("sub_refresh", channel=TOPIC, token=token(seconds=60))
    hub.work()
    frozen.advance(seconds=120)
    sweep(hub)

    assert answer["error"]["code"] == 103
    assert ended(ann) == []
