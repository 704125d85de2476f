"""Sending, what has become of it, and who subscribes to topics."""

from typing import Annotated, Any

from fastapi import Path, Response

from tessera import clock
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound

from ..actions import send
from ..rules.problems import BatchSent, DataInvalid, UnknownType
from ..staff_schemas import AcceptedOut, BatchOut, SendIn, SubscribersIn, Topic
from ..store.rows import BatchRow
from .given import PREFIX, TAGS, Bound, Keys, Sender

router = Router(prefix=PREFIX, tags=TAGS)


@router.post(
    "/send",
    status_code=202,
    responses=problems(InvalidRequest, UnknownType, DataInvalid, IdempotencyMismatch, Gone),
)
async def send_notification(
    body: SendIn, response: Response, caller: Sender, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> AcceptedOut:
    """Tell up to 500 users, or a topic, by the channels that each of them wants."""
    intent = keys.intent(key, caller, "POST /notifications/send", body)
    wanted = send.Wanted(
        type=body.type,
        users=body.recipients or (),
        topic=body.topic or "",
        data=body.data,
        channels=body.channels,
        priority=body.priority,
        send_at=body.send_at,
        expires_at=body.expires_at,
        dedupe_key=body.dedupe_key or "",
        actor_id=body.actor_id or "",
    )
    row, replayed = send.send(ports, wanted, intent, by=caller.owner_id)
    response.headers["Location"] = f"{PREFIX}/batches/{row.id}"
    if replayed:
        response.headers["Idempotent-Replay"] = "true"
    return AcceptedOut(batch_id=row.id, accepted=int(row.recipients))


@router.get("/batches/{batch_id:ulid}", responses=problems(NotFound))
async def get_batch(batch_id: str, caller: Sender, ports: Bound) -> BatchOut:
    """What was sent and what has become of it."""
    row, counts = send.standing(ports, batch_id)
    _check_own(caller, row)
    return _out(row, counts)


@router.delete("/batches/{batch_id:ulid}", responses=problems(NotFound, BatchSent))
async def cancel_batch(batch_id: str, caller: Sender, ports: Bound) -> BatchOut:
    """Let nothing more of it leave."""
    row, _ = send.standing(ports, batch_id)
    _check_own(caller, row)
    return _out(*send.cancel(ports, batch_id))


@router.post("/topics/{topic}/subscribers", status_code=204, responses=problems(InvalidRequest))
async def add_subscribers(body: SubscribersIn, topic: Annotated[Topic, Path()], caller: Sender, ports: Bound) -> None:
    """Have users told what is sent to a topic."""
    ports.store.topics.add(topic, body.user_ids)


@router.post("/topics/{topic}/subscribers/remove", status_code=204, responses=problems(InvalidRequest))
async def remove_subscribers(
    body: SubscribersIn, topic: Annotated[Topic, Path()], caller: Sender, ports: Bound
) -> None:
    """Have users told no more what is sent to a topic."""
    ports.store.topics.remove(topic, body.user_ids)


def _check_own(caller: Principal, row: BatchRow) -> None:
    """Raises `NotFound` for what somebody else has sent."""
    if row.asked_by != caller.owner_id and not caller.can("notifications:manage"):
        raise NotFound("There is no such batch.")


def _out(row: BatchRow, counts: dict[str, int]) -> BatchOut:
    channels: dict[str, dict[str, int]] = {}
    skipped: dict[str, int] = {}
    for name, count in counts.items():
        first, _, rest = name.partition("_")
        if first == "skip":
            skipped[rest.replace("_", "-")] = count
        else:
            channels.setdefault(first, {})[rest] = count
    made: dict[str, Any] = {
        "id": row.id,
        "type": row.type,
        "state": _state(row),
        "priority": row.priority,
        "recipients": int(row.recipients),
        "created_at": row.created_at,
        "send_at": row.send_at,
        "channels": channels,
        "skipped": skipped,
    }
    return BatchOut.model_validate(made)


def _state(row: BatchRow) -> str:
    if row.cancelled:
        return "cancelled"
    if row.send_at > clock.rfc3339(clock.now()):
        return "scheduled"
    return "done" if row.is_expanded else "running"
