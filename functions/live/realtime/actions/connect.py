"""The first command of a connection, and a new token for an old one."""

import uuid
from typing import Any

from tessera import clock
from tessera.live import user_topic
from tessera.tables import ConditionFailed

from .. import identities
from ..protocol.commands import Command
from ..protocol.replies import Disconnect, Refused
from ..rules.pings import rounds_of
from ..store.connections import Identity
from .leave import look_whether_online_later
from .session import Session
from .subscribe import subscribe_to

VERSION = "tessera"


def connect(session: Session, command: Command) -> dict[str, Any]:
    """Say who it is and begin. Raises `Refused` and `Disconnect`."""
    ports, identity = session.ports, _identity(session, command)
    if identity.expires_at is not None and identity.expires_at <= clock.now().timestamp():
        raise Refused(109)
    at_most = ports.settings.connections_per_user
    if identity.user and len(ports.connections.of_user(identity.user, at_most=at_most)) >= at_most:
        raise Disconnect(3504)
    client = str(uuid.uuid4())
    try:
        session.row = ports.connections.make_ready(
            session.row, client, identity, rounds_of(ports.settings.ping_seconds)
        )
    except ConditionFailed:
        raise Disconnect(3501) from None
    session.row.user = identity.user or None
    reply: dict[str, Any] = {"client": client, "version": VERSION, "session": client, "node": "tessera"}
    reply |= {"ping": ports.settings.ping_seconds, "pong": True, **_life(identity)}
    if identity.user:
        topic = user_topic(identity.user)
        asked = command.body.get("subs")
        wanted = asked.get(topic) if isinstance(asked, dict) else None
        recovering = Command(0, "subscribe", wanted if isinstance(wanted, dict) else {})
        reply["subs"] = {topic: subscribe_to(session, topic, recovering, own=True)}
        user = identity.user
        session.after.append(lambda: look_whether_online_later(ports, user))
    return reply


def refresh(session: Session, command: Command) -> dict[str, Any]:
    """A new token for the same user. Raises `Refused` and `Disconnect`."""
    identity = identities.of_token(command.text("token"), session.row.address or "", session.bindings)
    if identity.user != session.user:
        raise Disconnect(3500)
    try:
        session.ports.connections.extend(session.connection, identity)
    except ConditionFailed:
        raise Disconnect(3501) from None
    return {"client": session.client, "version": VERSION, **_life(identity)}


def _identity(session: Session, command: Command) -> Identity:
    token = command.text("token")
    if token:
        return identities.of_token(token, session.row.address or "", session.bindings)
    row = session.row
    if row.principal:
        expires_at = None if row.expires_at is None else int(row.expires_at)
        return Identity(row.user or "", row.session or "", row.principal, expires_at)
    if not session.ports.settings.anonymous:
        raise Disconnect(3500)
    return identities.NOBODY


def _life(identity: Identity) -> dict[str, Any]:
    if identity.expires_at is None:
        return {"expires": False}
    return {"expires": True, "ttl": max(1, identity.expires_at - int(clock.now().timestamp()))}
