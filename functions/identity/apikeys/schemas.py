"""Bodies, in and out."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tessera.auth.key_text import LENGTH, PATTERN
from tessera.types import MAX_PAGE, Cursor, Day, In, Instant, Limit, Name, Out, Params, Patch, Ulid, absent

from .rules import MAX_ACTIVE, MAX_NETWORKS, MAX_OVERLAP, Status

Scope = Annotated[str, StringConstraints(pattern=r"^[a-z-]+:[a-z_]+$", min_length=3, max_length=60)]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=100)]
Network = Annotated[str, StringConstraints(min_length=2, max_length=60)]
Networks = Annotated[list[Network], Field(max_length=MAX_NETWORKS)]
Plan = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", min_length=1, max_length=40)]
Env = Literal["live", "test"]
Short = Annotated[str, Field(max_length=100)]
KeyText = Annotated[str, StringConstraints(pattern=f"^{PATTERN}$", max_length=LENGTH)]


class KeyIn(In):
    """`scopes` are permissions that you hold yourself; `ip_allow` are networks such as `203.0.113.0/24`.

    A `test` key may only hold permissions that cost nobody money and reach nobody outside.
    """

    name: Name
    scopes: Scopes
    env: Env = "live"
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 90
    ip_allow: Annotated[Networks, Field(default_factory=list)]
    plan: Plan | None = None

    @property
    def life(self) -> timedelta:
        return timedelta(days=self.expires_in_days)


class KeyPatch(Patch):
    """Fewer scopes and an earlier end; more of either takes a new key. `ip_allow: null` allows every address."""

    name: Name = absent()
    scopes: Scopes = absent()
    ip_allow: Networks | None = absent()
    expires_at: Instant = absent()


class RotateIn(In):
    """For so many seconds the old secret is good besides the new one."""

    overlap_s: Annotated[int, Field(ge=0, le=int(MAX_OVERLAP.total_seconds()))] = 86_400


class KeyOut(Out):
    """`prefix` and `last4` tell which key it is; the secret is never shown again."""

    id: Ulid
    name: Name
    prefix: Short
    last4: Annotated[str, Field(max_length=4)]
    env: Env
    status: Status
    scopes: Scopes
    ip_allow: Networks
    plan: Plan
    organisation_id: Ulid | None
    created_by: Ulid
    created_at: Instant
    expires_at: Instant
    ended_at: Instant | None
    old_secret_until: Instant | None
    last_used_at: Instant | None
    last_used_ip: Short | None
    requests_total: Annotated[int, Field(ge=0)]


class KeyMadeOut(KeyOut):
    """`key` is shown this once; null when the request was a repetition of an earlier one."""

    key: KeyText | None


class ListParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class OwnerParams(ListParams):
    owner_id: Ulid


class UserParams(Params):
    user_id: Ulid


class KeysOut(Out):
    items: Annotated[list[KeyOut], Field(max_length=MAX_PAGE)]


class UsageParams(Params):
    """Today (UTC) unless another day is named; a week is kept."""

    day: Day | None = None


class ClassCountOut(Out):
    rate_class: Short
    count: Annotated[int, Field(ge=0)]


class StatusCountOut(Out):
    rate_class: Short
    status: Annotated[str, StringConstraints(pattern="^[0-9]xx$", max_length=3)]
    count: Annotated[int, Field(ge=0)]


class UsageOut(Out):
    """How an answer came out is counted with the key's next request, so the newest ones may be missing."""

    day: Day
    requests: Annotated[int, Field(ge=0)]
    by_class: Annotated[list[ClassCountOut], Field(max_length=10)]
    by_status: Annotated[list[StatusCountOut], Field(max_length=50)]


class LimitOut(Out):
    limit: int
    period_s: int
    burst: int


class SelfOut(Out):
    """`permissions` are what the key may do now: its scopes, as far as its owner holds them."""

    id: Ulid
    name: Name
    prefix: Short
    env: Env
    owner_id: Ulid
    organisation_id: Ulid | None
    scopes: Scopes
    permissions: Annotated[list[Scope], Field(max_length=100)]
    ip_allow: Networks
    plan: Plan
    limits: Annotated[list[LimitOut], Field(max_length=3)]
    expires_at: Instant


class FormatOut(Out):
    """For scanners of source code: what a key looks like, and how to tell one from chance."""

    pattern: Short
    checksum: Annotated[str, Field(max_length=300)]
    report: Short


class LeakedIn(In):
    """What was found; what is no key of ours is passed over."""

    keys: Annotated[list[Annotated[str, StringConstraints(max_length=200)]], Field(min_length=1, max_length=100)]


class DoneOut(Out):
    status: Literal["ok"] = "ok"


class RevokeAllIn(In):
    owner_id: Ulid


class RevokedOut(Out):
    revoked: Annotated[int, Field(ge=0, le=MAX_ACTIVE)]


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
