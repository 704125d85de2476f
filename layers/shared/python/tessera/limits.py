"""Rate limits: one decision is one conditional write, never a read.

`Limits.charge` raises `RateLimited`; `Limits.decide` only says; `Limits.sample` charges one read in ten. What a process
has seen of a bucket it remembers, which picks the right shape of the write (see `gcra`) and refuses for nothing what
the bucket cannot admit yet.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from tessera import clock, log
from tessera.auth.mac import Mac
from tessera.auth.settings import AuthSettings
from tessera.buckets import Buckets, StoreAway
from tessera.decisions import SAMPLE, Decision, SubjectLimited
from tessera.leases import Leases
from tessera.overrides import Policies
from tessera.policies import Policy
from tessera.problems import Unavailable
from tessera.recent import Recent
from tessera.sampling import Sampler
from tessera.settings import Bindings
from tessera.tallies import MICROS, Charge, Note, State

MAX_WRITES = 3
REMEMBERED = 10_000
# A refusal is believed from memory until the bucket may admit again, but no longer than this: by then somebody may
# have reset the bucket or given something back.
BELIEVED_MICROS = 10 * MICROS


class Limits:
    """The limiter of one app."""

    def __init__(self, buckets: Buckets, mac: Mac, policies: Policies, *, budget_ms: int = 80, stack: str = "") -> None:
        self.policies = policies
        self._buckets, self._mac, self._stack = buckets, mac, stack
        self._budget_seconds = budget_ms / 1000
        self._seen: Recent[tuple[State, int]] = Recent(REMEMBERED)
        self._fallback: Recent[State] = Recent(REMEMBERED)
        self._told: Recent[int] = Recent(REMEMBERED)
        self._leases, self._sampler = Leases(), Sampler()
        self._lock, self._latest = threading.Lock(), 0

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AuthSettings)
        buckets = Buckets(settings.ratelimit, settings.limit_budget_ms)
        policies = Policies(buckets.override, factor=settings.rate_factor if settings.is_local else 1)
        return cls(buckets, bindings.get(Mac), policies, budget_ms=settings.limit_budget_ms, stack=settings.stack)

    @property
    def table(self) -> str:
        """The table in which the buckets are."""
        return self._buckets.table

    def bucket_of(self, subject: str) -> str:
        """The partition in which a subject's buckets are, one item a policy."""
        return f"B#{self._mac.hash_lookup('limits', subject)}"

    def charge(self, policy: str, subject: str, *, cost: int = 1) -> Decision:
        """The decision when it was admitted. Raises a `LimitExceeded` otherwise. Costs what `decide` costs."""
        decision = self.decide(policy, subject, cost=cost)
        if not decision.allowed:
            raise decision.problem()
        return decision

    def decide(self, policy: str | Policy, subject: str, *, cost: int = 1, note: Note | None = None) -> Decision:
        """Charge the subject's bucket. `subject` is `user:<id>`, `ip:<address>`, …; it is stored hashed.

        1 write, 2 when another process changed the bucket, 0 when it is known to be used up or units are leased; and
        1 more for the event of a subject's first refusal in a minute. `note` goes along in the same write when it is
        admitted. Raises `Unavailable` when the table does not answer and the policy fails closed, and `CostTooHigh`.
        """
        found = self.policies.get(policy, subject) if isinstance(policy, str) else policy
        return self._decide(found, subject, self.bucket_of(subject), cost, note)

    def sample(self, policy: str | Policy, subject: str, *, request_id: str, cost: int = 1) -> Decision:
        """As `decide`, for a read: charged for one in ten at ten times the cost, unless the policy is exact.

        0.1 writes on average. An address that reads much is counted read by read.
        """
        found = self.policies.get(policy, subject) if isinstance(policy, str) else policy
        bucket, whole = self.bucket_of(subject), SAMPLE * cost
        name, now = f"{bucket}/{found.kept_as}", self._now()
        is_busy = found.per_address and self._sampler.is_busy(name, found.windows[0], now)
        if is_busy or found.exact or found.quota or found.mode == "off" or whole > found.capacity:
            return self._decide(found, subject, bucket, cost, None)
        if self._sampler.skips(name, request_id):
            return Decision(found, bucket, Charge(found.tallies, cost, now), self._last(name)[0], True, sampled=True)
        decision = self._decide(found, subject, bucket, whole, None)
        self._sampler.settle(name, allowed=decision.allowed)
        return replace(decision, sampled=True)

    def refund(self, decision: Decision) -> None:
        """Take a charge back, at most once for each decision: what it paid for was not had. 1 write.

        A refund that cannot be written is dropped: the bucket fills by itself.
        """
        name = decision.policy.kept_as
        remembered = f"{decision.bucket}/{name}"
        if not decision.charged:
            return
        if decision.leased and self._leases.give_back(remembered, decision.charge.cost, self._now()):
            return
        try:
            held, state = self._buckets.charge(decision.bucket, name, decision.charge.refund())
        except StoreAway as away:
            log.line("limit", kind=name, outcome="refund-dropped", cause=str(away))
            return
        if held:
            self._seen.put(remembered, ({**self._last(remembered)[0], **state}, self._now()))

    def forget(self, bucket: str, names: Sequence[str]) -> None:
        """Unlearn what this process has seen of these items, because somebody has set them back."""
        for name in names:
            for known in (self._seen, self._fallback, self._leases, self._sampler):
                known.drop(f"{bucket}/{name}")

    def _decide(self, policy: Policy, subject: str, bucket: str, cost: int, note: Note | None) -> Decision:
        charge = Charge(policy.tallies, cost, self._now())
        if policy.mode == "off":
            return Decision(policy, bucket, charge, {}, True)
        try:
            # What a note counts must be counted with each request.
            is_leased = policy.units > 1 and not (note and note.adds)
            decide = self._leased if is_leased else self._written
            decision = decide(policy, bucket, charge, note)
        except StoreAway as away:
            return self._without_store(policy, bucket, charge, str(away))
        if not decision.charged:
            self._tell(decision, subject)
        return decision

    def _leased(self, policy: Policy, bucket: str, charge: Charge, note: Note | None) -> Decision:
        """From units in hand, or by a write that takes some."""
        remembered = f"{bucket}/{policy.kept_as}"
        held = self._leases.take(remembered, charge.cost, charge.now)
        if held is not None:
            return Decision(policy, bucket, charge, held, True, charged=True, leased=True)
        units = max(charge.cost, policy.units)
        decision = self._written(policy, bucket, replace(charge, cost=units), note)
        rest = charge.left(decision.state)
        pause = self._leases.pause(remembered, charge.now)
        if not decision.charged and (pause or rest < charge.cost):
            return replace(decision, charge=charge, held_micros=pause)
        if not decision.charged and rest < units:
            self._leases.paused(remembered, charge.now)
            units, before = rest, decision.writes
            decision = self._written(policy, bucket, replace(charge, cost=units), note)
            decision = replace(decision, writes=decision.writes + before)
        if decision.charged:
            self._leases.put(remembered, decision.state, units - charge.cost, charge.now)
        return replace(decision, charge=charge, leased=True)

    def _written(self, policy: Policy, bucket: str, charge: Charge, note: Note | None) -> Decision:
        """By up to three writes. Raises `StoreAway`."""
        remembered, is_shadow = f"{bucket}/{policy.kept_as}", policy.mode == "shadow"
        state, seen_at = self._last(remembered)
        # Between refunds a bucket only fills by time, so what is known to be used up cannot be less so by now.
        if not policy.refundable and charge.wait(state) > 0 and charge.now - seen_at < BELIEVED_MICROS:
            return Decision(policy, bucket, charge, state, is_shadow)
        started = clock.monotonic()
        for writes in range(1, MAX_WRITES + 1):
            update = charge.update(state, version=policy.version, note=note)
            admitted, found = self._buckets.charge(bucket, policy.kept_as, update)
            # What the write has left alone is as its condition said.
            state = {name: found.get(name, value) for name, value in charge.after(state).items()} if admitted else found
            self._seen.put(remembered, (state, charge.now))
            if admitted or charge.wait(state) > 0:
                if is_shadow and not admitted:
                    log.line("limit", kind=policy.name, outcome="shadow-denied")
                return Decision(policy, bucket, charge, state, admitted or is_shadow, charged=admitted, writes=writes)
            if clock.monotonic() - started > self._budget_seconds:
                break
        raise StoreAway("contention")

    def _without_store(self, policy: Policy, bucket: str, charge: Charge, cause: str) -> Decision:
        """By what this process alone has let pass, or not at all."""
        log.line("limit", kind=policy.name, outcome="degraded", cause=cause, **self._metric("limiter_degraded"))
        if policy.fail == "closed":
            raise Unavailable("Attempts cannot be counted right now. Try again in a moment.")
        remembered = f"{bucket}/{policy.kept_as}"
        state = self._fallback.get(remembered) or {}
        allowed = charge.wait(state) == 0
        if allowed:
            state = charge.after(state)
            self._fallback.put(remembered, state)
        passes = allowed or policy.priority or policy.mode == "shadow"
        return Decision(policy, bucket, charge, state, passes, degraded=True)

    def _tell(self, decision: Decision, subject: str) -> None:
        """Leave an event of the subject's first refusal in this minute, for who watches."""
        name, minute = decision.policy.kept_as, decision.charge.now // (60 * MICROS)
        remembered = f"{decision.bucket}/{name}"
        if self._told.get(remembered) == minute:
            return
        self._told.put(remembered, minute)
        kind, hashed = subject.partition(":")[0], decision.bucket.removeprefix("B#")
        event = SubjectLimited(decision.policy.name, kind, hashed, minute, decision.policy.mode)
        try:
            self._buckets.tell(decision.bucket, name, minute, event)
        except StoreAway as away:
            log.line("limit", kind=name, outcome="not-told", cause=str(away))

    def _last(self, remembered: str) -> tuple[State, int]:
        return self._seen.get(remembered) or ({}, 0)

    def _metric(self, name: str) -> dict[str, Any]:
        """Fields of a log line that CloudWatch counts by itself."""
        return log.metric(name, stack=self._stack)

    def _now(self) -> int:
        """A clock that goes back is read as the latest time it has shown."""
        with self._lock:
            self._latest = max(self._latest, clock.micros())
            return self._latest
