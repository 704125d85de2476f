"""Signing up: the address becomes somebody's only when they have shown that its mail reaches them."""

from dataclasses import dataclass
from datetime import datetime

from tessera import clock, emails, ids
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.emails import Address
from tessera.problems import InvalidRequest, NotFound
from tessera.transact import Step, transact

from .. import mails, secret_values
from ..events import MailRequested, SessionCreated, UserRegistered, UserVerified
from ..passwords import Kept
from ..ports import Client, Ports
from ..refresh_tokens import RefreshToken
from ..rules import CODE_ATTEMPTS, RESET_LIFE, SIGN_UP_LIFE, CodeExpired, CodeInvalid, SignUpClosed
from ..store import ClaimRow, ResetRow, SignUpRow, UserRow
from ..store.activity import telling
from ..store.devices import device_row
from ..store.rows import MAIN, RESET, expires_in, sign_up_pk, user_pk
from .changes import as_updated
from .tokens import Tokens, access_token, new_family, pair


@dataclass(frozen=True)
class Pending:
    id: str
    expires_at: datetime


def start(
    ports: Ports,
    *,
    email: str,
    password: str,
    name: str | None,
    locale: str | None,
    invite: str | None = None,
    before: UserRow | None = None,
) -> Pending:
    """Note a sign-up and ask for its mail: 1 read and 1 transaction, whether or not the address has an account.

    `before` is who signs up as who they are, and keeps their id. Where sign-up is closed, `invite` opens it for the
    address it was sent to: 1 internal call more. Raises `SignUpClosed`, `InvalidRequest`, `WeakPassword`.
    """
    is_open = ports.settings.sign_up == "open"
    if not is_open and invite is None:
        raise SignUpClosed("Ask whoever runs this for an invitation.")
    address = emails.parse(email)
    if not is_open and not ports.invitations.holds(invite or "", address.spelled):
        raise SignUpClosed("This is no open invitation to this address. Ask for another one.")
    kept = ports.passwords.keep(ports.passwords.check(password, context=[address.local_part, name or ""]))
    claim = ports.users.claim_of(address.key)
    sign_up_id, code = ids.new(), secret_values.new_code()
    token = secret_values.new_link_token(sign_up_id)
    # What an account gets is written to the spelling it was confirmed with, never to the one typed here.
    to = claim.email if claim else address.spelled
    row = _row(ports, sign_up_id, address, kept, code=code, token=token)
    row.kind, row.email = "exists" if claim else "new", to
    row.name, row.locale = name, locale
    if before is not None:
        row.guest, row.guest_ep = before.user_id, int(before.ep)
    mail, reset = _mail(ports, row, claim, code=code, token=token)
    if _may_mail(ports, address.key):
        ports.sign_ups.open(row, mail, reset)
    return Pending(sign_up_id, clock.from_millis(ids.timestamp_ms(sign_up_id)) + SIGN_UP_LIFE)


def resend(ports: Ports, sign_up_id: str) -> None:
    """Another mail, at most 3 an hour: 2 reads, 1 transaction. Nothing is said of an id that is not known."""
    row = ports.sign_ups.get(sign_up_id)
    key = row.email_norm if row else sign_up_id
    if not _may_mail(ports, key):
        return
    claim = ports.users.claim_of(key)
    if row is not None and row.kind == "exists" and claim is None:
        # Whose account it was has left since.
        return
    code, token = secret_values.new_code(), secret_values.new_link_token(sign_up_id)
    seen = row or SignUpRow(kind="new", email="nobody@example.invalid", pk=sign_up_pk(sign_up_id))
    mail, reset = _mail(ports, seen, claim, code=code, token=token)
    macs = {"code_mac": ports.digest("sign-up", code), "token_mac": ports.digest("sign-up", token)}
    try:
        ports.sign_ups.renew(sign_up_id, **macs, mail=mail, reset=reset)
    except CodeInvalid:
        return


def verify_code(ports: Ports, sign_up_id: str, code: str, *, client: Client, call: Call) -> tuple[UserRow, Tokens]:
    """Confirm by the code from the mail. Raises `CodeInvalid`, `CodeExpired`, `AttemptsExhausted`."""
    row = _attempted(ports, sign_up_id)
    good = secret_values.is_same(row.code_mac, ports.digest("sign-up", code))
    if not good or row.kind != "new":
        raise CodeInvalid()
    return _create(ports, row, client=client, call=call)


def verify_link(ports: Ports, token: str, password: str, *, client: Client, call: Call) -> tuple[UserRow, Tokens]:
    """Confirm by the link from the mail, together with the password chosen when signing up.

    Without the password, the owner of an address would complete a sign-up that somebody else had
    started with a password of theirs.
    """
    sign_up_id = secret_values.subject_of(token)
    if sign_up_id is None:
        raise CodeInvalid()
    row = _attempted(ports, sign_up_id)
    good = secret_values.is_same(row.token_mac, ports.digest("sign-up", token))
    # The password is hashed for a wrong token too, so that the time tells nothing.
    if not ports.passwords.matches(password, row.kept) or not good or row.kind != "new":
        raise CodeInvalid()
    return _create(ports, row, client=client, call=call)


def _attempted(ports: Ports, sign_up_id: str) -> SignUpRow:
    if clock.millis() - ids.timestamp_ms(sign_up_id) >= SIGN_UP_LIFE.total_seconds() * 1000:
        raise CodeExpired()
    return ports.sign_ups.attempt(sign_up_id)


