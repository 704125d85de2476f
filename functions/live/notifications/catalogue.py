"""The types that come with us: what each says, where it goes unless somebody chose otherwise.

In templates `count` is how many were grouped into one, and `others` is one less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .rules.kinds import Cadence, Collapse, Kind, Words

# What every template may show besides the data of its type.
IMPLIED: Mapping[str, Any] = {"count": {"type": "integer"}, "others": {"type": "integer"}}
_TEXT = {"type": "string", "maxLength": 500}


@dataclass(frozen=True)
class Shipped:
    """`shows` are the fields of its data, all of them texts; the words are its templates in English."""

    title: str
    words: Words
    shows: str = ""
    channels: str = "inapp email push"
    mandatory: str = ""
    cadence: Cadence = "instant"
    collapse: Collapse = "once"
    sms_after_minutes: int = 0

    def kind(self, name: str) -> Kind:
        fields = self.shows.split()
        return Kind(
            name=name,
            title=self.title,
            schema={"type": "object", "properties": dict.fromkeys(fields, _TEXT)},
            channels=frozenset(self.channels.split()),
            mandatory=frozenset(self.mandatory.split()),
            cadence=self.cadence,
            collapse=self.collapse,
            fallback={"sms": self.sms_after_minutes} if self.sms_after_minutes else {},
        )


SHIPPED: Mapping[str, Shipped] = {
    "announcement": Shipped(
        "Announcements", Words("{{title}}", "{{body}}", "{{link}}"), "title body link", channels="inapp"
    ),
    "account-security": Shipped(
        "Security of your account",
        Words("{{what}}", "If this was not you, change your password and sign every device out."),
        "what",
        channels="inapp push",
        mandatory="inapp",
    ),
    "api-key": Shipped(
        "Your API keys",
        Words("Your key {{name}} {{what}}", "It begins with {{prefix}}."),
        "name prefix what",
        channels="inapp push",
    ),
    "short-link": Shipped(
        "Your short links",
        Words("Your short link {{code}} was blocked", "{{reason}}", "/shortener/links/{{link_id}}"),
        "code reason link_id",
        channels="inapp email",
    ),
    "task-reminder": Shipped(
        "Reminders of tasks",
        Words("{{title}}", "{{#due}}Due {{due}}{{/due}}", "/tasks/{{task_id}}"),
        "title due task_id",
    ),
    "task-overdue": Shipped(
        "Overdue tasks",
        Words("A task is overdue", "It was due {{due}}.", "/tasks/{{task_id}}"),
        "due task_id",
        channels="inapp email",
        cadence="daily",
    ),
    "reminder": Shipped(
        "Reminders",
        Words("{{title}}", "{{#at}}For {{at}}{{/at}}", "/reminders"),
        "title at",
        sms_after_minutes=10,
    ),
    "chat-mention": Shipped(
        "Mentions in chats",
        Words(
            "{{#others}}{{count}} mentions in {{/others}}{{^others}}You were mentioned in {{/others}}{{room}}",
            "{{preview}}",
            "/chat/rooms/{{room_id}}",
        ),
        "room room_id preview",
        collapse="group",
    ),
    "chat-message": Shipped(
        "Direct messages",
        Words(
            "{{#others}}{{count}} new messages{{/others}}{{^others}}A new message{{/others}}",
            "{{preview}}",
            "/chat/rooms/{{room_id}}",
        ),
        "room_id preview",
        channels="inapp push",
        collapse="group",
    ),
    "comment-reply": Shipped(
        "Replies and comments",
        Words(
            "{{#others}}{{count}} new comments{{/others}}{{^others}}A new comment{{/others}}", "{{preview}}", "{{link}}"
        ),
        "preview link",
        collapse="group",
        cadence="hourly",
    ),
    "social": Shipped(
        "Followers, likes and replies",
        Words("{{name}}{{#others}} and {{others}} more{{/others}} {{what}}", "", "{{link}}"),
        "name what link",
        channels="inapp push",
        collapse="group",
    ),
    "order": Shipped(
        "Your orders",
        Words("Order {{number}} {{what}}", "{{detail}}", "/orders/{{order_id}}"),
        "number what detail order_id",
    ),
    "booking": Shipped(
        "Bookings and events",
        Words("{{title}} {{what}}", "{{#at}}On {{at}}{{/at}}", "{{link}}"),
        "title what at link",
    ),
    "alert": Shipped(
        "Alerts you have set",
        Words("{{title}}", "{{detail}}", "{{link}}"),
        "title detail link",
        sms_after_minutes=10,
    ),
    "work": Shipped(
        "Boards, tickets and courses",
        Words("{{title}}", "{{detail}}", "{{link}}"),
        "title detail link",
        collapse="group",
    ),
    "job": Shipped(
        "Work that has ended",
        Words("{{title}}", "{{detail}}", "{{link}}"),
        "title detail link",
        channels="inapp",
    ),
    "operations": Shipped(
        "Running the service",
        Words("{{title}}", "{{detail}}", "{{link}}"),
        "title detail link",
    ),
}
KINDS: Mapping[str, Kind] = {name: shipped.kind(name) for name, shipped in SHIPPED.items()}


def words_of(name: str, channel: str) -> Words:
    """The templates a type comes with; those of a type that staff have made are its title alone."""
    shipped = SHIPPED.get(name)
    words = shipped.words if shipped else Words(title=name, body=name)
    if channel == "sms":
        return Words(body=f"{words.title} {words.body}".strip())
    return words


def shown(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of all that a template may show."""
    return {**schema, "properties": {**schema.get("properties", {}), **IMPLIED}}
