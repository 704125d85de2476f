"""Setting up and taking away an authenticator app and recovery codes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import Busy, NotFound

from .. import recovery_codes, totp
from ..config import PRODUCT
from ..events import MfaDisabled, MfaEnabled
from ..ports import Ports
from ..rules import FactorMissing, TotpCodeInvalid, TotpEnrolled
from ..store import UserRow
from ..store.factor_rows import RECOVERY, TOTP
from ..store.factors import Held
from ..store.users import Changed
from .attempts import Spent, reserved_for_code
from .factors import Proven, methods_of, notice, require_second_factor, require_shown_factor
from .sign_in import proved_again
from .tokens import Tokens

TRIES = 4
T = TypeVar("T")


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app is given, once."""

    secret: str
    uri: str


@dataclass(frozen=True)
class Standing:
    """Which second factors somebody has."""

    methods: list[str]
    codes_left: int
    passkeys: int
    has_password: bool


def standing(ports: Ports, user_id: str) -> Standing:
    """1 query."""
    held = ports.factors.held(user_id)
    user = held.user
    return Standing(methods_of(user), len(held.codes), int(user.passkeys or 0), user.pw is not None)


def begin_totp(ports: Ports, user_id: str, *, caller: Principal) -> Enrolment:
    """A new secret, which counts once a code of it was shown. 1 read, 1 write, 1 request to KMS.

    Raises `StepUpRequired`, `TotpEnrolled`.
    """
    user = ports.users.get(user_id)
    require_shown_factor(ports, user, caller)
    if "totp" in (user.mfa or ()):
        raise TotpEnrolled()
    secret = totp.new_secret()
    ports.factors.begin_totp(user_id, totp.text_of(secret))
    return Enrolment(totp.text_of(secret), totp.uri_of(secret, issuer=PRODUCT.title(), account=user.email))


def confirm_totp(ports: Ports, user_id: str, code: str, *, caller: Principal, call: Call) -> Tokens | None:
    """The app shows the right codes, so from now on they are asked for. 1 query, 1 transaction, 1 write.

    The session at hand has shown its second factor by this: it gets a token that says so, unless it is a browser's,
    which gets another cookie by 1 internal call. Raises `TotpCodeInvalid`, `TotpEnrolled`, `AttemptsExhausted`,
    `StepUpRequired`, and `Unavailable` while browsers cannot be given theirs.
    """

    def confirm(held: Held) -> UserRow:
        user, row = held.user, held.totp
        require_shown_factor(ports, user, caller)
        if held.confirmed_totp is not None:
            raise TotpEnrolled()
        if row is None:
            raise TotpCodeInvalid()
        secret = totp.bytes_of(ports.factors.secret_of(row, user_id))
        step = totp.matching_step(secret, code.replace(" ", ""), clock.millis())
        if step is None:
            raise Spent(TotpCodeInvalid())
        ports.cookie_sessions.move(caller, call=call)
        user.ep = ports.factors.change(
            user,
            UserRow.mfa.add({"totp"}),
            event=MfaEnabled(user_id=user_id, method="totp"),
            also=[
                notice(user, "mfa-enabled", method="an authenticator app"),
                audit("accounts.mfa-enabled", f"user:{user_id}", by=caller, call=call, method="totp"),
            ],
            steps=[ports.factors.confirming_totp(row, user_id, step)],
            restamp=True,
        )
        return user

    with reserved_for_code(ports, user_id):
        user = _settled(ports, user_id, confirm)
    try:
        return proved_again(ports, Proven(user, frozenset(["otp", "mfa"]), 2), caller.session_id or "")
    except NotFound:
        return None


def remove_totp(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> None:
    """The authenticator app is not asked for any more. 1 query, 1 transaction, 1 internal call for a browser.

    Recovery codes go with the last factor they stand in for. Raises `StepUpRequired`, `NotFound`, `Unavailable`.
    """

    def remove(held: Held) -> None:
        user = held.user
        require_second_factor(user, caller)
        if held.totp is None or not held.totp.confirmed:
            raise NotFound("There is no authenticator app.")
        ports.cookie_sessions.move(caller, call=call)
        is_last = not int(user.passkeys or 0)
        gone = {"totp", "recovery"} if is_last else {"totp"}
        ports.factors.change(
            user,
            UserRow.mfa.delete(gone),
            event=MfaDisabled(user_id=user_id, method="totp"),
            also=[
                notice(user, "mfa-disabled", method="an authenticator app"),
                audit("accounts.mfa-disabled", f"user:{user_id}", by=caller, call=call, method="totp"),
            ],
            steps=ports.factors.dropping(user_id, TOTP, *([RECOVERY] if is_last else [])),
            restamp=True,
        )

    _settled(ports, user_id, remove)


def renew_codes(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> list[str]:
    """Ten new recovery codes; the old ones are worth nothing any more. 1 query, 1 transaction.

    Raises `StepUpRequired`, `FactorMissing`.
    """
    codes = recovery_codes.new_codes()
    tags = [recovery_codes.tag_of(ports.mac, user_id, code.replace("-", "")) for code in codes]

    def renew(held: Held) -> None:
        user = held.user
        require_second_factor(user, caller)
        if not methods_of(user):
            raise FactorMissing()
        told = audit("accounts.recovery-codes-made", f"user:{user_id}", by=caller, call=call)
        ports.factors.change(
            user,
            UserRow.mfa.add({"recovery"}),
            also=[notice(user, "recovery-codes-made"), told],
            steps=[ports.factors.keeping_codes(user_id, tags)],
        )

    _settled(ports, user_id, renew)
    return codes


def _settled(ports: Ports, user_id: str, change: Callable[[Held], T]) -> T:
    """Try again when something else about the account was changed in between. Raises `Busy`."""
    for _ in range(TRIES):
        try:
            return change(ports.factors.held(user_id))
        except Changed:
            continue
    raise Busy()
