"""What becomes of a version: charged once its bytes are there, scanned, and then clean, infected or failed.

Every step is conditional on the version as it was read and moves the owner's room along in the same transaction. So
it happens once, whatever number of events, requests and sweeps ask for it, and in whichever order.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tessera import aws, clock
from tessera.problems import Busy

from ..events import FileClean, FileInfected, FileUploaded
from ..ports import Ports
from ..rules import kinds
from ..rules.files import AWAITED, SCAN_LEASE, Blob, Content, File, State, Way, follows
from ..rules.problems import QuotaExceeded
from ..scanning.scanner import Verdict
from ..store.files import Changed, Move
from ..store.objects import Found, ObjectChanged

MAX_TRIES = 8
# More than this cannot be read in the time of one function.
MAX_HASHED_BYTES = 1024**3
MISMATCH, QUOTA, CHECKSUM, TOO_LARGE, ABSENT = "size", "quota", "checksum", "too-large-to-scan", "never-came"


def charge(ports: Ports, file_id: str, n: int) -> Content | None:
    """Take in what has come: from room reserved to room used, by the size it really has. 3 or 4 requests.

    None when there is nothing to take in. Bytes that do not fit or are not what was announced are deleted.
    """
    for _ in range(MAX_TRIES):
        file, content = ports.files.both(file_id, n)
        if file is None or content is None or content.state is not State.PENDING:
            return None
        found = ports.objects.look(content.key)
        if found is None:
            return None
        if content.declared is not None and found.size != content.declared:
            return fail(ports, file_id, n, MISMATCH)
        after = replace(
            content,
            state=State.UPLOADED,
            size=found.size,
            etag=found.etag,
            reserved=0,
            charged=found.size,
            due_at=clock.now() + SCAN_LEASE,
        )
        told = FileUploaded(file_id=file_id, owner_id=file.owner_id, n=n, size=found.size)
        try:
            _write(ports, file, content, after, told)
        except Changed:
            continue
        except QuotaExceeded:
            return fail(ports, file_id, n, QUOTA)
        ports.progress.tell(file_id, n=n, state=after.state.value)
        return after
    raise Busy


def fail(ports: Ports, file_id: str, n: int, reason: str) -> Content | None:
    """End a version that will never be clean, and give its room back. Its bytes go too."""
    for _ in range(MAX_TRIES):
        file, content = ports.files.both(file_id, n)
        if file is None or content is None or content.state.is_settled:
            return content
        after = replace(content, state=State.FAILED, reason=reason, reserved=0, charged=0, due_at=None)
        try:
            _write(ports, file, content, after, None)
        except Changed:
            continue
        if content.way is Way.MULTIPART:
            ports.objects.abort(content)
        ports.objects.drop(content.key)
        ports.progress.tell(file_id, n=n, state=after.state.value, reason=reason)
        return after
    raise Busy


def scan(ports: Ports, file_id: str, n: int, *, again: bool = False) -> None:
    """Look at what has come and settle it. `again` takes over from a scan that has said nothing for its lease.

    Raises `ScannerAway`, after which the message comes back.
    """
    held = _lease(ports, file_id, n, again=again)
    if held is None:
        return
    file, content = held
    ports.progress.tell(file_id, n=n, state=content.state.value)
    assert content.etag is not None
    found = Found(content.size, content.etag)
    is_large = content.size > ports.settings.scan_bytes
    if is_large and ports.settings.large_files == "block":
        fail(ports, file_id, n, TOO_LARGE)
        return
    try:
        looked = _look_through(ports, content, whole=not is_large)
    except ObjectChanged:
        # A link that was used a second time has put something else there. What counts is there now or never.
        _begin_anew(ports, content)
        return
    kind, flagged, verdict, digest = looked
    if content.sha256 is not None and digest is not None and digest != content.sha256:
        fail(ports, file_id, n, CHECKSUM)
        return
    seen = replace(content, type=kind, flagged=flagged, sha256=digest, unscanned=is_large)
    if verdict is None:
        # The verdict comes from outside, as an event; what was found out so far is kept until then.
        _keep(ports, content, seen)
        return
    aws.fault_point("files.scanned")
    decide(ports, file, seen, verdict, found, read=content)


def judged(ports: Ports, file_id: str, n: int, etag: str, verdict: Verdict) -> None:
    """The verdict of a scanner outside. Nothing happens for bytes that are no longer there, or are settled."""
    file, content = ports.files.both(file_id, n)
    if file is None or content is None or content.state not in (State.UPLOADED, State.SCANNING):
        return
    if content.etag is None or content.etag.strip('"') != etag.strip('"'):
        return
    seen = replace(content, unscanned=False)
    decide(ports, file, seen, verdict, Found(content.size, content.etag), read=content)


def decide(ports: Ports, file: File, seen: Content, verdict: Verdict, found: Found, *, read: Content) -> None:
    """Clean: copied to where it may be had. Infected: nobody ever gets it, and it takes no room."""
    if verdict.signature is not None:
        after = replace(seen, state=State.INFECTED, reason=verdict.signature, charged=0, due_at=None, unscanned=False)
        told = FileInfected(file_id=file.id, owner_id=file.owner_id, n=seen.n, signature=verdict.signature)
        if _settled(ports, read, after, told):
            ports.progress.tell(file.id, n=seen.n, state=after.state.value, reason=verdict.signature)
        ports.objects.drop(seen.key)
        return
    try:
        etag = ports.objects.release(seen.key, found, seen.type)
    except ObjectChanged:
        _begin_anew(ports, read)
        return
    aws.fault_point("files.released")
    after = replace(seen, state=State.CLEAN, etag=etag, due_at=None)
    clean = FileClean(
        file_id=file.id, owner_id=file.owner_id, n=seen.n, media_type=seen.type, size=seen.size, etag=etag
    )
    if _settled(ports, read, after, clean):
        ports.progress.tell(file.id, n=seen.n, state=after.state.value)
    elif _is_lost(ports, read):
        # Deleted for good while it was looked at.
        ports.objects.delete(seen.key)
        return
    ports.objects.drop(seen.key)


def _lease(ports: Ports, file_id: str, n: int, *, again: bool) -> tuple[File, Content] | None:
    for _ in range(MAX_TRIES):
        file, content = ports.files.both(file_id, n)
        if file is None or content is None:
            return None
        if content.state is State.SCANNING and not (again and _is_over(content)):
            return None
        if content.state not in (State.UPLOADED, State.SCANNING):
            return None
        after = replace(content, state=State.SCANNING, due_at=clock.now() + SCAN_LEASE)
        try:
            _write(ports, file, content, after, None)
        except Changed:
            continue
        return file, replace(after, version=content.version + 1)
    raise Busy


def _is_over(content: Content) -> bool:
    return content.due_at is None or content.due_at <= clock.now()


def _look_through(ports: Ports, content: Content, *, whole: bool) -> tuple[str, bool, Verdict | None, str | None]:
    """Its type, whether that was not what was declared, the verdict, and its SHA-256 where all of it was read."""
    assert content.etag is not None
    pieces = ports.objects.read(content.key, content.etag)
    head = next(pieces, b"")
    kind, flagged = kinds.settled(content.type, head[: kinds.SNIFFED_BYTES])
    is_hashed = whole or (content.sha256 is not None and content.size <= MAX_HASHED_BYTES)
    if not is_hashed:
        pieces.close()  # type: ignore[attr-defined]
        return kind, flagged, _unscanned(ports), None
    digest = hashlib.sha256()
    hashed = _hashing(digest, head, pieces)
    if ports.scanner is not None and whole:
        verdict: Verdict | None = ports.scanner.scan(hashed)
    else:
        verdict = None if whole else _unscanned(ports)
    for _ in hashed:
        # A scanner that has found something early leaves the rest, which the checksum needs all the same.
        pass
    return kind, flagged, verdict, digest.hexdigest()


def _unscanned(ports: Ports) -> Verdict | None:
    """What is said of a file that is too large to be looked through here."""
    is_awaited = ports.settings.large_files == "async" or ports.scanner is None
    return None if is_awaited else Verdict()


def _hashing(digest: "hashlib._Hash", head: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    digest.update(head)
    yield head
    for piece in rest:
        digest.update(piece)
        yield piece


def _settled(ports: Ports, read: Content, after: Content, told: FileClean | FileInfected) -> bool:
    """Write the end of a version; False when somebody else has, or it is gone."""
    for _ in range(MAX_TRIES):
        file, now = ports.files.both(read.file_id, read.n)
        if file is None or file.purging or now is None or now.version != read.version:
            return False
        blob = _first_blob(ports, after)
        made = replace(after, blob=blob is not None)
        also = [ports.files.first(blob)] if blob is not None else []
        try:
            ports.files.commit(Move((file, _moved(file, made)), (now, made), told), also=also)
        except Changed:
            continue
        return True
    raise Busy


def _first_blob(ports: Ports, content: Content) -> Blob | None:
    """What counts these bytes, unless the owner has them under another file already."""
    if content.state is not State.CLEAN or content.sha256 is None or content.etag is None:
        return None
    if ports.files.blob(content.owner_id, content.sha256) is not None:
        return None
    return Blob(content.owner_id, content.sha256, content.key, content.size, content.type, content.etag, refs=1)


def _is_lost(ports: Ports, read: Content) -> bool:
    file, content = ports.files.both(read.file_id, read.n)
    return file is None or file.purging or content is None or content.state is State.FAILED


def _begin_anew(ports: Ports, content: Content) -> None:
    """The bytes are others than those that were charged: refuse them all."""
    fail(ports, content.file_id, content.n, MISMATCH)


def _keep(ports: Ports, read: Content, seen: Content) -> None:
    file, now = ports.files.both(read.file_id, read.n)
    if file is None or now is None or now.version != read.version:
        return
    try:
        _write(ports, file, now, replace(seen, due_at=clock.now() + AWAITED), None)
    except Changed:
        return


def _write(ports: Ports, file: File, before: Content, after: Content, told: FileUploaded | None) -> None:
    moved = _moved(file, after)
    files = (None, None) if moved == file else (file, moved)
    ports.files.commit(Move(files, (before, after), told))


def _moved(file: File, content: Content) -> File:
    after = follows(file, content)
    return file if after == file else replace(after, updated_at=clock.now())
