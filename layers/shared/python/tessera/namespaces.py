"""Which topics there are: who appends to them, who may read them, and how long they are kept.

A topic is `{namespace}:{rest}`. A namespace that is not listed here does not exist.
"""

import re
from dataclasses import dataclass
from typing import Literal

MAX_CHARACTERS = 160
DAY_SECONDS = 86_400
_TOPIC = re.compile(r"[a-z]+:[A-Za-z0-9:_.#-]+")

# Who may listen: one's own topic alone, whoever holds a grant, every user, or anybody at all.
Readers = Literal["own", "granted", "users", "public"]


@dataclass(frozen=True)
class Namespace:
    """`owner` is the one capability that appends; an empty one means that any may."""

    name: str
    owner: str
    readers: Readers = "granted"
    recovers: bool = True
    max_entries: int = 1_000
    max_age_seconds: int = DAY_SECONDS
    presence: bool = False
    join_leave: bool = False
    client_publish: bool = False
    max_bytes: int = 16_384


NAMESPACES = {
    namespace.name: namespace
    for namespace in (
        Namespace("user", "", "own", max_age_seconds=7 * DAY_SECONDS),
        Namespace("job", ""),
        Namespace("room", "chat", max_entries=5_000, max_age_seconds=7 * DAY_SECONDS, presence=True, max_bytes=65_536),
        Namespace("doc", "presence", presence=True, join_leave=True),
        Namespace("board", "boards"),
        Namespace("project", "tickets"),
        Namespace("ticket", "tickets"),
        Namespace("poll", "polls", "public"),
        Namespace("survey", "surveys"),
        Namespace("leaderboard", "leaderboards", "public"),
        Namespace("event", "events"),
        Namespace("resource", "reservations", "public"),
        Namespace("post", "blog", "public"),
        Namespace("page", "wiki"),
        Namespace("cart", "cart"),
        Namespace("order", "orders"),
        Namespace("stock", "inventory"),
        Namespace("price", "markets"),
        Namespace("run", "pipelines"),
        Namespace("notice", "realtime", "public"),
        # For trying things out: every signed-in user may read and publish, where the template opens it.
        Namespace("demo", "realtime", "users", presence=True, join_leave=True, client_publish=True, max_entries=5_000),
    )
}


class UnknownTopic(ValueError):
    """No namespace of this name exists, or the topic is not spelled like one."""


def namespace_of(topic: str) -> Namespace:
    """The namespace of a topic. Raises `UnknownTopic`."""
    found = NAMESPACES.get(topic.partition(":")[0])
    if found is None or len(topic) > MAX_CHARACTERS or not _TOPIC.fullmatch(topic):
        raise UnknownTopic(topic)
    return found


def may_append(capability: str, topic: str) -> bool:
    """Whether this capability is one that appends to the topic. Raises `UnknownTopic`."""
    return namespace_of(topic).owner in ("", capability)
