"""What somebody shows of themselves."""

import json
from collections.abc import Mapping
from typing import Any

from tessera.etags import StaleVersion
from tessera.problems import FieldError, InvalidRequest

from ..events import UserUpdated
from ..ports import Ports
from ..rules import RESERVED_HANDLES, HandleTaken
from ..store import UserRow

MAX_METADATA_BYTES = 4_096
# What a null in the request takes away; the rest is replaced.
FIELDS = ("name", "handle", "locale", "timezone", "avatar_file_id", "bio", "metadata")


def save(ports: Ports, user_id: str, changes: Mapping[str, Any], *, version: int | None) -> UserRow:
    """Change a profile: 1 read and 1 write, a transaction and a read more when the handle changes.

    Raises `StaleVersion`, `HandleTaken`, `InvalidRequest`.
    """
    _check(changes)
    if (changes.get("handle") or "").casefold() in RESERVED_HANDLES:
        raise HandleTaken("This one is kept for the house.")
    user = ports.users.get(user_id)
    if version is not None and version != int(user.version):
        raise StaleVersion(f"You read version {version}; it is at {int(user.version)} now. Read it again.")
    written = []
    for field in FIELDS:
        if field in changes:
            attribute, value = getattr(UserRow, field), changes[field]
            written.append(attribute.remove() if value is None else attribute.set(value))
    after = {field: changes.get(field, getattr(user, field)) for field in ("name", "handle", "avatar_file_id")}
    event = UserUpdated(user_id=user_id, roles=sorted(user.roles), **after)
    return ports.users.save_profile(user, written, handle=after["handle"], event=event)


def with_handle(ports: Ports, handle: str) -> UserRow:
    """Whose handle it is, or was up to 30 days ago; in any case of its letters. 2 reads. Raises `NotFound`."""
    return ports.users.get(ports.users.owner_of(handle))


def _check(changes: Mapping[str, Any]) -> None:
    size = len(json.dumps(changes.get("metadata"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > MAX_METADATA_BYTES:
        told = f"It may hold {MAX_METADATA_BYTES} bytes as JSON; this has {size}."
        raise InvalidRequest("The metadata is too large.", errors=[FieldError("/metadata", told)])
