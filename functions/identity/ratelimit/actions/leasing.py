"""At most so many at once: acquire, release, expire."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from math import ceil

from tessera import clock
from tessera.due import DueItem
from tessera.idempotency import Intent
from tessera.limits import Limits
from tessera.problems import NotFound

from ..rules import LeasesExhausted, Subject
from ..store.leases import Free, Full, Lease, LeaseStore

# Of a lease's id: the lease's own, then the bucket it belongs to.
SEPARATOR = "."


def acquire(
    limits: Limits, leases: LeaseStore, subject: Subject, *, limit: int, ttl: timedelta, intent: Intent
) -> tuple[Lease, int, bool]:
    """A lease, how many there are now, and whether an earlier request has made it. 2 requests.

    When all are taken, those whose time has run out are freed first, and then it is tried once more. Raises
    `LeasesExhausted`, and what `idempotency.create` raises.
    """
    hashed = _hashed(limits, subject)
    try:
        lease, replayed = leases.acquire(hashed, subject.owner_id, limit=limit, ttl=ttl, intent=intent)
    except Full:
        wait = _free_expired(leases, hashed)
        try:
            lease, replayed = leases.acquire(hashed, subject.owner_id, limit=limit, ttl=ttl, intent=intent)
        except Full:
            raise LeasesExhausted(wait) from None
    return Lease(f"{lease.id}{SEPARATOR}{hashed}", lease.expires_at), leases.count(hashed), replayed


def recorded(intent: Intent) -> Intent:
    """The intent of a request that may come again, also after its lease has ended: then it takes no other place.

    What says so cannot stand where the lease stood, or whoever finds no place would have to read all that ever was.
    """
    return replace(intent, record_key=intent.mark)


def release(leases: LeaseStore, lease_id: str, owner_id: str) -> None:
    """1 request. Raises `NotFound`, also for what has expired and for another's."""
    own, _, hashed = lease_id.partition(SEPARATOR)
    try:
        leases.release(hashed, own, owner_id)
    except Free:
        raise NotFound("There is no such lease; perhaps its time has run out.") from None


def expire(leases: LeaseStore, item: DueItem) -> None:
    """The lease is due: whoever had it has not given it back."""
    with suppress(Free):
        leases.expire(item.pk, item.sk, item.due_pk)


def _free_expired(leases: LeaseStore, hashed: str) -> int:
    """Free what has run out, and say in how many seconds the next one does, at least 1."""
    now, found = clock.now(), leases.all(hashed)
    for lease in found:
        if lease.expires_at <= now:
            with suppress(Free):
                leases.end(hashed, lease.id)
    waits = [(lease.expires_at - now).total_seconds() for lease in found if lease.expires_at > now]
    return max(1, ceil(min(waits, default=1)))


def _hashed(limits: Limits, subject: Subject) -> str:
    return limits.bucket_of(subject.name).removeprefix("B#")
