"""Files as `files` knows them, and their bytes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tessera import aws, fileinfo
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.settings import Bindings

from .config import MediaSettings

_PIECE = 1024 * 1024
_ABSENT = frozenset(["404", "NotFound", "NoSuchKey", "NoSuchVersion"])


class SourceChanged(Exception):
    """The bytes are not those that the job is of."""


@dataclass(frozen=True)
class Source:
    """The version of a file that is served. There is no key while it is not clean."""

    id: str
    owner_id: str
    n: int
    state: str
    media_type: str
    size: int
    etag: str
    key: str | None

    @property
    def is_clean(self) -> bool:
        return self.state == "clean" and self.key is not None


class Sources:
    def __init__(self, internal: Internal, bucket: str) -> None:
        self._internal, self._bucket = internal, bucket

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal), bindings.settings(MediaSettings).clean)

    def find(self, file_id: str, reader_id: str, by: Principal | None = None) -> Source | None:
        """The file, if this owner may read it. 1 internal call. Raises `Unavailable`."""
        found = fileinfo.look_up(self._internal, [file_id], reader_id=reader_id, by=by).get(file_id)
        return _source(found) if found else None

    def fetch(self, source: Source, path: Path) -> None:
        """Its bytes into a file. 1 request. Raises `SourceChanged`."""
        try:
            # Only files that were found clean are ever read, whatever the answer may name.
            answer = aws.client("s3", read_timeout=25).get_object(
                Bucket=self._bucket, Key=source.key, IfMatch=f'"{source.etag}"'
            )
        except aws.ClientError as error:
            if aws.code_of(error) in _ABSENT | {"PreconditionFailed", "412"}:
                raise SourceChanged from None
            raise
        with path.open("wb") as file:
            while piece := answer["Body"].read(_PIECE):
                file.write(piece)


def _source(found: dict[str, Any]) -> Source:
    return Source(
        id=str(found["id"]),
        owner_id=str(found["owner_id"]),
        n=int(found["n"]),
        state=str(found["state"]),
        media_type=str(found["type"]),
        size=int(found["size"]),
        etag=str(found["etag"] or ""),
        key=found["key"],
    )
