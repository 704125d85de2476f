"""Listening without a socket: long polls and server-sent events."""

import json
from typing import Any

import pytest

from functions.live.realtime.store.tickets import TicketRow, Tickets, _key
from functions.live.realtime.store.waiting import Waiting
from tessera import aws
from tessera.auth.feed import Feed
from tessera.seqlog import entry_key
from tessera.transact import transact
from tests.kit.capacity import CapacityMeter
from tests.kit.races import together
from tests.kit.stores import everything_in

POLL, SSE = "/realtime/poll", "/realtime/sse"


def own(person: Any) -> str:
    return f"user:{person.id}"


def polled(person: Any, *topics: str, path: str = POLL, **given: Any) -> Any:
    answer = person.get(path, params={"topic": topics, **given})
    assert answer.status_code == 200, answer.text
    return answer.json()["topics"]


def events(answer: Any) -> list[dict[str, str]]:
    """The blocks of an event stream, as a browser reads them."""
    found = []
    for block in answer.text.split("\n\n"):
        lines = [line.partition(":") for line in block.split("\n") if line]
        found.append({name: value.removeprefix(" ") for name, _, value in lines})
    return [block for block in found if block]


def last_id(answer: Any) -> str:
    return [block["id"] for block in events(answer) if "id" in block][-1]


def test_a_first_poll_says_at_once_where_the_topic_stands(web: Any, alice: Any) -> None:
    web.publish(own(alice), 1, 2)

    told = polled(alice, own(alice), wait=25)[own(alice)]

    assert (told["offset"], told["recovered"], told["publications"]) == (2, False, [])
    assert web.rest.taken == []


def test_what_came_since_is_told_at_once(web: Any, alice: Any) -> None:
    web.publish(own(alice), "seen")
    position = web.position(own(alice))
    web.publish(own(alice), "second", {"third": True})

    told = polled(alice, own(alice), pos=position, wait=25)[own(alice)]

    assert [(one["offset"], one["data"]) for one in told["publications"]] == [(2, "second"), (3, {"third": True})]
    assert (told["offset"], told["recovered"], web.rest.taken) == (3, True, [])


def test_a_wait_ends_when_something_comes(web: Any, alice: Any) -> None:
    web.publish(own(alice), "seen")
    web.rest.happens[3] = lambda: web.publish(own(alice), "news")

    told = polled(alice, own(alice), pos=web.position(own(alice)), wait=25)[own(alice)]

    assert [one["data"] for one in told["publications"]] == ["news"]
    assert web.rest.taken == [0.25, 0.5, 1.0]


def test_a_wait_without_news_ends_in_time_and_loses_no_position(web: Any, alice: Any) -> None:
    web.publish(own(alice), "seen")
    position = web.position(own(alice))

    told = polled(alice, own(alice), pos=position, wait=3)[own(alice)]

    assert web.rest.taken == [0.25, 0.5, 1.0, 1.0, 0.25]
    assert f"{told['epoch']}:{told['offset']}" == position
    assert (told["recovered"], told["publications"]) == (True, [])


def test_who_has_seen_an_empty_log_misses_nothing_of_what_is_written_first(web: Any, alice: Any) -> None:
    before = polled(alice, own(alice))[own(alice)]
    web.publish(own(alice), "first")

    told = polled(alice, own(alice), pos=f"{before['epoch']}:{before['offset']}")[own(alice)]

    assert [one["data"] for one in told["publications"]] == ["first"]
    assert told["recovered"]


def test_several_topics_are_followed_by_one_read_of_their_heads(web: Any, alice: Any) -> None:
    topics = [own(alice), "poll:1", "notice:all"]
    for topic in topics:
        web.publish(topic, "seen")
    positions = [web.position(topic) for topic in topics]

    alice.get(POLL)
    with CapacityMeter() as meter:
        told = polled(alice, *topics, pos=positions)

    cost = meter.of(web.hub.table.name)
    assert (cost.operations, cost.read_units) == (["BatchGetItem"], 3.0)
    assert all(one["recovered"] and not one["publications"] for one in told.values())


def test_each_look_of_a_wait_is_one_read(web: Any, alice: Any) -> None:
    web.publish(own(alice), "seen")
    position = web.position(own(alice))

    with CapacityMeter() as meter:
        polled(alice, own(alice), pos=position, wait=2)

    looks = 1 + len(web.rest.taken)
    expected = ["BatchGetItem", "Query", "PutItem", *["BatchGetItem"] * (looks - 1), "DeleteItem"]
    assert meter.of(web.hub.table.name).operations == expected


