from datetime import datetime, timedelta, timezone

from tessera import icalendar


def test_a_calendar_ends_its_lines_as_the_standard_asks():
    made = icalendar.calendar("tests", ["BEGIN:VEVENT", "END:VEVENT"])

    assert made.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Tessera//tests//EN\r\n")
    assert made.endswith("BEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")


def test_a_stamp_is_in_utc():
    noon_in_tokyo = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=9)))

    assert icalendar.stamp(noon_in_tokyo) == "20261121T030000Z"


def test_text_is_escaped_and_folded_at_75_bytes():
    (line,) = icalendar.text("SUMMARY", "a;b,c\\d\r\nEND:VCALENDAR")
    assert line == "SUMMARY:a\\;b\\,c\\\\d\\nEND:VCALENDAR"

    lines = list(icalendar.text("SUMMARY", "é" * 100))
    assert all(len(line.encode()) <= 75 for line in lines)
    assert all(line.startswith(" ") for line in lines[1:])
    assert lines[0] + "".join(line[1:] for line in lines[1:]) == "SUMMARY:" + "é" * 100
