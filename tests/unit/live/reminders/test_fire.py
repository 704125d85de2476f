"""What the queue and the sweep do: once, on time, whatever is edited, lost or sent twice."""

import json
from datetime import datetime, timedelta

import pytest

from functions.live.reminders.actions import forget, manage
from functions.live.reminders.actions import sweep as sweeping
from functions.live.reminders.actions.fire import come_due
from functions.live.reminders.rules.schedules import SNOOZED, Once
from functions.live.reminders.store import AlreadyRan, Overtaken
from functions.live.reminders.store.rows import row_of
from tessera import aws, clock, ids
from tessera.auth.principal import Principal
from tessera.due import DueItem
from tessera.idempotency import Intent
from tessera.tables import Table
from tests.kit.capacity import CapacityMeter
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

MINUTELY = {"cron": "* * * * *", "tz": "UTC"}
# The clock of these tests starts at 09:26:53.


def item_of(reminder):
    row = row_of(reminder)
    return DueItem(row.pk, row.sk, str(row.due_pk), str(row.due_sk))


def at(text):
    return datetime.fromisoformat(f"2030-03-{text}+00:00")


def test_a_reminder_fires_at_its_time_with_its_event_and_its_lag(make, worker, ports):
    reminder = make(action={"notify": {"body": "Milk?", "url": "https://example.com/tea"}}, cron="0 10 * * *", tz="UTC")

    worker.at(at("14T10:00:00.400"))

    (event,) = worker.events()
    assert event.type == "reminders.reminder.fired.v1"
    assert event.data == {
        "reminder_id": reminder.id,
        "owner_id": reminder.owner_id,
        "user_id": reminder.user_id,
        "title": "Tea",
        "due_at": "2030-03-14T10:00:00.000Z",
        "occurrence_at": "2030-03-14T10:00:00.000Z",
        "lag_ms": 400,
        "notify": {"body": "Milk?", "url": "https://example.com/tea"},
        "event_id": None,
    }
    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]
    after = ports.reminders.find(reminder.id)
    assert (after.runs, after.pending.due, after.version) == (1, at("15T10:00:00"), 1)


def test_ten_sweepers_one_run(make, worker, ports, frozen):
    reminder = make(cron="0 10 * * *", tz="UTC")
    frozen.set(at("14T10:00:00"))

    together(lambda: come_due(ports, item_of(reminder)), times=10)

    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]
    assert ports.reminders.find(reminder.id).runs == 1
    assert worker.types() == ["reminder.fired"]


def test_of_ten_that_decide_on_one_reading_one_writes(make, worker, ports, frozen):
    reminder = make(cron="0 10 * * *", tz="UTC")
    frozen.set(at("14T10:00:00"))
    after = manage.rules.paused(reminder, clock.now())

    results = together(lambda: ports.reminders.save(reminder, after), times=10)

    assert outcomes(results) == {"ok": 1, "Overtaken": 9}


def test_a_firing_never_undoes_the_pause_it_did_not_see(make, worker, ports, frozen, monkeypatch):
    reminder = make(cron="0 10 * * *", tz="UTC")
    frozen.set(at("14T10:00:00"))
    read = ports.reminders.find

    def read_before_the_pause(reminder_id):
        found = read(reminder_id)
        monkeypatch.undo()
        manage.pause(ports, reminder.owner_id, reminder_id)
        return found

    monkeypatch.setattr(ports.reminders, "find", read_before_the_pause)
    come_due(ports, item_of(reminder))

    assert ports.reminders.find(reminder.id).state == "paused"
    assert worker.runs(reminder) == []
    assert worker.types() == []


def test_a_clock_set_back_fires_nothing_again(make, worker, ports, frozen):
    reminder = make(**MINUTELY)
    first = item_of(reminder)
    worker.at(at("14T09:27:00"))

    frozen.set(at("14T09:25:30"))
    come_due(ports, first)
    worker.sweep()
    assert worker.give(*worker.sent.take()) == []

    assert worker.runs(reminder) == [("2030-03-14T09:27", "done")]


def test_a_message_before_its_time_is_sent_again(make, worker, ports, sent):
    reminder = make(cron="0 10 * * *", tz="UTC")
    sent.take()

    come_due(ports, item_of(reminder))

    assert worker.runs(reminder) == []
    assert sent.messages[0][1] == 900


