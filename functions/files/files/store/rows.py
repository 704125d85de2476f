"""The items of the table, and how they become what `rules` knows."""

from datetime import datetime, timedelta

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.tables import Row

from ..rules.files import TRASH_LIFE, Blob, Content, File, State, Usage, Way
from ..rules.folders import Folder
from ..rules.names import sort_key
from ..rules.shares import Share

META, USE, MAIN, TREE, ROOT = "META", "USE", "-", "TREE", "root"


def file_pk(file_id: str) -> str:
    return f"F#{file_id}"


def content_sk(n: int) -> str:
    return f"V#{n:09d}"


def grant_sk(user_id: str) -> str:
    return f"G#{user_id}"


def owned(owner_id: str) -> str:
    return f"U#{owner_id}"


def folder_sk(folder_id: str) -> str:
    return f"D#{folder_id}"


def usage_pk(owner_id: str) -> str:
    return f"Q#{owner_id}"


def blob_pk(owner_id: str, sha256: str) -> str:
    return f"BLOB#{owner_id}#{sha256}"


def share_pk(share_id: str) -> str:
    return f"SH#{share_id}"


def listing_pk(owner_id: str, folder_id: str | None) -> str:
    return f"D#{owner_id}#{folder_id or ROOT}"


def place(file: File) -> tuple[str, str]:
    """Under which key of `gs1` a file is listed: its folder, or the trash."""
    if file.trashed_at is not None:
        return f"T#{file.owner_id}", f"{clock.rfc3339(file.trashed_at)}#{file.id}"
    return listing_pk(file.owner_id, file.folder_id), f"{sort_key(file.name)}#{file.id}"


class FileRow(DueRow):
    """`gs1` is a folder by name, or the trash by time; `gs2` all of an owner's files by age."""

    owner_id = UnicodeAttribute()
    name = UnicodeAttribute()
    folder_id = UnicodeAttribute(null=True)
    type = UnicodeAttribute()
    state = UnicodeAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    created_by = UnicodeAttribute()
    size = NumberAttribute(default=0)
    sha256 = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    key = UnicodeAttribute(null=True)
    n = NumberAttribute(default=1)
    last = NumberAttribute(default=1)
    flagged = NumberAttribute(null=True)
    unscanned = NumberAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    tags = ListAttribute(of=UnicodeAttribute, null=True)
    trashed_at = UnicodeAttribute(null=True)
    purging = NumberAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)


class ContentRow(DueRow):
    """One version. It waits for its upload, then for its scan."""

    owner_id = UnicodeAttribute()
    file_id = UnicodeAttribute()
    n = NumberAttribute()
    key = UnicodeAttribute()
    type = UnicodeAttribute()
    way = UnicodeAttribute()
    state = UnicodeAttribute()
    created_at = UnicodeAttribute()
    created_by = UnicodeAttribute()
    declared = NumberAttribute(null=True)
    size = NumberAttribute(default=0)
    sha256 = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    upload_id = UnicodeAttribute(null=True)
    reserved = NumberAttribute(default=0)
    charged = NumberAttribute(default=0)
    blob = NumberAttribute(null=True)
    flagged = NumberAttribute(null=True)
    unscanned = NumberAttribute(null=True)
    reason = UnicodeAttribute(null=True)


class GoneObjectRow(DueRow):
    """Bytes that nobody has any more, until they are deleted."""

    key = UnicodeAttribute()


class UsageRow(Row):
    """`room` is what is left of the limit: a condition cannot add, so the sum is kept."""

    used = NumberAttribute(default=0)
    reserved = NumberAttribute(default=0)
    room = NumberAttribute(null=True)
    limit = NumberAttribute(null=True)
    pending = NumberAttribute(default=0)


class BlobRow(Row):
    key = UnicodeAttribute()
    size = NumberAttribute()
    type = UnicodeAttribute()
    etag = UnicodeAttribute()
    refs = NumberAttribute()


class FolderRow(Row):
    name = UnicodeAttribute()
    parent_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()


class TreeRow(Row):
    turn = NumberAttribute(default=0)


class GrantRow(Row):
    """`gs1` is what somebody was given."""

    role = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    created_at = UnicodeAttribute()
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


class ShareRow(Row):
    """`gs2` is the links of a file."""

    secret_hash = UnicodeAttribute()
    file_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    created_at = UnicodeAttribute()
    # Milliseconds since 1970; far in the future where the link does not end by itself.
    exp = NumberAttribute()
    max_downloads = NumberAttribute(null=True)
    left = NumberAttribute(null=True)
    downloads = NumberAttribute(default=0)
    pw = UnicodeAttribute(null=True)
    fails = NumberAttribute(default=0)
    fail_until = NumberAttribute(null=True)
    revoked = NumberAttribute(null=True)
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)


NEVER_MS = 253_402_300_799_000
SHARE_KEPT = timedelta(days=30)


def file_row(file: File) -> FileRow:
    """The whole item. Every index key follows from the file, so none can be forgotten by a write."""
    row = FileRow(
        pk=file_pk(file.id),
        sk=META,
        version=file.version,
        made_by=file.made_by,
        owner_id=file.owner_id,
        name=file.name,
        folder_id=file.folder_id,
        type=file.type,
        state=file.state.value,
        created_at=clock.rfc3339(file.created_at),
        updated_at=clock.rfc3339(file.updated_at),
        created_by=file.created_by,
        size=file.size,
        sha256=file.sha256,
        etag=file.etag,
        key=file.key,
        n=file.n,
        last=file.last,
        flagged=1 if file.flagged else None,
        unscanned=1 if file.unscanned else None,
        reason=file.reason,
        tags=list(file.tags) or None,
        trashed_at=_text(file.trashed_at),
        purging=1 if file.purging else None,
        gs2_pk=f"O#{file.owner_id}",
        gs2_sk=f"{clock.rfc3339(file.created_at)}#{file.id}",
    )
    if not file.purging:
        row.gs1_pk, row.gs1_sk = place(file)
    if file.purging:
        row.wait_until(file.updated_at + timedelta(minutes=10), file.id)
    elif file.trashed_at is not None:
        row.wait_until(file.trashed_at + TRASH_LIFE, file.id)
    return row


