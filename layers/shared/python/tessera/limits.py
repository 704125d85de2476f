"""Rate limits: one decision is one conditional write, never a read.

`Limits.charge` raises `RateLimited`; `Limits.decide` only says. What a process has seen of a bucket
it remembers, which picks the right shape of the write (see `gcra`) and refuses for nothing what the
bucket cannot admit yet.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Self, TypeVar

from tessera import aws, clock, log
from tessera.auth.mac import Mac
from tessera.auth.problems import AttemptsExhausted, LimitExceeded, RateLimited
from tessera.auth.settings import AuthSettings
from tessera.gcra import MICROS, Charge, Tats, tats_of
from tessera.policies import Policies, Policy, PolicyRow
from tessera.problems import Unavailable
from tessera.settings import Bindings
from tessera.tables import key, read

MAX_WRITES = 3
REMEMBERED = 10_000
_AWAY = aws.THROTTLED | {"InternalServerError", "ServiceUnavailable"}
V = TypeVar("V")


@dataclass(frozen=True)
class Decision:
    """What was decided, and the figures its headers show. `writes` is what it cost."""

    policy: Policy
    bucket: str
    charge: Charge
    tats: Tats
    allowed: bool
    # False for a refusal, also for one that a policy in shadow mode lets pass.
    charged: bool = False
    writes: int = 0
    degraded: bool = False

    @property
    def remaining(self) -> int:
        """Whole requests that would be admitted now."""
        return min(
            max(0, window.capacity - self._until_full(tat)) // window.interval
            for window, tat in zip(self.charge.windows, self.tats, strict=True)
        )

    @property
    def retry_after_micros(self) -> int:
        """0 when it was admitted."""
        return 0 if self.allowed else self.charge.wait(self.tats)

    @property
    def retry_after_seconds(self) -> int:
        return max(1, -(-self.retry_after_micros // MICROS))

    def headers(self) -> dict[str, str]:
        """As structured fields (draft-ietf-httpapi-ratelimit-headers, RFC 9651)."""
        if self.policy.mode == "off":
            return {}
        quotas, states = [], []
        degraded = ";degraded=1" if self.degraded else ""
        for window, tat in zip(self.charge.windows, self.tats, strict=True):
            name = self.policy.name
            if len(self.charge.windows) > 1:
                name = f"{name}/{window.period_seconds}"
            left = max(0, window.capacity - self._until_full(tat)) // window.interval
            again = self.retry_after_seconds if not self.allowed else -(-self._until_full(tat) // MICROS)
            quotas.append(f'"{name}";q={window.limit};w={window.period_seconds}{degraded}')
            states.append(f'"{name}";r={left};t={again}')
        return {"RateLimit-Policy": ", ".join(quotas), "RateLimit": ", ".join(states)}

    def problem(self) -> LimitExceeded:
        # An attempt that was reserved and refused is a guess too many; anything else is a request too many.
        kind = AttemptsExhausted if self.policy.refundable and not self.policy.per_address else RateLimited
        return kind(self.retry_after_seconds, headers=self.headers(), policies=(self.policy.name,))

    def _until_full(self, tat: int | None) -> int:
        return max(0, (tat or 0) - self.charge.now)


class StoreAway(Exception):
    """The bucket cannot be charged now: no answer in time, throttled, or too many writes raced."""


class Buckets:
    """The items of the table `ratelimit`. No retry and a short time limit: a limiter must not be what is slow."""

    def __init__(self, table: str, budget_ms: int) -> None:
        self.table, self._seconds = table, budget_ms / 1000

    def charge(self, bucket: str, name: str, update: dict[str, Any], windows: int) -> tuple[bool, Tats]:
        """Whether the condition held, and the times on the item then. 1 write unit. Raises `StoreAway`."""
        parameters = {"Key": key(bucket, name), "ReturnValues": "UPDATED_NEW", **update}
        try:
            answer = self._call("update_item", ReturnValuesOnConditionCheckFailure="ALL_OLD", **parameters)
        except aws.ClientError as error:
            if aws.code_of(error) != "ConditionalCheckFailedException":
                raise
            item: Any = error.response.get("Item")
            return False, tats_of(item or {}, windows)
        return True, tats_of(answer["Attributes"], windows)

    def override(self, name: str) -> PolicyRow | None:
        """Half a read unit. None also when the table does not answer, for then the defaults hold."""
        try:
            return read(PolicyRow, self._call("get_item", Key=key(f"POLICY#{name}", "V")).get("Item"))
        except StoreAway:
            return None

    def _call(self, operation: str, **parameters: Any) -> Any:
        once = {"mode": "standard", "total_max_attempts": 1}
        client = aws.client("dynamodb", connect_timeout=self._seconds, read_timeout=self._seconds, retries=once)
        try:
            return getattr(client, operation)(TableName=self.table, **parameters)
        except aws.BotoCoreError as error:
            raise StoreAway(type(error).__name__) from error
        except aws.ClientError as error:
            if aws.code_of(error) in _AWAY:
                raise StoreAway(aws.code_of(error)) from error
            raise


class Limits:
    """The limiter of one app."""

    def __init__(self, buckets: Buckets, mac: Mac, policies: Policies, *, budget_ms: int = 80) -> None:
        self._buckets, self._mac, self._policies = buckets, mac, policies
        self._budget_seconds = budget_ms / 1000
        self._seen: _Recent[Tats] = _Recent(REMEMBERED)
        self._fallback: _Recent[Tats] = _Recent(REMEMBERED)
        self._lock, self._latest = threading.Lock(), 0

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AuthSettings)
        buckets = Buckets(settings.ratelimit, settings.limit_budget_ms)
        policies = Policies(buckets.override, factor=settings.rate_factor if settings.is_local else 1)
        return cls(buckets, bindings.get(Mac), policies, budget_ms=settings.limit_budget_ms)

    def charge(self, policy: str, subject: str, *, cost: int = 1) -> Decision:
        """The decision when it was admitted. Raises a `LimitExceeded` otherwise. Costs what `decide` costs."""
        decision = self.decide(policy, subject, cost=cost)
        if not decision.allowed:
            raise decision.problem()
        return decision

    def decide(self, policy: str | Policy, subject: str, *, cost: int = 1) -> Decision:
        """Charge the subject's bucket. `subject` is `user:<id>`, `ip:<address>`, …; it is stored hashed.

        1 write, 2 when another process changed the bucket, 0 when it is known to be used up. Raises
        `Unavailable` when the table does not answer and the policy fails closed.
        """
        found = self._policies.get(policy, subject) if isinstance(policy, str) else policy
        now = self._now()
        charge = Charge(found.windows, cost, now, found.slack_micros)
        bucket = f"B#{self._mac.hash_lookup('limits', subject)}"
        decide = partial(Decision, found, bucket, charge)
        nothing: Tats = (None,) * len(found.windows)
        if found.mode == "off":
            return decide(nothing, True)
        try:
            tats, admitted, writes = self._ask(found, charge, bucket, nothing)
        except StoreAway as away:
            return self._without_store(found, charge, bucket, str(away))
        if not admitted and found.mode == "shadow":
            log.line("limit", kind=found.name, outcome="shadow-denied")
        return decide(tats, admitted or found.mode == "shadow", charged=admitted, writes=writes)

    def refund(self, decision: Decision) -> None:
        """Take a charge back, at most once for each decision: what it paid for was not had. 1 write.

        A refund that cannot be written is dropped: the bucket fills by itself.
        """
        if not decision.charged:
            return
        name, windows = decision.policy.name, len(decision.charge.windows)
        try:
            held, tats = self._buckets.charge(decision.bucket, name, decision.charge.refund(), windows)
        except StoreAway as away:
            log.line("limit", kind=name, outcome="refund-dropped", cause=str(away))
            return
        if held:
            self._seen.put(f"{decision.bucket}/{name}", tats)

    def _ask(self, policy: Policy, charge: Charge, bucket: str, nothing: Tats) -> tuple[Tats, bool, int]:
        """The times on the item, whether it was admitted, and the writes that took."""
        remembered, windows = f"{bucket}/{policy.name}", len(charge.windows)
        tats = self._seen.get(remembered) or nothing
        if len(tats) != windows:
            tats = nothing
        # Between refunds a `tat` only grows, so what is known to be used up cannot be less so by now.
        if not policy.refundable and charge.wait(tats) > 0:
            return tats, False, 0
        started = clock.monotonic()
        for writes in range(1, MAX_WRITES + 1):
            admitted, tats = self._buckets.charge(bucket, policy.name, charge.write(charge.busy(tats)), windows)
            self._seen.put(remembered, tats)
            if admitted or charge.wait(tats) > 0:
                return tats, admitted, writes
            if clock.monotonic() - started > self._budget_seconds:
                break
        raise StoreAway("contention")

    def _without_store(self, policy: Policy, charge: Charge, bucket: str, cause: str) -> Decision:
        log.line("limit", kind=policy.name, outcome="degraded", cause=cause)
        if policy.fail == "closed":
            raise Unavailable("Attempts cannot be counted right now. Try again in a moment.")
        remembered = f"{bucket}/{policy.name}"
        tats = self._fallback.get(remembered) or (None,) * len(charge.windows)
        allowed = charge.wait(tats) == 0
        if allowed:
            tats = charge.after(tats)
            self._fallback.put(remembered, tats)
        return Decision(policy, bucket, charge, tats, allowed or policy.mode == "shadow", degraded=True)

    def _now(self) -> int:
        """A clock that goes back is read as the latest time it has shown."""
        with self._lock:
            self._latest = max(self._latest, clock.micros())
            return self._latest


class _Recent(Generic[V]):
    """The entries used last."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, threading.Lock()
        self._entries: OrderedDict[str, V] = OrderedDict()

    def get(self, name: str) -> V | None:
        with self._lock:
            if name in self._entries:
                self._entries.move_to_end(name)
            return self._entries.get(name)

    def put(self, name: str, value: V) -> None:
        with self._lock:
            self._entries[name] = value
            self._entries.move_to_end(name)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
