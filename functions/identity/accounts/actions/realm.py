"""Accounts of the realm `conduit`: its contract asks for a weak sign-up, so they open nothing but the facade.

Active at once, on an address that nobody has confirmed, with a password of eight characters: so the one scope they get
is the facade's, for a day, without a refresh token, without a role, and no ordinary sign-in takes them.
"""

import unicodedata

from tessera import clock, emails, ids
from tessera.auth.call import Call
from tessera.emails import Address
from tessera.problems import FieldError, InvalidRequest, NotFound

from ..events import UserRegistered, UserUpdated
from ..passwords import Kept
from ..ports import Ports
from ..rules import MAX_FAILURES, LoginFailed, NotActive, NotOfTheRealm
from ..store import UserRow
from ..store.realm import REALM, realm_key
from ..store.rows import MAIN, user_pk
from . import refusals
from .attempts import Spent, reserved
from .factors import methods_of
from .tokens import Grant, mint

SCOPE, ROLE = "blog:conduit", "conduit"
LIFE_SECONDS = 86_400
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128
SIGN_UPS = "conduit:sign-up:ip"


def register(ports: Ports, *, username: str, email: str, password: str, call: Call) -> tuple[UserRow, str]:
    """A new account and its token. 1 request, 1 of the limiter's, 1 to KMS.

    Raises `RealmNameTaken`, `RealmEmailTaken`, `InvalidRequest`, `LimitExceeded`, and `NotFound` while it is off.
    """
    _hold_open(ports)
    decision = ports.limits.decide(SIGN_UPS, f"ip:{call.client_ip}")
    if not decision.allowed:
        raise decision.problem()
    address, user_id, now = _address(email), ids.new(), clock.millis()
    kept = ports.passwords.keep(_acceptable(password))
    user = UserRow(
        pk=user_pk(user_id),
        sk=MAIN,
        user_id=user_id,
        realm=REALM,
        email=address.spelled,
        email_norm=address.key,
        handle=username,
        roles={ROLE},
        pw=kept.phc,
        pw_pv=kept.pepper,
        pw_at=now,
        created=now,
        updated=now,
    )
    user.list_under(address.key)
    ports.realm.create(user, UserRegistered(user_id=user_id))
    return user, token_for(ports, user)


def authenticate(ports: Ports, *, email: str, password: str, call: Call) -> tuple[UserRow, str]:
    """Somebody of the realm, or of ours who has no second factor. 1 or 2 reads, 1 or 2 writes, 1 request to KMS.

    Raises `LoginFailed` for whatever is wrong, `AttemptsExhausted`.
    """
    _hold_open(ports)
    try:
        key = emails.parse(email).key
    except InvalidRequest:
        key = f"?{email.casefold()}"
    with reserved(ports, realm_key(key), None):
        claim = ports.users.claim_of(realm_key(key)) or ports.users.claim_of(key)
        user = ports.users.attempted(claim.uid if claim else None)
        kept = user.kept if user else None
        good = ports.passwords.matches(password, kept)
        if user is None or kept is None or not good or not _may_enter(user):
            target = f"user:{user.user_id}" if user is not None else f"address:{ports.digest('account', key)}"
            refusals.note(ports, refusals.LOGIN, target, method="password", call=call)
            raise Spent(LoginFailed())
        ports.users.proved(user, ports.passwords.keep(password) if ports.passwords.is_outdated(kept) else None)
    return user, token_for(ports, user)


def update(ports: Ports, user_id: str, *, username: str | None, email: str | None, password: str | None) -> UserRow:
    """Change what is given, at once and without asking for the password that was.

    Raises `NotOfTheRealm` for an ordinary account, `RealmNameTaken`, `RealmEmailTaken`, `InvalidRequest`, `Busy`.
    """
    before = _active(ports, user_id)
    if before.realm != REALM:
        raise NotOfTheRealm("Only bio and image are changed here.")
    address = _address(email) if email is not None else None
    kept: Kept | None = ports.passwords.keep(_acceptable(password)) if password is not None else None
    told = UserUpdated(user_id=user_id, handle=username or before.handle, roles=sorted(before.roles))
    return ports.realm.change(before, handle=username, address=address, kept=kept, event=told)


def mint_again(ports: Ports, user_id: str) -> tuple[UserRow, str]:
    """Raises `NotFound`, `NotActive`."""
    _hold_open(ports)
    user = _active(ports, user_id)
    return user, token_for(ports, user)


def token_for(ports: Ports, user: UserRow) -> str:
    grant = Grant(
        session_id=ids.new(),
        client_id=REALM,
        amr=("pwd",),
        aal=1,
        auth_time=clock.millis() // 1000,
        life=LIFE_SECONDS,
        scope=SCOPE,
    )
    return mint(ports, user, grant)


def _hold_open(ports: Ports) -> None:
    if ports.settings.conduit != "on":
        raise NotFound("The facade is off here.")


def _active(ports: Ports, user_id: str) -> UserRow:
    user = ports.users.get(user_id)
    if user.status != "active":
        raise NotActive()
    return user


def _may_enter(user: UserRow) -> bool:
    """A second factor cannot be asked for here, so whoever has one does not come in."""
    few = int(user.fails) <= MAX_FAILURES
    return user.status == "active" and few and not user.is_guest and not methods_of(user)


def _address(email: str) -> Address:
    try:
        found = emails.parse(email)
    except InvalidRequest:
        raise _refused("/email", "is invalid") from None
    return Address(found.spelled, realm_key(found.key))


def _acceptable(password: str) -> str:
    composed = unicodedata.normalize("NFC", password)
    if len(composed) < SHORTEST_PASSWORD:
        raise _refused("/password", f"is too short (minimum is {SHORTEST_PASSWORD} characters)")
    if len(composed) > LONGEST_PASSWORD:
        raise _refused("/password", f"is too long (maximum is {LONGEST_PASSWORD} characters)")
    return composed


def _refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest("Look at the field.", errors=[FieldError(pointer, detail)])
