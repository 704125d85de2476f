"""The sessions of browsers, which the capability `sessions` keeps: listed and ended beside our own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from tessera import clock
from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.auth.problems import SessionRevoked
from tessera.problems import Problem, Unavailable
from tessera.settings import Bindings

# The list is worth more in time and without them than whole and late.
LIST_SECONDS = 0.5
END_SECONDS = 2.0


@dataclass(frozen=True)
class CookieSession:
    id: str
    device: str | None
    place: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime | None


class CookieSessions:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def of(self, user_id: str) -> list[CookieSession] | None:
        """Every open one, or None when they cannot be told in time. 1 internal call."""
        asked = {"user_id": user_id}
        try:
            answer = self._internal.call("sessions", "POST", "/sessions/internal/of", json=asked, timeout=LIST_SECONDS)
            return [_read(item) for item in answer.json()["items"]] if answer.ok else None
        except (Problem, KeyError, TypeError, ValueError):
            return None

    def end(self, user_id: str, session_id: str, *, caller: Principal, call: Call) -> bool:
        """End one; False when there is none. 1 internal call. Raises `Unavailable`."""
        asked = {"user_id": user_id, "session_id": session_id}
        answer = self._internal.call(
            "sessions",
            "POST",
            "/sessions/internal/end",
            json=asked,
            on_behalf_of=caller,
            for_call=call,
            timeout=END_SECONDS,
        )
        if not answer.ok and answer.status != 404:
            raise Unavailable("Sessions of browsers cannot be ended right now.")
        return answer.ok

    def end_all(self, user_id: str, *, caller: Principal, call: Call) -> None:
        """End every one. 1 internal call. Raises `Unavailable`."""
        answer = self._internal.call(
            "sessions",
            "POST",
            "/sessions/internal/end",
            json={"user_id": user_id, "all": True},
            on_behalf_of=caller,
            for_call=call,
            timeout=END_SECONDS,
        )
        if not answer.ok:
            raise Unavailable("Sessions of browsers cannot be ended right now.")

    def move(self, caller: Principal, *, call: Call) -> None:
        """Give the session of a browser another cookie, with whatever the answer will be. 1 internal call.

        For what is about to change how its account is opened: whoever has copied the cookie does not come along.
        Nothing for a caller with a token. Raises `SessionRevoked` when the session is over, and `Unavailable`.
        """
        if caller.credential != "cookie":
            return
        asked = {"user_id": caller.user_id, "session_id": caller.session_id}
        answer = self._internal.call("sessions", "POST", "/sessions/internal/move", json=asked, timeout=END_SECONDS)
        if answer.status == 401:
            raise SessionRevoked("session over")
        if not answer.ok:
            raise Unavailable("Your session cannot be reached right now.")
        # When the change is tried again, only the newest cookie is good.
        call.answer_cookies[:] = answer.json()["set_cookies"]


def _read(item: dict[str, Any]) -> CookieSession:
    return CookieSession(
        id=str(item["id"]),
        device=item.get("device"),
        place=item.get("place"),
        created_at=clock.parse(item["created_at"]),
        last_seen_at=clock.parse(item["last_seen_at"]),
        expires_at=clock.parse(item["expires_at"]) if item.get("expires_at") else None,
    )
