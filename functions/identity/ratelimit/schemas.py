import ipaddress
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from tessera.types import Cursor, In, Instant, Limit, Out, Params, Ulid, text

from .rules import NAMESPACE_PATTERN, POLICY_PATTERN

MAX_FIGURE, MAX_PERIOD = 1_000_000_000, 2_678_400
# Of what takes longer to fill nobody sees the end: its item would stay for good, and its times fit in no header.
MAX_FILL_SECONDS = 10 * 365 * 86_400
MAX_CHECKS, MAX_WINDOWS, MAX_NETWORKS = 25, 3, 50

Namespace = Annotated[str, StringConstraints(pattern=NAMESPACE_PATTERN, min_length=1, max_length=64)]
Key = Annotated[str, text(256)]
PolicyName = Annotated[str, StringConstraints(pattern=POLICY_PATTERN, min_length=1, max_length=64)]
Hour = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}$", max_length=13)]
LeaseId = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}\.[A-Za-z0-9_-]{44}$", max_length=71)]
Hashed = Annotated[str, Field(max_length=64)]
Count = Annotated[int, Field(ge=0)]
Figure = Annotated[int, Field(ge=1, le=MAX_FIGURE)]
Period = Annotated[int, Field(ge=1, le=MAX_PERIOD)]
Mode = Literal["enforce", "shadow", "off"]
Fail = Literal["open", "closed"]
Algorithm = Literal["gcra", "window", "sliding"]


def _network(value: str) -> str:
    try:
        # A zone is a word of one machine's own, and makes another spelling of the same network.
        return str(ipaddress.ip_network("" if "%" in value else value))
    except ValueError as error:
        raise ValueError("A network looks like 203.0.113.0/24 or 2001:db8::/32.") from error


Network = Annotated[str, StringConstraints(min_length=1, max_length=50), AfterValidator(_network)]


def _check_fills(limit: int, period_s: int, burst: int | None) -> None:
    if (burst or limit) * period_s > limit * MAX_FILL_SECONDS:
        raise ValueError("It would take more than ten years to fill. Name a smaller burst.")


class WindowIn(In):
    """So many per period, of which `burst` may come at once; without it, all of them."""

    limit: Figure
    period_s: Period
    burst: Figure | None = None


class CheckIn(In):
    """`policy` names one, or is one; its figures may also stand beside it."""

    namespace: Namespace
    key: Key
    policy: PolicyName | WindowIn | None = None
    limit: Figure | None = None
    period_s: Period | None = None
    burst: Figure | None = None
    cost: Figure = 1
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_policy(self) -> Self:
        figures = (self.limit, self.period_s, self.burst)
        if self.policy is not None and any(figure is not None for figure in figures):
            raise ValueError("Name a policy, or give limit, period_s and burst; not both.")
        if isinstance(self.policy, WindowIn):
            _check_fills(self.policy.limit, self.policy.period_s, self.policy.burst)
        if self.policy is not None:
            return self
        if self.limit is None or self.period_s is None:
            raise ValueError("Name a policy, or give limit and period_s.")
        _check_fills(self.limit, self.period_s, self.burst)
        return self


class RefundIn(CheckIn):
    """As the check whose cost is given back."""

    dry_run: Literal[False] = False


class CheckBatchIn(In):
    checks: Annotated[list[CheckIn], Field(min_length=1, max_length=MAX_CHECKS)]


class CheckParams(Params):
    status: bool = False


class CheckOut(Out):
    """`remaining` and `reset_after_ms` are of the limit that is nearest to its end. Times are 0 when there is no wait.

    `degraded` is true when the limiter's table did not answer and only this process was asked.
    """

    allowed: bool
    limit: Count
    remaining: Count
    retry_after_ms: Count
    reset_after_ms: Count
    policy: Annotated[str, Field(max_length=80)]
    degraded: bool = False


class CheckBatchOut(Out):
    results: Annotated[list[CheckOut], Field(max_length=MAX_CHECKS)]


