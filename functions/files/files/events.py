"""What `files` tells the rest.

`files.file.clean`, `deleted` and `infected` are for those who show or process files; they carry no name, because a
consumer asks `POST /files/internal/resolve` for what it may see. `clean` is told again when a file comes out of the
trash, `deleted` when it goes in and, with `forever`, when nothing of it is left. `privacy.data.erased` is for `admin`.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.types import Model


class _OfFile(Model):
    file_id: str
    owner_id: str
    # Which version of its content.
    n: int


class FileUploaded(_OfFile, Event):
    type: ClassVar[str] = "files.file.uploaded.v1"

    size: int


class FileClean(_OfFile, Event):
    type: ClassVar[str] = "files.file.clean.v1"

    media_type: str
    size: int
    etag: str


class FileInfected(_OfFile, Event):
    type: ClassVar[str] = "files.file.infected.v1"

    signature: str


class FileChanged(_OfFile, Event):
    """It has another name or other tags."""

    type: ClassVar[str] = "files.file.changed.v1"


class FileDeleted(_OfFile, Event):
    type: ClassVar[str] = "files.file.deleted.v1"

    forever: bool


class ShareDownloaded(Event):
    type: ClassVar[str] = "files.share.downloaded.v1"

    share_id: str
    file_id: str
    owner_id: str


class ShareExhausted(Event):
    type: ClassVar[str] = "files.share.exhausted.v1"

    share_id: str
    file_id: str
    owner_id: str


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
