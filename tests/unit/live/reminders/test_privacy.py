"""What an owner of reminders is told of themselves, and that nothing of them is left."""

import pytest

from functions.live.reminders.app import handler
from functions.live.reminders.store.calendar import EventRow, event_pk
from functions.live.reminders.store.rows import META
from tessera.problems import Busy
from tests.kit.faults import meanwhile
from tests.kit.privacy import told_then_gone

EVENT = {"title": "Tea", "starts_at": "2030-03-20T09:00:00Z", "ends_at": "2030-03-20T10:00:00Z", "tz": "UTC"}


def test_everything_of_an_owner_is_told_and_then_gone(alice, person, make, worker, table):
    bob = person()
    make(cron="* * * * *", tz="UTC")
    make(by=bob)
    secret = alice.post("/reminders/secrets", json={"name": "CI"}).json()
    alice.post("/reminders/feed")
    alice.post("/reminders/events", json=EVENT)
    alice.post("/reminders/events", json={**EVENT, "title": "Both", "attendees": [{"user_id": bob.id}]})
    asked = bob.post("/reminders/events", json={**EVENT, "title": "Asked", "attendees": [{"user_id": alice.id}]})
    worker.later(minutes=3)

    told = told_then_gone(
        "reminders",
        handler,
        table,
        alice.id,
        unsaid={"ICS#*|MAIN": "whose the token of a feed is"},
    )

    assert [one["title"] for one in told["reminder"]] == ["Tea"] and told["run"]
    assert sorted(one["title"] for one in told["event"]) == ["Asked", "Both", "Tea"]
    assert [one["id"] for one in told["secret"]] == [secret["id"]]
    assert asked.status_code == 201 and bob.get(asked.headers["location"]).status_code == 200


def test_two_who_are_struck_off_an_event_at_once_do_not_bring_each_other_back(alice, person, ports, table):
    bob, carol = person(), person()
    attendees = [{"user_id": alice.id}, {"user_id": carol.id}]
    event_id = bob.post("/reminders/events", json={**EVENT, "attendees": attendees}).json()["id"]

    with meanwhile("UpdateItem", lambda: ports.calendar.erase(carol.id, 100), key=event_id), pytest.raises(Busy):
        ports.calendar.erase(alice.id, 100)
    ports.calendar.erase(alice.id, 100)

    row = table.get(EventRow, event_pk(event_id), META)
    assert alice.id not in row.attendees and carol.id not in row.attendees
