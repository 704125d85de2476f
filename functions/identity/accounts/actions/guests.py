"""Guests: an account before there is an address, which becomes a full one or goes over into another.

An account of a realm, whose address nobody has confirmed, becomes a full one in the same way.
"""

from datetime import timedelta

from tessera import clock, ids
from tessera.auth import tokens as access_tokens
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import TokenStale, Unauthenticated
from tessera.due import DueItem
from tessera.problems import Busy, NotFound
from tessera.transact import putting, transact

from .. import refresh_tokens
from ..events import GuestMerged, SessionCreated
from ..ports import Client, Ports
from ..refresh_tokens import RefreshToken
from ..rules import MERGED_KEPT, GuestsRefused, NoGuest, Verdict, judge
from ..store import UserRow
from ..store.rows import MAIN, user_pk
from . import sign_up
from .changes import applied
from .tokens import Tokens, access_token, new_family, pair


def start(ports: Ports, *, client: Client) -> tuple[UserRow, Tokens]:
    """A new guest, signed in. 1 transaction, 1 request to KMS. Raises `GuestsRefused`, `SigningUnavailable`."""
    if ports.settings.guests == "off":
        raise GuestsRefused()
    user_id, now = ids.new(), clock.millis()
    guest = UserRow(pk=user_pk(user_id), sk=MAIN, user_id=user_id, roles={"guest"}, created=now, updated=now)
    guest.wait_until(clock.now() + _idle(ports), user_id)
    family = new_family(ports, user_id, client, ids.new())
    # Nothing was shown, so nothing that asks for a proof is open to them.
    family.amr, family.device_id = {"guest"}, None
    guest.families = {family.family_id}
    access = access_token(ports, guest, family)
    created = SessionCreated(user_id=user_id, session_id=family.family_id, client_id=client.client_id)
    transact(putting(ports.users.table, guest), *ports.sessions.opening(family, created))
    return guest, pair(ports, family, access, RefreshToken(user_id, family.family_id, 0))


def upgrade(
    ports: Ports,
    user_id: str,
    *,
    epoch: int,
    email: str,
    password: str,
    name: str | None,
    locale: str | None,
    invite: str | None = None,
) -> sign_up.Pending:
    """A guest signs up, or somebody of a realm, and is who they were once the address is confirmed.

    What `sign_up.start` costs and raises, and a read. Raises `NoGuest` for who has confirmed an address, `TokenStale`
    for a token of before the last new password: one of a realm is good for longer than the feed remembers.
    """
    before = ports.users.get(user_id)
    if not before.may_become_full:
        raise NoGuest()
    if epoch < int(before.ep):
        raise TokenStale("epoch")
    return sign_up.start(ports, email=email, password=password, name=name, locale=locale, invite=invite, before=before)


def merge(ports: Ports, token: str | None, user_id: str, *, call: Call) -> bool:
    """Somebody who was a guest has signed in: what the guest had is theirs now. True when there was a guest.

    `token` is an access or a refresh token of the guest's. One that is not good is passed over, for it must not
    keep anybody from signing in. The guest's own account ends, and is erased a day later.
    """
    guest_id = guest_of(ports, token) if token else None
    guest = ports.users.table.get(UserRow, user_pk(guest_id), MAIN) if guest_id and guest_id != user_id else None
    if guest is None or guest_id is None or not _may_merge(guest):
        return False
    at = clock.now() + MERGED_KEPT
    guest.wait_until(at, guest_id)
    myself = Principal(kind="user", id=user_id, user_id=user_id)
    try:
        applied(
            ports,
            guest,
            UserRow.status.set("deleting"),
            UserRow.merged_into.set(user_id),
            UserRow.erase_at.set(int(at.timestamp() * 1000)),
            UserRow.erase_by.set("merge"),
            UserRow.due_pk.set(guest.due_pk),
            UserRow.due_sk.set(guest.due_sk),
            event=GuestMerged(**{"from": guest_id, "to": user_id}),
            also=[audit("accounts.guest-merged", f"user:{user_id}", by=myself, call=call, guest=guest_id)],
            reason="signed in to an account",
            bump=True,
            unless=lambda found: not _may_merge(found),
        )
    except Busy:
        return False
    return True


def guest_of(ports: Ports, token: str) -> str | None:
    """Whose guest token this is: an access token that is still good, or a refresh token that could be used now.

    No request for an access token while feed and keys are fresh, 1 read for a refresh token.
    """
    if token.startswith(refresh_tokens.PREFIX):
        return _of_refresh_token(ports, token)
    try:
        claims = access_tokens.verify(token, ports.keys, issuer=ports.settings.issuer, now=clock.now().timestamp())
        ports.users.feed.check(claims)
    except Unauthenticated:
        return None
    return claims.sub if "guest" in claims.roles and ids.is_ulid(claims.sub) else None


def is_used(ports: Ports, guest: UserRow, item: DueItem) -> bool:
    """Whether a guest who has become due was here lately; then they become due again a month after that.

    1 query, and 1 write when they were.
    """
    again = clock.from_millis(ports.lives.last_used(guest)) + _idle(ports)
    if again <= clock.now():
        return False
    ports.lives.wait(guest, item, again)
    return True


def _of_refresh_token(ports: Ports, text: str) -> str | None:
    token = refresh_tokens.read(text, ports.mac)
    if token is None:
        return None
    try:
        family = ports.sessions.get(token.user_id, token.family_id)
    except NotFound:
        return None
    grace_ms = ports.settings.refresh_grace_seconds * 1000
    # The present token, or the one before it within the grace: whatever a refresh would take.
    present = int(family.ctr) == token.counter
    again = judge(family.as_family(), token.counter, now=clock.millis(), grace_ms=grace_ms) is Verdict.SAME_AGAIN
    return token.user_id if present or again else None


def _may_merge(guest: UserRow) -> bool:
    return guest.is_guest and guest.status == "active"


def _idle(ports: Ports) -> timedelta:
    return timedelta(days=ports.settings.guest_idle_days)
