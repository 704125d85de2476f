"""Signing in with a password, and proving it again."""

from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import InvalidRequest

from .. import emails, mails, secret_values
from ..events import DeviceAdded, MailRequested, SessionCreated
from ..passwords import Kept
from ..ports import Client, Ports
from ..refresh_tokens import RefreshToken
from ..rules import DEVICE_LIFE, MAX_FAILURES, LoginFailed, SigningUnavailable
from ..store import UserRow
from ..store.rows import expires_in
from ..store.sessions import device_row
from .attempts import Spent, reserved
from .tokens import Tokens, access_token, new_family, pair

UNNAMED_DEVICE = "a device without a name"


def login(ports: Ports, *, email: str, password: str, client: Client, call: Call) -> tuple[UserRow, Tokens]:
    """A new session. 1 read, 1 write, 1 transaction, 1 request to KMS, and the limiter's writes.

    A refusal costs the same whatever its cause: 1 read and 1 write. Raises `LoginFailed`,
    `AttemptsExhausted`, `SigningUnavailable`.
    """
    key = _key_of(email)
    device_id = secret_values.known_device(ports.mac, key, client.device_token)
    with reserved(ports, key, device_id):
        user, kept = _verified(ports, key, password, knows_device=device_id is not None)
        return user, _open(ports, user, kept, password, client=client, call=call, device_id=device_id)


def reauthenticate(ports: Ports, user: UserRow, session_id: str, password: str, *, client: Client) -> Tokens:
    """A new access token whose proof is of now. 2 writes, 1 request to KMS, and the limiter's.

    Raises `LoginFailed`, `AttemptsExhausted`, `NotFound` when the session is over.
    """
    prove_password(ports, user, password, client=client)
    family = ports.sessions.prove(user.user_id, session_id)
    return Tokens(access_token(ports, user, family), ports.settings.access_token_seconds, session_id)


def prove_password(ports: Ports, user: UserRow, password: str, *, client: Client) -> None:
    """Raises `LoginFailed`, `AttemptsExhausted`."""
    device_id = secret_values.known_device(ports.mac, user.email_norm, client.device_token)
    with reserved(ports, user.email_norm, device_id):
        if not ports.passwords.matches(password, user.kept):
            raise Spent(LoginFailed())


def _verified(ports: Ports, key: str, password: str, *, knows_device: bool) -> tuple[UserRow, Kept]:
    claim = ports.users.claim_of(key)
    user = ports.users.attempted(claim.uid if claim else None)
    kept = user.kept if user else None
    good = ports.passwords.matches(password, kept)
    too_many = user is not None and int(user.fails) > MAX_FAILURES and not knows_device
    if user is None or kept is None or not good or user.status != "active" or too_many:
        if user is not None and not good and int(user.fails) == MAX_FAILURES:
            _tell_paused(ports, user)
        raise Spent(LoginFailed())
    return user, kept


def _open(
    ports: Ports, user: UserRow, kept: Kept, password: str, *, client: Client, call: Call, device_id: str | None
) -> Tokens:
    device_token, told = None, None
    known_id = device_id
    if known_id is None:
        known_id, device_token = secret_values.new_device(ports.mac, user.email_norm)
        told = DeviceAdded(user_id=user.user_id, device_id=known_id)
    family = new_family(ports, user.user_id, client, known_id)
    try:
        access = access_token(ports, user, family)
    except SigningUnavailable:
        ports.users.forgive(user.user_id)
        raise
    myself = Principal(kind="user", id=user.user_id, user_id=user.user_id, session_id=family.family_id)
    seen = [_new_device(user, client)] if told else []
    ports.sessions.open(
        user,
        family,
        SessionCreated(user_id=user.user_id, session_id=family.family_id, client_id=client.client_id),
        device=device_row(user.user_id, known_id, client.device_name, expires_in(DEVICE_LIFE)),
        device_event=told,
        also=[*seen, audit("accounts.login", f"user:{user.user_id}", by=myself, call=call)],
        rehashed=ports.passwords.keep(password) if ports.passwords.is_outdated(kept) else None,
    )
    return pair(ports, family, access, RefreshToken(user.user_id, family.family_id, 0), device_token)


def _new_device(user: UserRow, client: Client) -> MailRequested:
    name = client.device_name or UNNAMED_DEVICE
    return mails.notice("new-device", to=user.email, locale=user.locale, device=name)


def _tell_paused(ports: Ports, user: UserRow) -> None:
    """Once, at the failure that reaches the limit."""
    ports.users.tell(mails.notice("sign-in-locked", to=user.email, locale=user.locale))


def _key_of(email: str) -> str:
    """What is no address at all is treated as one that nobody has."""
    try:
        return emails.parse(email).key
    except InvalidRequest:
        return f"?{email.casefold()}"
