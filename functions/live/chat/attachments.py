"""Files as `files` knows them."""

from collections.abc import Sequence
from typing import Any, Self

from tessera import fileinfo
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.problems import FieldError
from tessera.settings import Bindings

from .rules.messages import Attachment, AttachmentNotReady


class Files:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def attach(self, file_ids: Sequence[str], by: Principal) -> tuple[Attachment, ...]:
        """What is to be attached. 1 internal call, none for nothing.

        Raises `AttachmentNotReady` for a file that is not theirs, not scanned yet or infected, `Unavailable`.
        """
        if not file_ids:
            return ()
        found = fileinfo.look_up(self._internal, file_ids, reader_id=by.owner_id, by=by)
        return tuple(_ready(found.get(one), position, by) for position, one in enumerate(file_ids))


def _ready(file: dict[str, Any] | None, position: int, by: Principal) -> Attachment:
    if file is None or file["state"] != "clean" or file["owner_id"] != by.owner_id:
        # One answer for every cause: whether somebody else's file exists is not for the asker to know.
        detail = "It is not yours, was not scanned yet, or was found infected."
        raise AttachmentNotReady(detail, errors=[FieldError(f"/attachments/{position}", detail)])
    return Attachment(str(file["id"]), str(file["name"]), str(file["type"]), int(file["size"]))
