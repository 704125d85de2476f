"""What our own services have accounts do in their place: sign tokens, and ask for mails."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from tessera import clock
from tessera.auth import subscription_tokens
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Actor, Principal
from tessera.problems import NotFound

from .. import mails
from ..ports import Client, Ports
from ..rules import IMPERSONATION_SECONDS, MFA_LIFE, LoginFailed, NotActive
from ..store import UserRow
from ..store.rows import expires_in
from . import deletion, factors, refusals
from .changes import check_seen
from .factors import MfaPending, Proven
from .tokens import Grant, new_family
from .tokens import mint as signed


def mint(ports: Ports, user_id: str, grant: Grant, *, organisation_id: str | None) -> tuple[UserRow, str, int]:
    """The user as they are now, an access token, and its seconds. 1 read, 1 request to KMS.

    Raises `NotFound`, `NotActive`, `SigningUnavailable`, and `MembershipEnded` for an organisation left.
    """
    user = _active(ports, user_id)
    if organisation_id is not None:
        grant = replace(grant, membership=ports.memberships.of(organisation_id, user_id))
    life = ports.settings.access_token_seconds if grant.life is None else grant.life
    return user, signed(ports, user, grant), life


def impersonate(
    ports: Ports,
    user_id: str,
    session_id: str,
    *,
    actor: Actor,
    seen: Collection[str] | None = None,
    at_most: Collection[str] | None = None,
) -> tuple[str, int]:
    """A token in the user's name that says who really acts, and ends with their sign-in. It cannot be refreshed.

    Of what roles defined here add it holds `at_most` these. Raises `NotFound`, `NotActive`, and `StaleVersion` when
    the user does not have the roles any more by which it was decided.
    """
    user = _active(ports, user_id)
    check_seen(user, seen)
    grant = Grant(
        session_id=session_id,
        client_id="web",
        # Nobody has shown to be this user, so nothing that asks for a fresh or a second proof is open.
        amr=(),
        aal=1,
        auth_time=0,
        life=IMPERSONATION_SECONDS,
        at_most=None if at_most is None else frozenset(at_most),
        actor={
            "sub": actor.id,
            "sid": actor.session_id,
            "ep": actor.epoch,
            **({"write": True} if actor.may_write else {}),
        },
    )
    return signed(ports, user, grant), IMPERSONATION_SECONDS


def subscription(ports: Ports, user_id: str, topic: str, *, seconds: int) -> tuple[str, int]:
    """A token by which the user may listen to this topic, and when it ends. 1 read, 1 request to KMS.

    Raises `NotFound`, `NotActive`, `SigningUnavailable`.
    """
    _active(ports, user_id)
    now = clock.millis() // 1_000
    told = subscription_tokens.Subscription(user_id, topic, now + seconds)
    claims = subscription_tokens.claims_of(told, issuer=ports.settings.issuer, now=now)
    return ports.signing.sign(claims, typ=subscription_tokens.TYPE), told.expires_at


def vouched(
    ports: Ports,
    user_id: str,
    amr: frozenset[str],
    aal: int,
    client: Client,
    *,
    session_id: str | None = None,
    call: Call,
) -> Proven | MfaPending:
    """Who a provider says somebody is, unless they have a second factor here that it has not asked for. 1 read.

    Raises `LoginFailed` for who may not sign in.
    """
    with refusals.noted(ports, user_id, method="outside", call=call):
        user = _who_may_sign_in(ports, user_id)
    if aal < 2 and factors.methods_of(user):
        return factors.begin(ports, user, amr, client, session_id=session_id)
    return Proven(deletion.kept(ports, user), amr, aal)


def end_from_outside(ports: Ports, user_id: str, session_id: str, *, caller: Principal, call: Call) -> None:
    """A provider has ended its session. Ours ends too, and is not opened by a second factor that comes later."""
    told = audit("accounts.session-ended", f"session:{session_id}", by=caller, call=call)
    row = new_family(ports, user_id, Client(), "", family_id=session_id)
    row.device_id, row.ttl = None, expires_in(2 * MFA_LIFE)
    ports.sessions.end_to_come(row, also=[told])


def mail(
    ports: Ports,
    *,
    to: str,
    template: str,
    locale: str | None,
    data: Mapping[str, str],
    secret: Mapping[str, str] | None,
) -> None:
    """1 write, and 1 request to KMS when there is something to seal."""
    ports.users.tell(mails.any_mail(ports, to=to, template=template, locale=locale, data=data, secret=secret))


def _active(ports: Ports, user_id: str) -> UserRow:
    user = ports.users.get(user_id)
    if user.status != "active":
        raise NotActive(f"The account is {user.status}.")
    return user


def _who_may_sign_in(ports: Ports, user_id: str) -> UserRow:
    try:
        user = ports.users.get(user_id)
    except NotFound:
        raise LoginFailed() from None
    if not user.may_sign_in:
        raise LoginFailed()
    return user
