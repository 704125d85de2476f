"""The limiter as a service: may this go on, and taking it back."""

from typing import Annotated

from fastapi import Query

from tessera.auth.problems import AttemptsExhausted, QuotaExceeded, RateLimited
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, Unavailable

from ..actions import checking
from ..schemas import CheckBatchIn, CheckBatchOut, CheckIn, CheckOut, CheckParams, RefundIn
from .given import PREFIX, TAGS, Buckets, Checker, Limiter, asked_of, check_may_use, check_out, owner_of

router = Router(prefix=PREFIX, tags=TAGS)

Asking = Annotated[CheckParams, Query()]


@router.post("/check", responses=problems(InvalidRequest, RateLimited, QuotaExceeded, AttemptsExhausted, Unavailable))
async def check_limit(body: CheckIn, asked: Asking, caller: Checker, limits: Limiter, buckets: Buckets) -> CheckOut:
    """May this subject go on? With `?status=true` a refusal is a 429."""
    check_may_use(caller)
    decision = checking.check(limits, buckets, owner_of(caller), asked_of(body))
    if asked.status and not decision.allowed:
        raise decision.problem()
    return check_out(decision)


@router.post("/check-batch", responses=problems(InvalidRequest))
async def check_limits(body: CheckBatchIn, caller: Checker, limits: Limiter, buckets: Buckets) -> CheckBatchOut:
    """Up to 25 questions, each decided for itself, the answers in their order."""
    check_may_use(caller)
    answers = checking.check_all(limits, buckets, owner_of(caller), [asked_of(one) for one in body.checks])
    return CheckBatchOut(results=[check_out(answer.decision, known=answer.known) for answer in answers])


@router.post("/refund", responses=problems(InvalidRequest))
async def refund_cost(body: RefundIn, caller: Checker, limits: Limiter, buckets: Buckets) -> CheckOut:
    """Give a cost back because what it paid for was not had; never beyond a full bucket."""
    check_may_use(caller)
    return check_out(checking.refund(limits, buckets, owner_of(caller), asked_of(body)))