@pytest.mark.parametrize("change", ["edit", "pause", "snooze", "skip", "delete"])
def test_edit_invalidates_queued(make, worker, ports, frozen, change):
    reminder = make(cron="0 10 * * *", tz="UTC")
    queued = item_of(reminder)
    mine = reminder.owner_id, reminder.id
    verbs = {
        "edit": lambda: manage.change(ports, *mine, {"offsets": ("PT1M",)}, expect=None),
        "pause": lambda: manage.pause(ports, *mine),
        "snooze": lambda: manage.snooze(ports, *mine, "PT2H"),
        "skip": lambda: manage.skip_next(ports, *mine),
        "delete": lambda: manage.delete(ports, *mine, expect=None),
    }
    frozen.set(at("14T09:59:59"))

    verbs[change]()
    frozen.set(at("14T10:00:00"))
    come_due(ports, queued)

    assert [result for _, result in worker.runs(reminder)] == (["skipped"] if change == "skip" else [])


def test_an_edit_at_the_instant_of_firing_and_the_firing_both_come_true_once(make, worker, ports, frozen):
    for number in range(5):
        reminder = make(title=f"Tea {number}", cron="0 10 * * *", tz="UTC")
        queued = item_of(reminder)
        frozen.set(at("14T10:00:00"))

        together(
            lambda queued=queued: come_due(ports, queued),
            lambda found=reminder: manage.change(ports, found.owner_id, found.id, {"title": "Coffee"}, expect=1),
        )

        after = ports.reminders.find(reminder.id)
        assert after.title == "Coffee"
        # Where the edit came first, the message was about the time before it, and the sweep brings the new one.
        come_due(ports, item_of(after))
        assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]
        frozen.set(at("14T09:26:53"))


def test_snooze_against_fire(make, worker, ports, frozen):
    reminder = make(cron="0 10 * * *", tz="UTC")
    queued = item_of(reminder)
    frozen.set(at("14T10:00:00"))

    together(
        lambda: come_due(ports, queued), lambda: manage.snooze(ports, reminder.owner_id, reminder.id, "PT10M"), times=2
    )

    assert len(worker.runs(reminder)) <= 1
    assert ports.reminders.find(reminder.id).pending.offset == SNOOZED
    worker.at(at("14T10:10:00"))
    assert worker.runs(reminder)[-1] == ("2030-03-14T10:10", "done")
    assert ports.reminders.find(reminder.id).pending.due == at("15T10:00:00")


def test_a_time_that_fired_does_not_fire_again_when_an_edit_names_it_once_more(make, worker, ports, frozen):
    reminder = make(at="2030-03-14T09:27:00Z")
    worker.at(at("14T09:27:00"))

    again = manage.change(ports, reminder.owner_id, reminder.id, {"schedule": reminder.schedule}, expect=None)
    come_due(ports, item_of(again))

    assert worker.runs(reminder) == [("2030-03-14T09:27", "done")]
    after = ports.reminders.find(reminder.id)
    assert (after.state, after.runs) == ("completed", 1)


def test_the_end_is_told_once(make, worker):
    reminder = make(at="2030-03-14T10:00:00Z")

    worker.at(at("14T10:00:00"))
    worker.later(hours=1)

    assert sorted(worker.types()) == ["reminder.completed", "reminder.fired"]
    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]


@pytest.mark.parametrize(
    ("misfire", "runs", "types"),
    [
        ("skip", ["missed"], ["reminder.missed"]),
        ("fire_once", ["missed", "done"], ["reminder.fired", "reminder.missed"]),
        ("fire_all", ["done"] * 4, ["reminder.fired"] * 4),
    ],
)
def test_an_outage_is_made_up_for_as_was_asked(make, worker, misfire, runs, types):
    reminder = make(cron="0 * * * *", tz="UTC", misfire=misfire)

    worker.at(at("14T13:30:00"))

    assert [result for _, result in worker.runs(reminder)] == runs
    assert sorted(worker.types()) == types


def test_an_event_of_ones_own_is_raised_under_our_name(make, worker):
    action = {"event": {"type": "tea.ready", "data": {"cups": 2, "milk": True, "note": None}}}
    make(action=action, cron="0 10 * * *", tz="UTC")

    worker.at(at("14T10:00:00"))

    raised = next(one for one in worker.events() if one.type == "reminders.event.raised.v1")
    assert (raised.data["name"], raised.data["data"]) == ("tea.ready", {"cups": 2, "milk": True, "note": None})
    fired = next(one for one in worker.events() if one.type == "reminders.reminder.fired.v1")
    assert fired.data["notify"] is None


