"""Folders: made, renamed, moved, and deleted with what is in them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.jobs import Job
from tessera.problems import Busy, NotFound

from ..events import FileDeleted
from ..ports import Ports
from ..rules.folders import Folder, Tree
from ..rules.names import checked_name
from ..rules.problems import FolderNotEmpty
from ..store.files import Changed
from ..store.rows import listing_pk

EMPTY = "folders.empty"
MAX_TRIES, AT_ONCE = 12, 90
# The index by which files are found lags behind; whatever it did not show yet is found the second time.
SETTLES_SECONDS, ROUNDS = 5, 3


def create(ports: Ports, name: str, parent_id: str | None, intent: Intent, *, by: Principal) -> tuple[Folder, bool]:
    """The folder, and whether an earlier request made it. 3 requests. Raises the problems of `Tree.check`."""
    folder = Folder(intent.id, by.owner_id, checked_name(name), parent_id, clock.now())
    for _ in range(MAX_TRIES):
        tree = ports.folders.tree(by.owner_id)
        known = tree.folders.get(folder.id)
        if known is None:
            tree.check(folder, is_new=True)
        try:
            return ports.folders.create(tree, folder, intent)
        except Changed:
            continue
    raise Busy


def get(ports: Ports, folder_id: str, *, by: Principal) -> tuple[Folder, list[Folder]]:
    """The folder, and those around it from the top. 2 requests. Raises `NotFound`."""
    tree = ports.folders.tree(by.owner_id)
    return _found(tree, folder_id), tree.path(folder_id)[:-1]


def listed(ports: Ports, parent_id: str | None, *, by: Principal) -> list[Folder]:
    """What is in a folder, or at the top, by name. 2 requests. Raises `NotFound`."""
    tree = ports.folders.tree(by.owner_id)
    if parent_id is not None:
        _found(tree, parent_id)
    return tree.below(parent_id)


def change(ports: Ports, folder_id: str, changes: dict[str, Any], expect: int | None, *, by: Principal) -> Folder:
    """Rename or move. 3 requests. Raises `NotFound`, `StaleVersion` and the problems of `Tree.check`."""
    if "name" in changes:
        changes = {**changes, "name": checked_name(changes["name"])}

    def do(tree: Tree) -> Folder:
        before = _hold(_found(tree, folder_id), expect)
        after = replace(before, **changes)
        if after == before:
            return before
        tree.check(after, is_new=False)
        return ports.folders.change(tree, before, after)

    return _again(ports, by, do)


def delete(ports: Ports, folder_id: str, expect: int | None, *, with_content: bool, by: Principal) -> Job | None:
    """Delete a folder; the job that puts what is in it into the trash, or None when it was empty. 4 requests.

    Raises `NotFound`, `StaleVersion`, `FolderNotEmpty`.
    """
    found: list[Job | None] = [None]

    def do(tree: Tree) -> Folder:
        folder = _hold(_found(tree, folder_id), expect)
        inside = tree.inside(folder_id)
        is_empty = not inside and not _some(ports, by.owner_id, folder_id)
        if not is_empty and not with_content:
            raise FolderNotEmpty("Delete what is in it first, or send `with_content=true`.")
        if len(inside) > AT_ONCE:
            raise FolderNotEmpty(f"It has more than {AT_ONCE} folders in it. Delete some of them first.")
        job, keeping = ports.jobs.starting(by.owner_id, EMPTY)
        found[0] = None if is_empty else job
        # Sent before, so that nothing is left behind by a crash; it leaves a folder alone that is still there.
        _send(ports, by, [folder_id, *(one.id for one in inside)], found[0])
        ports.folders.delete(tree, folder, inside, *([] if is_empty else [keeping]))
        return folder

    _again(ports, by, do)
    return found[0]


def empty(ports: Ports, owner_id: str, folder_ids: list[str], job_id: str | None, turn: int) -> None:
    """Put everything in these folders into the trash, as far as they are gone. A second time there is nothing left."""
    gone = [folder_id for folder_id in folder_ids if ports.folders.find(owner_id, folder_id) is None]
    trashed = 0
    for folder_id in gone:
        while files := _some(ports, owner_id, folder_id, AT_ONCE):
            moved = sum(_trash(ports, file.id, folder_id) for file in files)
            trashed += moved
            if not moved:
                break
    if turn < ROUNDS:
        said = {"owner_id": owner_id, "folder_ids": folder_ids, "job_id": job_id, "turn": turn + 1}
        queues.send(ports.settings.queue, EMPTY, said, delay_seconds=SETTLES_SECONDS)
    if job_id is not None and len(gone) == len(folder_ids):
        _finish(ports, owner_id, job_id, trashed)


def _finish(ports: Ports, owner_id: str, job_id: str, trashed: int) -> None:
    job = ports.jobs.find(owner_id, job_id)
    if job is not None and not job.state.is_over:
        ports.jobs.finish(job, result={"trashed": trashed})


def _trash(ports: Ports, file_id: str, folder_id: str) -> bool:
    for _ in range(MAX_TRIES):
        file = ports.files.find(file_id)
        if file is None or file.trashed_at is not None or file.purging or file.folder_id != folder_id:
            return False
        told = FileDeleted(file_id=file.id, owner_id=file.owner_id, n=file.n, forever=False)
        now = clock.now()
        try:
            ports.files.change(file, replace(file, trashed_at=now, updated_at=now), event=told)
            return True
        except Changed:
            continue
    raise Busy


def _some(ports: Ports, owner_id: str, folder_id: str, at_most: int = 1) -> list[Any]:
    pk = listing_pk(owner_id, folder_id)
    return list(ports.files.page(pk, "gs1", limit=at_most, after=None, newest_first=False).files)


def _send(ports: Ports, by: Principal, folder_ids: list[str], job: Job | None) -> None:
    said = {"owner_id": by.owner_id, "folder_ids": folder_ids, "job_id": job.id if job else None, "turn": 0}
    queues.send(ports.settings.queue, EMPTY, said, delay_seconds=1)


def _again(ports: Ports, by: Principal, do: Callable[[Tree], Folder]) -> Folder:
    for _ in range(MAX_TRIES):
        try:
            return do(ports.folders.tree(by.owner_id))
        except Changed:
            continue
    raise Busy


def _found(tree: Tree, folder_id: str) -> Folder:
    folder = tree.folders.get(folder_id)
    if folder is None:
        raise NotFound("There is no such folder.")
    return folder


def _hold(folder: Folder, expect: int | None) -> Folder:
    if expect is not None and folder.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {folder.version} now. Read it again.")
    return folder
