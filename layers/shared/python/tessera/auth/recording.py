"""What the guards themselves put on the audit trail: refusals where only staff may pass, and whatever is done
in somebody else's place. Both go beside the capability's own items, for `relay` to send on."""

from tessera import aws, log
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.charging import Rate, charge
from tessera.auth.principal import Principal
from tessera.auth.roles import held_by, known
from tessera.problems import Busy, Unavailable
from tessera.tables import Table
from tessera.transact import telling, transact


def is_for_staff(permission: str) -> bool:
    """Whether a plain user does not hold this permission."""
    return permission in known() and permission not in held_by("user")


def note_refusal(call: Call, principal: Principal, permission: str, slug: str) -> None:
    """Somebody asked for what is not theirs. 1 write.

    It is charged as a write first, so that nobody fills the trail by asking again and again: raises `LimitExceeded`.
    That it cannot be written does not let them in.
    """
    if not is_for_staff(permission):
        return
    table = _table(call)
    if table is None:
        return
    charge(call, principal, Rate("write"))
    entry = audit(
        f"{log.current().capability or permission.partition(':')[0]}.refused",
        f"permission:{permission}",
        by=principal,
        call=call,
        outcome="denied",
        method=call.method,
        problem=slug,
    )
    try:
        transact(telling(table, entry))
    except (aws.ClientError, aws.BotoCoreError, Busy) as error:
        log.unexpected("audit of a refusal", error)


def note_impersonated(call: Call, principal: Principal, permission: str) -> None:
    """Staff are about to act in somebody's place. 1 write, and without it nothing is done: raises `Unavailable`."""
    table = _table(call)
    if table is None or principal.actor is None:
        return
    capability = log.current().capability or permission.partition(":")[0]
    entry = audit(
        f"{capability}.impersonated-request",
        f"user:{principal.id}",
        by=principal,
        call=call,
        method=call.method,
        permission=permission or None,
    )
    try:
        transact(telling(table, entry))
    except aws.ClientError as error:
        # A function that may not write keeps nothing of anybody's, and emits no events.
        if aws.code_of(error) != "AccessDeniedException":
            raise Unavailable("It could not be recorded that you act for somebody else.") from error
    except aws.BotoCoreError as error:
        raise Unavailable("It could not be recorded that you act for somebody else.") from error


def _table(call: Call) -> Table | None:
    name = call.bindings.environment.get("TABLE")
    return Table(name) if name else None