@pytest.mark.parametrize("position", ["aaaaaaaa:1", "{epoch}:99"], ids=["another epoch", "not reached yet"])
def test_a_position_of_another_log_is_lost_at_once(web: Any, alice: Any, position: str) -> None:
    web.publish(own(alice), "seen")
    given = position.format(epoch=web.hub.log.head(own(alice)).epoch)

    told = polled(alice, own(alice), pos=given, wait=25)[own(alice)]

    assert (told["recovered"], told["offset"], told["publications"]) == (False, 1, [])
    assert web.rest.taken == []


def test_a_position_too_far_back_is_lost(web: Any, alice: Any) -> None:
    topic = "poll:1"
    web.fill(topic, 1_020, floor=10)

    def recovered(offset: int) -> bool:
        return bool(polled(alice, topic, pos=f"abcdefgh:{offset}")[topic]["recovered"])

    # Nine were trimmed, and from 19 on it is more than a thousand to go.
    assert [recovered(offset) for offset in (8, 9, 19, 20)] == [False, False, False, True]


def test_a_long_way_is_gone_in_pages(web: Any, alice: Any) -> None:
    web.fill(own(alice), 121)
    position = "abcdefgh:1"

    seen = []
    for _ in range(3):
        told = polled(alice, own(alice), pos=position)[own(alice)]
        seen += [one["data"] for one in told["publications"]]
        position = f"{told['epoch']}:{told['offset']}"

    assert seen == list(range(2, 122))


def test_a_hole_in_the_log_is_never_passed_over(web: Any, alice: Any) -> None:
    """What can only be a defect elsewhere is told as lost, not as whole."""
    web.fill(own(alice), 3)
    aws.client("dynamodb").delete_item(
        TableName=web.hub.table.name, Key={"pk": {"S": f"LOG#{own(alice)}"}, "sk": {"S": entry_key(2)}}
    )

    told = polled(alice, own(alice), pos="abcdefgh:1")[own(alice)]

    assert (told["recovered"], told["offset"], told["publications"]) == (False, 3, [])


def test_large_entries_come_in_answers_of_bounded_size(web: Any, alice: Any) -> None:
    """Also where one page of the log ends before its limit, because the table ends it."""
    topic = "room:1"
    web.grant(topic, alice.id)
    web.publish(topic, "seen")
    position = web.position(topic)
    web.publish(topic, *(f"{number:02d}" + "x" * 60_000 for number in range(40)))

    seen: list[int] = []
    answers = 0
    while len(seen) < 40 and answers < 10:
        answer = alice.get(POLL, params={"topic": topic, "pos": position})
        told = answer.json()["topics"][topic]
        assert told["recovered"] and len(answer.content) < 1_200_000
        seen += [int(one["data"][:2]) for one in told["publications"]]
        position, answers = f"{told['epoch']}:{told['offset']}", answers + 1

    assert seen == list(range(40))


def test_what_does_not_fit_beside_another_topic_comes_next(web: Any, alice: Any) -> None:
    for topic in ("room:1", "room:2"):
        web.grant(topic, alice.id)
        web.publish(topic, "seen")
    positions = [web.position(topic) for topic in ("room:1", "room:2")]
    for topic in ("room:1", "room:2"):
        web.publish(topic, *["x" * 60_000] * 17)

    first = polled(alice, "room:1", "room:2", pos=positions)

    assert len(first["room:1"]["publications"]) == 16
    assert (first["room:2"]["recovered"], len(first["room:2"]["publications"])) == (True, 1)


def test_an_entry_however_deep_is_handed_on_as_it_is(web: Any, alice: Any) -> None:
    deep = json.loads("[" * 800 + "]" * 800)
    web.publish(own(alice), "seen")
    position = web.position(own(alice))
    web.publish(own(alice), deep)

    answer = alice.get(POLL, params={"topic": own(alice), "pos": position})
    history = alice.get(f"/realtime/topics/{own(alice)}/history")

    assert (answer.status_code, history.status_code) == (200, 200)
    assert "[" * 800 in answer.text and "[" * 800 in history.text


def test_each_refused_topic_is_named(web: Any, alice: Any) -> None:
    topics = [own(alice), "room:9", f"user:{web.person().id}", "no-such:1", "poll:1"]

    answer = alice.get(POLL, params={"topic": topics})

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/topic-forbidden")
    assert [one["detail"].rpartition(": ")[0] for one in answer.json()["errors"]] == topics[1:4]


