"""What `shortener` tells the rest.

`shortener.link.blocked` is for `notifications`, which tells the owner; the others are for `search` and for whoever
watches. `shortener.link.clicked` is off unless the stack turns it on. `privacy.data.erased` is for `admin`.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.types import Model


class _OfLink(Model):
    """Which link and whose. Where it leads stays in the table: a consumer reads what it may see."""

    link_id: str
    owner_id: str
    domain: str
    code: str


class LinkCreated(_OfLink, Event):
    type: ClassVar[str] = "shortener.link.created.v1"

    by: str


class LinkUpdated(_OfLink, Event):
    type: ClassVar[str] = "shortener.link.updated.v1"

    by: str
    changed: tuple[str, ...]


class LinkDeleted(_OfLink, Event):
    type: ClassVar[str] = "shortener.link.deleted.v1"


class LinkBlocked(_OfLink, Event):
    """`user_id` made it. `reason` is what the list of threats calls it, or what a moderator said."""

    type: ClassVar[str] = "shortener.link.blocked.v1"

    user_id: str
    reason: str


class LinkExpired(_OfLink, Event):
    type: ClassVar[str] = "shortener.link.expired.v1"


class LinkClicked(Event):
    type: ClassVar[str] = "shortener.link.clicked.v1"

    click_id: str
    link_id: str
    is_bot: bool


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
