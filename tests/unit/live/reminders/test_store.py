"""Late writers: what holds when somebody else has written between the reading and the writing of a step."""

import json

import pytest

from functions.live.reminders.actions import forget
from functions.live.reminders.actions.deliver import LEASE
from functions.live.reminders.rules.schedules import Firing
from functions.live.reminders.store.rows import RunRow, due_keys, pk_of, run_sk
from tessera import clock
from tests.kit.faults import meanwhile
from tests.kit.stores import everything_in

ANY = {"if-match": "*"}


def path_of(reminder):
    return f"/reminders/{reminder.id}"


def renaming(alice, reminder):
    def rename():
        assert alice.patch(path_of(reminder), json={"title": "Coffee"}, headers=ANY).status_code == 200

    return rename


def test_a_change_of_what_was_changed_meanwhile_is_refused(alice, make, ports):
    reminder = make()
    change = {"schedule": {"cron": "0 10 * * *", "tz": "UTC"}}

    with meanwhile("PutItem", renaming(alice, reminder), key=reminder.id):
        answer = alice.patch(path_of(reminder), json=change, headers={"if-match": '"v1"'})

    assert answer.status_code == 412
    after = ports.reminders.find(reminder.id)
    assert (after.title, after.schedule, after.version) == ("Coffee", reminder.schedule, 2)


def test_two_changes_at_once_both_come_true(alice, make, ports):
    reminder = make()

    with meanwhile("PutItem", renaming(alice, reminder), key=reminder.id):
        answer = alice.patch(path_of(reminder), json={"jitter_s": 5}, headers=ANY)

    assert (answer.json()["title"], answer.json()["jitter_s"]) == ("Coffee", 5)


def test_what_was_changed_meanwhile_is_not_deleted_unseen(alice, make, ports):
    reminder = make()

    with meanwhile("PutItem", renaming(alice, reminder), key=reminder.id):
        answer = alice.delete(path_of(reminder), headers={"if-match": '"v1"'})

    assert answer.status_code == 412
    assert ports.reminders.find(reminder.id).title == "Coffee"


def test_what_is_deleted_meanwhile_does_not_run_once_more(alice, make, worker, table):
    reminder = make()

    with meanwhile("TransactWriteItems", lambda: alice.delete(path_of(reminder))):
        answer = alice.post(f"{path_of(reminder)}/run-now")

    assert answer.status_code == 404
    assert worker.runs(reminder) == [] and worker.types() == []


def test_a_webhook_that_waits_is_begun_by_one_of_two_who_have_seen_it(make, ports):
    reminder, now = make(), clock.now()
    firing = Firing(now, 0, now)
    due_pk, due_sk = due_keys(now, reminder.id, "run#0#0")
    run = RunRow(
        pk=pk_of(reminder.id),
        sk=run_sk(firing),
        owner=reminder.owner_id,
        due_at=clock.rfc3339(now),
        offset=0,
        occurrence_at=clock.rfc3339(now),
        fired_at=clock.rfc3339(now),
        result="pending",
        due_pk=due_pk,
        due_sk=due_sk,
    )
    ports.reminders.add_run(run, [None])
    seen = [ports.reminders.run(run.pk, run.sk) for _ in range(2)]

    begun = [ports.reminders.claim(one, now + LEASE) for one in seen]

    assert [one is not None for one in begun] == [True, False]
    assert int(ports.reminders.run(run.pk, run.sk).attempts) == 1


@pytest.mark.parametrize("who", ["who made it", "who comes"])
def test_the_runs_of_an_event_go_with_it(alice, person, worker, table, sent, monkeypatch, who):
    monkeypatch.setattr(forget, "FORGOTTEN_AT_ONCE", 1)
    bob = person()
    event = {"title": "Tea", "starts_at": "2030-03-14T10:00:00Z", "ends_at": "2030-03-14T11:00:00Z", "tz": "UTC"}
    people = [{"user_id": one.id, "offsets": ["-PT20M", "-PT10M"]} for one in (alice, bob)]
    path = alice.post("/reminders/events", json={**event, "attendees": people}).headers["location"]
    worker.at(clock.parse("2030-03-14T09:40:00Z"))
    worker.at(clock.parse("2030-03-14T09:50:00Z"))
    assert runs_in(table) == sorted([alice.id, bob.id] * 2)
    sent.take()

    assert (alice if who == "who made it" else bob).delete(path).status_code == 204
    while bodies := [body for body in sent.take() if json.loads(body)["kind"] == forget.FORGET]:
        assert worker.give(*bodies) == []

    assert runs_in(table) == ([] if who == "who made it" else [alice.id] * 2)


@pytest.mark.parametrize("before", [0, 1], ids=["the first feed", "a later one"])
def test_of_two_feeds_asked_for_at_once_one_token_opens_the_calendar(alice, table, before):
    for _ in range(before):
        alice.post("/reminders/feed")
    theirs = []

    with meanwhile("TransactWriteItems", lambda: theirs.append(alice.post("/reminders/feed"))):
        ours = alice.post("/reminders/feed")

    answers = [alice.client.get(one.json()["path"]).status_code for one in (*theirs, ours)]
    assert answers == [404, 200]
    assert tokens_in(table) == 1


def test_a_feed_that_is_renewed_while_it_is_ended_ends_too(alice, table):
    alice.post("/reminders/feed")

    with meanwhile("TransactWriteItems", lambda: alice.post("/reminders/feed")):
        assert alice.delete("/reminders/feed").status_code == 204

    assert tokens_in(table) == 0


def tokens_in(table):
    return sum(item["pk"]["S"].startswith("ICS#") for item in everything_in(table))


def runs_in(table):
    """Whose runs there are."""
    return sorted(item["owner"]["S"] for item in everything_in(table) if item["sk"]["S"].startswith("RUN#"))
