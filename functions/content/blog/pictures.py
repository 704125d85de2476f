"""Files of an author as `files` knows them, as far as they are pictures."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from tessera import fileinfo, uploads
from tessera.auth.internal import Internal
from tessera.settings import Bindings

from .rules.pictures import TYPES

LINK_SECONDS = 900
# A file that was found to be harmful, or could not be looked at, is never shown.
_LOST = frozenset(["infected", "failed"])


@dataclass(frozen=True)
class Picture:
    """A picture that may be shown: where its bytes are."""

    name: str
    type: str
    bucket: str
    key: str

    def link(self) -> str:
        """Where it can be fetched for a quarter of an hour. No request."""
        return uploads.download_link(
            self.bucket,
            self.key,
            seconds=LINK_SECONDS,
            filename=self.name,
            media_type=self.type,
            disposition="inline",
        )


class Pictures:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def foreign(self, file_ids: Collection[str], owner_id: str) -> set[str]:
        """Those that are no pictures of this owner. One that was just sent is one, though nobody sees it before it
        was scanned. 1 internal call, none for nothing. Raises `Unavailable`."""
        if not file_ids:
            return set()
        found = fileinfo.look_up(self._internal, sorted(file_ids), reader_id=owner_id)
        own = {name for name, file in found.items() if _is_picture(file, owner_id) and file["state"] not in _LOST}
        return set(file_ids) - own

    def find(self, file_id: str, owner_id: str) -> Picture | None:
        """This owner's picture, once it was scanned. 1 internal call. Raises `Unavailable`."""
        file = fileinfo.look_up(self._internal, [file_id], reader_id=owner_id).get(file_id)
        if file is None or not _is_picture(file, owner_id) or file["key"] is None:
            return None
        return Picture(str(file["name"]), str(file["type"]), str(file["bucket"]), str(file["key"]))


def _is_picture(file: dict[str, Any], owner_id: str) -> bool:
    return file["owner_id"] == owner_id and file["type"] in TYPES
