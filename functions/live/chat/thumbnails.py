"""Small pictures of what is attached, as `media` has made them."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings

from .rules.messages import Thumb

SMALL = "sm"


@dataclass(frozen=True)
class Served:
    thumb: Thumb
    url: str


class Thumbnails:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def find(self, file_id: str, size: str = SMALL, accept: str | None = None) -> Served | None:
        """The small picture of a file, if there is one by now. 1 internal call. Raises `Unavailable`."""
        asked = {"file_id": file_id, "size": size, "accept": accept}
        answer = self._internal.call("media", "POST", "/media/internal/thumb", json=asked)
        if answer.status in (404, 409):
            return None
        if not answer.ok:
            raise Unavailable("The picture cannot be looked at right now.")
        said = answer.json()
        if said["url"] is None:
            return None
        return Served(Thumb(int(said["w"]), int(said["h"]), said["blurhash"]), str(said["url"]))
