"""Signing in: with a password, with a second factor after it, with a passkey alone; and proving it again."""

from dataclasses import replace
from typing import Any

from tessera import emails
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import InvalidRequest, NotFound

from .. import mails, mfa_tokens, secret_values
from ..events import DeviceAdded, MailRequested, SessionCreated
from ..mfa_tokens import MfaToken
from ..passwords import Kept
from ..ports import Client, Ports
from ..refresh_tokens import RefreshToken
from ..rules import MAX_FAILURES, LoginFailed, MfaTokenInvalid, SigningUnavailable
from ..store import ClaimRow, UserRow
from ..store.devices import device_row
from . import deletion, devices, factors, refusals
from .attempts import Spent, reserved
from .factors import MfaPending, Proven, methods_of
from .tokens import Tokens, access_token, new_family, pair

UNNAMED_DEVICE = "a device without a name"
PASSWORD = frozenset(["pwd"])


def login(
    ports: Ports, *, email: str, password: str, client: Client, call: Call
) -> tuple[UserRow, Tokens] | MfaPending:
    """A new session, or what is still to be shown for one. 1 read, 1 write, 1 transaction, 1 request to KMS.

    The limiter's writes come on top, and 1 read for a known device. A refusal costs the same whatever its cause:
    1 read and 2 writes. Raises `LoginFailed`, `AttemptsExhausted`, `SigningUnavailable`.
    """
    key = _key_of(email)
    claim, device_id = devices.known_at(ports, key, client)
    with reserved(ports, key, device_id):
        user, kept = _verified(ports, key, password, claim=claim, knows_device=device_id is not None, call=call)
        rehashed = _rehashed(ports, password, kept)
        if methods_of(user):
            return _pending(ports, user, rehashed, client)
        proven = Proven(user, PASSWORD, 1)
        return user, _opened(ports, proven, device_id, client=client, call=call, rehashed=rehashed)


def authenticate(ports: Ports, *, email: str, password: str, client: Client, call: Call) -> Proven | MfaPending:
    """What `login` checks, for a service of ours that keeps the session itself. 1 read, 2 writes.

    Raises `LoginFailed`, `AttemptsExhausted`.
    """
    key = _key_of(email)
    claim, device_id = devices.known_at(ports, key, client)
    with reserved(ports, key, device_id):
        user, kept = _verified(ports, key, password, claim=claim, knows_device=device_id is not None, call=call)
        rehashed = _rehashed(ports, password, kept)
        if methods_of(user):
            return _pending(ports, user, rehashed, client)
        ports.users.proved(deletion.kept(ports, user), rehashed)
    return Proven(user, PASSWORD, 1)


def authenticate_with_factor(
    ports: Ports, *, mfa_token: str, method: str, code: str | None, credential: dict[str, Any] | None, call: Call
) -> tuple[Proven, str]:
    """What `finish_login` checks, for a service of ours that keeps the session itself, and how to call that session.

    1 write more than it takes. Raises `MfaTokenInvalid`, `MfaFailed`, `AttemptsExhausted`.
    """
    begun = _begun(ports, mfa_token)
    proven = factors.finish(ports, mfa_token, method=method, code=code, credential=credential, call=call)
    ports.users.proved(deletion.kept(ports, proven.user, call=call), None)
    return proven, begun.id


def authenticate_with_passkey(ports: Ports, *, challenge_id: str, credential: dict[str, Any], call: Call) -> Proven:
    """What `login_with_passkey` checks, for a service of ours that keeps the session itself.

    Raises `PasskeyUnknown`, `LoginFailed`.
    """
    proven = factors.verify_passkey_login(ports, challenge_id, credential, call=call)
    ports.users.proved(deletion.kept(ports, proven.user, call=call), None)
    return proven


def finish_login(
    ports: Ports,
    *,
    mfa_token: str,
    method: str,
    code: str | None,
    credential: dict[str, Any] | None,
    client: Client,
    call: Call,
) -> tuple[UserRow, Tokens]:
    """The session that `login` has held back: 1 query, 1 write, 2 transactions, 2 requests to KMS.

    Raises `MfaTokenInvalid`, `MfaFailed`, `AttemptsExhausted`, `SigningUnavailable`.
    """
    begun = _begun(ports, mfa_token)
    proven = factors.finish(ports, mfa_token, method=method, code=code, credential=credential, call=call)
    client = replace(client, client_id=begun.client_id, device_name=begun.device_name)
    # Whoever began it outside may have to end it, and has been told this name: a token opens one session.
    return proven.user, open_session(ports, proven, client=client, call=call, session_id=begun.id)


def _begun(ports: Ports, mfa_token: str) -> MfaToken:
    begun = mfa_tokens.read(mfa_token, ports.mac)
    if begun is None:
        raise MfaTokenInvalid()
    return begun


def login_with_passkey(
    ports: Ports, *, challenge_id: str, credential: dict[str, Any], client: Client, call: Call
) -> tuple[UserRow, Tokens]:
    """A new session by a passkey alone. 3 reads, 2 writes, 1 transaction, 1 request to KMS.

    Raises `PasskeyUnknown`, `LoginFailed`, `SigningUnavailable`.
    """
    proven = factors.verify_passkey_login(ports, challenge_id, credential, call=call)
    return proven.user, open_session(ports, proven, client=client, call=call)


