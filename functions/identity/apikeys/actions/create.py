"""Making a key: who may have one, for what, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tessera import clock
from tessera.auth import key_text
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.key_item import MAIN, KeyRow, code_of
from tessera.auth.key_text import Env
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope, StepUpRequired
from tessera.auth.roles import known, sandbox, shared
from tessera.idempotency import Intent
from tessera.problems import FieldError, InvalidRequest

from ..events import KeyCreated
from ..owners import Standing
from ..ports import Ports
from ..rules import networks, next_notice
from ..store.keys import Resting
from ..store.rows import id_of, pk_of
from .given import check_manager_now, not_for_members, of_key

PLAN = "default"


@dataclass(frozen=True)
class Wanted:
    name: str
    scopes: Sequence[str]
    env: Env
    life: timedelta
    ip_allow: Sequence[str]
    plan: str | None


@dataclass(frozen=True)
class Made:
    """`text` is the key itself, which nobody is ever told again: None for a replay."""

    row: KeyRow
    text: str | None


def create(ports: Ports, wanted: Wanted, *, caller: Principal, call: Call, intent: Intent) -> Made:
    """1 transaction, and a read when it is a replay; 1 internal call more for an organisation.

    `call.live` says how the caller stands this moment. Raises `InsufficientScope`, `StepUpRequired`,
    `InvalidRequest`, `TooManyKeys`, `Unavailable`, and what `idempotency` raises.
    """
    check_manager_now(ports, caller)
    if call.live.get("mfa") and caller.aal < 2:
        raise StepUpRequired(aal=2, max_age=300)
    _check_scopes(wanted, caller)
    text = key_text.new(wanted.env, intent.id)
    row = _row(ports, wanted, intent.id, text, caller=caller, standing=Standing.of(call.live))
    row.plan = _plan(ports, wanted.plan, caller, own=call.live.get("plan", ""))
    expires_at = clock.from_millis(int(row.exp))
    event = KeyCreated(**of_key(row), env=wanted.env, scopes=sorted(wanted.scopes), expires_at=expires_at)
    entry = audit(
        "apikeys.created",
        f"key:{row.key_id}",
        by=caller,
        call=call,
        changes={"scopes": (None, sorted(wanted.scopes)), "plan": (None, row.plan)},
        env=wanted.env,
        owner=row.owner_id,
    )
    try:
        created = ports.keys.create(row, intent, event, entry)
    except Resting:
        raise not_for_members() from None
    return Made(ports.keys.get(id_of(created.row)), None) if created.replayed else Made(row, text)


def _row(ports: Ports, wanted: Wanted, key_id: str, text: str, *, caller: Principal, standing: Standing) -> KeyRow:
    now = clock.now()
    expires_at = now + wanted.life
    row = KeyRow(
        pk=pk_of(key_id),
        sk=MAIN,
        key_id=key_id,
        name=wanted.name,
        h1=code_of(ports.mac, text),
        last4=text[-4:],
        uid=caller.user_id or caller.id,
        org=caller.org,
        owner_roles=None if caller.org else set(standing.roles) or None,
        owner_ep=0 if caller.org else standing.epoch,
        scopes=set(wanted.scopes),
        env=wanted.env,
        ip_allow=networks(wanted.ip_allow) or None,
        exp=int(expires_at.timestamp() * 1000),
        created=clock.millis(),
    )
    row.wait_until(next_notice(clock.from_millis(int(row.exp)), now), key_id)
    return row


def _check_scopes(wanted: Wanted, caller: Principal) -> None:
    """Only what exists, and what the caller may do: a key must not gain what its owner is given later."""
    errors = []
    for position, scope in enumerate(wanted.scopes):
        if scope not in known():
            errors.append(FieldError(f"/scopes/{position}", "There is no such permission."))
        elif wanted.env == "test" and scope not in sandbox():
            errors.append(FieldError(f"/scopes/{position}", "A key for tests cannot hold this permission."))
        elif caller.org is not None and scope not in shared():
            errors.append(FieldError(f"/scopes/{position}", "This is a person's own, and the key an organisation's."))
    if errors:
        raise InvalidRequest("Look at /scopes.", errors=errors[:20])
    for scope in wanted.scopes:
        if not caller.can(scope):
            raise InsufficientScope(scope)


def _plan(ports: Ports, wanted: str | None, caller: Principal, *, own: str) -> str:
    """The name of the limits. Another than the usual one or one's own is given by staff."""
    plan = wanted or PLAN
    if plan == PLAN:
        return plan
    if ports.limits.policies.find(f"key:{plan}", "key:") is None:
        told = "There are no limits of this name for keys."
        raise InvalidRequest("Look at /plan.", errors=[FieldError("/plan", told)])
    if plan != own and not caller.can("apikeys:manage"):
        raise InsufficientScope("apikeys:manage")
    return plan