def _create(ports: Ports, row: SignUpRow, *, client: Client, call: Call) -> tuple[UserRow, Tokens]:
    """The user, their address, their first session: 1 transaction."""
    sign_up_id = row.pk.partition("#")[2]
    before = _before(ports, row)
    user = _user(ports, row, before)
    device_id, device_token = secret_values.new_device(ports.mac, row.email_norm)
    family = new_family(ports, user.user_id, client, device_id)
    user.families = {family.family_id}
    access = access_token(ports, user, family)
    myself = Principal(kind="user", id=user.user_id, user_id=user.user_id, session_id=family.family_id)
    table = ports.users.table
    device = ports.devices.adding(device_row(user.user_id, device_id, client.device_name))
    created = SessionCreated(user_id=user.user_id, session_id=family.family_id, client_id=client.client_id)
    try:
        transact(
            ports.sign_ups.consuming(sign_up_id),
            *_keeping(ports, before, user),
            *ports.sessions.opening(family, created, device),
            telling(table, UserVerified(user_id=user.user_id, email=user.email)),
            telling(table, audit("accounts.sign-up", f"user:{user.user_id}", by=myself, call=call)),
            *ports.owners.changing(before=False, after="owner" in user.roles),
        )
    except _Taken:
        ports.sign_ups.void(sign_up_id)
        raise CodeInvalid() from None
    return user, pair(ports, family, access, RefreshToken(user.user_id, family.family_id, 0), device_token)


def _keeping(ports: Ports, before: UserRow | None, user: UserRow) -> list[Step]:
    """The steps that make the user: a new one, or one of who was there before and keeps their id."""
    registered = UserRegistered(user_id=user.user_id, locale=user.locale)
    if before is None:
        return ports.users.creating(user, registered, taken=_Taken())
    if before.realm is not None:
        # That they are there was told when the realm made them.
        return ports.realm.upgrading(before, user, as_updated(user), taken=_Taken())
    return ports.users.upgrading(before, user, registered, taken=_Taken())


class _Taken(Exception):
    """Another sign-up with the same address was confirmed first."""


def _before(ports: Ports, row: SignUpRow) -> UserRow | None:
    """Who signs up and is there already. Raises `CodeInvalid` when they are gone, or have an address by now."""
    if row.guest is None:
        return None
    try:
        before = ports.users.get(row.guest)
    except NotFound:
        raise CodeInvalid() from None
    # Who has a new password since had reason to: what was asked with the old one is void.
    is_other = row.guest_ep is not None and int(row.guest_ep) != int(before.ep)
    if not before.may_become_full or before.status != "active" or is_other:
        raise CodeInvalid()
    return before


def _user(ports: Ports, row: SignUpRow, before: UserRow | None) -> UserRow:
    user_id, now = before.user_id if before else ids.new(), clock.millis()
    user = UserRow(
        pk=user_pk(user_id),
        sk=MAIN,
        user_id=user_id,
        email=row.email,
        email_norm=row.email_norm,
        name=row.name,
        locale=row.locale,
        roles={"user", "owner"} if row.email_norm == _owner(ports) else {"user"},
        pw=row.pw,
        pw_pv=row.pw_pv,
        pw_at=now,
        created=now,
        updated=now,
    )
    if before is not None:
        # Their tokens are stale from now on, and what they are known by stays.
        user.ep, user.version, user.created = int(before.ep) + 1, int(before.version) + 1, before.created
        user.handle, user.name, user.locale = before.handle, row.name or before.name, row.locale or before.locale
    user.list_under(row.email_norm)
    return user


def _owner(ports: Ports) -> str | None:
    configured = ports.settings.owner_email
    try:
        return emails.parse(configured).key if configured else None
    except InvalidRequest:
        # A parameter that is no address makes nobody the owner; it must not keep anybody from signing up.
        return None


def _row(ports: Ports, sign_up_id: str, address: Address, kept: Kept, *, code: str, token: str) -> SignUpRow:
    return SignUpRow(
        pk=sign_up_pk(sign_up_id),
        sk=MAIN,
        email_norm=address.key,
        pw=kept.phc,
        pw_pv=kept.pepper,
        code_mac=ports.digest("sign-up", code),
        token_mac=ports.digest("sign-up", token),
        left=CODE_ATTEMPTS,
        ttl=expires_in(SIGN_UP_LIFE),
    )


def _mail(
    ports: Ports, row: SignUpRow, claim: ClaimRow | None, *, code: str, token: str
) -> tuple[MailRequested, ResetRow | None]:
    """The mail that this sign-up gets, and the reset that its link opens when the address has an account."""
    if row.kind == "new" or claim is None:
        return mails.verify_sign_up(ports, to=row.email, locale=row.locale, code=code, token=token), None
    reset_token = secret_values.new_link_token(claim.uid)
    mail = mails.already_registered(ports, to=row.email, locale=row.locale, token=reset_token)
    return mail, reset_row(ports, claim.uid, reset_token)


def reset_row(ports: Ports, user_id: str, token: str) -> ResetRow:
    return ResetRow(
        pk=user_pk(user_id),
        sk=RESET,
        mac=ports.digest("reset", token),
        exp=clock.millis() + int(RESET_LIFE.total_seconds() * 1000),
        ttl=expires_in(RESET_LIFE),
    )


def _may_mail(ports: Ports, email_key: str) -> bool:
    return ports.limits.decide("auth:mail:address", f"mail:{ports.digest('account', email_key)}").allowed
