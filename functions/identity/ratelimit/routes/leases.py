"""At most so many at once."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Response

from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey
from tessera.entry.signing import Signing
from tessera.idempotency import IdempotencyMismatch
from tessera.limits import Limits
from tessera.problems import Gone, InvalidRequest, NotFound

from ..actions import leasing
from ..rules import LeasesExhausted, for_use
from ..schemas import LeaseId, LeaseIn, LeaseOut
from ..store.leases import LeaseStore
from .given import PREFIX, TAGS, Checker, Keys, Leases, Limiter, check_may_use, owner_of

router = Router(prefix=f"{PREFIX}/leases", tags=TAGS)
Lease = Annotated[LeaseId, Path()]


@router.post("", status_code=201, responses=problems(InvalidRequest, IdempotencyMismatch, Gone, LeasesExhausted))
async def acquire_lease(
    body: LeaseIn,
    response: Response,
    caller: Checker,
    limits: Limiter,
    leases: Leases,
    keys: Keys,
    key: IdempotencyKey = None,
) -> LeaseOut:
    """Take one of `limit` places for at most `ttl_s` seconds."""
    check_may_use(caller)
    return acquired(body, response, caller, limits, leases, keys, key)


@router.delete("/{lease_id}", status_code=204, responses=problems(NotFound))
async def release_lease(lease_id: Lease, caller: Checker, leases: Leases) -> None:
    """Give a place back."""
    check_may_use(caller)
    leasing.release(leases, lease_id, owner_of(caller))


def acquired(
    body: LeaseIn,
    response: Response,
    caller: Principal,
    limits: Limits,
    leases: LeaseStore,
    keys: Signing,
    key: str | None,
) -> LeaseOut:
    subject = for_use(owner_of(caller), body.namespace, body.key)
    intent = keys.intent(key, caller, "POST /ratelimit/leases", body)
    lease, in_use, replayed = leasing.acquire(
        limits,
        leases,
        subject,
        limit=body.limit,
        ttl=timedelta(seconds=body.ttl_s),
        intent=intent if key is None else leasing.recorded(intent),
    )
    response.headers["Location"] = f"{PREFIX}/leases/{lease.id}"
    if replayed:
        response.headers["Idempotent-Replay"] = "true"
    return LeaseOut(id=lease.id, expires_at=lease.expires_at, in_use=in_use, limit=body.limit)