def file_of(row: FileRow) -> File:
    return File(
        id=row.pk.partition("#")[2],
        owner_id=row.owner_id,
        name=row.name,
        folder_id=row.folder_id,
        type=row.type,
        state=State(row.state),
        created_at=clock.parse(row.created_at),
        updated_at=clock.parse(row.updated_at),
        created_by=row.created_by,
        size=int(row.size),
        sha256=row.sha256,
        etag=row.etag,
        key=row.key,
        n=int(row.n),
        last=int(row.last),
        flagged=bool(row.flagged),
        unscanned=bool(row.unscanned),
        reason=row.reason,
        tags=tuple(str(tag) for tag in row.tags or ()),
        trashed_at=clock.parse(row.trashed_at) if row.trashed_at else None,
        purging=bool(row.purging),
        version=int(row.version),
        made_by=row.made_by,
    )


def content_row(content: Content) -> ContentRow:
    row = ContentRow(
        pk=file_pk(content.file_id),
        sk=content_sk(content.n),
        version=content.version,
        owner_id=content.owner_id,
        file_id=content.file_id,
        n=content.n,
        key=content.key,
        type=content.type,
        way=content.way.value,
        state=content.state.value,
        created_at=clock.rfc3339(content.created_at),
        created_by=content.created_by,
        declared=content.declared,
        size=content.size,
        sha256=content.sha256,
        etag=content.etag,
        upload_id=content.upload_id,
        reserved=content.reserved,
        charged=content.charged,
        blob=1 if content.blob else None,
        flagged=1 if content.flagged else None,
        unscanned=1 if content.unscanned else None,
        reason=content.reason,
    )
    row.wait_until(content.due_at, f"{content.file_id}#{content.n}")
    return row


def content_of(row: ContentRow) -> Content:
    return Content(
        file_id=row.file_id,
        owner_id=row.owner_id,
        n=int(row.n),
        key=row.key,
        type=row.type,
        way=Way(row.way),
        created_at=clock.parse(row.created_at),
        created_by=row.created_by,
        state=State(row.state),
        declared=None if row.declared is None else int(row.declared),
        size=int(row.size),
        sha256=row.sha256,
        etag=row.etag,
        upload_id=row.upload_id,
        reserved=int(row.reserved),
        charged=int(row.charged),
        blob=bool(row.blob),
        flagged=bool(row.flagged),
        unscanned=bool(row.unscanned),
        reason=row.reason,
        due_at=clock.parse(row.due_sk.partition("#")[0]) if row.due_sk else None,
        version=int(row.version),
    )


def blob_of(row: BlobRow) -> Blob:
    _, owner_id, sha256 = row.pk.split("#")
    return Blob(owner_id, sha256, row.key, int(row.size), row.type, row.etag, int(row.refs))


def folder_of(row: FolderRow) -> Folder:
    return Folder(
        id=row.sk.partition("#")[2],
        owner_id=row.pk.partition("#")[2],
        name=row.name,
        parent_id=row.parent_id,
        created_at=clock.parse(row.created_at),
        version=int(row.version),
        made_by=row.made_by,
    )


def share_row(share: Share) -> ShareRow:
    row = ShareRow(
        pk=share_pk(share.id),
        sk=MAIN,
        version=share.version,
        made_by=share.made_by,
        secret_hash=share.secret_hash,
        file_id=share.file_id,
        owner_id=share.owner_id,
        created_at=clock.rfc3339(share.created_at),
        exp=millis_of(share.expires_at),
        max_downloads=share.max_downloads,
        left=share.left,
        downloads=share.downloads,
        pw=share.password,
        gs2_pk=file_pk(share.file_id),
        gs2_sk=f"{clock.rfc3339(share.created_at)}#{share.id}",
    )
    row.ttl = ttl_of(share.expires_at)
    return row


def share_of(row: ShareRow) -> Share:
    return Share(
        id=row.pk.partition("#")[2],
        secret_hash=row.secret_hash,
        file_id=row.file_id,
        owner_id=row.owner_id,
        created_at=clock.parse(row.created_at),
        expires_at=None if int(row.exp) == NEVER_MS else clock.from_millis(int(row.exp)),
        max_downloads=None if row.max_downloads is None else int(row.max_downloads),
        left=None if row.left is None else int(row.left),
        downloads=int(row.downloads),
        password=row.pw,
        fails=int(row.fails),
        locked_until=clock.from_millis(int(row.fail_until)) if row.fail_until else None,
        revoked=bool(row.revoked),
        version=int(row.version),
        made_by=row.made_by,
    )


def usage_of(row: UsageRow | None, default: int) -> Usage:
    if row is None:
        return Usage(default)
    limit = default if row.limit is None else int(row.limit)
    return Usage(limit, int(row.used), int(row.reserved), int(row.pending))


def millis_of(when: datetime | None) -> int:
    return NEVER_MS if when is None else (when - clock.EPOCH) // timedelta(milliseconds=1)


def ttl_of(expires_at: datetime | None) -> int | None:
    """A link that has ended stays for a while, so that its owner can see what became of it."""
    return None if expires_at is None else int((expires_at + SHARE_KEPT).timestamp())


def _text(when: datetime | None) -> str | None:
    return clock.rfc3339(when) if when else None
