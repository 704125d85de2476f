"""Reminders of the demo user: one fires every minute, so that an open page shows it; the others are for the list."""

from datetime import UTC, datetime, timedelta
from typing import Any

from localstack.seed import World

BERLIN = "Europe/Berlin"
NOTIFY: dict[str, Any] = {"notify": {}}


async def seed_after_ready(world: World) -> None:
    """Six reminders of every kind and a calendar event tomorrow."""
    headers = await world.headers_of("user")
    for body in _reminders():
        await world.post("/reminders", body, headers)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    event = {"title": "Tasting", "starts_at": _text(tomorrow), "ends_at": _text(tomorrow + timedelta(hours=1))}
    await world.post("/reminders/events", {**event, "tz": BERLIN, "location": "Kitchen"}, headers)


def _reminders() -> list[dict[str, Any]]:
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None).isoformat()
    rule = {"dtstart": today, "tz": BERLIN}
    return [
        {
            "title": "Every minute",
            "schedule": {"cron": "* * * * *", "tz": BERLIN},
            "action": {"notify": {"body": "Hi."}},
        },
        {"title": "Stand-up", "schedule": {"cron": "30 9 * * MON-FRI", "tz": BERLIN}, "action": NOTIFY},
        {
            "title": "Backup",
            "schedule": {"cron": "30 2 * * *", "tz": BERLIN},
            "action": {"event": {"type": "backup.due"}},
        },
        {"title": "Pay the rent", "schedule": {**rule, "rrule": "FREQ=MONTHLY;BYMONTHDAY=-1"}, "action": NOTIFY},
        {
            "title": "Book club",
            "schedule": {**rule, "rrule": "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=19"},
            "offsets": ["-P1D", "-PT15M"],
            "action": NOTIFY,
        },
        {"title": "Check the tyres", "schedule": {**rule, "rrule": "FREQ=YEARLY;BYMONTH=4,10"}, "action": NOTIFY},
    ]


def _text(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
