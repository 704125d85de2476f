"""Rooms of documents: who may come in, in which colour, and which of two states is the newer."""

import colorsys
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tessera.problems import Problem

MAX_MEMBERS, MAX_DEVICES = 200, 10
DEFAULT_MEMBERS, DEFAULT_TTL_SECONDS, HEARTBEAT_SECONDS = 50, 45, 15
MAX_META_BYTES, MAX_STATE_BYTES = 1_024, 2_048
# The golden angle: hues that follow each other are never alike, however many there are.
_TURN = 137.50776405
_LIGHTNESS = (0.42, 0.5, 0.58)


class Visibility(StrEnum):
    """Who may come in: every user; or those who act for the owner, and whom the owner names."""

    PUBLIC = "public"
    PRIVATE = "private"


class Shows(StrEnum):
    """What others are told of somebody: all; whether they are online but not since when; nothing."""

    EVERYTHING = "everything"
    ONLINE = "online"
    NOTHING = "nothing"


class RoomFull(Problem):
    status, slug, title = 409, "presence-room-full", "The room is full"


class TooManyDevices(Problem):
    status, slug, title = 409, "presence-too-many-devices", "You are in the room on too many devices"


class DocumentTaken(Problem):
    status, slug, title = 409, "presence-document-taken", "The room of this document is somebody else's"


class TooManyInside(Problem):
    status, slug, title = 409, "presence-too-many-inside", "More people are in the room than it is to hold"


class StaleClock(Problem):
    status, slug, title = 409, "presence-stale-clock", "A newer state is known"


class SessionExpired(Problem):
    status, slug, title = 404, "presence-session-expired", "There is no such session any more"


class NotYourSession(Problem):
    status, slug, title = 403, "presence-not-your-session", "The session is somebody else's"


class TooLarge(Problem):
    status, slug, title = 413, "presence-too-large", "That is more than a session keeps"


@dataclass(frozen=True)
class Person:
    """Somebody who comes in, and the owner they act for, which is themselves mostly."""

    user_id: str
    owner_id: str


@dataclass(frozen=True)
class Wanted:
    """What an owner says of a room."""

    max_members: int
    visibility: Visibility
    ttl_s: int
    member_ids: frozenset[str]


@dataclass(frozen=True)
class Room:
    """`colors` are the places of the palette that are taken, one for each session."""

    doc: str
    owner_id: str
    wanted: Wanted
    count: int
    colors: frozenset[int]
    version: int

    @property
    def topic(self) -> str:
        return f"doc:{self.doc}"

    @property
    def heartbeat_s(self) -> int:
        """How often to beat, so that two beats may be lost."""
        return min(HEARTBEAT_SECONDS, self.wanted.ttl_s // 3)

    def admits(self, person: Person) -> bool:
        is_named = person.owner_id == self.owner_id or person.user_id in self.wanted.member_ids
        return self.wanted.visibility is Visibility.PUBLIC or is_named


@dataclass(frozen=True)
class Session:
    """Somebody in a room, on one device. `v` is the client's own clock, by which its states follow each other.

    `client` is what it calls itself, to be known again; `connection` is its socket, if it has one.
    """

    id: str
    doc: str
    person: Person
    client: str
    connection: str
    meta: dict[str, Any]
    state: dict[str, Any] | None
    v: int
    place: int
    joined_ms: int
    ends_ms: int

    @property
    def color(self) -> str:
        return color_of(self.place)

    def is_over(self, now_ms: int) -> bool:
        return self.ends_ms <= now_ms


def color_of(place: int) -> str:
    """The colour at this place of the palette: all 200 differ, and neighbours by far."""
    hue = place * _TURN % 360 / 360
    parts = colorsys.hls_to_rgb(hue, _LIGHTNESS[place % len(_LIGHTNESS)], 0.65)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def place_for(user_id: str, taken: frozenset[int]) -> int:
    """A free place, the same one for the same user whenever it can be."""
    first = int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:4]) % MAX_MEMBERS
    return next(place for number in range(MAX_MEMBERS) if (place := (first + number) % MAX_MEMBERS) not in taken)


def session_id_of(doc: str, user_id: str, client: str) -> bytes:
    """The ten bytes by which a client that comes back is the same session."""
    return hashlib.sha256(f"{doc}\n{user_id}\n{client}".encode()).digest()[:10]
