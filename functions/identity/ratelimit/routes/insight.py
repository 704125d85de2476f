"""One's own limits, and who is limited most."""

from typing import Annotated

from fastapi import Query

from tessera import clock
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest

from ..actions import insight
from ..schemas import LimitedOut, MeOut, TopOut, TopParams
from ..store.top import hour_of
from .given import PREFIX, TAGS, Anybody, Buckets, Here, Limiter, Reader, Top, standing_out

router = Router(prefix=PREFIX, tags=TAGS)


@router.get("/me")
async def get_own_limits(caller: Anybody, call: Here, limits: Limiter, buckets: Buckets) -> MeOut:
    """The policies that you meet, and what is left of each."""
    found = insight.of_caller(limits, buckets, caller, call)
    shown = [standing_out(one, sampled=one.policy.name.endswith(":read") and not one.policy.exact) for one in found]
    return MeOut(plan=caller.plan, policies=shown)


@router.get("/top", responses=problems(InvalidRequest))
async def list_most_limited(asked: Annotated[TopParams, Query()], caller: Reader, top: Top) -> TopOut:
    """Who was refused in most minutes of an hour, of one policy or of all. Subjects are hashes, as in their buckets."""
    hour = asked.hour or hour_of(clock.now())
    items = [LimitedOut.model_validate(one) for one in top.most(hour, asked.policy, asked.limit)]
    return TopOut(hour=hour, items=items)
