"""Bodies of files, versions, folders and usage."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera.types import Cursor, In, Instant, Limit, Out, Params, Patch, Tag, Ulid, absent, text

from ..rules.files import MAX_TAGS, Content, File, State, Usage, Way
from ..rules.folders import Folder

# What a name may be is checked by the rules; this only bounds it.
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
MediaType = Annotated[str, StringConstraints(max_length=255)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64)]
Size = Annotated[int, Field(ge=0, le=2**53)]
Place = Annotated[str, StringConstraints(pattern=r"^(root|[0-7][0-9A-HJKMNP-TV-Z]{25})$", max_length=26)]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS)]
Text = Annotated[str, Field(max_length=1024)]
Url = Annotated[str, Field(max_length=4096)]
Texts = dict[str, Annotated[str, Field(max_length=8192)]]


class ContentIn(In):
    """What is to be sent: for a new version of a file."""

    size: Size
    type: MediaType | None = None
    sha256: Sha256 | None = None
    upload: Literal[Way.PUT, Way.POST, Way.MULTIPART] | None = None


class FileIn(ContentIn):
    name: FileName
    folder_id: Ulid | None = None
    tags: Tags = Field(default_factory=list)


class FilePatch(Patch):
    """Only what is named changes; `folder_id` null moves it to the top."""

    name: FileName = absent()
    folder_id: Ulid | None = absent()
    tags: Tags = absent()


class UploadOut(Out):
    """How to send the bytes. Headers and fields are signed and go along as they are."""

    method: Way
    url: Url | None = None
    headers: Texts | None = None
    fields: Texts | None = None
    expires: int | None = None
    key: Text | None = None
    upload_id: Text | None = None
    part_size: int | None = None
    parts: int | None = None


class FileOut(Out):
    id: Ulid
    name: Annotated[str, Field(max_length=255)]
    folder_id: Ulid | None
    type: MediaType
    size: int
    sha256: Annotated[str, Field(max_length=64)] | None
    state: Literal["pending", "uploaded", "scanning", "clean", "infected", "failed", "trashed"]
    reason: Annotated[str, Field(max_length=200)] | None
    # The type was found to be another one than was declared.
    flagged: bool
    # Too large to be looked through for malware.
    unscanned: bool
    content_version: int
    newest_version: int
    tags: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=MAX_TAGS)]
    created_at: Instant
    updated_at: Instant
    created_by: Annotated[str, Field(max_length=64)]
    trashed_at: Instant | None
    version: int
    upload: UploadOut | None = None
    deduplicated: bool | None = None

    @classmethod
    def of(cls, file: File, **more: Any) -> "FileOut":
        same = (
            *("id", "name", "folder_id", "type", "size", "sha256", "reason", "flagged", "unscanned"),
            *("created_at", "updated_at", "created_by", "trashed_at", "version"),
        )
        return cls(
            **{name: getattr(file, name) for name in same},
            state=file.shown_state,  # type: ignore[arg-type]
            content_version=file.n,
            newest_version=file.last,
            tags=list(file.tags),
            **more,
        )


class VersionOut(Out):
    n: int
    state: State
    type: MediaType
    size: int
    sha256: Annotated[str, Field(max_length=64)] | None
    reason: Annotated[str, Field(max_length=200)] | None
    created_at: Instant
    created_by: Annotated[str, Field(max_length=64)]

    @classmethod
    def of(cls, content: Content) -> "VersionOut":
        return cls.model_validate({name: getattr(content, name) for name in cls.model_fields})


class FileParams(Params):
    """`q` is found anywhere in a name, whatever its case."""

    folder: Place | None = None
    q: Annotated[str, text(100)] | None = None
    state: Literal["pending", "uploaded", "scanning", "clean", "infected", "failed", "trashed"] | None = None
    sort: Literal["name", "-name", "newest", "oldest"] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class PageParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class FolderIn(In):
    name: FileName
    parent_id: Ulid | None = None


class FolderPatch(Patch):
    name: FileName = absent()
    parent_id: Ulid | None = absent()


class PlaceOut(Out):
    id: Ulid
    name: Annotated[str, Field(max_length=255)]


class FolderOut(Out):
    id: Ulid
    name: Annotated[str, Field(max_length=255)]
    parent_id: Ulid | None
    created_at: Instant
    version: int
    path: Annotated[list[PlaceOut], Field(max_length=20)] | None = None

    @classmethod
    def of(cls, folder: Folder, path: list[Folder] | None = None) -> "FolderOut":
        around = None if path is None else [PlaceOut(id=one.id, name=one.name) for one in path]
        return cls(
            id=folder.id,
            name=folder.name,
            parent_id=folder.parent_id,
            created_at=folder.created_at,
            version=folder.version,
            path=around,
        )


class FolderParams(Params):
    parent_id: Ulid | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class UsageOut(Out):
    limit: int
    used: int
    reserved: int
    left: int
    # Uploads that are not finished.
    pending: int

    @classmethod
    def of(cls, usage: Usage) -> "UsageOut":
        return cls(limit=usage.limit, used=usage.used, reserved=usage.reserved, left=usage.left, pending=usage.pending)


class QuotaIn(In):
    limit: Size


class ZipIn(In):
    ids: Annotated[list[Ulid], Field(min_length=1, max_length=500)]
    name: FileName = "files.zip"
