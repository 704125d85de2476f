"""What people who look on are told at once. The event on the bus is the record; this is for open pages."""

from collections.abc import Mapping
from typing import Any

from tessera import aws, log
from tessera.live import Live, user_topic
from tessera.problems import Problem

from ..rules.reminder import Reminder


def announce(live: Live | None, reminder: Reminder, kind: str, more: Mapping[str, Any]) -> None:
    """Publish to the topic of whoever made the reminder. What is done stays done when this fails."""
    if live is None:
        return
    told = {"kind": f"reminders.{kind}", "reminder_id": reminder.id, "title": reminder.title, **more}
    try:
        live.publish(user_topic(reminder.user_id), told)
    except (Problem, aws.ClientError, aws.BotoCoreError) as error:
        log.unexpected("live publication of a reminder", error)
