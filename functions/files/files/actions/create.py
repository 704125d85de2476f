"""New files and new versions: room is taken first, then the client is told where to send the bytes."""

import base64
from dataclasses import dataclass, replace

from tessera import clock
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.problems import Busy, Gone, PayloadTooLarge

from ..events import FileClean
from ..ports import Ports
from ..rules import kinds
from ..rules.files import FIRST_LOOK, MAX_SINGLE_BYTES, Blob, Content, File, State, Way, key_of, serves, way_for
from ..rules.names import checked_name
from ..rules.problems import QuotaExceeded
from ..store.files import Changed, Move
from .access import actor

MAX_TRIES = 4


@dataclass(frozen=True)
class Wanted:
    """What a client means to send. Without `size` it is not known yet."""

    name: str
    type: str | None
    size: int | None = None
    sha256: str | None = None
    folder_id: str | None = None
    way: Way | None = None
    tags: tuple[str, ...] = ()


def create(ports: Ports, wanted: Wanted, intent: Intent, *, by: Principal) -> tuple[File, Content, bool]:
    """The file, its first version, and whether an earlier request made them.

    The same bytes as another clean file of the owner's are there at once. 1 request, 2 with `sha256`, 1 more for an
    upload in parts. Raises `PayloadTooLarge`, `QuotaExceeded`, `TooManyPending`, `InvalidRequest`.
    """
    _hold_size(ports, wanted.size)
    now, name, kind = clock.now(), checked_name(wanted.name), kinds.media_type(wanted.type)
    file = File(
        id=intent.id,
        owner_id=by.owner_id,
        name=name,
        folder_id=wanted.folder_id,
        type=kind,
        state=State.PENDING,
        created_at=now,
        updated_at=now,
        created_by=actor(by),
        size=wanted.size or 0,
        tags=wanted.tags,
    )
    for _ in range(MAX_TRIES):
        blob = _same(ports, by.owner_id, wanted)
        try:
            if blob is not None:
                return _again(ports, file, blob, intent)
            content = upcoming(file, 1, wanted)
            made, replayed = ports.files.create(
                file, content, intent, *ports.progress.opening(file.id, [file.created_by])
            )
        except Changed:
            continue
        if replayed:
            return _replayed(ports, made)
        return made, begun(ports, content), False
    raise Busy


def add_version(ports: Ports, file: File, wanted: Wanted, *, by: Principal) -> tuple[File, Content]:
    """A next version, beside which the present one stays until it is clean. Costs what `create` does.

    Raises `Changed` besides.
    """
    _hold_size(ports, wanted.size)
    now = clock.now()
    blob = _same(ports, file.owner_id, wanted)
    after = replace(file, last=file.last + 1, updated_at=now)
    if blob is not None:
        content = _copy_of(after, after.last, blob, by)
        after = serves(after, content)
        move = Move((file, after), (None, content), _told_clean(after))
        ports.files.commit(move, also=[ports.files.sharing(blob)])
        return replace(after, version=file.version + 1), content
    content = upcoming(after, after.last, wanted, by=actor(by))
    if file.state is not State.CLEAN:
        after = replace(after, state=State.PENDING, reason=None)
    ports.files.commit(Move((file, after), (None, content)), also=ports.progress.opening(file.id, [content.created_by]))
    return replace(after, version=file.version + 1), begun(ports, content)


def upcoming(file: File, n: int, wanted: Wanted, *, by: str | None = None) -> Content:
    """A version that is still to be sent. It takes the room that was named, or none while the size is unknown."""
    now = clock.now()
    way = wanted.way or Way.PUT if wanted.size is None else way_for(wanted.size, wanted.way)
    return Content(
        file_id=file.id,
        owner_id=file.owner_id,
        n=n,
        key=key_of(file.owner_id, file.id, n),
        type=kinds.media_type(wanted.type),
        way=way,
        created_at=now,
        created_by=by or file.created_by,
        declared=wanted.size,
        sha256=wanted.sha256,
        reserved=wanted.size or 0,
        due_at=now + FIRST_LOOK,
    )


def begun(ports: Ports, content: Content) -> Content:
    """The version with an upload in parts that was begun, where it is to come so. 2 requests then."""
    if content.way is not Way.MULTIPART or content.upload_id is not None:
        return content
    upload_id = ports.objects.begin(content)
    started = ports.files.started(content, upload_id)
    if started is None:
        # A second try of the same request was faster; its upload is the one that counts.
        ports.objects.abort_one(content.key, upload_id)
        return ports.files.content(content.file_id, content.n) or content
    return started


def most(ports: Ports, owner_id: str) -> int:
    """How large a file of unknown size may become: what is left, as far as one request may be. 1 request."""
    left = ports.files.usage.get(owner_id).left
    if left <= 0:
        raise QuotaExceeded("Nothing is left. Delete something first.")
    return min(left, MAX_SINGLE_BYTES, ports.settings.max_bytes)


def checksum(sha256: str | None) -> str | None:
    """As S3 wants it: base64 instead of hexadecimal."""
    return None if sha256 is None else base64.b64encode(bytes.fromhex(sha256)).decode()


def _hold_size(ports: Ports, size: int | None) -> None:
    if size is not None and size > ports.settings.max_bytes:
        raise PayloadTooLarge(f"A file has at most {ports.settings.max_bytes} bytes.")


def _same(ports: Ports, owner_id: str, wanted: Wanted) -> Blob | None:
    if wanted.sha256 is None:
        return None
    blob = ports.files.blob(owner_id, wanted.sha256)
    return blob if blob is not None and blob.size == wanted.size else None


def _again(ports: Ports, file: File, blob: Blob, intent: Intent) -> tuple[File, Content, bool]:
    content = _copy_of(file, 1, blob)
    file = serves(file, content)
    made, replayed = ports.files.create(file, content, intent, ports.files.sharing(blob), event=_told_clean(file))
    return _replayed(ports, made) if replayed else (made, content, False)


def _copy_of(file: File, n: int, blob: Blob, by: Principal | None = None) -> Content:
    return Content(
        file_id=file.id,
        owner_id=file.owner_id,
        n=n,
        key=blob.key,
        type=blob.type,
        way=Way.NONE,
        created_at=clock.now(),
        created_by=actor(by) if by else file.created_by,
        state=State.CLEAN,
        declared=blob.size,
        size=blob.size,
        sha256=blob.sha256,
        etag=blob.etag,
        charged=blob.size,
        blob=True,
    )


def _told_clean(file: File) -> FileClean:
    assert file.etag is not None
    return FileClean(
        file_id=file.id, owner_id=file.owner_id, n=file.n, media_type=file.type, size=file.size, etag=file.etag
    )


def _replayed(ports: Ports, file: File) -> tuple[File, Content, bool]:
    content = ports.files.content(file.id, 1)
    if content is None or file.trashed_at is not None or file.purging:
        raise Gone("The request was done before, and the file it made has been deleted since.")
    return file, begun(ports, content) if content.state is State.PENDING else content, True
