"""The audit trail: what was done, to what, by whom. The event rides in the transaction of the change."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tessera import clock, log
from tessera.auth.call import Call
from tessera.auth.principal import Principal


class EntryRecorded(BaseModel):
    """One entry. `detail` holds names and figures, never a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: ClassVar[str] = "audit.entry.recorded.v1"

    at: str
    action: str
    target: str
    actor: str
    actor_kind: str
    impersonator: str | None = None
    on_behalf_of: str | None = None
    session_id: str | None = None
    address: str | None = None
    trace_id: str
    request_id: str
    detail: dict[str, str | int | bool | None] = Field(default_factory=dict)


def audit(
    action: str, target: str, *, by: Principal, call: Call | None = None, **detail: str | int | bool | None
) -> EntryRecorded:
    """The entry of a change that is about to be written, for `transact.telling` or the changed item itself."""
    here, behind = log.current(), by.on_behalf_of
    known: dict[str, Any] = {"address": call.client_address} if call is not None else {}
    return EntryRecorded(
        at=clock.rfc3339(clock.now()),
        action=action,
        target=target,
        actor=by.id,
        actor_kind=by.kind,
        impersonator=by.actor.id if by.actor else None,
        on_behalf_of=behind.id if behind else None,
        session_id=by.session_id,
        trace_id=here.trace_id,
        request_id=here.request_id,
        detail=detail,
        **known,
    )
