"""Publishing over HTTP: to what the hub itself appends to, once however often it is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.idempotency import IdempotencyMismatch, Intent
from tessera.namespaces import Namespace, UnknownTopic, may_append, namespace_of
from tessera.problems import Busy, FieldError, InvalidRequest, PayloadTooLarge, Problem
from tessera.seqlog import Appended, as_text, no_more
from tessera.transact import Step

from ..ports import Ports
from ..rules.access import PUBLISH
from ..rules.problems import TopicForbidden
from ..store.repeats import Repeated, noting
from .access import require
from .publish import RATE

ANY_TOPIC, OWN_TOPICS = "realtime:publish", "realtime:write"
LARGEST_BYTES = 96 * 1024
CAPABILITY = "realtime"


@dataclass(frozen=True)
class Wanted:
    """What is to be told. `intent_of` says how a repetition of the request is known, topic by topic."""

    data: JsonValue
    tags: Mapping[str, str] = field(default_factory=dict)
    intent_of: Callable[[str], Intent | None] = lambda topic: None


@dataclass(frozen=True)
class Placed:
    epoch: str
    offset: int
    replayed: bool = False


def publish(ports: Ports, topic: str, wanted: Wanted, *, by: Principal) -> Placed:
    """Append it and wake the delivery. 1 transaction, 1 message a shard; for who has no permission a write more.

    Raises `InvalidRequest`, `InsufficientScope`, `TopicForbidden`, `PayloadTooLarge`, `LimitExceeded`,
    `IdempotencyMismatch`, `LogContended`.
    """
    namespace = _namespace(ports, topic)
    if not may_append(CAPABILITY, topic):
        raise TopicForbidden(f"Only {namespace.owner} publishes to {namespace.name}:, by what is done there.")
    info = None if by.can(ANY_TOPIC) else _as_client(ports, topic, by)
    largest = min(LARGEST_BYTES, namespace.max_bytes)
    if len(as_text(wanted.data).encode()) > largest:
        raise PayloadTooLarge(f"An entry of {namespace.name}: may hold {largest:,} bytes.")
    intent = wanted.intent_of(topic)

    def note(made: Appended) -> Sequence[Step]:
        return [noting(ports.live.log.table, intent, made)] if intent is not None else ()

    try:
        made = ports.live.publish(topic, wanted.data, tags=wanted.tags, info=info, also=note if intent else no_more)
    except Repeated as repeated:
        return _again(repeated, intent)
    return Placed(made.epoch, made.last)


def broadcast(ports: Ports, topics: Sequence[str], wanted: Wanted, *, by: Principal) -> list[Placed | Problem]:
    """The same to each of these topics, in their order; one that is refused keeps none of the others from it."""
    return [_tried(ports, topic, wanted, by) for topic in topics]


def _tried(ports: Ports, topic: str, wanted: Wanted, by: Principal) -> Placed | Problem:
    try:
        return publish(ports, topic, wanted, by=by)
    except Problem as problem:
        return problem


def _namespace(ports: Ports, topic: str) -> Namespace:
    try:
        namespace = namespace_of(topic)
    except UnknownTopic:
        namespace = None
    if namespace is None or (namespace.readers == "users" and not ports.settings.open_demo):
        told = "There is no such topic."
        raise InvalidRequest("Look at /topic.", errors=[FieldError("/topic", told)])
    return namespace


def _as_client(ports: Ports, topic: str, by: Principal) -> dict[str, str]:
    """What is said of a user who publishes as clients do, where the topic lets them."""
    if not by.can(OWN_TOPICS):
        raise InsufficientScope(ANY_TOPIC)
    require(ports, by, topic, PUBLISH)
    decision = ports.limits.decide(RATE, f"live:{by.user_id}")
    if not decision.allowed:
        raise decision.problem()
    return {"user": by.user_id or ""}


def _again(repeated: Repeated, intent: Intent | None) -> Placed:
    row = repeated.row
    if row is None or intent is None:
        raise Busy()
    if row.made_by != intent.made_by:
        raise IdempotencyMismatch("Use a new key for a new publication.")
    return Placed(row.epoch, int(row.offset), replayed=True)