class LimitOut(Out):
    limit: Count
    period_s: Count
    remaining: Count
    reset_after_ms: Count


class StandingOut(Out):
    """How a policy stands for one subject."""

    policy: Annotated[str, Field(max_length=80)]
    mode: Mode
    sampled: bool
    limits: Annotated[list[LimitOut], Field(max_length=MAX_WINDOWS + 1)]


class MeOut(Out):
    plan: Annotated[str, Field(max_length=80)]
    policies: Annotated[list[StandingOut], Field(max_length=10)]


class SubjectParams(Params):
    owner_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class SubjectOut(Out):
    """`subject` is what stands in its place in keys and in lists."""

    namespace: Annotated[str, Field(max_length=64)]
    key: Annotated[str, Field(max_length=256)]
    subject: Hashed
    buckets: Annotated[list[StandingOut], Field(max_length=100)]


class LeaseIn(In):
    """At most `limit` at once; a lease ends by itself after `ttl_s`."""

    namespace: Namespace
    key: Key
    limit: Annotated[int, Field(ge=1, le=1_000)]
    ttl_s: Annotated[int, Field(ge=1, le=3_600)] = 60


class LeaseOut(Out):
    id: Annotated[str, Field(max_length=71)]
    expires_at: Instant
    in_use: Count
    limit: Count


class PolicyIn(In):
    """`mode: shadow` decides and counts without refusing; `fail` says what happens while the table does not answer.

    `exact` counts every read instead of one in ten; `lease` takes so many units by one write; `slack_ms` trades an
    excess of so much for fewer writes; `addresses` are the networks to which alone it applies.
    """

    windows: Annotated[list[WindowIn], Field(min_length=1, max_length=MAX_WINDOWS)]
    algorithm: Algorithm = "gcra"
    mode: Mode = "enforce"
    fail: Fail = "open"
    quota_per_month: Annotated[int, Field(ge=0, le=10**12)] = 0
    exact: bool = False
    lease: Annotated[int, Field(ge=0, le=10_000)] = 0
    slack_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    priority: bool = False
    addresses: Annotated[list[Network], Field(max_length=MAX_NETWORKS)] = Field(default=[])

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len({window.period_s for window in self.windows}) < len(self.windows):
            raise ValueError("Each window has a period of its own.")
        for window in self.windows:
            _check_fills(window.limit, window.period_s, window.burst)
        if self.slack_ms and self.algorithm != "gcra":
            raise ValueError("Only gcra has slack.")
        return self


class WindowOut(Out):
    limit: Count
    period_s: Count
    burst: Count


class PolicyOut(Out):
    """`source` is `default` for what ships with the product and `override` for what an operator has set."""

    name: Annotated[str, Field(max_length=80)]
    source: Literal["default", "override"]
    windows: Annotated[list[WindowOut], Field(max_length=MAX_WINDOWS)]
    algorithm: Algorithm
    mode: Mode
    fail: Fail
    quota_per_month: Count
    exact: bool
    lease: Count
    slack_ms: Count
    priority: bool
    addresses: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=MAX_NETWORKS)]
    version: Count
    changed_at: Instant | None = None


class PoliciesParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class TopParams(Params):
    policy: PolicyName | None = None
    hour: Hour | None = None
    limit: Limit = 50

    @model_validator(mode="after")
    def _is_an_hour(self) -> Self:
        if self.hour is not None:
            try:
                datetime.strptime(self.hour, "%Y-%m-%dT%H")
            except ValueError:
                raise ValueError("There is no such hour.") from None
        return self


class LimitedOut(Out):
    """`minutes` of the hour in which the subject was refused, `last_at` the newest of them."""

    policy: Annotated[str, Field(max_length=80)]
    kind: Annotated[str, Field(max_length=80)]
    subject: Hashed
    mode: Mode
    minutes: Count
    last_at: Instant


class TopOut(Out):
    hour: Annotated[str, Field(max_length=13)]
    items: Annotated[list[LimitedOut], Field(max_length=100)]


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Count
