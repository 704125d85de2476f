"""What an internal call carries besides its HTTP part, and what the callee makes of it.

It travels in `requestContext.tessera` of the invocation's event. API Gateway writes that context
itself, so no client can send one; who may invoke is decided by IAM.
"""

from typing import Any

from tessera import clock, log
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import LoopDetected
from tessera.auth.roles import granted
from tessera.problems import NotFound
from tessera.settings import Settings

MAX_DEPTH = 3


def context(caller: str, *, on_behalf_of: Principal | None, client: dict[str, str]) -> dict[str, Any]:
    """The envelope of a call made now. Raises `LoopDetected` when it would be nested too deep."""
    here = log.current()
    if here.depth + 1 > MAX_DEPTH:
        raise LoopDetected(f"Internal calls may be nested {MAX_DEPTH} deep.")
    made: dict[str, Any] = {
        "internal": True,
        "caller": caller,
        "request_id": here.request_id,
        "depth": here.depth + 1,
        "client": client,
    }
    if here.deadline is not None:
        made["deadline_ms"] = clock.millis() + int((here.deadline - clock.monotonic()) * 1000)
    if on_behalf_of is not None:
        made["on_behalf_of"] = on_behalf_of.snapshot()
    return made


def adopt(call: Call) -> None:
    """Go on with the caller's depth and deadline. Raises `LoopDetected`."""
    if call.internal is None:
        return
    here, depth = log.current(), int(call.internal.get("depth", 1))
    if depth > MAX_DEPTH:
        raise LoopDetected(f"Internal calls may be nested {MAX_DEPTH} deep.")
    here.depth = depth
    if "deadline_ms" in call.internal:
        theirs = clock.monotonic() + (int(call.internal["deadline_ms"]) - clock.millis()) / 1000
        here.deadline = theirs if here.deadline is None else min(here.deadline, theirs)


def service_of(call: Call) -> Principal:
    """The calling service, with what `service-grants.json` grants it here. Raises `NotFound` for any other call."""
    if not call.is_internal or call.internal is None:
        raise NotFound()
    caller, callee = str(call.internal.get("caller", "")), call.bindings.settings(Settings).capability
    snapshot = call.internal.get("on_behalf_of")
    return Principal(
        kind="service",
        id=caller,
        credential="iam",
        permissions=granted(caller, callee),
        plan="service",
        on_behalf_of=Principal.of_snapshot(snapshot) if snapshot else None,
    )
