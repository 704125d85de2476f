"""Acting in somebody's place: with a reason, for a quarter of an hour, on record."""

from dataclasses import dataclass
from datetime import timedelta

from tessera import clock, ids
from tessera.auth.audit import audit
from tessera.auth.principal import Principal
from tessera.problems import NotFound, Problem
from tessera.tables import Row
from tessera.transact import AlreadySeen, seen, transact

from .. import rules
from ..accounts import Asker, NotActive
from ..events import ImpersonationEnded, ImpersonationStarted
from ..ports import Ports
from ..store import Impersonation
from . import standing
from .refusals import on_record

LIFE = timedelta(minutes=15)
WRITE = "accounts:impersonate_write"
OURSELVES = Principal(kind="service", id="admin", credential="iam")


@dataclass(frozen=True)
class Started:
    impersonation: Impersonation
    access_token: str
    expires_in: int


def start(ports: Ports, user_id: str, *, reason: str, write: bool, asker: Asker) -> Started:
    """A token in the user's name that cannot be refreshed. 2 internal calls, 1 transaction ahead of the token.

    Of what roles defined here give the user it holds what the caller holds too: nobody gains by acting for somebody.
    Raises `NotFound`, `RankTooLow`, `NotYourself`, `NotActive`, `StaleVersion`.
    """
    by, call = asker.principal, asker.call
    assert by is not None and by.user_id is not None
    if write:
        by.require(WRITE)
    actor = standing.of_asker(asker)
    user = ports.accounts.state(user_id)
    with on_record(ports, f"user:{user_id}", asker):
        rules.check_impersonation(actor, standing.of_roles(user_id, user.roles, user.added), write=write)
    if user.status != "active":
        raise NotActive(f"The account is {user.status}.")
    now = clock.now()
    made = Impersonation(
        id=ids.new(),
        user_id=user_id,
        actor_id=by.user_id,
        actor_sid=by.session_id or "",
        reason=reason,
        may_write=write,
        state="active",
        started_at=now,
        ends_at=now + LIFE,
    )
    event = ImpersonationStarted(impersonation_id=made.id, user_id=user_id, actor_id=by.user_id, write=write)
    told = audit("admin.impersonation-started", f"user:{user_id}", by=by, call=call, reason=reason, write=write)
    ports.impersonations.start(made, [event, told])
    body = {
        "user_id": user_id,
        "session_id": made.id,
        "actor_id": made.actor_id,
        "actor_session_id": made.actor_sid,
        "actor_epoch": by.epoch,
        "write": write,
        "roles_seen": sorted(user.roles),
        "permissions": sorted(rules.shared(actor, user.added)),
    }
    try:
        token, seconds = ports.accounts.impersonate(asker, body)
    except Problem:
        _end(ports, made, by=by, asker=asker)
        raise
    return Started(made, token, seconds)


def end(ports: Ports, impersonation_id: str, *, asker: Asker) -> None:
    """Its token is refused within 15 seconds. 1 read, 1 transaction. Raises `NotFound`, `ImpersonationOver`."""
    assert asker.principal is not None
    _end(ports, ports.impersonations.get(impersonation_id), by=asker.principal, asker=asker)


def run_out(ports: Ports, impersonation_id: str, due_pk: str) -> None:
    """The token has expired by itself. Raises `AlreadySeen` when somebody has ended it."""
    try:
        _end(ports, ports.impersonations.get(impersonation_id), by=OURSELVES, asker=Asker(), due_pk=due_pk)
    except (rules.ImpersonationOver, NotFound):
        raise AlreadySeen() from None


def tell_user(ports: Ports, impersonation_id: str, event_id: str) -> None:
    """Tell the user afterwards that somebody of the staff was there. Raises `AlreadySeen`."""
    if not ports.settings.tell_of_impersonation:
        return
    table = ports.trail.table
    if table.get(Row, f"SEEN#{event_id}", "MAIN") is not None:
        raise AlreadySeen()
    made = ports.impersonations.get(impersonation_id)
    try:
        user = ports.accounts.get(made.user_id)
    except NotFound:
        return
    began = f"{made.started_at:%Y-%m-%d %H:%M} UTC"
    how = "read and changed" if made.may_write else "read"
    ports.accounts.mail(user.email, "impersonated", locale=user.locale, data={"began": began, "how": how})
    # After the mail: rather twice than never.
    transact(seen(table, event_id))


def _end(ports: Ports, made: Impersonation, *, by: Principal, asker: Asker, due_pk: str | None = None) -> None:
    event = ImpersonationEnded(impersonation_id=made.id, user_id=made.user_id, actor_id=made.actor_id)
    told = audit("admin.impersonation-ended", f"user:{made.user_id}", by=by, call=asker.call)
    ports.impersonations.end(made.id, [event, told], due_pk=due_pk)
