"""Those who keep what is searched: asked for documents, and who is in a room."""

from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import urlencode

from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.recent import Recent
from tessera.searchable import SearchDocs
from tessera.settings import Bindings

from .rules.index import Scope

REMEMBERED, MEMBERSHIP_MS = 4_096, 30_000
# Which capability keeps documents of a type that it gives owner by owner. Messages belong to rooms.
KEEPERS = {"task": "tasks", "file": "files"}


class Sources:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal
        self._seen: Recent[list[Scope]] = Recent(REMEMBERED, MEMBERSHIP_MS)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def documents(self, capability: str, **asked: str) -> SearchDocs:
        """One document, or a page of an owner's. 1 internal call. Raises `Unavailable`."""
        path = f"/{capability}/internal/search-docs?{urlencode(asked)}"
        answer = self._internal.call(capability, "GET", path, timeout=5.0)
        if not answer.ok:
            raise Unavailable(f"{capability} does not give its documents right now: {answer.status}.")
        return SearchDocs.model_validate(answer.json())

    def rooms(self, user_id: str, room_ids: Sequence[str]) -> list[Scope]:
        """Of these rooms those that somebody is in, or without any the three they use most, as of 30 seconds ago.

        1 internal call at the most. Raises `Unavailable`.
        """
        name = f"{user_id} {' '.join(sorted(room_ids))}"
        seen = self._seen.get(name)
        if seen is None:
            asked: dict[str, Any] = {"user_id": user_id, "room_ids": list(room_ids)}
            answer = self._internal.call("chat", "POST", "/chat/internal/membership", json=asked)
            if not answer.ok:
                raise Unavailable("It cannot be looked up right now which rooms you are in.")
            seen = [_scope(one["room_id"], int(one["first_visible"])) for one in answer.json()["items"]]
            self._seen.put(name, seen)
        return seen


def _scope(room_id: str, first_visible: int) -> Scope:
    # Who sees a room from its first message on sees all of it.
    return Scope(f"room:{room_id}", first_visible if first_visible > 1 else 0)
