"""Renaming, moving, trashing and giving out files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.problems import Busy
from tessera.transact import Step

from ..events import FileChanged, FileClean, FileDeleted
from ..ports import Ports
from ..rules import kinds
from ..rules.files import File, State, check_readable
from ..rules.names import checked_name, disposition
from ..rules.problems import NotAllowed
from ..store.files import Changed
from . import access
from .purge import PURGE, mark

MAX_TRIES = 6


@dataclass(frozen=True)
class Download:
    url: str
    n: int


def change(ports: Ports, file_id: str, changes: dict[str, Any], expect: int | None, *, by: Principal) -> File:
    """Rename, move or tag. 2 requests. Raises `NotFound`, `NotAllowed`, `StaleVersion`, `InvalidRequest`."""
    if "name" in changes:
        changes = {**changes, "name": checked_name(changes["name"])}

    def decide(file: File) -> tuple[File, list[Step], Any]:
        moves = "folder_id" in changes and changes["folder_id"] != file.folder_id
        if moves and file.owner_id != by.owner_id:
            raise NotAllowed("Only its owner may move it.")
        after = replace(file, **changes)
        told = None
        if (after.name, after.tags) != (file.name, file.tags):
            told = FileChanged(file_id=file.id, owner_id=file.owner_id, n=file.n)
        return after, ports.files.in_folder(file.owner_id, changes["folder_id"]) if moves else [], told

    return _apply(ports, lambda: access.editable(ports, file_id, by), decide, expect)


def trash(ports: Ports, file_id: str, expect: int | None, *, by: Principal) -> File:
    """Into the trash, from where its owner may take it back for 30 days. 2 requests."""

    def decide(file: File) -> tuple[File, list[Step], Any]:
        told = FileDeleted(file_id=file.id, owner_id=file.owner_id, n=file.n, forever=False)
        return replace(file, trashed_at=clock.now()), [], told

    return _apply(ports, lambda: access.own(ports, file_id, by), decide, expect)


def restore(ports: Ports, file_id: str, *, by: Principal) -> File:
    """Out of the trash; to the top when its folder is gone. What is not in the trash stays as it is."""

    def decide(file: File) -> tuple[File, list[Step], Any]:
        if file.trashed_at is None:
            return file, [], None
        is_there = file.folder_id is None or ports.folders.find(file.owner_id, file.folder_id) is not None
        after = replace(file, trashed_at=None, folder_id=file.folder_id if is_there else None)
        told = None
        if file.state is State.CLEAN:
            told = FileClean(
                file_id=file.id,
                owner_id=file.owner_id,
                n=file.n,
                media_type=file.type,
                size=file.size,
                etag=file.etag or "",
            )
        return after, ports.files.in_folder(file.owner_id, after.folder_id), told

    return _apply(ports, lambda: access.own(ports, file_id, by, trashed=True), decide, None)


def download(ports: Ports, file: File, *, inline: bool) -> Download:
    """Where the bytes may be had for a minute. No request. Raises `Infected`, `NotReady`."""
    check_readable(file)
    assert file.key is not None
    is_inline = inline and kinds.may_show_inline(file.type)
    url = ports.objects.download_link(
        file.key,
        filename=file.name,
        disposition=disposition(file.name, inline=is_inline),
        media_type=kinds.served_as(file.type, inline=is_inline),
    )
    return Download(url, file.n)


def delete_forever(ports: Ports, file_id: str, expect: int | None, *, by: Principal) -> None:
    """Delete a file and all of its versions for good. About 4 requests a version. Raises `NotFound`, `StaleVersion`."""
    file = access.own(ports, file_id, by, trashed=True)
    if expect is not None and file.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {file.version} now. Read it again.")
    # Marked at once, so that nobody has it any more; the rest is done behind the answer.
    if mark(ports, file.id) is not None:
        queues.send(ports.settings.queue, PURGE, {"file_id": file.id})


def _apply(
    ports: Ports,
    read: Callable[[], File],
    decide: Callable[[File], tuple[File, list[Step], Any]],
    expect: int | None,
) -> File:
    for _ in range(MAX_TRIES):
        before = read()
        if expect is not None and before.version != expect:
            raise StaleVersion(f"You read version {expect}; it is at {before.version} now. Read it again.")
        after, also, told = decide(before)
        if after == before:
            return before
        try:
            return ports.files.change(before, replace(after, updated_at=clock.now()), event=told, also=also)
        except Changed:
            continue
    raise Busy
