from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera.types import Cursor, In, Instant, Limit, Name, Out, Params, Patch, Ulid, text

Email = Annotated[str, StringConstraints(min_length=3, max_length=320)]
Short = Annotated[str, Field(max_length=300)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$", min_length=2, max_length=40)]
Roles = Annotated[list[RoleName], Field(max_length=10)]
Reason = Annotated[str, text(200)]
Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", max_length=7)]
Status = Literal["active", "locked", "deleting"]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", min_length=2, max_length=35)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
MAX_ELSEWHERE, MAX_AT_ONCE = 100, 25


class UserParams(Params):
    """One of `email`, `email_prefix` and `created_month` finds; the others leave out some of what was found."""

    status: Status | None = None
    role: RoleName | None = None
    email: Email | None = None
    email_prefix: Annotated[str, StringConstraints(min_length=2, max_length=100)] | None = None
    created_month: Month | None = None
    limit: Limit = 50
    cursor: Cursor | None = None

    def filters(self) -> dict[str, str]:
        found = self.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
        return {name: str(value) for name, value in found.items()}


class UserIn(In):
    """Without a password, a mail lets the new user choose one."""

    email: Email
    name: Name | None = None
    locale: Locale | None = None
    roles: Annotated[list[RoleName], Field(max_length=10, default_factory=list)]
    password: Password | None = None


class UserPatch(Patch):
    email: Email


class RolesIn(In):
    """Exactly these, besides `user`, which everybody has."""

    roles: Roles


class LockIn(In):
    reason: Reason
    until: Instant | None = None


class LocksIn(LockIn):
    user_ids: Annotated[list[Ulid], Field(min_length=1, max_length=MAX_AT_ONCE)]


class DeleteParams(Params):
    now: bool = False


class UserOut(Out):
    """`email` is masked for those whose role shows no addresses."""

    id: Ulid
    email: Short
    status: Status
    name: Short | None
    handle: Short | None
    locale: Short | None
    plan: Short
    roles: Annotated[list[Short], Field(max_length=20)]
    factors: Annotated[list[Short], Field(max_length=20)]
    has_password: bool
    created_at: Instant
    updated_at: Instant
    locked_until: Instant | None
    deleted_at: Instant | None


class SessionOut(Out):
    id: Short
    device: Short | None
    created_at: Short | None
    last_seen_at: Short | None


class IdentityOut(Out):
    provider: Short
    linked_at: Short | None


class KeyOut(Out):
    id: Short
    name: Short | None
    status: Short | None
    created_at: Short | None
    last_used_at: Short | None


class UserViewOut(UserOut):
    """`unavailable` names the services that did not answer in time: what they keep is not shown."""

    last_activity_at: Short | None
    sessions: Annotated[list[SessionOut], Field(max_length=MAX_ELSEWHERE)]
    identities: Annotated[list[IdentityOut], Field(max_length=MAX_ELSEWHERE)]
    keys: Annotated[list[KeyOut], Field(max_length=MAX_ELSEWHERE)]
    unavailable: Annotated[list[Short], Field(max_length=10)]


class LockOut(Out):
    id: Ulid
    status: int
    problem: dict[str, Any] | None = None


class LocksOut(Out):
    items: Annotated[list[LockOut], Field(max_length=MAX_AT_ONCE)]


class UploadIn(In):
    format: Literal["csv", "ndjson"]


class UploadOut(Out):
    """Put the file to `url` with this media type, then import it by its `upload_id`."""

    upload_id: Ulid
    url: Annotated[str, Field(max_length=4_096)]
    media_type: Short


class ImportIn(In):
    """A file that was uploaded, or a short one given here."""

    format: Literal["csv", "ndjson"]
    upload_id: Ulid | None = None
    content: Annotated[str, Field(min_length=1, max_length=900_000)] | None = None
