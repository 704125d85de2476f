"""Which events become notifications: of which type, for whom, with what data.

`who` names fields of the event that hold a user or a list of users; a name with a colon is a topic of ours, for
what is nobody's in particular. Of `data`, a text is taken as it stands, and `{field}` is filled from the event.
Every text is cut to what a type takes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .rules.kinds import Priority

LONGEST = 500
_FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Mapped:
    """`key` groups what belongs together. `actor` is who did it, and is not told. `only` must be there at all."""

    event: str
    type: str
    who: str
    data: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    actor: str = ""
    only: str = ""
    priority: Priority = "normal"

    @property
    def topic(self) -> str:
        return self.who.partition(":")[2]

    def users(self, said: Mapping[str, Any]) -> list[str]:
        """Whom it concerns, as the event names them."""
        found: list[str] = []
        for name in self.who.split():
            value = said.get(name)
            found += [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [one for one in dict.fromkeys(found) if isinstance(one, str) and one]

    def filled(self, said: Mapping[str, Any]) -> dict[str, str]:
        texts = {name: fill(text, said) for name, text in self.data.items()}
        return {name: text for name, text in texts.items() if text}

    @property
    def reads(self) -> frozenset[str]:
        """The fields of the event that are looked at."""
        named = {one for text in (*self.data.values(), self.key) for one in _FIELD.findall(text)}
        people = set() if self.topic else set(self.who.split())
        return frozenset(named | people | {one for one in (self.actor, self.only) if one})


def fill(text: str, said: Mapping[str, Any]) -> str:
    """The text with the event's fields in it; what the event does not say is left out."""

    def value(found: re.Match[str]) -> str:
        one = said.get(found[1])
        return "" if one is None or isinstance(one, list | dict) else str(one)

    return " ".join(_FIELD.sub(value, text).split())[:LONGEST]


# What capabilities of this stack emit today.
WIRED: tuple[Mapped, ...] = (
    Mapped(
        "tasks.reminder.due.v1",
        "task-reminder",
        "user_id",
        {"title": "{title}", "due": "{due}", "task_id": "{task_id}"},
        key="{task_id}",
        priority="high",
    ),
    Mapped(
        "tasks.task.overdue.v1", "task-overdue", "user_id", {"due": "{due}", "task_id": "{task_id}"}, key="{task_id}"
    ),
    Mapped(
        "chat.message.created.v1",
        "chat-mention",
        "mentions",
        {"room_id": "{room_id}", "room": "{room_name}", "preview": "{preview}"},
        key="{room_id}",
        actor="author_id",
    ),
    Mapped(
        "shortener.link.blocked.v1",
        "short-link",
        "user_id",
        {"code": "{code}", "reason": "{reason}", "link_id": "{link_id}"},
        key="{link_id}",
    ),
    Mapped(
        "chat.report.created.v1",
        "operations",
        "topic:staff.chat",
        {"title": "A message was reported", "link": "/chat/reports"},
    ),
    # A reminder may ask for something else than to be told.
    Mapped(
        "reminders.reminder.fired.v1",
        "reminder",
        "user_id",
        {"title": "{title}", "at": "{due_at}"},
        only="notify",
        priority="high",
    ),
    Mapped("reminders.reminder.missed.v1", "reminder", "user_id", {"title": "Missed: {title}", "at": "{due_at}"}),
    Mapped("accounts.user.password_changed.v1", "account-security", "user_id", {"what": "Your password was changed"}),
    Mapped("accounts.mfa.enabled.v1", "account-security", "user_id", {"what": "A second factor was added: {method}"}),
    Mapped(
        "accounts.mfa.disabled.v1", "account-security", "user_id", {"what": "A second factor was removed: {method}"}
    ),
    Mapped("accounts.user.email_changed.v1", "account-security", "user_id", {"what": "Your address was changed"}),
    Mapped("accounts.device.added.v1", "account-security", "user_id", {"what": "A new device signed in"}),
    Mapped(
        "accounts.refresh.reuse_detected.v1",
        "account-security",
        "user_id",
        {"what": "A session was used from two places and ended"},
        priority="high",
    ),
    Mapped(
        "apikeys.key.expiring.v1",
        "api-key",
        "user_id",
        {"name": "{name}", "prefix": "{prefix}", "what": "ends in {days} days"},
        key="{key_id}:{days}",
    ),
    Mapped(
        "apikeys.key.leaked.v1",
        "api-key",
        "user_id",
        {"name": "{name}", "prefix": "{prefix}", "what": "was found in public and is revoked"},
        priority="critical",
    ),
)
