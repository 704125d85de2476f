"""The Lambda handler of the sockets: one invocation for each frame, without a web framework.

Nothing is answered by what the handler returns: replies go the way of all pushes, so that order is in one hand.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from tessera import aws, log
from tessera import settings as shared
from tessera.auth import tickets
from tessera.auth.call import Call
from tessera.auth.feed import Feed
from tessera.auth.mac import Mac
from tessera.gcra import Window
from tessera.policies import Policy
from tessera.problems import Problem
from tessera.settings import Bindings
from tessera.tables import ConditionFailed

from . import identities
from .actions import connect, look, publish, rpc, session, subscribe, topic_tokens
from .actions.leave import cut, end
from .ports import Gone, Ports, Sockets, TooSlow
from .protocol.commands import LARGEST_FRAME, BadFrame, Command, parse
from .protocol.replies import Disconnect, Refused, frames
from .settings import RealtimeSettings
from .store.connections import Identity

OPENED = Policy("live:connect", (Window(30, 60, 30),), per_address=True)
READY_WITHIN_SECONDS = 15
MOST_BAD = 5
_OK, _REFUSED, _LIMITED = {"statusCode": 200}, {"statusCode": 403}, {"statusCode": 429}


def _pong(here: session.Session, command: Command) -> dict[str, Any]:
    here.ports.connections.heard(here.connection)
    return {}


def _nothing(here: session.Session, command: Command) -> dict[str, Any]:
    return {}


HANDLERS: dict[str, session.Handler] = {
    "connect": connect.connect,
    "refresh": connect.refresh,
    "subscribe": subscribe.subscribe,
    "unsubscribe": subscribe.unsubscribe,
    "publish": publish.publish,
    "presence": look.presence,
    "presence_stats": look.presence_stats,
    "history": look.history,
    "ping": _pong,
    "send": _nothing,
    "rpc": rpc.rpc,
    "sub_refresh": topic_tokens.refresh,
}


def handler_of(environment: Mapping[str, str]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    shared.refuse_stray_endpoint(environment)
    bindings = Bindings({"CAPABILITY": "realtime", **environment})

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return serve(event, bindings)

    return handle


def serve(event: dict[str, Any], bindings: Bindings) -> dict[str, Any]:
    """Take one event of the gateway. Nothing escapes: the emulator would hand its text to the client."""
    asked = event["requestContext"]
    kind, connection = str(asked["eventType"]), str(asked["connectionId"])
    began, outcome = time.perf_counter(), "done"
    with log.scope("realtime"), aws.metered() as meter:
        answer = _OK
        try:
            ports = _ports(asked, bindings)
            if kind == "CONNECT":
                answer = _open(ports, connection, event, bindings)
            elif kind == "DISCONNECT":
                end(ports, connection)
            else:
                _message(ports, connection, str(event.get("body") or ""), bindings)
        except (Gone, TooSlow):
            outcome = "gone"
        # What one frame does wrong must not end the process that answers the others.
        except Exception as error:  # noqa: BLE001
            outcome, answer = "failed", {"statusCode": 500}
            log.unexpected("socket", error)
        log.line(
            "socket",
            kind=kind.lower(),
            outcome=outcome if answer is not _REFUSED else "refused",
            duration_ms=round((time.perf_counter() - began) * 1000, 2),
            db_requests=meter.requests,
        )
    return answer


def _ports(asked: dict[str, Any], bindings: Bindings) -> Ports:
    """The frame says which API it came by; this function cannot be told, because the API is made of it."""

    def endpoint() -> Sockets:
        local = bindings.environment.get("AWS_ENDPOINT_URL", "")
        api, stage = asked.get("apiId", ""), asked.get("stage", "live")
        if local:
            return Sockets(f"{local}/_aws/execute-api/{api}/{stage}")
        region = bindings.environment.get("AWS_REGION", "")
        return Sockets(f"https://{api}.execute-api.{region}.amazonaws.com/{stage}")

    if not bindings.settings(RealtimeSettings).socket_endpoint:
        bindings.once(Sockets, endpoint)
    return bindings.get(Ports)


def _open(ports: Ports, connection: str, event: dict[str, Any], bindings: Bindings) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    call = identities.call_of(event, bindings)
    query = event.get("queryStringParameters") or {}
    if "access_token" in query or not _is_allowed_origin(headers.get("origin", ""), bindings):
        return _REFUSED
    if not ports.limits.decide(OPENED, f"ip:{call.client_ip}").allowed:
        return _LIMITED
    try:
        identity = _shown(call, headers, query, bindings)
    except (Refused, Disconnect, Problem, ConditionFailed):
        return _REFUSED
    ports.connections.open(connection, call.client_address, identity)
    ports.later("opened", {"connection": connection}, seconds=READY_WITHIN_SECONDS)
    return _OK


def _shown(call: Call, headers: dict[str, str], query: dict[str, str], bindings: Bindings) -> Identity | None:
    """Who it is, when that is said before the first command: by a ticket, a sub-protocol or a header."""
    if "ticket" in query:
        ticket = tickets.read(query["ticket"], bindings.get(Mac), bindings.get(Feed))
        bindings.get(Ports).connections.redeem(ticket.id, ticket.expires_at)
        return identities.of_principal(ticket.principal, None)
    offered = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",")]
    token = next((part.removeprefix(identities.BEARER) for part in offered if part.startswith(identities.BEARER)), "")
    token = token or headers.get("authorization", "").removeprefix("Bearer ")
    return identities.of_token(token, call.client_address, bindings) if token else None


def _message(ports: Ports, connection: str, frame: str, bindings: Bindings) -> None:
    row = ports.connections.get(connection)
    if row is None or row.state == "closing":
        return
    here = session.Session(ports, row, bindings)
    ends = 0
    try:
        if len(frame.encode()) > LARGEST_FRAME:
            raise Disconnect(3501)
        session.run(here, parse(frame), HANDLERS)
    except BadFrame:
        ends = 3013 if ports.connections.count_bad(row) >= MOST_BAD else 0
    except Disconnect as disconnect:
        ends = disconnect.code
    try:
        for answer in frames(here.replies):
            ports.sockets.post(connection, answer)
    except Gone:
        end(ports, connection)
        raise
    for do in here.after:
        do()
    if ends:
        cut(ports, connection, ends)


def _is_allowed_origin(origin: str, bindings: Bindings) -> bool:
    """A browser says where its page is from; other clients say nothing."""
    settings = bindings.settings(shared.Settings)
    allowed = [entry.strip() for entry in settings.web_origins.split(",")]
    return not origin or "*" in allowed or origin in allowed or origin == settings.public_base_url


handler = handler_of(os.environ) if os.environ.get("TABLE") else None
