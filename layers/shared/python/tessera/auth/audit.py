"""The audit trail: what was done, to what, by whom. The event rides in the transaction of the change.

Who acted is the person at the beginning of it all: behind an impersonation the member of staff, behind a
service whoever it acted for. How they came, `via`, says the rest: `bearer`, `key`, `impersonation`, `service:admin`.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from tessera import clock, ids, log
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.types import Model

Outcome = Literal["success", "denied", "error"]
Value = str | int | bool | list[str] | None
Detail = str | int | bool | None

MAX_REASON, MAX_AGENT, MAX_VALUE = 500, 200, 200

# The fields whose values an entry may show. None of them can hold a secret or what somebody has written freely.
SHOWN_FIELDS = frozenset(
    """active amount_minor assigned currency deleted_at email enabled ends_at expires_at limit locked_until members
    mfa owner_id permissions plan policy priority published quantity role roles scopes starts_at state status
    verified version visibility""".split()
)


class _Part(Model):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ActedBy(_Part):
    """`ip` is the address as it was given, `net` the same cut short, which may be kept for longer."""

    kind: str
    id: str
    via: str = "none"
    sid: str | None = None
    ip: str | None = None
    net: str | None = None
    ua: str | None = None


class Target(_Part):
    type: str
    id: str = ""


class Change(_Part):
    field: str
    old: Value = None
    new: Value = None


class EntryRecorded(_Part):
    """One entry. `detail` holds names and figures; neither it nor `changes` ever holds a secret."""

    type: ClassVar[str] = "audit.entry.recorded.v1"

    id: str
    occurred_at: str
    capability: str
    action: str
    outcome: Outcome = "success"
    actor: ActedBy
    # Whose place the actor acted in, while impersonating.
    on_behalf_of: str | None = None
    organisation: str | None = None
    target: Target
    reason: str | None = None
    changes: list[Change] = Field(default_factory=list)
    request_id: str
    trace_id: str
    detail: dict[str, Detail] = Field(default_factory=dict)


def audit(
    action: str,
    target: str,
    *,
    by: Principal,
    call: Call | None = None,
    outcome: Outcome = "success",
    reason: str | None = None,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    **detail: Detail,
) -> EntryRecorded:
    """The entry of a change that is about to be written, for `transact.telling` or the changed item itself.

    `target` is `type:id`. `changes` is `{field: (old, new)}`; a field that is not one of `SHOWN_FIELDS` is a defect
    and raises `ValueError`, a field that stayed as it was is left out.
    """
    here = log.current()
    kind, _, target_id = target.partition(":")
    person = by.on_behalf_of or by
    return EntryRecorded(
        id=ids.new(),
        occurred_at=clock.rfc3339(clock.now()),
        capability=here.capability or action.partition(".")[0],
        action=action,
        outcome=outcome,
        actor=acted_by(by, call),
        on_behalf_of=person.id if person.actor else None,
        organisation=person.org,
        target=Target(type=kind, id=target_id),
        reason=reason[:MAX_REASON] if reason else None,
        changes=_changes(changes or {}),
        request_id=here.request_id,
        trace_id=here.trace_id,
        detail=detail,
    )


def acted_by(by: Principal, call: Call | None = None) -> ActedBy:
    """Who really acted, and from where."""
    person = by.on_behalf_of or by
    via = f"service:{by.id}" if by.on_behalf_of else person.credential
    address = call.client_address if call is not None else ""
    where = {"ip": address or None, "net": shortened(address), "ua": _agent(call)}
    if person.actor is not None:
        return ActedBy(kind="user", id=person.actor.id, via="impersonation", sid=person.actor.session_id, **where)
    return ActedBy(kind=person.kind, id=person.id, via=via, sid=person.session_id, **where)


def shortened(address: str) -> str | None:
    """The network of an address: /24, or /48 of IPv6; None for what is no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


def _agent(call: Call | None) -> str | None:
    """What the client calls itself: of an internal call, what its own client said."""
    if call is None:
        return None
    said = (call.internal or {}).get("client", {}).get("user_agent") if call.is_internal else call.header("user-agent")
    return str(said)[:MAX_AGENT] if said else None


def _changes(changes: Mapping[str, tuple[Any, Any]]) -> list[Change]:
    unknown = changes.keys() - SHOWN_FIELDS
    if unknown:
        raise ValueError(f"These fields may not stand in the audit trail: {', '.join(sorted(unknown))}.")
    plain = {field: (_plain(old), _plain(new)) for field, (old, new) in sorted(changes.items())}
    return [Change(field=field, old=old, new=new) for field, (old, new) in plain.items() if old != new]


def _plain(value: Any) -> Value:
    """A value as an entry may hold it: sets in order, nothing long."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (set, frozenset)):
        return sorted(str(one)[:MAX_VALUE] for one in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [str(one)[:MAX_VALUE] for one in value]
    return str(value)[:MAX_VALUE]
