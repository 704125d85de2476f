"""Tokens by which somebody listens to one topic without a grant: made here, shown by a socket."""

from datetime import datetime
from typing import Any

from tessera import clock
from tessera.auth import subscription_tokens
from tessera.auth.feed import Feed
from tessera.auth.keyring import KeyRing
from tessera.auth.problems import TokenExpired
from tessera.auth.subscription_tokens import Subscription
from tessera.namespaces import UnknownTopic, namespace_of
from tessera.problems import NotFound, Problem, Unavailable
from tessera.settings import Settings
from tessera.tables import ConditionFailed

from ..ports import Ports
from ..protocol.commands import Command
from ..protocol.replies import Refused
from ..rules.problems import TopicForbidden, UserNotActive
from .session import Session


def mint(ports: Ports, topic: str, user: str, *, seconds: int) -> tuple[str, datetime]:
    """A token, and when it ends. 1 internal call.

    Raises `NotFound`, `TopicForbidden`, `UserNotActive`, `Unavailable`.
    """
    try:
        namespace = namespace_of(topic)
    except UnknownTopic:
        raise NotFound("There is no such topic.") from None
    if namespace.readers == "own":
        raise TopicForbidden("What is somebody's own is heard by them alone.")
    asked = {"user_id": user, "topic": topic, "expires_in": seconds}
    answer = ports.internal.call("accounts", "POST", "/accounts/internal/subscriptions", json=asked)
    if answer.status == 404:
        raise NotFound("There is no such user.")
    if answer.status == 409:
        raise UserNotActive("A token is made for who may sign in.")
    if not answer.ok:
        raise Unavailable("Accounts do not answer right now.")
    said = answer.json()
    return str(said["token"]), clock.from_millis(int(said["expires_at"]) * 1_000)


def shown(session: Session, command: Command) -> Subscription | None:
    """What the token of a command lets this connection listen to; None without one. No request while keys are fresh.

    Raises `Refused`: 109 when a new one would do, 103 for one that is not good here, 100 when nobody can say.
    """
    token = command.text("token")
    if not token:
        return None
    bindings = session.bindings
    try:
        found = subscription_tokens.read(
            token,
            bindings.get(KeyRing),
            bindings.get(Feed),
            issuer=bindings.settings(Settings).issuer,
            now=clock.now().timestamp(),
        )
    except TokenExpired:
        raise Refused(109) from None
    except Problem as problem:
        raise Refused(100 if problem.status == 503 else 103) from None
    if (found.user_id, found.topic) != (session.user, command.text("channel")):
        raise Refused(103)
    return found


def refresh(session: Session, command: Command) -> dict[str, Any]:
    """A new token for a subscription. What was subscribed to without one needs none. Raises `Refused`."""
    topic, told = command.text("channel"), shown(session, command)
    held = next((row for row in session.ports.listeners.of_connection(session.connection) if row.topic == topic), None)
    if held is None:
        raise Refused(103)
    if held.expires_at is None:
        return {"expires": False}
    if told is None:
        raise Refused(107)
    try:
        session.ports.listeners.extend(held, told.expires_at)
    except ConditionFailed:
        raise Refused(103) from None
    return life(told)


def life(told: Subscription) -> dict[str, Any]:
    return {"expires": True, "ttl": max(1, told.expires_at - int(clock.now().timestamp()))}
