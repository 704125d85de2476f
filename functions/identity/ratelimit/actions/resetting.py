"""Letting a subject begin anew, and forgetting a person."""

from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.limits import Limits
from tessera.problems import NotFound
from tessera.transact import telling, transact

from ..events import DataErased
from ..rules import Subject
from ..store.buckets import BucketStore


def reset(limits: Limits, buckets: BucketStore, subject: Subject, *, by: Principal, call: Call) -> None:
    """1 request, and 1 write a bucket. The trail names the subject by its hash. Raises `NotFound`."""
    bucket = limits.bucket_of(subject.name)
    hashed = bucket.removeprefix("B#")
    states = buckets.states(bucket)
    if not states:
        raise NotFound("Nothing is counted of this subject.")
    entry = audit(
        "ratelimit.bucket-reset",
        f"subject:{hashed}",
        by=by,
        call=call,
        namespace=subject.namespace,
        buckets=len(states),
    )
    # First, and not in one transaction, with which every request of the subject would collide.
    transact(telling(buckets, entry))
    buckets.reset(bucket, states)
    limits.forget(bucket, list(states))


def erase(limits: Limits, buckets: BucketStore, owner_id: str) -> tuple[bool, int]:
    """Delete what is counted of a person: whether that was all, and how many items. To be asked until done.

    Subjects that they have counted themselves stand here only as hashes, and go when their buckets are full.
    """
    done, erased = buckets.erase(limits.bucket_of(f"user:{owner_id}"))
    if done:
        transact(telling(buckets, DataErased(owner_id=owner_id, capability="ratelimit")))
    return done, erased