def reauthenticate(
    ports: Ports, user: UserRow, session_id: str, password: str, *, client: Client, call: Call
) -> Tokens:
    """A new access token whose proof is of now. 2 writes, 1 request to KMS, and the limiter's.

    Raises `LoginFailed`, `AttemptsExhausted`, `NotFound` when the session is over.
    """
    prove_password(ports, user, password, client=client, call=call)
    return proved_again(ports, Proven(user, PASSWORD, 1), session_id)


def proved_again(ports: Ports, proven: Proven, session_id: str) -> Tokens:
    """What was shown just now, in the session and in a new access token. 1 write, 1 request to KMS.

    Raises `NotFound` when the session is over.
    """
    family = ports.sessions.prove(proven.user.user_id, session_id, proven.amr, proven.aal)
    return Tokens(access_token(ports, proven.user, family), ports.settings.access_token_seconds, session_id)


def require_open_here(user: UserRow, session_id: str) -> None:
    """Before anything is used up: a session that another service keeps is proved again there. Raises `NotFound`."""
    if session_id not in user.open_families:
        raise NotFound("This session is over, or kept by another service.")


def prove_password(ports: Ports, user: UserRow, password: str, *, client: Client, call: Call) -> None:
    """Raises `LoginFailed`, `AttemptsExhausted`."""
    with (
        refusals.noted_again(ports, user.user_id, method="password", call=call),
        reserved(ports, user.email_norm, devices.known(ports, user, client)),
    ):
        if not ports.passwords.matches(password, user.kept):
            raise Spent(LoginFailed())


def open_session(ports: Ports, proven: Proven, *, client: Client, call: Call, session_id: str | None = None) -> Tokens:
    """A new session for who has shown who they are. 1 transaction, 1 request to KMS; 1 read for a known device.

    Raises `SigningUnavailable`.
    """
    device_id = devices.known(ports, proven.user, client)
    return _opened(ports, proven, device_id, client=client, call=call, session_id=session_id)


def remember_device(ports: Ports, user: UserRow, client: Client) -> str | None:
    """Know this device again, for a session that another service keeps: the token of a new one. 1 transaction.

    For one that is known 1 write.
    """
    device_id = secret_values.known_device(ports.mac, user.email_norm, client.device_token)
    if device_id is not None and ports.devices.see(user.user_id, device_id, client.device_name):
        return None
    device_id, device_token = secret_values.new_device(ports.mac, user.email_norm)
    told = DeviceAdded(user_id=user.user_id, device_id=device_id)
    row = device_row(user.user_id, device_id, client.device_name)
    ports.devices.remember(row, told, also=[_new_device(user, client)])
    return device_token


def _opened(
    ports: Ports,
    proven: Proven,
    device_id: str | None,
    *,
    client: Client,
    call: Call,
    rehashed: Kept | None = None,
    session_id: str | None = None,
) -> Tokens:
    user = deletion.kept(ports, proven.user, call=call)
    device_token = None
    if device_id is not None:
        device = ports.devices.seeing(device_row(user.user_id, device_id, client.device_name))
    else:
        device_id, device_token = secret_values.new_device(ports.mac, user.email_norm)
        told = DeviceAdded(user_id=user.user_id, device_id=device_id)
        device = ports.devices.adding(device_row(user.user_id, device_id, client.device_name), told)
    family = new_family(ports, user.user_id, client, device_id, family_id=session_id)
    family.amr, family.aal = set(proven.amr), proven.aal
    try:
        access = access_token(ports, user, family)
    except SigningUnavailable:
        if proven.amr == PASSWORD:
            ports.users.forgive(user.user_id)
        raise
    myself = Principal(kind="user", id=user.user_id, user_id=user.user_id, session_id=family.family_id)
    shown = " ".join(sorted(proven.amr))
    ports.sessions.open(
        user,
        family,
        SessionCreated(user_id=user.user_id, session_id=family.family_id, client_id=client.client_id),
        device=device,
        also=[
            *([_new_device(user, client)] if device_token else []),
            audit("accounts.login", f"user:{user.user_id}", by=myself, call=call, shown=shown),
        ],
        rehashed=rehashed,
    )
    return pair(ports, family, access, RefreshToken(user.user_id, family.family_id, 0), device_token)


def _verified(
    ports: Ports, key: str, password: str, *, claim: ClaimRow | None, knows_device: bool, call: Call
) -> tuple[UserRow, Kept]:
    claim = claim or ports.users.claim_of(key)
    user = ports.users.attempted(claim.uid if claim else None)
    kept = user.kept if user else None
    good = ports.passwords.matches(password, kept)
    too_many = user is not None and int(user.fails) > MAX_FAILURES and not knows_device
    if user is None or kept is None or not good or not user.may_sign_in or too_many:
        if user is not None and not good and int(user.fails) == MAX_FAILURES:
            _tell_paused(ports, user)
        target = f"user:{user.user_id}" if user is not None else f"address:{ports.digest('account', key)}"
        refusals.note(ports, refusals.LOGIN, target, method="password", call=call)
        raise Spent(LoginFailed())
    return user, kept


def _pending(ports: Ports, user: UserRow, rehashed: Kept | None, client: Client) -> MfaPending:
    """No session is opened yet that the new hash could ride on."""
    if rehashed is not None:
        ports.users.proved(user, rehashed)
        user.pw, user.pw_pv = rehashed.phc, rehashed.pepper
    return factors.begin(ports, user, PASSWORD, client)


def _rehashed(ports: Ports, password: str, kept: Kept) -> Kept | None:
    return ports.passwords.keep(password) if ports.passwords.is_outdated(kept) else None


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