def test_a_right_that_is_taken_away_during_the_wait_is_gone_when_it_ends(web: Any, alice: Any) -> None:
    topic = "room:1"
    web.grant(topic, alice.id)
    web.publish(topic, "seen")

    def change() -> None:
        web.revoke(topic, alice.id)
        web.publish(topic, "secret")

    web.rest.happens[2] = change

    answer = alice.get(POLL, params={"topic": topic, "pos": web.position(topic), "wait": 25})

    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_what_is_public_needs_nobody_in_particular(web: Any) -> None:
    web.publish("poll:1", "open")

    assert web.nobody(POLL, params={"topic": "poll:1"}).status_code == 200
    assert web.nobody(SSE, params={"topic": "poll:1"}).status_code == 200
    assert web.nobody(POLL, params={"topic": "room:1"}).status_code == 401


def test_a_token_for_something_else_does_not_listen(web: Any) -> None:
    narrow = web.person(scope="tasks:read")

    assert narrow.get(POLL, params={"topic": own(narrow)}).status_code == 403
    assert web.person(narrow.id, scope="realtime:read").get(POLL, params={"topic": own(narrow)}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?topic=",
        "?topic=poll:1&topic=poll:1",
        "?topic=poll:1&pos=x",
        "?topic=poll:1&pos=aaaaaaaa:1&pos=aaaaaaaa:1",
        "?topic=poll:1&pos=aaaaaaaa:99999999999999999",
        "?topic=poll:1&wait=26",
        "?topic=poll:1&wait=-1",
        "?topic=poll:1&wait=nan",
        "?topic=poll:1&what=1",
        "?" + "&".join(f"topic=poll:{number}" for number in range(11)),
        "?topic=" + "poll:" + "x" * 200,
    ],
)
@pytest.mark.parametrize("path", [POLL, SSE])
def test_a_request_that_makes_no_sense_is_explained(alice: Any, path: str, query: str) -> None:
    answer = alice.get(path + query)

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_when_too_many_wait_the_answer_comes_at_once(web: Any, alice: Any) -> None:
    web.publish(own(alice), "seen")
    places = [web.hub.ports.waiting.take() for _ in range(web.hub.ports.settings.waiting_places)]

    answer = alice.get(POLL, params={"topic": own(alice), "pos": web.position(own(alice)), "wait": 25})
    stream = alice.get(SSE, params={"topic": own(alice), "pos": web.position(own(alice))})

    assert all(places)
    assert (answer.status_code, answer.headers["retry-after"], web.rest.taken) == (200, "5", [])
    assert (stream.headers["retry-after"], events(stream)[0]) == ("5", {"retry": "5000"})


def test_a_place_is_free_again_after_the_wait_and_after_a_crash(web: Any, alice: Any) -> None:
    waiting = web.hub.ports.waiting
    web.publish(own(alice), "seen")
    for _ in range(web.hub.ports.settings.waiting_places - 1):
        waiting.take()

    for _ in range(2):
        answer = alice.get(POLL, params={"topic": own(alice), "pos": web.position(own(alice)), "wait": 1})
        assert "retry-after" not in answer.headers
    assert waiting.take() is not None
    assert waiting.take() is None
    web.frozen.advance(seconds=36)
    assert waiting.take() is not None


def test_of_many_who_want_to_wait_exactly_as_many_do_as_there_are_places(web: Any) -> None:
    waiting = Waiting(web.hub.table, 3)

    taken = [one.value for one in together(waiting.take, times=8)]

    found = [place.number for place in taken if place is not None]
    assert sorted(found) == ["000", "001", "002"]


def test_who_is_late_frees_nobody_elses_place(web: Any) -> None:
    waiting = Waiting(web.hub.table, 1)
    late = waiting.take()
    web.frozen.advance(seconds=36)
    assert late is not None and waiting.take() is not None

    waiting.leave(late)

    assert waiting.take() is None


