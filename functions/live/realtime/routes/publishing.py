"""Publishing over HTTP."""

from collections.abc import Callable

from fastapi import Response

from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope, RateLimited
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey
from tessera.entry.signing import Signing
from tessera.idempotency import IdempotencyMismatch, Intent
from tessera.problems import FieldError, InvalidRequest, PayloadTooLarge, Problem
from tessera.seqlog import LogContended

from ..actions import publishing
from ..actions.publishing import Placed, Wanted
from ..rules.problems import TopicForbidden
from ..schemas import BroadcastIn, BroadcastOut, PlacedOut, ProblemOut, PublishIn, TopicPlacedOut
from .given import PREFIX, TAGS, Hub, Keys, Publisher, User

router = Router(prefix=PREFIX, tags=TAGS)


@router.post(
    "/publish",
    responses=problems(
        InvalidRequest,
        InsufficientScope,
        TopicForbidden,
        PayloadTooLarge,
        IdempotencyMismatch,
        RateLimited,
        LogContended,
    ),
)
async def publish(
    body: PublishIn, response: Response, caller: User, hub: Hub, keys: Keys, key: IdempotencyKey = None
) -> PlacedOut:
    """Tell everybody who listens to a topic. Answered once it cannot be lost; told once, however often it is asked."""
    wanted = Wanted(body.data, body.tags, _intents(keys, caller, "POST /realtime/publish", body, key))
    placed = publishing.publish(hub, body.topic, wanted, by=caller)
    if placed.replayed:
        response.headers["Idempotent-Replay"] = "true"
    return PlacedOut(epoch=placed.epoch, offset=placed.offset)


@router.post("/broadcast", responses=problems(InvalidRequest))
async def broadcast(
    body: BroadcastIn, caller: Publisher, hub: Hub, keys: Keys, key: IdempotencyKey = None
) -> BroadcastOut:
    """Tell the same to several topics. Each has its own result; what one is refused for keeps no other from it."""
    wanted = Wanted(body.data, body.tags, _intents(keys, caller, "POST /realtime/broadcast", body, key))
    made = publishing.broadcast(hub, body.topics, wanted, by=caller)
    return BroadcastOut(results=[_result(topic, one) for topic, one in zip(body.topics, made, strict=True)])


def _intents(
    keys: Signing, caller: Principal, route: str, body: PublishIn | BroadcastIn, header: str | None
) -> Callable[[str], Intent | None]:
    """How a repetition is known, topic by topic. Raises `InvalidRequest` for two keys that are not one."""
    if header is not None and body.idempotency_key not in (None, header):
        told = "It is another than that of the header Idempotency-Key."
        raise InvalidRequest("Look at /idempotency_key.", errors=[FieldError("/idempotency_key", told)])
    key = header or body.idempotency_key
    if key is None:
        return lambda topic: None
    # Where the key stood is no part of what was asked.
    plain = body.model_copy(update={"idempotency_key": None})
    return lambda topic: keys.intent(key, caller, f"{route} {topic}", plain)


def _result(topic: str, made: Placed | Problem) -> TopicPlacedOut:
    if isinstance(made, Placed):
        return TopicPlacedOut(topic=topic, placed=PlacedOut(epoch=made.epoch, offset=made.offset))
    problem = ProblemOut(
        type=f"/problems/{made.slug}", title=made.title, status=made.status, detail=made.detail or made.title
    )
    return TopicPlacedOut(topic=topic, problem=problem)