def test_a_run_now_is_beside_the_schedule_and_two_at_once_are_two(make, worker, ports, alice):
    reminder = make(cron="0 10 * * *", tz="UTC")

    results = together(lambda: manage.run_now(ports, reminder.owner_id, reminder.id), times=2)

    assert outcomes(results) == {"ok": 2}
    listed = alice.get(f"/reminders/{reminder.id}/runs").json()["items"]
    assert [(one["offset"], one["result"]) for one in listed] == [("now", "done")] * 2
    assert ports.reminders.find(reminder.id) == reminder


def test_what_fires_soon_is_queued_at_once_with_what_is_left_as_delay(make, sent):
    make(at="2030-03-14T09:28:00Z")

    ((body, delay),) = sent.messages

    assert delay == 67
    assert json.loads(body)["data"]["due_sk"].startswith("2030-03-14T09:28:00.000Z#")


def test_what_fires_later_waits_for_the_sweep(make, sent, worker):
    make(at="2030-03-14T09:30:30Z")
    assert sent.messages == []

    worker.clock.set(at("14T09:28:59"))
    worker.sweep()
    assert sent.messages == []
    worker.clock.set(at("14T09:29:00"))
    worker.sweep()

    assert [delay for _, delay in sent.messages] == [90]


def test_in_step_a_sweep_reads_two_minutes_and_the_mark_however_many_reminders_there_are(make, worker, ports, table):
    worker.sweep()
    for number in range(30):
        make(title=f"Tea {number}", cron="0 10 1 * *", tz="UTC")
    worker.clock.advance(minutes=1)

    with CapacityMeter() as meter:
        worker.sweep()

    cost = meter.of(table.name)
    assert sorted(set(cost.operations)) == ["GetItem", "PutItem", "Query"]
    assert cost.operations.count("Query") == 32
    assert cost.write_units == 1


def test_a_message_that_was_lost_is_sent_again_within_three_minutes(make, worker, sent):
    reminder = make(at="2030-03-14T09:28:00Z")
    sent.take()
    for _ in range(4):
        worker.clock.advance(minutes=1)
        worker.sweep()

    assert worker.give(*sent.take()) == []
    assert worker.runs(reminder) == [("2030-03-14T09:28", "done")]


def test_after_an_outage_every_missed_minute_is_read_and_what_is_due_now_comes_first(
    make, worker, sent, ports, monkeypatch
):
    monkeypatch.setattr(sweeping, "MOST_AT_ONCE", 12)
    monkeypatch.setattr(sweeping, "STRIDE", 5)
    worker.sweep()
    old = make(at="2030-03-14T09:40:00Z", title="old")
    new = make(at="2030-03-14T10:01:30Z", title="new")
    worker.clock.set(at("14T10:00:30"))

    order = []
    for _ in range(4):
        worker.sweep()
        order += [json.loads(body)["data"]["pk"] for body in sent.take()]
        worker.clock.advance(minutes=1)

    assert order[0] == f"R#{new.id}"
    assert f"R#{old.id}" in order
    assert ports.marks.get() == at("14T10:04:00")


def test_a_sweep_that_dies_before_its_mark_is_repeated(make, worker, sent, frozen):
    worker.sweep()
    make(at="2030-03-14T09:40:00Z")
    worker.clock.set(at("14T09:50:00"))

    def die(service, operation, params):
        if operation == "reminders.swept":
            raise RuntimeError("killed")

    with aws.intercepted(die):
        worker.sweep()
    first = len(sent.take())
    worker.sweep()

    assert (first, len(sent.take())) == (1, 1)


def test_a_worker_that_dies_after_its_write_has_fired_once_and_goes_on(make, worker, ports, frozen, sent):
    reminder = make(**MINUTELY)
    queued = json.dumps({"kind": "due", "data": item_of(reminder).__dict__})
    frozen.set(at("14T09:27:00"))

    def die(service, operation, params):
        if operation == "reminders.written":
            raise RuntimeError("killed")

    with aws.intercepted(die):
        assert worker.give(queued) == ["0"]
    assert worker.give(queued) == []
    frozen.set(at("14T09:28:00"))
    worker.sweep()
    assert worker.give(*sent.take()) == []

    assert worker.runs(reminder)[:2] == [("2030-03-14T09:27", "done"), ("2030-03-14T09:28", "done")]