def test_events_carry_the_positions_of_all_topics(web: Any, alice: Any) -> None:
    topics = [own(alice), "poll:1"]
    for topic in topics:
        web.publish(topic, "seen")
    mine, poll = (web.position(topic) for topic in topics)
    web.publish(own(alice), "a")
    web.publish("poll:1", {"b": 1})

    answer = alice.get(SSE, params={"topic": topics, "pos": [mine, poll]})

    assert answer.headers["content-type"].startswith("text/event-stream")
    retry, first, second = events(answer)
    assert retry == {"retry": "500"}
    assert first["id"] == f"{web.position(own(alice))},{poll}"
    assert json.loads(first["data"]) == {"topic": own(alice), "publication": {"data": "a", "offset": 2}}
    assert second["id"] == f"{web.position(own(alice))},{web.position('poll:1')}"
    assert json.loads(second["data"])["publication"]["data"] == {"b": 1}


def test_sse_resume_last_event_id(web: Any, alice: Any) -> None:
    """A browser that comes back with the id of its last event misses nothing and hears nothing twice."""
    given = {"topic": [own(alice), "poll:1"]}
    first = alice.get(SSE, params=given)
    heard = []
    for round_number in range(4):
        for _ in range(round_number):
            web.publish(own(alice), f"{round_number}")
            web.publish("poll:1", round_number)
        first = alice.get(SSE, params=given, headers={"last-event-id": last_id(first)})
        heard += [json.loads(block["data"])["publication"] for block in events(first) if "data" in block]

    offsets = [one["offset"] for one in heard if isinstance(one["data"], int)]
    assert offsets == list(range(1, 7))
    assert len(heard) == 12


def test_a_browser_cut_off_in_the_middle_goes_on_behind_what_it_has(web: Any, alice: Any) -> None:
    begun = alice.get(SSE, params={"topic": own(alice)})
    web.publish(own(alice), *range(5))
    whole = alice.get(SSE, params={"topic": own(alice)}, headers={"last-event-id": last_id(begun)})
    third = [block["id"] for block in events(whole) if "data" in block][2]

    again = alice.get(SSE, params={"topic": own(alice)}, headers={"last-event-id": third})

    assert [json.loads(block["data"])["publication"]["data"] for block in events(again)[1:]] == [3, 4]


def test_longpoll_wakes_an_event_stream(web: Any, alice: Any) -> None:
    begun = alice.get(SSE, params={"topic": own(alice)})
    web.rest.happens[5] = lambda: web.publish(own(alice), "awake")

    answer = alice.get(SSE, params={"topic": own(alice)}, headers={"last-event-id": last_id(begun)})

    assert json.loads(events(answer)[1]["data"])["publication"]["data"] == "awake"
    assert web.rest.taken == [0.25, 0.5, 1.0, 1.0, 1.0]


def test_a_stream_without_news_ends_with_a_comment_after_25_seconds(web: Any, alice: Any) -> None:
    web.publish(own(alice), "seen")
    began = web.frozen.now()

    answer = alice.get(SSE, params={"topic": own(alice), "pos": web.position(own(alice))})

    assert (web.frozen.now() - began).total_seconds() == 25
    assert ": nothing new\n" in answer.text
    assert last_id(answer) == web.position(own(alice))
    assert not [block for block in events(answer) if "data" in block]


def test_a_stream_says_what_it_has_lost(web: Any, alice: Any) -> None:
    web.publish(own(alice), "seen")

    answer = alice.get(SSE, params={"topic": own(alice)}, headers={"last-event-id": "aaaaaaaa:7"})

    _, lost = events(answer)
    assert (lost["event"], lost["id"]) == ("lost", web.position(own(alice)))
    assert json.loads(lost["data"])["topic"] == own(alice)


@pytest.mark.parametrize("value", ["x", "aaaaaaaa:1,aaaaaaaa:2", "aaaaaaaa:1," * 12])
def test_an_id_of_another_stream_is_refused(alice: Any, value: str) -> None:
    answer = alice.get(SSE, params={"topic": own(alice)}, headers={"last-event-id": value})

    assert answer.status_code == 422


def ticket_for(person: Any, *topics: str) -> str:
    answer = person.post("/realtime/tickets", json={"topics": list(topics)})
    assert answer.status_code == 201, answer.text
    assert answer.json()["expires_in"] == 30
    return str(answer.json()["ticket"])


def test_a_ticket_listens_to_its_topics_without_a_token(web: Any, alice: Any) -> None:
    ticket = ticket_for(alice, own(alice), "poll:1")

    both = web.nobody(SSE, params={"ticket": ticket})
    one = web.nobody(POLL, params={"ticket": ticket, "topic": own(alice)})
    beyond = web.nobody(POLL, params={"ticket": ticket, "topic": "notice:all"})

    assert last_id(both).count(",") == 1
    assert list(one.json()["topics"]) == [own(alice)]
    assert (beyond.status_code, beyond.json()["type"]) == (403, "/problems/topic-forbidden")


