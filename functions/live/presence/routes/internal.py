"""What only our own services ask."""

from typing import Annotated, Any

from pydantic import Field

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router
from tessera.problems import NotFound

from ..actions import erase as erasing
from ..actions import join, leave, states
from ..actions.access import person_of
from ..ports import Ports
from ..rules import Person, StaleClock
from ..schemas import (
    BeatOut,
    BeatRpc,
    ErasedOut,
    EraseIn,
    JoinedOut,
    JoinRpc,
    LeaveRpc,
    MovedOut,
    MoveRpc,
    RpcOut,
    ends_at,
)
from .given import PREFIX, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Accounts = Annotated[Principal, auth.service("accounts")]
Hub = Annotated[Principal, auth.service("realtime")]
# A gateway's frame takes 128 KB, with its envelope and whatever else is answered in it.
MOST_BYTES = 64 * 1_024
Rpc = Annotated[JoinRpc | BeatRpc | MoveRpc | LeaveRpc, Field(discriminator="method")]


@router.post("/rpc")
async def call_method(body: Rpc, caller: Hub, ports: Bound) -> RpcOut:
    """`presence.join`, `beat`, `cursor` and `leave` of a connected client, on whose behalf the hub asks."""
    if caller.on_behalf_of is None:
        raise NotFound("This is done on behalf of a user.")
    caller.on_behalf_of.require("presence:write")
    return RpcOut(result=_done(ports, body, person_of(caller.on_behalf_of)))


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """End some of what an owner has. To be asked again until it answers done."""
    done, erased = erasing.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)


def _done(ports: Ports, call: JoinRpc | BeatRpc | MoveRpc | LeaveRpc, by: Person) -> dict[str, Any]:
    data = call.data
    if isinstance(call, JoinRpc):
        asked = join.Asked(call.data.meta.model_dump(exclude_none=True), call.data.client or "", call.client)
        return _fitting(JoinedOut.joined(join.join(ports, data.doc, asked, by=by)))
    if isinstance(call, BeatRpc):
        return _beaten(ports, call, by)
    if isinstance(call, MoveRpc):
        v = call.data.v if "v" in call.data.model_fields_set else None
        moved = states.move(ports, data.doc, call.data.session_id, call.data.patch(), v, by=by)
        return MovedOut(told=moved.told, again_ms=moved.again_ms, v=moved.v).model_dump(mode="json")
    leave.leave(ports, data.doc, call.data.session_id, by=by)
    return {}


def _fitting(joined: JoinedOut) -> dict[str, Any]:
    if len(joined.model_dump_json().encode()) > MOST_BYTES:
        joined = joined.model_copy(update={"members": [], "complete": False})
    return joined.model_dump(mode="json")


def _beaten(ports: Ports, call: BeatRpc, by: Person) -> dict[str, Any]:
    """A clock that is behind is told in the answer: errors of the protocol carry no more than a number."""
    data = call.data
    state = data.state.given() if data.state else None
    said = states.Beat(data.v, state, data.says, call.client)
    try:
        session = states.beat(ports, data.doc, data.session_id, said, by=by)
    except StaleClock as stale:
        return {"stale": True, "v": stale.extra["v"]}
    return BeatOut(expires_at=ends_at(session)).model_dump(mode="json")
