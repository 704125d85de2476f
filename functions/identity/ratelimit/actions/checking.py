"""The limiter as a service: decide, take back."""

from collections.abc import Sequence
from dataclasses import dataclass

from tessera import clock
from tessera.decisions import Decision
from tessera.gcra import Window
from tessera.limits import Limits
from tessera.policies import Policy
from tessera.problems import FieldError, InvalidRequest, Unavailable
from tessera.tallies import Charge, CostTooHigh, Note

from ..rules import Subject, for_use, inline_name
from ..store.buckets import BucketStore


@dataclass(frozen=True)
class Asked:
    """One question: may this subject go on? By a policy of the product's, or by figures of the caller's own."""

    namespace: str
    key: str
    policy: str | None
    window: Window | None
    cost: int = 1
    dry_run: bool = False


@dataclass(frozen=True)
class Answer:
    """`known` is False where the limit could not be asked and its policy lets nobody pass unasked."""

    decision: Decision
    known: bool = True


@dataclass(frozen=True)
class _Ready:
    """A question that makes sense."""

    subject: Subject
    policy: Policy
    charge: Charge
    dry_run: bool
    note: Note | None


def check(limits: Limits, buckets: BucketStore, owner_id: str, asked: Asked) -> Decision:
    """1 write, sometimes 2; a dry run 1 read. Raises `InvalidRequest`, and `Unavailable` as its policy says."""
    return _decide(limits, buckets, _ready(limits, owner_id, asked, ""))


def check_all(limits: Limits, buckets: BucketStore, owner_id: str, asked: Sequence[Asked]) -> list[Answer]:
    """Each for itself, in their order. Nothing is charged unless all of them make sense."""
    ready = [_ready(limits, owner_id, one, f"/checks/{place}") for place, one in enumerate(asked)]
    return [_answer(limits, buckets, one) for one in ready]


def refund(limits: Limits, buckets: BucketStore, owner_id: str, asked: Asked) -> Decision:
    """Give the cost back, never beyond a full bucket. 1 write and 1 read. Raises `InvalidRequest`."""
    ready = _ready(limits, owner_id, asked, "")
    bucket = limits.bucket_of(ready.subject.name)
    limits.refund(Decision(ready.policy, bucket, ready.charge, {}, True, charged=True))
    state = buckets.state(bucket, ready.policy.kept_as)
    return Decision(ready.policy, bucket, ready.charge, state, True)


def _answer(limits: Limits, buckets: BucketStore, ready: _Ready) -> Answer:
    try:
        return Answer(_decide(limits, buckets, ready))
    except Unavailable:
        bucket = limits.bucket_of(ready.subject.name)
        return Answer(Decision(ready.policy, bucket, ready.charge, {}, False, degraded=True), known=False)


def _decide(limits: Limits, buckets: BucketStore, ready: _Ready) -> Decision:
    if not ready.dry_run:
        return limits.decide(ready.policy, ready.subject.name, cost=ready.charge.cost, note=ready.note)
    bucket = limits.bucket_of(ready.subject.name)
    state = buckets.state(bucket, ready.policy.kept_as)
    allowed = ready.policy.mode != "enforce" or ready.charge.wait(state) == 0
    return Decision(ready.policy, bucket, ready.charge, state, allowed)


def _ready(limits: Limits, owner_id: str, asked: Asked, where: str) -> _Ready:
    subject = for_use(owner_id, asked.namespace, asked.key)
    policy, note = _policy_of(limits, subject, asked, where)
    try:
        charge = Charge(policy.tallies, asked.cost, clock.micros())
    except CostTooHigh as refused:
        told = f"At most {refused.capacity} can ever be admitted at once."
        raise InvalidRequest(told, errors=[FieldError(f"{where}/cost", told)]) from None
    return _Ready(subject, policy, charge, asked.dry_run, note)


def _policy_of(limits: Limits, subject: Subject, asked: Asked, where: str) -> tuple[Policy, Note | None]:
    if asked.window is not None and asked.policy is None:
        window = asked.window
        # Nobody has defined these figures, so they stand on the bucket for who looks at it later.
        note = Note(sets={"l": window.limit, "b": window.burst})
        return Policy(inline_name(window.period_seconds), (window,)), note
    if asked.policy is None or asked.window is not None:
        told = "Name a policy, or give limit, period_s and burst; not both."
        raise InvalidRequest(told, errors=[FieldError(f"{where}/policy", told)])
    found = limits.policies.find(asked.policy, subject.name)
    if found is None:
        told = "There is no such policy."
        raise InvalidRequest(told, errors=[FieldError(f"{where}/policy", told)])
    return found, None
