"""Access and refresh tokens of a sign-in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pynamodb.expressions.update import Action as Change

from tessera import clock, ids
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.tokens import AUDIENCE
from tessera.tables import ConditionFailed

from .. import mails, refresh_tokens
from ..events import ReuseDetected
from ..memberships import Membership
from ..ports import Client, Ports
from ..refresh_tokens import RefreshToken
from ..rules import RefreshInvalid, RefreshReused, Verdict, judge
from ..store import FamilyRow, UserRow
from ..store.rows import family_sk, user_pk
from ..store.sessions import acting_for


@dataclass(frozen=True)
class Tokens:
    """What a client gets. `refresh_token` and `device_token` are None where the client keeps the one it has."""

    access_token: str
    expires_in: int
    session_id: str
    refresh_token: str | None = None
    refresh_expires_in: int | None = None
    device_token: str | None = None


def new_family(
    ports: Ports, user_id: str, client: Client, device_id: str, *, family_id: str | None = None
) -> FamilyRow:
    """A sign-in that begins now with a password."""
    now, settings = clock.millis(), ports.settings
    family_id = family_id or ids.new()
    absolute = timedelta(days=settings.refresh_absolute_days)
    ends_at = now + int(absolute.total_seconds() * 1000)
    return FamilyRow(
        pk=user_pk(user_id),
        sk=family_sk(family_id),
        family_id=family_id,
        rot_at=now,
        idle_exp=now + settings.refresh_idle_days * 86_400_000,
        abs_exp=ends_at,
        amr={"pwd"},
        auth_time=now,
        device=client.device_name,
        device_id=device_id,
        ip_trunc=client.network,
        client_id=client.client_id,
        created=now,
        ttl=ends_at // 1000 + 86_400,
    )


def access_token(ports: Ports, user: UserRow, family: FamilyRow, *, epoch: int | None = None) -> str:
    """1 request to KMS, and 1 internal call for a sign-in that acts for an organisation.

    Raises `SigningUnavailable`, `MembershipEnded`.
    """
    organisation_id = family.org
    grant = Grant(
        session_id=family.family_id,
        client_id=family.client_id,
        amr=tuple(sorted(family.amr)),
        aal=int(family.aal),
        auth_time=int(family.auth_time) // 1000,
        membership=ports.memberships.of(organisation_id, user.user_id) if organisation_id else None,
    )
    return mint(ports, user, grant, epoch=epoch)


@dataclass(frozen=True)
class Grant:
    """What an access token says besides who its user is. Times are in seconds."""

    session_id: str
    client_id: str
    amr: tuple[str, ...]
    aal: int
    auth_time: int
    life: int | None = None
    scope: str | None = None
    # Of what custom roles add, no more than this.
    at_most: frozenset[str] | None = None
    actor: dict[str, Any] | None = None
    membership: Membership | None = None


def mint(ports: Ports, user: UserRow, grant: Grant, *, epoch: int | None = None) -> str:
    """1 request to KMS. No name, address or other personal data is in it. Raises `SigningUnavailable`."""
    now = clock.millis() // 1000
    life = ports.settings.access_token_seconds if grant.life is None else grant.life
    claims: dict[str, Any] = {
        "iss": ports.settings.issuer,
        "sub": user.user_id,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + life,
        "jti": ids.new(),
        "sid": grant.session_id,
        "ep": int(user.ep) if epoch is None else epoch,
        "roles": sorted(user.roles),
        "amr": list(grant.amr),
        "aal": grant.aal,
        "auth_time": grant.auth_time,
        "plan": user.plan,
        "client_id": grant.client_id,
    }
    added = permissions_added(ports, user, grant.membership)
    if grant.at_most is not None:
        added &= grant.at_most
    told: dict[str, Any] = {"perms": sorted(added) or None, "scope": grant.scope, "act": grant.actor}
    if grant.membership is not None:
        told |= {"org": grant.membership.organisation_id, "org_role": grant.membership.role}
        told |= {"org_ep": grant.membership.epoch}
    return ports.signing.sign(claims | {name: value for name, value in told.items() if value is not None})


def permissions_added(ports: Ports, user: UserRow, membership: Membership | None = None) -> frozenset[str]:
    """What custom roles add: the platform's, or, while acting for an organisation, only the organisation's own."""
    if membership is not None:
        return membership.permissions
    return ports.custom_roles.held_by(frozenset(user.roles), now=True)


def pair(ports: Ports, family: FamilyRow, access: str, token: RefreshToken, device: str | None = None) -> Tokens:
    ends_at = min(int(family.idle_exp), int(family.abs_exp))
    return Tokens(
        access_token=access,
        expires_in=ports.settings.access_token_seconds,
        session_id=family.family_id,
        refresh_token=token.text(ports.mac),
        refresh_expires_in=max(0, (ends_at - clock.millis()) // 1000),
        device_token=device,
    )


def refresh(ports: Ports, text: str, *, call: Call | None = None) -> Tokens:
    """The next pair. 1 write, 1 read, 1 request to KMS; nothing for a token we did not make.

    Within the grace a token is good again, for the same successor. Raises `RefreshInvalid`, `RefreshReused`,
    and `MembershipEnded` when it acts for an organisation that its user has left.
    """
    return _next_pair(ports, _ours(ports, text), call=call)


def switch(ports: Ports, text: str, organisation_id: str | None, *, call: Call | None = None) -> Tokens:
    """The next pair of the same sign-in, acting for this organisation, or for oneself alone.

    What a refresh costs, and 2 internal calls. Raises `MembershipEnded`, `RefreshInvalid`, `RefreshReused`.
    """
    token = _ours(ports, text)
    if organisation_id is not None:
        ports.memberships.of(organisation_id, token.user_id)
    return _next_pair(ports, token, acting_for(organisation_id), call=call)


def _ours(ports: Ports, text: str) -> RefreshToken:
    token = refresh_tokens.read(text, ports.mac)
    if token is None:
        raise RefreshInvalid()
    return token


def _next_pair(ports: Ports, token: RefreshToken, *changes: Change, call: Call | None) -> Tokens:
    has_moved = True
    try:
        family = ports.sessions.rotate(token.user_id, token.family_id, token.counter, *changes)
    except ConditionFailed as failed:
        has_moved = False
        family = _same_again(ports, token, failed.old, call)
        if changes:
            family = ports.sessions.change(token.user_id, token.family_id, *changes)
    try:
        # Read after the counter moved: whoever locks the user from here on bumps the epoch, which refuses this token.
        user = ports.users.table.get(UserRow, user_pk(token.user_id), "MAIN")
        if user is None or user.status != "active":
            raise RefreshInvalid()
        return pair(ports, family, access_token(ports, user, family), token.successor())
    except Exception:
        # Nobody else was given the successor: this client will send its token again, perhaps after the grace.
        if has_moved:
            ports.sessions.keep_good(token.user_id, token.family_id, token.counter)
        raise


def _same_again(ports: Ports, token: RefreshToken, family: FamilyRow | None, call: Call | None) -> FamilyRow:
    grace_ms = ports.settings.refresh_grace_seconds * 1000
    verdict = judge(family.as_family() if family else None, token.counter, now=clock.millis(), grace_ms=grace_ms)
    if family is None or verdict is Verdict.INVALID:
        raise RefreshInvalid()
    if verdict is Verdict.SAME_AGAIN:
        return family
    _end_reused(ports, token, call)
    raise RefreshReused()


def _end_reused(ports: Ports, token: RefreshToken, call: Call | None) -> None:
    user = ports.users.get(token.user_id)
    thief = Principal(kind="user", id=token.user_id, user_id=token.user_id, session_id=token.family_id)
    ports.sessions.end(
        token.user_id,
        token.family_id,
        reason="reused",
        event=ReuseDetected(user_id=token.user_id, session_id=token.family_id),
        also=[
            audit("accounts.refresh-reused", f"user:{token.user_id}", by=thief, call=call),
            # A guest has no address.
            *([mails.notice("refresh-reused", to=user.email, locale=user.locale)] if user.email else []),
        ],
    )


def revoke(ports: Ports, text: str) -> None:
    """End the sign-in of this token, whichever of its tokens it is (RFC 7009). Anything else is no error."""
    token = refresh_tokens.read(text, ports.mac)
    if token is not None:
        ports.sessions.end(token.user_id, token.family_id, reason="signed out")
