"""Calendar events, whose calendar they stand in, and the feed that calendar programs read."""

import re

import pytest

from functions.live.reminders.actions.calendar import CalendarEvent
from tessera import clock, ids
from tests.kit.stores import everything_in

EVENT = {
    "title": "Tasting; with cake",
    "starts_at": "2030-03-20T09:00:00Z",
    "ends_at": "2030-03-20T10:00:00Z",
    "tz": "Europe/Berlin",
    "location": "Kitchen",
    "notes": "Bring a cup.\nEND:VCALENDAR",
}
RANGE = "from=2030-03-01T00:00:00Z&to=2030-04-01T00:00:00Z"


def created(person, **fields):
    answer = person.post("/reminders/events", json={**EVENT, **fields})
    assert answer.status_code == 201, answer.text
    return answer


def coming(*people):
    return [{"user_id": person.id, "offsets": list(offsets)} for person, *offsets in people]


def test_each_attendee_is_reminded_at_offsets_of_their_own(alice, person, worker):
    bob, carol = person(), person()
    event = created(alice, attendees=coming((alice, "-PT10M"), (bob, "-P1D", "-PT1H"), (carol,))).json()

    mine = [one["items"] for one in (who.get("/reminders").json() for who in (alice, bob, carol))]
    assert [[one["next_at"][5:16] for one in found] for found in mine] == [["03-20T08:50"], ["03-19T09:00"], []]
    assert mine[1][0]["event_id"] == event["id"]
    # It is theirs to change.
    path = f"/reminders/{mine[1][0]['id']}"
    assert bob.patch(path, json={"offsets": ["-PT5M"]}, headers={"if-match": "*"}).status_code == 200
    assert alice.get(path).status_code == 404
    worker.at(clock.parse("2030-03-20T08:55:00Z"))
    assert {one.data["user_id"] for one in worker.events() if one.data.get("event_id")} == {alice.id, bob.id}


def test_an_event_stands_in_the_calendar_of_everybody_who_comes(alice, person):
    bob, eve = person(), person()
    answer = created(alice, attendees=coming((bob, "-P1D")))

    event = answer.json()
    assert [who.get(f"/reminders/events?{RANGE}").json()["items"] != [] for who in (alice, bob, eve)] == [1, 1, 0]
    assert alice.get(answer.headers["location"]).json()["attendees"][0]["offsets"] is None
    assert bob.get(answer.headers["location"]).json()["attendees"][0]["offsets"] == ["-P1D"]
    assert eve.get(answer.headers["location"]).status_code == 404
    assert eve.delete(f"/reminders/events/{event['id']}").status_code == 404


def test_events_are_listed_in_their_order_and_in_their_time_alone(alice):
    for day in (22, 20, 25, 21):
        created(alice, title=str(day), starts_at=f"2030-03-{day}T09:00:00Z", ends_at=f"2030-03-{day}T10:00:00Z")
    asked = "/reminders/events?from=2030-03-20T09:00:00Z&to=2030-03-25T09:00:00Z&limit=2"

    first = alice.get(asked).json()
    rest = alice.get(f"{asked}&cursor={first['next']}").json()

    assert [one["title"] for one in first["items"]] == ["20", "21"]
    assert [one["title"] for one in rest["items"]] == ["22"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2030-03-01T00:00:00Z",
        "from=2030-03-02T00:00:00Z&to=2030-03-01T00:00:00Z",
        "from=x&to=y",
        "from=2030-01-01T00:00:00Z&to=2031-06-01T00:00:00Z",
    ],
)
def test_a_time_that_is_none_is_refused(alice, query):
    assert alice.get(f"/reminders/events?{query}").status_code == 422


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"ends_at": "2030-03-20T09:00:00Z"}, "/ends_at"),
        ({"ends_at": "2030-05-20T09:00:00Z"}, "/ends_at"),
        ({"starts_at": "2030-03-13T09:00:00Z"}, "/starts_at"),
        ({"starts_at": "2300-03-13T09:00:00Z", "ends_at": "2300-03-13T10:00:00Z"}, "/schedule/at"),
        ({"tz": "Mars/Base"}, "/tz"),
        ({"attendees": [{"user_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}] * 2}, "/attendees"),
        ({"attendees": [{"user_id": "x"}]}, "/attendees/0/user_id"),
        ({"attendees": [{"user_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "offsets": ["1h"]}]}, "/attendees/0/offsets/0"),
    ],
    ids=str,
)
def test_an_event_that_is_wrong_is_pointed_at(alice, fields, pointer):
    answer = alice.post("/reminders/events", json={**EVENT, **fields})

    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


def test_an_event_asked_for_twice_is_made_once(alice, person):
    bob, headers = person(), {"idempotency-key": ids.new()}
    body = {**EVENT, "attendees": coming((bob, "-P1D"))}

    first, second = (alice.post("/reminders/events", json=body, headers=headers) for _ in range(2))

    assert (second.status_code, second.headers["idempotent-replay"]) == (201, "true")
    assert first.json() == second.json()
    assert len(bob.get("/reminders").json()["items"]) == 1


def test_who_made_it_cancels_it_for_all_and_others_take_their_leave(alice, person, table):
    bob, carol = person(), person()
    event = created(alice, attendees=coming((bob, "-P1D"), (carol, "-P1D"))).json()
    path = f"/reminders/events/{event['id']}"

    assert bob.delete(path).status_code == 204
    assert (bob.get(path).status_code, bob.get("/reminders").json()["items"]) == (404, [])
    assert (carol.get(path).status_code, len(carol.get("/reminders").json()["items"])) == (200, 1)
    assert alice.delete(path).status_code == 204
    assert (carol.get(path).status_code, carol.get("/reminders").json()["items"]) == (404, [])
    assert [item for item in everything_in(table) if "EV#" in str(item) or item["pk"]["S"][:2] == "E#"] == []


def test_ics_valid(alice, make):
    created(alice, attendees=coming((alice, "-PT10M")))
    make(title="Tea, " + "é" * 60, cron="0 10 * * *", tz="UTC")
    made = alice.post("/reminders/feed").json()

    answer = alice.client.get(made["path"])

    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    lines = answer.content.decode().split("\r\n")
    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR", "")
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = answer.content.decode().replace("\r\n ", "").split("\r\n")
    assert unfolded.count("END:VCALENDAR") == 1
    assert (unfolded.count("BEGIN:VEVENT"), unfolded.count("END:VEVENT")) == (2, 2)
    assert "SUMMARY:Tasting\\; with cake" in unfolded
    assert "DESCRIPTION:Bring a cup.\\nEND:VCALENDAR" in unfolded
    assert {"DTSTART:20300320T090000Z", "DTEND:20300320T100000Z", "DTSTART:20300314T100000Z"} <= set(unfolded)
    names = [line.split(":")[0].split(";")[0] for line in unfolded[:-1]]
    assert all(re.fullmatch(r"[A-Z-]+", name) for name in names)
    assert [names.count(name) for name in ("UID", "DTSTAMP", "DTSTART")] == [2, 2, 2]


def test_a_new_feed_ends_the_old_one_and_no_feed_ends_it_too(alice):
    first, second = (alice.post("/reminders/feed").json()["path"] for _ in range(2))

    assert [alice.client.get(path).status_code for path in (first, second)] == [404, 200]
    assert alice.delete("/reminders/feed").status_code == 204
    assert alice.client.get(second).status_code == 404
    assert alice.delete("/reminders/feed").status_code == 204


def test_an_event_knows_nothing_of_who_does_not_come():
    event = CalendarEvent("x", clock.now(), clock.now(), "UTC")

    assert event.attendees == ()
