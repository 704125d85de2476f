"""What several routers need: callers, stores, and the shapes of answers."""

from enum import Enum
from typing import Annotated, Any, cast

from fastapi import Depends, Path, Request

from tessera import auth
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.decisions import Decision
from tessera.entry import bound
from tessera.entry.signing import Signing
from tessera.gcra import Window
from tessera.limits import Limits

from ..actions.checking import Asked
from ..actions.insight import Standing
from ..schemas import CheckIn, CheckOut, Key, LimitOut, Namespace, PolicyName, StandingOut, WindowIn
from ..store.buckets import BucketStore
from ..store.leases import LeaseStore
from ..store.policies import PolicyStore
from ..store.top import TopStore

PREFIX = "/ratelimit"
TAGS: list[str | Enum] = ["ratelimit"]

Checker = Annotated[Principal, auth.require("ratelimit:check")]
Reader = Annotated[Principal, auth.require("ratelimit:read")]
Manager = Annotated[Principal, auth.require("ratelimit:manage")]
Somebody = Annotated[Principal, auth.current_user()]
Anybody = Annotated[Principal, auth.optional_user()]
# Capabilities that use the limiter as a service. Each needs its line in `service-grants.json` and in the template.
Service = Annotated[Principal, auth.service("accounts")]

Limiter = Annotated[Limits, bound(Limits)]
Buckets = Annotated[BucketStore, bound(BucketStore)]
Leases = Annotated[LeaseStore, bound(LeaseStore)]
Policies = Annotated[PolicyStore, bound(PolicyStore)]
Top = Annotated[TopStore, bound(TopStore)]
Keys = Annotated[Signing, bound(Signing)]

InPath = Annotated[Namespace, Path()]
KeyInPath = Annotated[Key, Path()]
NameInPath = Annotated[PolicyName, Path()]


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Here = Annotated[Call, Depends(_call_of)]


def check_may_use(caller: Principal) -> None:
    """People use the limiter by an API key, which has limits of its own; staff may try it without.

    Raises `InsufficientScope`.
    """
    if caller.kind == "user" and not caller.can("ratelimit:manage"):
        raise InsufficientScope("ratelimit:check", detail="Use an API key that may do this.")


def owner_of(caller: Principal) -> str:
    """Whose subjects a caller means; what a service counts is apart from what anybody counts."""
    return f"service.{caller.id}" if caller.kind == "service" else caller.owner_id


def asked_of(body: CheckIn) -> Asked:
    given = body.policy
    window: Window | None = None
    if isinstance(given, WindowIn):
        window = window_of(given.limit, given.period_s, given.burst)
    elif body.limit is not None and body.period_s is not None:
        window = window_of(body.limit, body.period_s, body.burst)
    name = given if isinstance(given, str) else None
    return Asked(body.namespace, body.key, name, window, body.cost, body.dry_run)


def window_of(limit: int, period_s: int, burst: int | None) -> Window:
    return Window(limit, period_s, burst or limit)


def check_out(decision: Decision, *, known: bool = True) -> CheckOut:
    nearest = min(decision.charge.figures(decision.state), key=lambda figures: figures.left)
    return CheckOut(
        allowed=decision.allowed,
        limit=nearest.limit,
        remaining=nearest.left if known else 0,
        retry_after_ms=_up(decision.retry_after_micros) if known else 1_000,
        reset_after_ms=_up(decision.reset_after_micros),
        policy=decision.policy.name,
        degraded=decision.degraded,
    )


def standing_out(standing: Standing, *, sampled: bool = False) -> StandingOut:
    limits: list[Any] = [
        LimitOut(
            limit=figures.limit,
            period_s=figures.period_seconds,
            remaining=figures.left,
            reset_after_ms=_up(figures.full_in),
        )
        for _, figures in standing.figures
    ]
    return StandingOut(policy=standing.policy.name, mode=standing.policy.mode, sampled=sampled, limits=limits)


def _up(micros: int) -> int:
    return -(-micros // 1_000)
