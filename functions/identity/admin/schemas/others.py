from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera.types import Cursor, Day, In, Instant, Limit, Out, Params, Ulid

from .people import Email, Reason, Short

Subject = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]+$", min_length=1, max_length=100)]
About = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*:[A-Za-z0-9_.:#-]*$", min_length=2, max_length=200)]
Action = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*\.[a-z0-9-]*$", min_length=2, max_length=100)]
Outcome = Literal["success", "denied", "error"]
Value = bool | int | Short | Annotated[list[Short], Field(max_length=500)] | None


class ImpersonationIn(In):
    user_id: Ulid
    reason: Reason
    write: bool = False


class ImpersonationOut(Out):
    """The token is the user's, with the name of who really acts; it cannot be refreshed."""

    id: Ulid
    user_id: Ulid
    write: bool
    ends_at: Instant
    access_token: Annotated[str, Field(max_length=4_096)]
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int


class AuditParams(Params):
    """`target` is `type:id`; an `action` that ends in a dot stands for all that begin so."""

    actor: Subject | None = None
    target: About | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None
    limit: Limit = 50
    cursor: Cursor | None = None


class ExportIn(In):
    """Without times, the last 90 days."""

    format: Literal["csv", "ndjson"] = "ndjson"
    actor: Subject | None = None
    target: About | None = None
    action: Action | None = None
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None


class ActedByOut(Out):
    """`ip` is shown for 90 days, then only `net`, the network it is of."""

    kind: Short
    id: Short
    via: Short | None = None
    sid: Short | None = None
    ip: Short | None = None
    net: Short | None = None
    ua: Short | None = None


class TargetOut(Out):
    type: Short
    id: Short


class ChangeOut(Out):
    field: Short
    old: Value = None
    new: Value = None


class EntryOut(Out):
    """`occurred_at` is when it happened, `recorded_at` when it was written down."""

    id: Short
    occurred_at: Short
    recorded_at: Short
    capability: Short
    action: Short
    outcome: Outcome
    actor: ActedByOut
    on_behalf_of: Short | None = None
    organisation: Short | None = None
    target: TargetOut
    reason: Annotated[str, Field(max_length=1_000)] | None = None
    changes: Annotated[list[ChangeOut], Field(max_length=100, default_factory=list)]
    request_id: Short
    trace_id: Short
    detail: Annotated[dict[str, Any], Field(default_factory=dict)]


class VerifyParams(Params):
    day: Day


class SealOut(Out):
    """The root over the day's entries, and what it is chained to and signed with."""

    root: Short
    previous: Short
    signature: Short
    key_id: Short
    sealed_at: Short


class VerdictOut(Out):
    """`first_bad` is the first entry that is not as it was sealed, by its time and event id; `what` says how."""

    day: Day
    state: Literal["verified", "broken", "unsealed"]
    count: int
    signed: bool
    chained: bool
    listed: bool
    first_bad: Short | None
    what: Literal["missing", "added", "changed"] | None
    seal: SealOut | None


class DownloadOut(Out):
    url: Annotated[str, Field(max_length=4_096)]
    entries: int
    format: Literal["csv", "ndjson"]


class BootstrapIn(In):
    token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=20, max_length=100)]
    email: Email


class BootstrapOut(Out):
    user_id: Ulid
    roles: Annotated[list[Short], Field(max_length=20)]


class SetupTokenOut(Out):
    token: Short


class ErasureParams(Params):
    state: Literal["open", "done"] = "open"
    limit: Limit = 50
    cursor: Cursor | None = None


class ErasureOut(Out):
    """Which capabilities have yet to erase somebody, and when the others said that they had."""

    user_id: Short
    requested_at: Instant
    waiting: Annotated[list[Short], Field(max_length=100)]
    done: dict[Annotated[str, StringConstraints(max_length=60)], Instant]
    finished_at: Instant | None


class EraseIn(In):
    """`addresses` are those of the owner: by them alone invitations are kept."""

    owner_id: Ulid
    addresses: Annotated[list[Annotated[str, Field(max_length=320)]], Field(default_factory=list, max_length=10)]


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
