"""Files that are attached: what they are is asked of `files`, their bytes are read when the mail is sent."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from tessera import fileinfo, objects
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.problems import FieldError, Problem
from tessera.settings import Bindings

from .letters import BREAKS, LEAF_TYPE, Attachment

MAX_BYTES = 7_000_000
_NO_NAME = re.compile(r'[/\\"]')


class FileNotReady(Problem):
    status, slug, title = 422, "file-not-ready", "A file cannot be sent"


class FileGone(Exception):
    """The file was deleted after the mail was asked for."""


class Files:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def attach(self, file_ids: Mapping[int, str], by: Principal) -> dict[int, Attachment]:
        """What is to be attached, by its position. 1 internal call, none for nothing.

        Raises `FileNotReady` for a file that they may not read, that is not scanned yet or infected; `Unavailable`.
        """
        if not file_ids:
            return {}
        wanted = sorted(set(file_ids.values()))
        found = fileinfo.look_up(self._internal, wanted, reader_id=by.owner_id, by=by)
        return {position: _ready(found.get(file_id), position) for position, file_id in file_ids.items()}

    def load(self, attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
        """The same with their bytes. 1 request to S3 for each file. Raises `FileGone`."""
        return tuple(one if one.stored_at is None else _loaded(one, one.stored_at) for one in attachments)


def _ready(file: dict[str, Any] | None, position: int) -> Attachment:
    if file is None or file["state"] != "clean":
        # One answer for every cause: whether somebody else's file exists is not for the asker to know.
        detail = "It is not there for you, was not scanned yet, or was found infected."
        raise FileNotReady(detail, errors=[FieldError(f"/attachments/{position}/file_id", detail)])
    kind = str(file["type"]).lower()
    return Attachment(
        name=_NO_NAME.sub("_", BREAKS.sub("_", str(file["name"])))[:120],
        type=kind if LEAF_TYPE.fullmatch(kind) else "application/octet-stream",
        base64="",
        stored_at=(str(file["bucket"]), str(file["key"])),
        size=int(file["size"]),
    )


def _loaded(attachment: Attachment, stored_at: tuple[str, str]) -> Attachment:
    bucket, key = stored_at
    content = objects.read(bucket, key)
    if content is None:
        raise FileGone(key)
    return Attachment(attachment.name, attachment.type, base64.b64encode(content).decode())
