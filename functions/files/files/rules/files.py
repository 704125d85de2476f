"""A file, its versions, and what each step may make of them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .problems import Infected, NotReady, PartsMismatch, refused

MIB = 1024 * 1024
MIN_PART_BYTES, MAX_PARTS, GOOD_PART_BYTES = 5 * MIB, 10_000, 8 * MIB
MAX_SINGLE_BYTES = 5 * 1024 * MIB
# Above this, a file goes up in parts unless the client asks otherwise: a part is what a broken line costs.
SINGLE_BYTES = 100 * MIB
MAX_TAGS = 20

UPLOAD_LIFE, LINK_LIFE, DOWNLOAD_LIFE = timedelta(hours=24), timedelta(hours=1), timedelta(seconds=60)
# A lost event is noticed after this long; and a scan that says nothing for so long is begun again.
FIRST_LOOK, SCAN_LEASE = timedelta(minutes=10), timedelta(minutes=10)
TRASH_LIFE = timedelta(days=30)
# For how long a verdict from outside is waited for.
AWAITED = timedelta(hours=24)


class State(StrEnum):
    PENDING = "pending"
    UPLOADED = "uploaded"
    SCANNING = "scanning"
    CLEAN = "clean"
    INFECTED = "infected"
    FAILED = "failed"

    @property
    def is_settled(self) -> bool:
        return self in (State.CLEAN, State.INFECTED, State.FAILED)


class Way(StrEnum):
    """How the bytes come."""

    PUT = "PUT"
    POST = "POST"
    MULTIPART = "multipart"
    # Made here, or the same bytes as another file of the owner's.
    NONE = "none"


@dataclass(frozen=True)
class File:
    """What is known by a name. `n` is the version that is served, or the first while none is; `last` is the newest."""

    id: str
    owner_id: str
    name: str
    folder_id: str | None
    type: str
    state: State
    created_at: datetime
    updated_at: datetime
    created_by: str
    size: int = 0
    sha256: str | None = None
    etag: str | None = None
    key: str | None = None
    n: int = 1
    last: int = 1
    flagged: bool = False
    unscanned: bool = False
    reason: str | None = None
    tags: tuple[str, ...] = ()
    trashed_at: datetime | None = None
    purging: bool = False
    version: int = 1
    made_by: str | None = None

    def is_trash_over(self, now: datetime) -> bool:
        return self.trashed_at is not None and self.trashed_at + TRASH_LIFE <= now

    @property
    def shown_state(self) -> str:
        return "trashed" if self.trashed_at else self.state.value


@dataclass(frozen=True)
class Content:
    """One version of a file. `reserved` and `charged` are what it takes of the owner's room."""

    file_id: str
    owner_id: str
    n: int
    key: str
    type: str
    way: Way
    created_at: datetime
    created_by: str
    state: State = State.PENDING
    # What the client said, and what there is.
    declared: int | None = None
    size: int = 0
    sha256: str | None = None
    etag: str | None = None
    upload_id: str | None = None
    reserved: int = 0
    charged: int = 0
    # Whether the object is counted by a `Blob`, which more than one file may hold.
    blob: bool = False
    flagged: bool = False
    unscanned: bool = False
    reason: str | None = None
    due_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True)
class Blob:
    """Bytes of an owner's that several files may be."""

    owner_id: str
    sha256: str
    key: str
    size: int
    type: str
    etag: str
    refs: int


@dataclass(frozen=True)
class Usage:
    limit: int
    used: int = 0
    reserved: int = 0
    pending: int = 0

    @property
    def left(self) -> int:
        return self.limit - self.used - self.reserved


def key_of(owner_id: str, file_id: str, n: int) -> str:
    """Where the bytes are: never the user's text."""
    return f"{owner_id}/{file_id}/{n}"


def place_of(key: str) -> tuple[str, str, int] | None:
    """Owner, file and version of a key, or None for what is no key of ours."""
    parts = key.split("/")
    if len(parts) != 3 or not parts[2].isascii() or not parts[2].isdigit() or not all(len(p) == 26 for p in parts[:2]):
        return None
    n = int(parts[2]) if len(parts[2]) <= 9 else 0
    return (parts[0], parts[1], n) if n and parts[2] == str(n) else None


def part_size(size: int) -> int:
    """How large parts should be: few enough of them, and none too small."""
    return max(GOOD_PART_BYTES, -(-size // 9000))


def way_for(size: int, wanted: Way | None) -> Way:
    """How a file of this size is sent. Raises `InvalidRequest` where the wish cannot be."""
    if wanted is None:
        return Way.MULTIPART if size > SINGLE_BYTES else Way.PUT
    if wanted is Way.MULTIPART and size == 0:
        raise refused("/upload", "An empty file has no parts. Send it by PUT.")
    if wanted is not Way.MULTIPART and size > MAX_SINGLE_BYTES:
        raise refused("/upload", "More than 5 GB go up in parts only.")
    return wanted


@dataclass(frozen=True)
class Part:
    number: int
    etag: str
    size: int = 0


def check_parts(given: list[Part], sent: list[Part]) -> int:
    """The size of all that is to be joined. Raises `PartsMismatch`, or `InvalidRequest` for parts that are too small.

    Held here and not left to the store, because local clouds join what AWS would refuse.
    """

    known = {part.number: part for part in sent}
    numbers = [part.number for part in given]
    if numbers != sorted(set(numbers)):
        raise refused("/parts", "Name each part once, in the order of their numbers.")
    for part in given:
        found = known.get(part.number)
        if found is None or bare(found.etag) != bare(part.etag):
            raise PartsMismatch(f"Part {part.number} was not sent with this ETag. List the parts and complete again.")
    small = [n for n in numbers[:-1] if known[n].size < MIN_PART_BYTES]
    if small:
        raise refused("/parts", f"Part {small[0]} has less than 5 MiB, which only the last one may have.")
    return sum(known[n].size for n in numbers)


def bare(etag: str) -> str:
    return etag.strip().strip('"')


def check_readable(file: File) -> None:
    """Raises `Infected` or `NotReady` unless the bytes may be given out."""
    if file.state is State.INFECTED:
        raise Infected("It was deleted and can be had by nobody.")
    if file.state is State.FAILED:
        raise NotReady(f"The upload has failed: {file.reason or 'it never came'}. Send it again.")
    if file.state is not State.CLEAN:
        raise NotReady(f"It is {file.state.value}. Try again in a moment.")


def serves(file: File, content: Content) -> File:
    """The file once this version of it has been settled as clean."""
    return replace(
        file,
        state=State.CLEAN,
        n=content.n,
        size=content.size,
        type=content.type,
        sha256=content.sha256,
        etag=content.etag,
        key=content.key,
        flagged=content.flagged,
        unscanned=content.unscanned,
        reason=None,
    )


def follows(file: File, content: Content) -> File:
    """The file after one of its versions has changed: as long as none is clean it stands as its newest does."""
    if content.state is State.CLEAN:
        return serves(file, content) if content.n >= file.n or file.state is not State.CLEAN else file
    if file.state is State.CLEAN or content.n != file.last:
        return file
    return replace(file, state=content.state, size=content.size or file.size, reason=content.reason)
