"""The same for other capabilities, and the erasure of a person. By invocation only."""

from typing import Annotated

from fastapi import Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound

from ..actions import checking, leasing, resetting
from ..rules import LeasesExhausted
from ..schemas import (
    CheckBatchIn,
    CheckBatchOut,
    CheckIn,
    CheckOut,
    ErasedOut,
    EraseIn,
    LeaseIn,
    LeaseOut,
    RefundIn,
)
from .given import PREFIX, Buckets, Keys, Leases, Limiter, Service, asked_of, check_out, owner_of
from .leases import Lease, acquired

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)

Accounts = Annotated[Principal, auth.service("accounts")]


@router.post("/check", responses=problems(InvalidRequest))
async def check_for_service(body: CheckIn, caller: Service, limits: Limiter, buckets: Buckets) -> CheckOut:
    """May this subject go on?"""
    return check_out(checking.check(limits, buckets, owner_of(caller), asked_of(body)))


@router.post("/check-batch", responses=problems(InvalidRequest))
async def check_all_for_service(
    body: CheckBatchIn, caller: Service, limits: Limiter, buckets: Buckets
) -> CheckBatchOut:
    """Up to 25 questions, each decided for itself, the answers in their order."""
    answers = checking.check_all(limits, buckets, owner_of(caller), [asked_of(one) for one in body.checks])
    return CheckBatchOut(results=[check_out(answer.decision, known=answer.known) for answer in answers])


@router.post("/refund", responses=problems(InvalidRequest))
async def refund_for_service(body: RefundIn, caller: Service, limits: Limiter, buckets: Buckets) -> CheckOut:
    """Give a cost back."""
    return check_out(checking.refund(limits, buckets, owner_of(caller), asked_of(body)))


@router.post("/leases", status_code=201, responses=problems(InvalidRequest, IdempotencyMismatch, Gone, LeasesExhausted))
async def acquire_for_service(
    body: LeaseIn,
    response: Response,
    caller: Service,
    limits: Limiter,
    leases: Leases,
    keys: Keys,
    key: IdempotencyKey = None,
) -> LeaseOut:
    """Take one of `limit` places."""
    return acquired(body, response, caller, limits, leases, keys, key)


@router.delete("/leases/{lease_id}", status_code=204, responses=problems(NotFound))
async def release_for_service(lease_id: Lease, caller: Service, leases: Leases) -> None:
    """Give a place back."""
    leasing.release(leases, lease_id, owner_of(caller))


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, limits: Limiter, buckets: Buckets) -> ErasedOut:
    """Delete some of what is counted of a person. To be asked again until it answers done."""
    done, erased = resetting.erase(limits, buckets, body.owner_id)
    return ErasedOut(done=done, erased=erased)
