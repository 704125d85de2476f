"""Files and their versions: every write goes through `commit`, which keeps the room they take in step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock, idempotency
from tessera.bus import Event
from tessera.due import DueItem
from tessera.expressions import is_new
from tessera.idempotency import Intent, gone_row
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Row, Table
from tessera.transact import Step, checking, deleting, putting, telling, transact, updating

from ..config import FilesSettings
from ..rules.files import Blob, Content, File
from ..rules.problems import refused
from .rows import (
    MAIN,
    META,
    BlobRow,
    ContentRow,
    FileRow,
    FolderRow,
    GoneObjectRow,
    blob_of,
    blob_pk,
    content_of,
    content_row,
    content_sk,
    file_of,
    file_pk,
    file_row,
    folder_sk,
    owned,
)
from .usage import Taken, UsageStore

T = TypeVar("T", File, Content)


class Changed(Exception):
    """Somebody else wrote first: read again and decide anew."""


@dataclass(frozen=True)
class Move:
    """A file and one of its versions, before and after. What is None is not there, or not touched when both are."""

    file: tuple[File | None, File | None] = (None, None)
    content: tuple[Content | None, Content | None] = (None, None)
    event: Event | None = None


@dataclass(frozen=True)
class Going:
    """The steps that let go of bytes, and their key when nobody has them any more."""

    steps: list[Step]
    key: str | None


@dataclass(frozen=True)
class Page:
    files: list[File]
    next: Key | None


class FileStore:
    def __init__(self, table: Table, usage: UsageStore) -> None:
        self.table, self.usage = table, usage

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(FilesSettings)
        table = Table(settings.table)
        return cls(table, UsageStore(table, settings.quota_bytes, settings.max_pending))

    def find(self, file_id: str) -> File | None:
        """1 read unit."""
        row = self.table.get(FileRow, file_pk(file_id), META)
        return file_of(row) if row else None

    def many(self, file_ids: Sequence[str]) -> list[File]:
        """Those that exist, in this order: 1 request per 100."""
        keys = [(file_pk(file_id), META) for file_id in file_ids]
        return [file_of(row) for row in self.table.get_many(FileRow, keys, consistent=True)] if keys else []

    def content(self, file_id: str, n: int) -> Content | None:
        """1 read unit."""
        row = self.table.get(ContentRow, file_pk(file_id), content_sk(n))
        return content_of(row) if row else None

    def both(self, file_id: str, n: int) -> tuple[File | None, Content | None]:
        """A file and one of its versions: 1 request."""
        file, content = self.find(file_id), self.content(file_id, n)
        return file, content

    def contents(self, file_id: str, limit: int, after: str | None) -> tuple[list[Content], str | None]:
        """Versions, the newest first. 1 request."""
        start = {"pk": file_pk(file_id), "sk": after} if after else None
        page = self.table.query(
            ContentRow,
            file_pk(file_id),
            sort=Path("sk").startswith("V#"),
            limit=limit,
            after=start,
            newest_first=True,
            consistent=True,
        )
        return [content_of(row) for row in page.rows], page.next["sk"] if page.next else None

    def blob(self, owner_id: str, sha256: str) -> Blob | None:
        """1 read unit."""
        row = self.table.get(BlobRow, blob_pk(owner_id, sha256), MAIN)
        return blob_of(row) if row else None

    def create(
        self, file: File, content: Content, intent: Intent, *more: Step, event: Event | None = None
    ) -> tuple[File, bool]:
        """The file, and whether an earlier request made it. 1 request, 2 units an item: file, version, room, folder.

        Raises `InvalidRequest` when the folder is not there, `QuotaExceeded`, `TooManyPending`.
        """
        steps = [
            putting(self.table, content_row(content)),
            *self.usage.taking(file.owner_id, Taken.between(None, content)),
            *self.in_folder(file.owner_id, file.folder_id),
            *more,
        ]
        made = idempotency.create(self.table, file_row(file), intent, *steps, event=event)
        return file_of(made.row), made.replayed

    def commit(self, *moves: Move, also: Sequence[Step] = ()) -> None:
        """Write all of these or none, with the room they take or give back. 1 request, 2 units an item.

        Raises `Changed` when something is no longer as it was before, and the problems of `UsageStore.taking`.
        """
        steps: list[Step] = []
        taken: dict[str, Taken] = {}
        for move in moves:
            steps += self._steps(move)
            owner = next(one.owner_id for one in (*move.content, *move.file) if one is not None)
            now, sofar = Taken.between(*move.content), taken.get(owner, Taken())
            taken[owner] = Taken(sofar.reserved + now.reserved, sofar.used + now.used, sofar.pending + now.pending)
        for owner, change in taken.items():
            steps += self.usage.taking(owner, change)
        transact(*steps, *also)

    def in_folder(self, owner_id: str, folder_id: str | None) -> list[Step]:
        """A step that holds the folder where it is. Raises `InvalidRequest` in its time."""
        if folder_id is None:
            return []
        missing = refused("/folder_id", "There is no such folder.")
        there = Path("pk").exists() & Path("gone").does_not_exist()
        return [checking(self.table, FolderRow, owned(owner_id), folder_sk(folder_id), only_if=there, refused=missing)]

    def sharing(self, blob: Blob) -> Step:
        """One more file is these bytes. Raises `Changed` in its time, when they have just been given up."""
        return updating(
            self.table,
            BlobRow,
            blob_pk(blob.owner_id, blob.sha256),
            MAIN,
            Path("refs").add(1),
            only_if=Path("key") == blob.key,
            refused=_changed,
            bump=False,
        )

    def first(self, blob: Blob) -> Step:
        """These bytes are there for the first time. Raises `Changed` in its time, when they are already."""
        row = BlobRow(
            pk=blob_pk(blob.owner_id, blob.sha256),
            sk=MAIN,
            key=blob.key,
            size=blob.size,
            type=blob.type,
            etag=blob.etag,
            refs=1,
        )
        return putting(self.table, row, only_if=is_new(), refused=_changed)

    def letting_go(self, content: Content) -> "Going":
        """What becomes of the bytes of a version that goes: deleted, unless another file is them too. 1 request.

        Its steps raise `Changed` in their time, when another file came or went meanwhile.
        """
        blob = self.blob(content.owner_id, content.sha256) if content.blob and content.sha256 else None
        if blob is None:
            return Going([self._gone(content.key)], content.key)
        key, refs = blob_pk(blob.owner_id, blob.sha256), Path("refs")
        if blob.refs > 1:
            fewer = updating(
                self.table, BlobRow, key, MAIN, refs.add(-1), only_if=refs > 1, refused=_changed, bump=False
            )
            return Going([fewer], None)
        last = deleting(self.table, BlobRow, key, MAIN, only_if=refs == 1, refused=_changed)
        return Going([last, self._gone(blob.key)], blob.key)

    def deleted(self, key: str) -> None:
        """The object is gone: so is the note that it is to go. 1 write unit."""
        self.table.delete(GoneObjectRow, f"X#{key}", MAIN)

    def _gone(self, key: str) -> Step:
        row = GoneObjectRow(pk=f"X#{key}", sk=MAIN, key=key)
        # Whoever lets go of it deletes it at once; this is for when they cannot.
        row.wait_until(clock.now() + timedelta(minutes=5), key)
        return putting(self.table, row)

    def bury(self, file: File, event: Event) -> None:
        """Leave the trace of a file without versions, for as long as its create may be replayed. Raises `Changed`."""
        try:
            self.table.put(gone_row(file_row(file)), only_if=_as_read(file.version), event=event)
        except ConditionFailed:
            raise Changed from None

    def change(self, before: File, after: File, *, event: Event | None = None, also: Sequence[Step] = ()) -> File:
        """Write a file whose versions stay as they are. 1 write unit; a transaction with `also`. Raises `Changed`."""
        made = replace(after, version=before.version + 1)
        if also:
            transact(*self._steps(Move(file=(before, after), event=event)), *also)
            return made
        try:
            self.table.put(file_row(made), only_if=_as_read(before.version), event=event)
        except ConditionFailed:
            raise Changed from None
        return made

    def started(self, content: Content, upload_id: str) -> Content | None:
        """Note the upload in parts, unless there is one: then None. 1 write unit."""
        unset = Path("upload_id").does_not_exist()
        try:
            row = self.table.update(
                ContentRow,
                file_pk(content.file_id),
                content_sk(content.n),
                Path("upload_id").set(upload_id),
                only_if=unset,
            )
        except ConditionFailed:
            return None
        return content_of(row)

    def is_as_seen(self, item: DueItem, content: Content) -> bool:
        return content_row(content).due_sk == item.due_sk

    def page(self, pk: str, index: str, *, limit: int, after: Key | None, newest_first: bool) -> Page:
        """1 request, whatever the size of the table."""
        found = self.table.query(FileRow, pk, index=index, limit=limit, after=after, newest_first=newest_first)
        return Page([file_of(row) for row in found.rows], found.next)

    def tell(self, event: Event) -> None:
        transact(telling(self.table, event))

    def _steps(self, move: Move) -> list[Step]:
        steps = []
        if move.file != (None, None):
            steps.append(self._step(*move.file, file_row, move.event))
        if move.content != (None, None):
            steps.append(self._step(*move.content, content_row, None if steps else move.event))
        return steps

    def _step(self, before: T | None, after: T | None, row_of: Callable[[T], Row], event: Event | None) -> Step:
        if after is None:
            assert before is not None
            row = row_of(before)
            as_read = _as_read(before.version)
            return deleting(self.table, type(row), row.pk, row.sk, only_if=as_read, refused=_changed)
        if before is None:
            # A new version has the next number of its file, whose own version the same transaction holds.
            return putting(self.table, row_of(after), event=event)
        row = row_of(replace(after, version=before.version + 1))
        return putting(self.table, row, only_if=_as_read(before.version), event=event, refused=_changed)


def _as_read(version: int) -> Condition:
    # The trace of a deletion is a version further on, so that this holds for none either.
    as_read: Condition = Path("version") == version
    return as_read


def _changed(old: Any) -> Exception:
    return Changed()
