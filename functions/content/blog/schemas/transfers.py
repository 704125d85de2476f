"""Bodies of exports and imports."""

from typing import Annotated, Literal

from pydantic import Field

from tessera.types import Cursor, In, Instant, Limit, Out, Params, Ulid

from ..rules.arriving import Line

Short = Annotated[str, Field(max_length=500)]
Url = Annotated[str, Field(max_length=4_000)]


class ImportIn(In):
    upload_id: Ulid


class UploadOut(Out):
    """Send the file as a form: these fields first, then the file as `file`."""

    upload_id: Ulid
    method: Literal["POST"]
    url: Url
    fields: dict[str, Url]
    max_bytes: int
    expires_at: Instant


class DownloadOut(Out):
    url: Url
    expires_at: Instant
    posts: int
    comments: int
    size_bytes: int


class ReportParams(Params):
    limit: Limit = 20
    cursor: Cursor | None = None


class LineOut(Out):
    """What became of an item of the file, by its number there, and how many comments come with it."""

    number: int
    title: Annotated[str, Field(max_length=200)]
    outcome: Literal["created", "skipped", "refused"]
    post_id: Ulid | None
    slug: Annotated[str, Field(max_length=200)] | None
    comments: int
    notes: Annotated[list[Short], Field(max_length=20)]

    @classmethod
    def of(cls, line: Line) -> "LineOut":
        return cls(
            number=line.number,
            title=line.title[:200],
            outcome=line.outcome,  # type: ignore[arg-type]
            post_id=line.post_id,
            slug=line.slug,
            comments=line.comments,
            notes=list(line.notes),
        )
