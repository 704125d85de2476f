import zoneinfo
from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import clock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Still:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


def test_a_source_replaces_the_time_only_inside_its_block():
    with clock.using(Still(NOON)):
        assert clock.now() == NOON
        with clock.using(Still(NOON + timedelta(days=1))):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON

    assert clock.now() != NOON


def test_every_thread_sees_the_replaced_time():
    seen = []
    with clock.using(Still(NOON)):
        thread = Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()

    assert seen == [NOON]


@pytest.mark.asvs("16.2.2")
def test_the_time_is_always_utc():
    east = datetime(2026, 11, 21, 14, tzinfo=timezone(timedelta(hours=2)))
    with clock.using(Still(east)):
        assert clock.now().tzinfo is UTC
        assert clock.rfc3339(clock.now()) == "2026-11-21T12:00:00.000Z"


def test_millis_and_micros_are_exact():
    with clock.using(Still(clock.EPOCH + timedelta(microseconds=1_234_567_890_123_456))):
        assert clock.micros() == 1_234_567_890_123_456
        assert clock.millis() == 1_234_567_890_123


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_what_was_written_reads_back_to_the_millisecond(instant):
    read = clock.parse(clock.rfc3339(instant))

    assert read == instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@given(st.integers(0, 253_000_000_000_000))
def test_millis_come_back(millis):
    with clock.using(Still(clock.from_millis(millis))):
        assert clock.millis() == millis


@pytest.mark.parametrize(
    "text", ["2026-11-21T12:00:00Z", "2026-11-21t12:00:00z", "2026-11-21T14:00:00+02:00", "2026-11-21T12:00:00.000000Z"]
)
def test_every_rfc_3339_spelling_of_an_instant_is_read(text):
    assert clock.parse(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-21",
        "2026-11-21T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21 12:00:00Z",
        "2026-W47-6T12:00:00Z",
        "20261121T120000Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        "2026-11-21T12:00:00Z\n",
        "٢026-11-21T12:00:00Z",
        "2026-11-21T12:00:60Z",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        clock.parse(text)


@given(st.text(max_size=40))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    try:
        assert clock.parse(text).tzinfo is UTC
    except ValueError:
        pass


def test_a_naive_time_is_not_written():
    with pytest.raises(ValueError):
        clock.rfc3339(datetime(2026, 11, 21))


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires"])
def test_iana_zones_are_found(name):
    assert clock.zone(name).key == name


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Base", "America", "../etc/passwd", "/etc/localtime", "posixrules", "right/UTC", "Europe/Berlin\n"],
)
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(ValueError, match="Europe/Berlin"):
        clock.zone(name)


def test_time_zones_come_with_us_where_the_machine_has_none():
    zoneinfo.reset_tzpath(to=())
    try:
        assert zoneinfo.ZoneInfo.no_cache("Europe/Berlin").key == "Europe/Berlin"
    finally:
        zoneinfo.reset_tzpath()
