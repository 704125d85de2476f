"""What reaches it from the bus, from the sweeper and from alarms."""

import json

import pytest

from functions.live.notifications.mappings import WIRED, Mapped
from functions.live.notifications.triggers import told_by
from tessera import clock, ids
from tessera.outbox import Envelope
from tessera.triggers import Entries, dispatch


def test_a_reminder_of_a_task_becomes_a_notification_once(world):
    user = world.person()
    said = {
        "task_id": ids.new(),
        "owner_id": user,
        "user_id": user,
        "title": "Water the plants",
        "remind_at": "2030-03-14T09:00:00.000Z",
        "due": None,
    }
    event_id = ids.new()

    assert world.event("tasks.reminder.due.v1", said, event_id=event_id) == []
    assert world.event("tasks.reminder.due.v1", said, event_id=event_id) == []
    world.work()

    assert [row.title for row in world.feed(user)] == ["Water the plants"]


@pytest.mark.parametrize(
    ("name", "said", "title"),
    [
        ("accounts.user.password_changed.v1", {}, "Your password was changed"),
        ("accounts.mfa.enabled.v1", {"method": "totp"}, "A second factor was added: totp"),
        (
            "apikeys.key.expiring.v1",
            {"key_id": "k", "name": "CI", "prefix": "tsk_live_x", "days": 3},
            "Your key CI ends in 3 days",
        ),
    ],
)
def test_what_happens_to_an_account_is_told(world, name, said, title):
    user = world.person()

    assert world.event(name, {"user_id": user, **said}) == []
    world.work()

    assert [row.title for row in world.feed(user)] == [title]


def test_an_alarm_tells_who_runs_the_service_once(world):
    user = world.person()
    world.store.topics.add("staff.alarms", [user])
    alarm = {"AlarmName": "dead letters", "NewStateValue": "ALARM", "NewStateReason": "1 > 0", "StateChangeTime": "t1"}
    wrapped = json.dumps({"Type": "Notification", "Message": json.dumps(alarm)})

    assert world.give(wrapped) == []
    world.give(json.dumps(alarm))
    world.give(json.dumps({**alarm, "NewStateValue": "OK", "StateChangeTime": "t2"}))
    world.work()

    assert [row.title for row in world.feed(user)] == ["dead letters"]


@pytest.mark.parametrize(
    "body",
    ["not json", "{}", "[]", '{"kind": "nothing", "data": {}}', '{"kind": "deliver", "data": {}}', '{"Message": "x"}'],
)
def test_a_message_nobody_can_read_goes_to_the_dead_letters(world, body):
    assert world.give(body) == [body]


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        ("D#01HZX3J0V7Q8M4N5P6R7S8T9VW#email", "A"),
        ("DIG#u#order#email#2030-03-14T10:00:00.000Z", "H"),
        ("B#x", "META"),
        ("U#x", "N#y"),
    ],
)
def test_what_is_due_and_not_there_any_more_is_passed_over(world, pk, sk):
    item = {"pk": pk, "sk": sk, "due_pk": "x", "due_sk": "2030-03-14T10:00:00.000Z#x"}

    assert world.give(json.dumps({"kind": "due", "data": item})) == []


def said_in(room, **more):
    message = {"room_id": room, "message_id": ids.new(), "n": 3, "thread_n": 0, "author_id": ids.new()}
    return {**message, "room_kind": "public", "room_name": "Tea", "mentions": [], "mentions_room": False} | {
        "members": [],
        "preview": "Hello",
        **more,
    }


def test_who_is_mentioned_in_a_chat_is_told_and_nobody_else(world):
    ann, ben, author = (world.person() for _ in range(3))
    said = said_in(ids.new(), mentions=[ann, author], author_id=author)

    assert world.event("chat.message.created.v1", said) == []
    world.work()

    told = {person: len(world.feed(person)) for person in (ann, ben, author)}
    assert told == {ann: 1, ben: 0, author: 0}


@pytest.mark.parametrize(("notify", "told"), [({"body": "Now"}, 1), (None, 0)])
def test_a_reminder_that_asks_for_something_else_tells_nobody(world, notify, told):
    ann = world.person()
    said = {"reminder_id": ids.new(), "owner_id": ann, "user_id": ann, "title": "Tea", "lag_ms": 3}
    said |= {"due_at": "2030-03-14T09:26:53Z", "occurrence_at": "2030-03-14T09:26:53Z", "event_id": None}

    assert world.event("reminders.reminder.fired.v1", {**said, "notify": notify}) == []
    world.work()

    assert len(world.feed(ann)) == told


def test_every_row_that_reads_an_event_makes_a_notification_of_its_own_once(world):
    ann, ben = world.person(), world.person()
    (overdue,) = [row for row in WIRED if row.event == "tasks.task.overdue.v1"]
    other = Mapped(overdue.event, overdue.type, "owner_id", overdue.data, key=overdue.key)
    entries = Entries(events=told_by([overdue, other]))
    said = {"task_id": ids.new(), "owner_id": ben, "user_id": ann, "title": "Tea", "due": "2030-03-14"}
    envelope = Envelope(ids.new(), overdue.event, clock.rfc3339(clock.now()), "", said)
    body = json.dumps({"detail-type": overdue.event, "source": "tessera.tasks", "detail": json.loads(envelope.text())})
    record = {"messageId": "0", "eventSource": "aws:sqs", "body": body}

    for _ in range(2):
        assert dispatch(entries, {"Records": [record]}, world.bindings) == {"batchItemFailures": []}
    world.work()

    assert (len(world.feed(ann)), len(world.feed(ben))) == (1, 1)
