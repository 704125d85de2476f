"""When reminders fire: summer time, offsets, what was missed, and what verbs make of the next time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.live.reminders.rules import reminder as rules
from functions.live.reminders.rules.durations import Span
from functions.live.reminders.rules.problems import AtInPast, NeverFires, NothingNext
from functions.live.reminders.rules.reminder import Misfire, Reminder, Result, State
from functions.live.reminders.rules.schedules import SNOOZED, ByCron, ByRule, Once, firings, instant_in
from tessera.problems import InvalidRequest

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# Zone, a local time that does not exist, when its gap ends, that time moved by the gap; a local time that exists
# twice, and its first occurrence. All of 2026.
TRANSITIONS = [
    ("Europe/Berlin", "03-29T02:30", "03-29T01:00", "03-29T01:30", "10-25T02:30", "10-25T00:30"),
    ("Europe/London", "03-29T01:30", "03-29T01:00", "03-29T01:30", "10-25T01:30", "10-25T00:30"),
    ("America/New_York", "03-08T02:30", "03-08T07:00", "03-08T07:30", "11-01T01:30", "11-01T05:30"),
    ("America/Havana", "03-08T00:30", "03-08T05:00", "03-08T05:30", "11-01T00:30", "11-01T04:30"),
    ("America/Santiago", "09-06T00:30", "09-06T04:00", "09-06T04:30", "04-04T23:30", "04-05T02:30"),
    ("Asia/Beirut", "03-29T00:30", "03-28T22:00", "03-28T22:30", "10-24T23:30", "10-24T20:30"),
    ("Australia/Sydney", "10-04T02:30", "10-03T16:00", "10-03T16:30", "04-05T02:30", "04-04T15:30"),
    ("Australia/Lord_Howe", "10-04T02:15", "10-03T15:30", "10-03T15:45", "04-05T01:45", "04-04T14:45"),
]
CASES = [
    pytest.param(zone, kind, wall, end if kind == "cron" else moved, id=f"{zone} {which} {kind}")
    for zone, gap, gap_end, gap_moved, fold, first in TRANSITIONS
    for which, wall, end, moved in (("gap", gap, gap_end, gap_moved), ("fold", fold, first, first))
    for kind in ("cron", "rrule", "at")
]


def of_2026(text):
    return datetime.fromisoformat(f"2026-{text}:00")


@pytest.mark.parametrize(("zone", "kind", "wall", "expected"), CASES)
def test_dst_matrix(zone, kind, wall, expected):
    local = of_2026(wall)
    schedule = {
        "cron": ByCron(f"{local.minute} {local.hour} * * *", zone),
        "rrule": ByRule("FREQ=DAILY", local - timedelta(days=3), zone),
        "at": Once(instant_in(local, zone), zone),
    }[kind]
    around = instant_in(local, zone)

    found = list(islice(schedule.after(around - timedelta(hours=12)), 3))

    near = [f"{when:%m-%dT%H:%M}" for when in found if when < around + timedelta(hours=12)]
    assert near == [expected]


@pytest.mark.parametrize("start", ["2026-03-28T22:30", "2026-10-24T22:30"], ids=["gap", "fold"])
@pytest.mark.parametrize("kind", ["cron", "rrule"])
def test_hourly_schedules_go_by_elapsed_time(start, kind):
    local = datetime.fromisoformat(start)
    after = instant_in(local, "Europe/Berlin")
    schedule = {
        "cron": ByCron("30 * * * *", "Europe/Berlin"),
        "rrule": ByRule("FREQ=HOURLY", local, "Europe/Berlin"),
    }[kind]

    found = list(islice(schedule.after(after), 8))

    assert [when - after for when in found] == [timedelta(hours=number) for number in range(1, 9)]


def test_minutes_of_an_hourly_rule_are_those_of_the_wall_where_a_zone_shifts_by_half_an_hour():
    rule = ByRule("FREQ=HOURLY;BYMINUTE=0", datetime(2026, 4, 4, 22), "Australia/Lord_Howe")

    found = islice(rule.after(datetime(2026, 4, 4, 11, tzinfo=UTC)), 8)

    assert {when.astimezone(ZoneInfo("Australia/Lord_Howe")).minute for when in found} == {0}


def test_dates_are_added_and_left_out_and_count_counts_what_is_left_out():
    def on(day):
        return datetime(2026, 3, day, 9, tzinfo=UTC)

    rule = ByRule("FREQ=DAILY;COUNT=3", datetime(2026, 3, 2, 9), "UTC", (on(3), on(8)), (on(1), on(2), on(8), on(9)))

    assert list(rule.after(NOW - timedelta(days=9))) == [on(1), on(2), on(4), on(9)]
    assert list(rule.after(on(4))) == [on(9)]


@pytest.mark.parametrize(
    ("text", "days", "minutes"),
    [("-P1D", -1, 0), ("PT15M", 0, 15), ("-P1W", -7, 0), ("P1DT2H30M", 1, 150), ("+PT0M", 0, 0), ("-PT36H", 0, -2160)],
)
def test_a_span_has_days_and_elapsed_time(text, days, minutes):
    assert Span.parse(text) == Span(days, timedelta(minutes=minutes))


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1D", "P1M", "P1Y", "PT5S", "--P1D", "P400D", "P53W", "P1W2D"])
def test_a_span_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="span"):
        Span.parse(text)


def test_a_day_before_is_the_same_clock_time_and_24_hours_before_are_not():
    # The night in which Berlin sets its clocks forward lies between.
    event = Once(datetime(2026, 3, 29, 7, tzinfo=UTC), "Europe/Berlin")

    found = list(firings(event, ["-P1D", "-PT24H", "PT0M"], NOW, 3))

    assert [f"{one.due:%d %H:%M}" for one in found] == ["28 07:00", "28 08:00", "29 07:00"]


def test_offsets_that_meet_fire_one_after_the_other_in_their_order():
    daily = ByCron("0 9 * * *", "UTC")

    found = list(islice(firings(daily, ["PT0M", "-P1D"], NOW, 2), 5))

    assert [(one.due.day, one.offset, one.occurrence.day) for one in found] == [
        (2, 0, 2),
        (2, 1, 3),
        (3, 0, 3),
        (3, 1, 4),
        (4, 0, 4),
    ]
    assert next(firings(daily, ["PT0M", "-P1D"], found[0].due, 0)) == found[1]


def a_reminder(schedule=None, **fields):
    schedule = schedule or ByCron("0 * * * *", "UTC")
    fields = {"action": {"notify": {}}, **fields}
    reminder = Reminder("R", "U", "U", "Tea", schedule, created_at=NOW, updated_at=NOW, **fields)
    return rules.made(reminder, NOW)


@pytest.mark.parametrize(("seconds", "fires"), [(0, True), (1, True), (60, True), (61, False)])
def test_a_time_just_past_was_meant_to_be_now(seconds, fires):
    at = NOW - timedelta(seconds=seconds)

    if fires:
        assert a_reminder(Once(at)).pending.due == at
    else:
        with pytest.raises(AtInPast):
            a_reminder(Once(at))


def test_what_never_fires_is_refused():
    with pytest.raises(NeverFires):
        a_reminder(ByCron("0 0 30 2 *", "UTC"))
    with pytest.raises(NeverFires):
        a_reminder(Once(NOW + timedelta(hours=1)), offsets=("-P1D",))


def fired(reminder, now):
    return rules.fired(reminder, now)


def test_a_firing_in_time_is_one_run_and_the_next_follows():
    reminder = a_reminder()

    turn = fired(reminder, reminder.pending.due + timedelta(minutes=5))

    assert [(done.firing.due.hour, done.result) for done in turn.done] == [(13, Result.DONE)]
    assert (turn.after.pending.due.hour, turn.after.runs, turn.after.gen, turn.after.version) == (14, 1, 2, 1)


@pytest.mark.parametrize(
    ("misfire", "hours", "runs"),
    [
        (Misfire.SKIP, [(13, "missed", 8)], 0),
        (Misfire.FIRE_ONCE, [(13, "missed", 7), (20, "done", 0)], 1),
        (Misfire.FIRE_ALL, [(hour, "done", 0) for hour in range(13, 21)], 8),
    ],
)
def test_outage_misfire(misfire, hours, runs):
    turn = fired(a_reminder(misfire=misfire), NOW.replace(hour=20, minute=30))

    assert [(done.firing.due.hour, done.result.value, done.missed) for done in turn.done] == hours
    assert (turn.after.pending.due.hour, turn.after.runs) == (21, runs)


def test_no_more_than_ten_are_caught_up_and_no_more_than_may_run():
    now = NOW + timedelta(days=1, minutes=30)

    many = fired(a_reminder(misfire=Misfire.FIRE_ALL), now)
    few = fired(a_reminder(misfire=Misfire.FIRE_ALL, max_runs=3), now)

    assert [done.missed for done in many.done] == [14, *[0] * 10]
    assert [done.firing.due.hour for done in few.done if done.result is Result.DONE] == [10, 11, 12]
    assert few.after.state is State.COMPLETED


def test_an_outage_of_months_is_counted_as_far_as_that_goes():
    turn = fired(a_reminder(ByCron("* * * * *", "UTC"), misfire=Misfire.SKIP), NOW + timedelta(days=30))

    assert turn.done[0].missed == 10_000
    assert turn.after.pending.due == NOW + timedelta(days=30, minutes=1)


def test_a_reminder_ends_with_its_last_time_or_its_last_run():
    once = fired(a_reminder(Once(NOW + timedelta(hours=1))), NOW + timedelta(hours=1))
    last = fired(a_reminder(max_runs=1), NOW + timedelta(hours=1))

    assert [(turn.after.state, turn.after.pending, turn.is_last) for turn in (once, last)] == [
        (State.COMPLETED, None, True)
    ] * 2


def test_jitter_is_the_same_whenever_it_is_asked_and_within_its_bounds():
    reminder = a_reminder(ByCron("* * * * *", "UTC"), jitter_s=30)
    coming = list(islice(reminder.coming(), 50))

    late = [reminder.moment_of(one) - one.due for one in coming]

    assert late == [reminder.moment_of(one) - one.due for one in coming]
    assert all(timedelta() <= one <= timedelta(seconds=30) for one in late)
    assert len(set(late)) > 10


def test_a_snooze_keeps_quiet_until_then_and_the_schedule_goes_on():
    reminder = rules.snoozed(a_reminder(max_runs=5), NOW, Span.parse("PT90M"))

    turn = fired(reminder, NOW + timedelta(minutes=90))

    assert (reminder.pending.due, reminder.pending.offset) == (NOW + timedelta(minutes=90), SNOOZED)
    assert (turn.after.pending.due.hour, turn.after.runs) == (14, 0)


def test_a_finished_reminder_can_be_snoozed_back_for_one_time():
    done = fired(a_reminder(max_runs=1), NOW + timedelta(hours=1)).after

    back = rules.snoozed(done, NOW + timedelta(hours=1), Span.parse("PT10M"))
    turn = fired(back, NOW + timedelta(minutes=70))
    late = fired(back, NOW + timedelta(hours=9))

    assert back.state is State.ACTIVE
    assert (turn.after.state, len(turn.done)) == (State.COMPLETED, 1)
    assert [done.result for done in late.done if done.firing.offset == SNOOZED] == [Result.DONE]


def test_skipping_leaves_one_out_and_counts_no_run():
    turn = rules.skipped(a_reminder(), NOW)

    assert [(done.firing.due.hour, done.result) for done in turn.done] == [(13, Result.SKIPPED)]
    assert (turn.after.pending.due.hour, turn.after.runs, turn.after.version) == (14, 0, 2)


def test_resuming_starts_from_now_and_not_where_it_was_paused():
    paused = rules.paused(a_reminder(), NOW)

    assert paused.pending is None
    assert rules.resumed(paused, NOW + timedelta(hours=5, minutes=1)).pending.due.hour == 18
    gone = rules.paused(a_reminder(Once(NOW + timedelta(hours=1))), NOW)
    with pytest.raises(NothingNext):
        rules.resumed(gone, NOW + timedelta(hours=2))


def test_a_change_of_the_schedule_begins_anew_and_a_change_of_the_title_does_not():
    snoozed = rules.snoozed(a_reminder(), NOW, Span.parse("PT5M"))

    assert rules.changed(snoozed, NOW, title="x").pending == snoozed.pending
    assert rules.changed(snoozed, NOW, schedule=ByCron("0 15 * * *", "UTC")).pending.due.hour == 15
    paused = rules.paused(a_reminder(), NOW)
    assert rules.changed(paused, NOW, offsets=("PT1M",)).pending is None


def test_a_finished_reminder_goes_on_when_it_may_run_more_often():
    done = fired(a_reminder(max_runs=1), NOW + timedelta(hours=1)).after

    assert rules.changed(done, NOW, title="x").state is State.COMPLETED
    with pytest.raises(InvalidRequest):
        rules.changed(done, NOW, schedule=ByCron("0 15 * * *", "UTC"))
    more = rules.changed(done, NOW + timedelta(hours=1), max_runs=2)
    assert (more.state, more.pending.due.hour) == (State.ACTIVE, 14)


def test_what_is_to_come_ends_with_the_last_run():
    assert len(list(a_reminder(max_runs=3).coming())) == 3
    assert list(rules.paused(a_reminder(), NOW).coming()) == []


SCHEDULES = st.one_of(
    st.builds(
        ByCron,
        st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 0 L * *", "15 1,2 * * SUN"]),
        st.sampled_from([row[0] for row in TRANSITIONS]),
    ),
    st.builds(
        ByRule,
        st.sampled_from(
            ["FREQ=DAILY", "FREQ=HOURLY;INTERVAL=5", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=DAILY;BYHOUR=2,3"]
        ),
        st.datetimes(datetime(2025, 1, 1), datetime(2026, 1, 1)).map(lambda when: when.replace(microsecond=0, fold=0)),
        st.sampled_from([row[0] for row in TRANSITIONS]),
    ),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@given(SCHEDULES, st.sets(st.sampled_from(["-P1D", "PT0M", "-PT15M", "P1DT1H"]), max_size=3), MOMENTS)
def test_firings_increase_and_go_on_wherever_they_are_taken_up(schedule, offsets, now):
    named = sorted(offsets)

    found = list(islice(firings(schedule, named, now, 9), 12))

    order = [(one.due, one.offset) for one in found]
    assert order == sorted(set(order))
    assert all(one.due > now for one in found)
    for before, after in pairwise(found[:4]):
        assert next(firings(schedule, named, before.due, before.offset)) == after


@given(MOMENTS, st.integers(0, 400_000), st.sampled_from(list(Misfire)))
def test_whatever_is_missed_every_time_is_accounted_for(start, late_seconds, misfire):
    reminder = replace(a_reminder(ByCron("*/30 * * * *", "UTC"), misfire=misfire), pending=None)
    pending = next(firings(reminder.schedule, (), start, 0))
    now = pending.due + timedelta(seconds=late_seconds)

    turn = fired(replace(reminder, pending=pending), now)

    happened = sum(done.result is Result.DONE for done in turn.done)
    lost = sum(done.missed for done in turn.done)
    between = (turn.after.pending.due - pending.due) // timedelta(minutes=30)
    assert happened + lost == between
    assert turn.after.pending.due > now or late_seconds <= 300