def test_a_ticket_must_be_used_soon_and_is_then_good_for_an_hour(web: Any, alice: Any) -> None:
    used, late = ticket_for(alice, own(alice)), ticket_for(alice, own(alice))
    web.frozen.advance(seconds=29)
    assert web.nobody(POLL, params={"ticket": used}).status_code == 200

    web.frozen.advance(seconds=1)
    assert web.nobody(POLL, params={"ticket": late}).status_code == 401
    web.frozen.advance(seconds=3_598)
    assert web.nobody(POLL, params={"ticket": used}).status_code == 200
    web.frozen.advance(seconds=1)
    assert web.nobody(POLL, params={"ticket": used}).status_code == 401


def test_the_hour_of_a_ticket_begins_once_whoever_is_first(web: Any, alice: Any) -> None:
    ticket = ticket_for(alice, own(alice))

    answers = together(lambda: web.nobody(POLL, params={"ticket": ticket}).status_code, times=6)

    assert [one.value for one in answers] == [200] * 6


def test_a_late_second_first_use_does_not_prolong_a_ticket(web: Any, alice: Any) -> None:
    ticket = ticket_for(alice, own(alice))
    tickets = Tickets(web.hub.table)
    row = web.hub.table.get(TicketRow, _key(ticket), "MAIN")
    tickets.use(ticket)
    web.frozen.advance(seconds=20)

    tickets._note_first(row)

    web.frozen.advance(seconds=3_580)
    assert tickets.use(ticket) is None


def test_a_ticket_ends_with_its_session(web: Any, alice: Any) -> None:
    ticket = ticket_for(alice, own(alice))
    assert web.nobody(POLL, params={"ticket": ticket}).status_code == 200

    transact(web.hub.bindings.get(Feed).revoke("s", f"family-{alice.id}"))
    web.frozen.advance(seconds=16)

    assert web.nobody(POLL, params={"ticket": ticket}).status_code == 401


def test_a_ticket_is_for_its_own_session_alone(web: Any, alice: Any) -> None:
    ticket = ticket_for(alice, own(alice))
    elsewhere = web.person(alice.id, sid="another-family")

    assert alice.get(POLL, params={"ticket": ticket}).status_code == 200
    assert elsewhere.get(POLL, params={"ticket": ticket}).status_code == 401
    assert web.person().get(POLL, params={"ticket": ticket}).status_code == 401


def test_a_token_that_has_run_out_beside_a_ticket_does_no_harm(web: Any, alice: Any) -> None:
    ticket = ticket_for(alice, own(alice))
    expired = web.person(alice.id, exp=int(web.frozen.now().timestamp()) - 100)

    assert expired.get(POLL, params={"ticket": ticket}).status_code == 200


@pytest.mark.parametrize("shown", [["x"], ["rlt_nothing"], ["a", "b"], [""]], ids=repr)
def test_what_is_no_ticket_opens_nothing(web: Any, shown: list[str]) -> None:
    answer = web.nobody(POLL, params={"ticket": shown, "topic": "poll:1"})

    assert answer.status_code == 401


def test_a_ticket_is_made_only_for_what_one_may_listen_to(web: Any, alice: Any) -> None:
    refused = alice.post("/realtime/tickets", json={"topics": [own(alice), "room:1"]})

    assert refused.status_code == 403
    assert len(refused.json()["errors"]) == 1
    assert web.client.post("/realtime/tickets", json={"topics": ["poll:1"]}).status_code == 401


@pytest.mark.parametrize("topics", [[], ["poll:1"] * 2, [f"poll:{number}" for number in range(11)], [5]], ids=len)
def test_a_ticket_is_for_one_to_ten_topics(alice: Any, topics: list[Any]) -> None:
    assert alice.post("/realtime/tickets", json={"topics": topics}).status_code == 422


def test_a_ticket_does_not_outlive_the_right_it_was_made_with(web: Any, alice: Any) -> None:
    web.grant("room:1", alice.id)
    ticket = ticket_for(alice, "room:1")
    web.revoke("room:1", alice.id)

    assert web.nobody(POLL, params={"ticket": ticket}).status_code == 403


def test_the_table_keeps_no_ticket(web: Any, alice: Any) -> None:
    ticket = ticket_for(alice, own(alice))

    assert ticket not in json.dumps(everything_in(web.hub.table))
