"""Is it alive, is it ready, how is it doing. `/ready` and `/metrics` stand where probes and tools expect them."""

from typing import Annotated, Any

from fastapi import Request, Response

from tessera import auth, clock
from tessera.auth.principal import Principal
from tessera.auth.problems import CredentialsMissing, InsufficientScope
from tessera.entry import Router, bound, problems
from tessera.problems import Unavailable

from . import exposition, rules
from .actions import Watch
from .schemas import AliveOut, CapabilityOut, ReadyOut, StatusOut

router = Router(tags=["health"])

Anyone = Annotated[Principal, auth.public(limited=False)]
Visitor = Annotated[Principal, auth.public()]
Somebody = Annotated[Principal, auth.optional_user()]
Watching = Annotated[Watch, bound(Watch)]

READ = "health:read"
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The counters.",
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "application/openmetrics-text": {"schema": {"type": "string"}},
        },
    }
}


@router.get("/health", operation_id="get_alive")
async def alive(caller: Anyone, watch: Watching) -> AliveOut:
    """Is the stack alive? Nothing is read."""
    settings = watch.settings
    return AliveOut(version=settings.version, commit=settings.commit, started_at=watch.started_at)


@router.get("/health/live", operation_id="get_live")
async def live(caller: Anyone, watch: Watching) -> AliveOut:
    """The same as `GET /health`."""
    return await alive(caller, watch)


@router.get("/ready", operation_id="get_ready", responses=problems(Unavailable))
async def ready(caller: Somebody, watch: Watching) -> ReadyOut:
    """Can requests be answered? Says what was checked to those who hold `health:read`."""
    checks = watch.ready()
    shown = checks if watch.settings.is_local or caller.can(READ) else None
    if not all(checks.values()):
        raise Unavailable("Something that every request needs does not answer.", **({"checks": shown} if shown else {}))
    return ReadyOut(checks=shown)


@router.get("/health/ready", operation_id="get_readiness", responses=problems(Unavailable))
async def readiness(caller: Somebody, watch: Watching) -> ReadyOut:
    """The same as `GET /ready`."""
    return await ready(caller, watch)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=Response,
    responses={**_TEXT, **problems(CredentialsMissing, InsufficientScope)},
    openapi_extra={"x-scopes": [READ]},
)
async def metrics(request: Request, caller: Somebody, watch: Watching) -> Response:
    """Counters for Prometheus, or in OpenMetrics where the client names it. On a laptop anyone may read them."""
    if not watch.settings.is_local:
        if caller.kind == "anonymous":
            raise CredentialsMissing()
        caller.require(READ)
    openmetrics = exposition.wants_openmetrics(request.headers.get("accept", ""))
    text = exposition.exposed(
        watch.series(), version=watch.settings.version, commit=watch.settings.commit, openmetrics=openmetrics
    )
    return Response(text, media_type=exposition.OPENMETRICS if openmetrics else exposition.PROMETHEUS)


@router.get("/health/status", operation_id="get_status")
async def status(caller: Visitor, watch: Watching) -> StatusOut:
    """How each capability has answered in the last five minutes."""
    found = watch.capabilities(clock.now())
    return StatusOut(
        status=rules.worst(one.state for one in found),
        capabilities=[
            CapabilityOut(name=one.name, status=one.state, requests=one.recent.count, failed=one.recent.bad)
            for one in found
        ],
    )