def test_requests_and_units_of_each_operation(make, alice, worker, ports, table, frozen):
    reminder = make(cron="0 10 * * *", tz="UTC")
    body = {"title": "Tea", "schedule": {"cron": "0 10 * * *", "tz": "UTC"}, "action": {"notify": {}}}
    path = f"/reminders/{reminder.id}"
    work = {
        "create": lambda: alice.post("/reminders", json=body),
        "read": lambda: alice.get(path),
        "list": lambda: alice.get("/reminders"),
        "change": lambda: alice.patch(path, json={"title": "x"}, headers={"if-match": "*"}),
        "runs": lambda: alice.get(f"{path}/runs"),
    }

    costs = {}
    for name, do in work.items():
        with CapacityMeter() as meter:
            assert do().is_success
        costs[name] = (meter.of(table.name).requests, meter.of(table.name).write_units)
    frozen.set(at("14T10:00:00"))
    due = item_of(ports.reminders.find(reminder.id))
    with CapacityMeter() as meter:
        come_due(ports, due)
    costs["fire"] = (meter.of(table.name).requests, meter.of(table.name).write_units)

    # One unit for the item and one for each of its two indexes; a change moves neither, and a firing moves both.
    assert costs == {
        "create": (1, 3),
        "read": (1, 0),
        "list": (1, 0),
        "change": (2, 4),
        "runs": (2, 0),
        "fire": (2, 8),
    }


def test_deleting_takes_the_runs_along(make, worker, ports, table, sent, monkeypatch):
    reminder = make(**MINUTELY)
    for _ in range(3):
        worker.later(minutes=1)
    monkeypatch.setattr(forget, "FORGOTTEN_AT_ONCE", 2)

    manage.delete(ports, reminder.owner_id, reminder.id, expect=None)
    while bodies := [body for body in sent.take() if json.loads(body)["kind"] == forget.FORGET]:
        assert worker.give(*bodies) == []

    assert [item["gone"]["N"] for item in everything_in(table) if item["pk"]["S"] == f"R#{reminder.id}"] == ["1"]


def test_what_is_written_twice_is_refused_by_name(make, ports, frozen):
    reminder = make(**MINUTELY)
    run = manage.fire.run_now(ports, reminder)

    with pytest.raises(AlreadyRan):
        ports.reminders.add_run(run, [None])
    ports.reminders.delete(reminder)
    with pytest.raises(Overtaken):
        ports.reminders.delete(reminder)


def test_open_pages_are_told(make, worker, bindings):
    reminder = make(cron="0 10 * * *", tz="UTC")

    worker.at(at("14T10:00:00"))

    entries = [item for item in everything_in(Table(bindings.environment["REALTIME"])) if item["sk"]["S"][:2] == "E#"]
    assert [item["pk"]["S"] for item in entries] == [f"LOG#user:{reminder.user_id}"]
    assert "reminders.fired" in str(entries[0])


def test_a_page_that_cannot_be_told_keeps_nothing_from_firing(make, worker, bindings):
    reminder = make(cron="0 10 * * *", tz="UTC")

    def fail(service, operation, params):
        if service == "fault" and operation == "live.appended":
            raise aws.ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessage")

    with aws.intercepted(fail):
        worker.at(at("14T10:00:00"))

    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]


def test_lag_p95(ports, worker, sent, frozen):
    """Sixty reminders within a minute, each message given to the worker in the second its delay ends."""
    frozen.set(at("14T09:30:00"))
    worker.sweep()
    for number in range(60):
        when = at(f"14T09:32:{number:02}") + timedelta(milliseconds=number * 16)
        wanted = manage.Wanted(f"Tea {number}", Once(when), {"notify": {}})
        user_id = ids.new()
        by = Principal(kind="user", id=user_id, user_id=user_id)
        manage.create(ports, wanted, by=by, intent=Intent(ids.new(), "made by a test"))
    sent.take()
    frozen.set(at("14T09:31:00.250"))
    worker.sweep()
    started = clock.now()

    for body, delay in sorted(sent.messages, key=lambda message: message[1]):
        frozen.set(started + timedelta(seconds=delay))
        assert worker.give(body) == []

    lags = sorted(event.data["lag_ms"] for event in worker.events() if "lag_ms" in event.data)
    assert len(lags) == 60
    assert lags[57] <= 1_000
