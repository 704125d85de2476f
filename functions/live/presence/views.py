"""How sessions look from outside: the same in an answer and in what is told live."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tessera import clock

from .rules import Room, Session


@dataclass(frozen=True)
class Inside:
    """A room with everybody in it, as of a position in the log of its topic."""

    room: Room
    sessions: list[Session]
    epoch: str
    offset: int
    as_of_ms: int


@dataclass(frozen=True)
class Joined:
    session: Session
    inside: Inside
    is_new: bool


def shown(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.id,
        "user_id": session.person.user_id,
        "color": session.color,
        "meta": session.meta,
        "state": session.state,
        "v": session.v,
        "joined_at": clock.rfc3339(clock.from_millis(session.joined_ms)),
        "expires_at": clock.rfc3339(clock.from_millis(session.ends_ms)),
    }


def by_user(sessions: Iterable[Session]) -> list[dict[str, Any]]:
    """One member a user, however many devices: who came first stands first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for session in sorted(sessions, key=lambda one: (one.joined_ms, one.id)):
        found.setdefault(session.person.user_id, []).append(shown(session))
    return [{"user_id": user_id, "sessions": theirs} for user_id, theirs in found.items()]
