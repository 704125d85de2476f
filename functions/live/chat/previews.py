"""Pages that are linked to, as `linkpreview` shows them."""

from collections.abc import Sequence
from typing import Any, Self

from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings

from .rules.messages import Card

# A page may take longer. What was fetched meanwhile is remembered there, so that the next try finds it.
SECONDS = 2.5


class Previews:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def cards(self, urls: Sequence[str]) -> tuple[Card, ...]:
        """Cards of the pages that have one. 1 internal call. Raises `Unavailable`."""
        asked = {"urls": list(urls)}
        answer = self._internal.call("linkpreview", "POST", "/linkpreview/internal/cards", json=asked, timeout=SECONDS)
        if not answer.ok:
            raise Unavailable("The pages cannot be looked at right now.")
        return tuple(_card(one["url"], one["card"]) for one in answer.json()["items"] if one["card"])


def _card(url: str, told: dict[str, Any]) -> Card:
    image = told["image"]["proxy_url"] if told["image"] else None
    return Card(url, told["title"], told["description"], told["site_name"], image)
