"""When a repeating task comes again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from functions.work.tasks.rules import repeat
from functions.work.tasks.rules.task import Mode, Recurrence, Task
from tessera.problems import InvalidRequest


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def task(rule: str, *, due: str, tz: str = "Europe/Berlin", mode: Mode = Mode.FIXED, **fields) -> Task:
    when = datetime.fromisoformat(due)
    made = Task(
        id="T",
        owner_id="U",
        list_id="L",
        title="Water the plants",
        pos="a0",
        created_at=when.replace(tzinfo=UTC),
        updated_at=when.replace(tzinfo=UTC),
        created_by="U",
        tz=tz,
        recurrence=Recurrence(rule, mode),
        due_date=when.date() if len(due) == 10 else None,
        due_at=when.astimezone(UTC) if len(due) > 10 else None,
        **fields,
    )
    return replace(made, series_start=repeat.series_start(made))


def after(one: Task, *, done: str) -> Task | None:
    return repeat.following(one, at(done), completed_at=at(done))


def due(one: Task | None) -> date | datetime | None:
    return None if one is None else one.due_date or one.due_at


def walk(one: Task, times: int) -> list[date | datetime | None]:
    """The dues of the next occurrences, each completed at the moment it is due."""
    found = []
    for _ in range(times):
        now = one.due_at or datetime.combine(one.due_date, datetime.min.time(), UTC)
        following = repeat.following(one, now, completed_at=now)
        found.append(due(following))
        if following is None:
            break
        one = following
    return found


def test_recurrence_daily_comes_the_next_day():
    assert due(after(task("FREQ=DAILY", due="2026-11-21"), done="2026-11-21T10:00+01:00")) == date(2026, 11, 22)


def test_recurrence_keeps_the_wall_clock_over_the_start_of_summer_time():
    one = task("FREQ=DAILY", due="2026-03-28T09:00+01:00")
    assert due(after(one, done="2026-03-28T09:30+01:00")) == at("2026-03-29T09:00+02:00")


def test_recurrence_keeps_the_wall_clock_over_the_end_of_summer_time():
    one = task("FREQ=DAILY", due="2026-10-24T09:00+02:00")
    assert due(after(one, done="2026-10-24T09:30+02:00")) == at("2026-10-25T09:00+01:00")


def test_recurrence_in_the_hour_that_does_not_exist_moves_past_it():
    one = task("FREQ=DAILY", due="2026-03-28T02:30+01:00")
    assert due(after(one, done="2026-03-28T03:00+01:00")) == at("2026-03-29T03:30+02:00")


def test_recurrence_comes_back_to_its_hour_after_the_one_that_did_not_exist():
    one = task("FREQ=DAILY", due="2026-03-28T02:30+01:00")
    assert walk(one, 2)[1] == at("2026-03-30T02:30+02:00")


def test_recurrence_in_the_hour_that_comes_twice_takes_the_first():
    one = task("FREQ=DAILY", due="2026-10-24T02:30+02:00")
    assert due(after(one, done="2026-10-24T03:00+02:00")) == at("2026-10-25T02:30+02:00")


def test_recurrence_on_the_31st_keeps_its_day_through_short_months():
    one = task("FREQ=MONTHLY", due="2027-01-31")
    assert walk(one, 3) == [date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


def test_recurrence_on_the_last_day_of_the_month():
    one = task("FREQ=MONTHLY;BYMONTHDAY=-1", due="2027-01-31")
    assert walk(one, 2) == [date(2027, 2, 28), date(2027, 3, 31)]


def test_recurrence_on_a_leap_day_falls_on_the_28th_and_comes_back():
    one = task("FREQ=YEARLY", due="2028-02-29")
    assert walk(one, 4) == [date(2029, 2, 28), date(2030, 2, 28), date(2031, 2, 28), date(2032, 2, 29)]


def test_recurrence_every_second_tuesday_of_the_month():
    one = task("FREQ=MONTHLY;BYDAY=2TU", due="2026-11-10")
    assert walk(one, 2) == [date(2026, 12, 8), date(2027, 1, 12)]


def test_recurrence_on_weekdays_skips_the_weekend():
    one = task("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", due="2026-11-20")
    assert walk(one, 1) == [date(2026, 11, 23)]


def test_recurrence_with_count_ends_after_so_many():
    one = task("FREQ=DAILY;COUNT=3", due="2026-11-21")
    assert walk(one, 3) == [date(2026, 11, 22), date(2026, 11, 23), None]


def test_recurrence_counts_the_missed_ones_too():
    one = task("FREQ=DAILY;COUNT=3", due="2026-11-21")
    assert after(one, done="2026-11-24T12:00+01:00") is None


def test_recurrence_with_until_ends_on_that_day():
    one = task("FREQ=DAILY;UNTIL=20261122", due="2026-11-21")
    assert walk(one, 2) == [date(2026, 11, 22), None]


def test_recurrence_five_missed_days_make_one_task_that_says_so():
    one = task("FREQ=DAILY", due="2026-11-16T09:00+01:00")
    following = after(one, done="2026-11-20T12:00+01:00")
    assert (due(following), following.missed, following.occurrence) == (at("2026-11-21T09:00+01:00"), 4, 6)


def test_recurrence_of_days_missed_comes_today_if_today_is_left():
    one = task("FREQ=DAILY", due="2026-11-16")
    following = after(one, done="2026-11-20T12:00+01:00")
    assert (due(following), following.missed) == (date(2026, 11, 20), 3)


def test_recurrence_completed_early_never_comes_before_its_own_due():
    one = task("FREQ=WEEKLY", due="2026-11-23")
    assert due(after(one, done="2026-11-21T12:00+01:00")) == date(2026, 11, 30)


def test_recurrence_after_completion_counts_from_the_completion():
    one = task("FREQ=DAILY;INTERVAL=3", due="2026-11-01", mode=Mode.AFTER_COMPLETION)
    following = after(one, done="2026-11-20T23:30+01:00")
    assert (due(following), following.missed) == (date(2026, 11, 23), 0)


def test_recurrence_after_completion_keeps_the_time_of_day():
    one = task("FREQ=DAILY;INTERVAL=2", due="2026-11-01T09:00+01:00", mode=Mode.AFTER_COMPLETION)
    assert due(after(one, done="2026-11-20T18:00+01:00")) == at("2026-11-22T09:00+01:00")


def test_recurrence_of_days_is_right_where_the_last_hour_of_a_day_is_skipped():
    # Greenland goes to summer time at 23:00 on a Saturday evening, 28 March 2026.
    one = task("FREQ=DAILY", due="2026-03-27", tz="America/Nuuk")
    assert walk(one, 3) == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]


def test_reminders_keep_their_distance_to_the_due_time():
    one = task("FREQ=DAILY", due="2026-11-21T09:00+01:00", remind_at=(at("2026-11-21T08:45+01:00"),))
    assert after(one, done="2026-11-21T09:00+01:00").remind_at == (at("2026-11-22T08:45+01:00"),)


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("FREQ=HOURLY", "FREQ=HOURLY"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS=1"),
        ("FREQ=WEEKLY;BYDAY=2MO", "BYDAY=2MO"),
        ("FREQ=DAILY;COUNT=0", "COUNT=0"),
        ("every day", "EVERY DAY"),
    ],
)
def test_a_rule_that_is_not_understood_is_refused_by_its_part(rule, part):
    with pytest.raises(InvalidRequest) as refused:
        repeat.check(task(rule, due="2026-11-21"), at("2026-11-21T12:00Z"))

    assert refused.value.errors[0].pointer == "/recurrence/rule"
    assert part in refused.value.errors[0].detail


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;UNTIL=20261120", "FREQ=DAILY;COUNT=2;BYMONTHDAY=19", "FREQ=DAILY;COUNT=1"]
)
def test_a_series_without_an_occurrence_from_now_on_is_refused(rule):
    with pytest.raises(InvalidRequest):
        repeat.check(task(rule, due="2020-01-19" if "COUNT" in rule else "2026-11-21"), at("2026-11-21T12:00Z"))


def test_the_preview_shows_what_completing_on_time_would_make():
    one = task("FREQ=DAILY;COUNT=4", due="2026-11-21T09:00+01:00")
    shown = repeat.preview(one, 10)

    assert shown == [one.due_at, *walk(one, 3)]
    assert repeat.preview(one, 2) == shown[:2]


def test_a_task_that_does_not_repeat_has_no_next_one():
    one = replace(task("FREQ=DAILY", due="2026-11-21"), recurrence=None)
    assert after(one, done="2026-11-21T12:00Z") is None
    assert repeat.preview(one, 5) == []


def test_reminders_are_days_apart_like_the_occurrences():
    one = task("FREQ=WEEKLY", due="2026-11-21", remind_at=(at("2026-11-20T18:00+01:00"),))
    assert after(one, done="2026-11-21T09:00+01:00").remind_at[0] - one.remind_at[0] == timedelta(days=7)


def test_after_completion_the_hour_that_spring_leaves_out_comes_back():
    one = task("FREQ=DAILY", due="2026-03-07T02:30-05:00", tz="America/New_York", mode=Mode.AFTER_COMPLETION)

    shown = [when.astimezone(ZoneInfo("America/New_York")).strftime("%d %H:%M") for when in walk(one, 4)]

    assert shown == ["08 03:30", "09 02:30", "10 02:30", "11 02:30"]
    assert [when.hour for when in repeat.preview(one, 3)] == [7, 7, 6]
