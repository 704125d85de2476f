"""Bodies of links and of who is let in."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tessera.types import In, Instant, Out, Patch, Ulid, absent

from ..posting import Posted
from ..rules.files import File
from ..rules.shares import Share

Password = Annotated[str, StringConstraints(min_length=4, max_length=128)]
# `outbox` says what an address is; this keeps out what can be none.
Email = Annotated[
    str, StringConstraints(pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$", max_length=254)
]
MAX_MAILED = 20
Downloads = Annotated[int, Field(ge=1, le=1_000_000)]


class ShareIn(In):
    """`one_time` is short for one download. Each of `emails` gets a mail of its own with the link."""

    expires_at: Instant | None = None
    password: Password | None = None
    max_downloads: Downloads | None = None
    one_time: bool = False
    emails: Annotated[list[Email], Field(default_factory=list, max_length=MAX_MAILED)]


class SharePatch(Patch):
    expires_at: Instant | None = absent()
    password: Password | None = absent()
    max_downloads: Downloads | None = absent()


class ShareOut(Out):
    id: Ulid
    file_id: Ulid
    created_at: Instant
    expires_at: Instant | None
    max_downloads: int | None
    left: int | None
    downloads: int
    has_password: bool
    revoked: bool
    version: int

    @classmethod
    def of(cls, share: Share) -> "ShareOut":
        return cls.model_validate(_told(share))


class ShareMadeOut(ShareOut):
    """The token is shown this once; a replay has none.

    Who is among `not_mailed` takes no mail from here, or it could not be handed on: give them the link otherwise.
    """

    token: Annotated[str, Field(max_length=100)] | None
    url: Annotated[str, Field(max_length=500)] | None

    mailed: Annotated[list[Email], Field(max_length=MAX_MAILED)]
    not_mailed: Annotated[list[Email], Field(max_length=MAX_MAILED)]

    @classmethod
    def made(cls, share: Share, token: str | None, url: str | None, posted: Posted) -> "ShareMadeOut":
        mailed = {"mailed": list(posted.mailed), "not_mailed": list(posted.not_mailed)}
        return cls.model_validate({**_told(share), "token": token, "url": url, **mailed})


class SharedOut(Out):
    """What a link opens, to whoever has it."""

    name: Annotated[str, Field(max_length=255)]
    size: int
    type: Annotated[str, Field(max_length=255)]
    needs_password: bool
    expires_at: Instant | None

    @classmethod
    def of(cls, share: Share, file: File) -> "SharedOut":
        return cls(
            name=file.name,
            size=file.size,
            type=file.type,
            needs_password=share.password is not None,
            expires_at=share.expires_at,
        )


class OpenIn(In):
    password: Annotated[str, StringConstraints(max_length=128)] | None = None


class LinkOut(Out):
    url: Annotated[str, Field(max_length=4096)]
    expires_in: int


class GrantIn(In):
    role: Literal["viewer", "editor"]


class GrantOut(Out):
    user: Ulid
    role: Literal["viewer", "editor"]
    created_at: Instant | None = None


class GrantsOut(Out):
    items: Annotated[list[GrantOut], Field(max_length=100)]


def _told(share: Share) -> dict[str, object]:
    same = ("id", "file_id", "created_at", "expires_at", "max_downloads", "left", "downloads", "revoked", "version")
    return {**{name: getattr(share, name) for name in same}, "has_password": share.password is not None}
