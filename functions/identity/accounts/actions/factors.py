"""Second factors and passkeys, as everything that signs somebody in uses them.

What is shown once is used up in the same write that lets it pass: a code, a step, a challenge, an attempt.
"""

from collections.abc import Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

from tessera import clock, ids
from tessera.auth.audit import EntryRecorded, audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import StepUpRequired
from tessera.problems import Busy, NotFound
from tessera.transact import Step

from .. import mails, mfa_tokens, recovery_codes, totp
from ..events import MailRequested, MfaDisabled
from ..mfa_tokens import MfaToken
from ..ports import Client, Ports
from ..relying_party import Asserted, NotGenuine, credential_id_of
from ..rules import LoginFailed, MfaFailed, MfaTokenInvalid, PasskeyUnknown
from ..store import UserRow
from ..store.factor_rows import RECOVERY, TOTP, PasskeyRow, passkey_id_of
from ..store.factors import Held, same_ways_in
from ..store.passkeys import Regressed
from ..store.users import Changed
from . import refusals
from .attempts import Spent, reserved_for_code
from .changes import applied, check_seen

Credential = dict[str, Any]

# What makes a password alone not enough. Recovery codes stand in for one of these, never for themselves.
SECOND = frozenset(["passkey", "totp"])
METHODS = ("passkey", "totp", "recovery")
# What a challenge was made for.
LOGIN, MFA = "login", "mfa"


class Proven(NamedTuple):
    """Who somebody has shown to be, and how: `amr` in the names of RFC 8176, `aal` 1 or 2."""

    user: UserRow
    amr: frozenset[str]
    aal: int


@dataclass(frozen=True)
class MfaPending:
    """The first factor was right; `token` is what the second one is sent with, for the session of this id."""

    token: str
    methods: list[str]
    session_id: str


def methods_of(user: UserRow) -> list[str]:
    """The second factors this user can show, the strongest first; empty when a password alone is enough."""
    held = set(user.mfa or ())
    return [method for method in METHODS if method in held] if held & SECOND else []


def require_second_factor(user: UserRow, caller: Principal) -> None:
    """What only somebody who has shown their second factor may do, if they have one. Raises `StepUpRequired`."""
    if methods_of(user) and caller.aal < 2:
        raise StepUpRequired(aal=2)


def require_shown_factor(ports: Ports, user: UserRow, caller: Principal) -> None:
    """The same for adding another one: the sign-in that has set the first one up has shown it by doing so.

    1 read when the token does not say so yet. Raises `StepUpRequired`.
    """
    if not methods_of(user) or caller.aal >= 2:
        return
    try:
        shown = int(ports.sessions.get(user.user_id, caller.session_id or "").aal)
    except NotFound:
        shown = 1
    if shown < 2:
        raise StepUpRequired(aal=2)


def begin(
    ports: Ports, user: UserRow, amr: Iterable[str], client: Client, *, session_id: str | None = None
) -> MfaPending:
    """Ask for the second factor of somebody who has shown their first. No request."""
    named, shown = session_id or ids.new(), tuple(sorted(amr))
    token = MfaToken(named, user.user_id, int(user.ep), shown, client.client_id, client.device_name)
    return MfaPending(token.text(ports.mac), methods_of(user), token.id)


def finish(
    ports: Ports,
    mfa_token: str,
    *,
    method: str,
    code: str | None = None,
    credential: Credential | None = None,
    call: Call,
) -> Proven:
    """Check the second factor that `begin` asked for. 2 writes, 1 query, 1 request to KMS, and the limiter's.

    Raises `MfaTokenInvalid`, `MfaFailed`, `AttemptsExhausted`.
    """
    token = mfa_tokens.read(mfa_token, ports.mac)
    if token is None:
        raise MfaTokenInvalid()
    # A passkey cannot be guessed, so whoever uses all the guesses up does not keep its owner out.
    with (
        refusals.noted(ports, token.user_id, method=method, call=call),
        nullcontext() if method == "passkey" else reserved_for_code(ports, token.user_id),
    ):
        left = ports.factors.attempt(token)
        held = _held(ports, token)
        ending = ports.factors.ending(token)
        try:
            shown = _shown(
                ports, held, method, ending, code=code, challenge=(token.id, MFA), credential=credential, call=call
            )
        except MfaFailed as wrong:
            if left == 0:
                _tell_exhausted(ports, held.user, call)
            raise wrong if method == "passkey" else Spent(wrong) from None
    return Proven(held.user, frozenset(token.amr) | shown | {"mfa"}, 2)


def prove(
    ports: Ports,
    user: UserRow,
    *,
    method: str,
    code: str | None = None,
    challenge_id: str | None = None,
    credential: Credential | None = None,
    call: Call,
) -> Proven:
    """Show a second factor, or a passkey that verifies its user, in a sign-in that goes on.

    A passkey answers a challenge of `login`. Raises `MfaFailed`, `AttemptsExhausted`.
    """
    with (
        refusals.noted_again(ports, user.user_id, method=method, call=call),
        nullcontext() if method == "passkey" else reserved_for_code(ports, user.user_id),
    ):
        held = ports.factors.held(user.user_id)
        try:
            challenge = (challenge_id or "", LOGIN)
            shown = _shown(ports, held, method, code=code, challenge=challenge, credential=credential, call=call)
        except MfaFailed as wrong:
            raise wrong if method == "passkey" else Spent(wrong) from None
    return Proven(held.user, shown | {"mfa"}, 2)


def verify_passkey_login(ports: Ports, challenge_id: str, credential: Credential, *, call: Call) -> Proven:
    """Who signs in with a passkey and nothing else. 2 writes, 3 reads.

    Raises `PasskeyUnknown` for one that opens nothing, `LoginFailed` for everything else.
    """
    challenge = ports.passkeys.answered(challenge_id, LOGIN)
    credential_id = credential_id_of(credential)
    if challenge is None or credential_id is None:
        raise LoginFailed()
    passkey_id = passkey_id_of(credential_id)
    user_id = ports.passkeys.owner_of(passkey_id)
    row = ports.passkeys.get(user_id, passkey_id) if user_id is not None else None
    if user_id is None or row is None:
        refusals.note(ports, refusals.LOGIN, f"passkey:{passkey_id}", method="passkey", call=call)
        raise PasskeyUnknown()
    with refusals.noted(ports, user_id, method="passkey", call=call):
        return _signed_in_with(ports, user_id, row, challenge, credential, call=call)


def _signed_in_with(
    ports: Ports, user_id: str, row: PasskeyRow, challenge: bytes, credential: Credential, *, call: Call
) -> Proven:
    try:
        user = ports.users.get(user_id)
    except NotFound:
        raise PasskeyUnknown() from None
    try:
        shown = _asserted(ports, row, challenge, credential, needs_verification=True)
    except MfaFailed:
        raise LoginFailed() from None
    # Nobody has said before who they are, so the authenticator must say the same as the key (WebAuthn 7.2, step 6).
    if credential.get("response", {}).get("userHandle") != user.wa_handle or not user.may_sign_in:
        raise LoginFailed()
    if not _used(ports, user, row, shown, call=call):
        raise LoginFailed()
    return Proven(user, amr_of(shown.is_eligible) | {"mfa"}, 2)


def reset(ports: Ports, user: UserRow, *, seen: Collection[str] | None = None, caller: Principal, call: Call) -> None:
    """Take every factor and passkey away and end every session: what staff do for who has lost theirs.

    2 requests. Raises `StaleVersion`, and `Busy` when the user is changing them just now.
    """
    check_seen(user, seen)
    passkeys = [row.passkey_id for row in ports.passkeys.of(user.user_id)]
    applied(
        ports,
        user,
        UserRow.mfa.remove(),
        UserRow.passkeys.remove(),
        event=MfaDisabled(user_id=user.user_id, method="all"),
        also=[
            # A guest has no address to write to.
            *([notice(user, "mfa-reset")] if user.email else []),
            audit("accounts.mfa-reset", f"user:{user.user_id}", by=caller, call=call),
        ],
        steps=[
            *ports.factors.dropping(user.user_id, TOTP, RECOVERY),
            *ports.passkeys.removing(user.user_id, passkeys),
        ],
        reason="second factors reset by staff",
        bump=True,
        only_if=same_ways_in(user),
        unless=lambda found: (found.mfa, found.passkeys, found.ep) != (user.mfa, user.passkeys, user.ep),
    )


def _held(ports: Ports, token: MfaToken) -> Held:
    """The user of the transaction, unless what they signed in with has been replaced since."""
    try:
        held = ports.factors.held(token.user_id)
    except NotFound:
        raise MfaTokenInvalid() from None
    if not held.user.may_sign_in or int(held.user.ep) != token.epoch:
        raise MfaTokenInvalid()
    return held


def _shown(
    ports: Ports,
    held: Held,
    method: str,
    *ending: Step,
    code: str | None,
    challenge: tuple[str, str],
    credential: Credential | None,
    call: Call,
) -> frozenset[str]:
    """The names of what was shown, used up by now. Raises `MfaFailed`."""
    if method == "totp" and code is not None:
        return _shown_totp(ports, held, code, *ending)
    if method == "recovery" and code is not None:
        return _shown_recovery(ports, held, code, *ending, call=call)
    if method == "passkey" and credential is not None:
        return _shown_passkey(ports, held.user, challenge, credential, *ending, call=call)
    raise MfaFailed()


def _shown_totp(ports: Ports, held: Held, code: str, *ending: Step) -> frozenset[str]:
    user_id, row = held.user.user_id, held.confirmed_totp
    if row is None:
        raise MfaFailed()
    secret = totp.bytes_of(ports.factors.secret_of(row, user_id))
    step = totp.matching_step(secret, code.replace(" ", ""), clock.millis())
    if step is None:
        raise MfaFailed()
    ports.factors.use_step(user_id, step, *ending)
    return frozenset(["otp"])


def _shown_recovery(ports: Ports, held: Held, code: str, *ending: Step, call: Call) -> frozenset[str]:
    user = held.user
    left = _without(ports, held, code, *ending, call=call)
    if held.confirmed_totp is not None:
        # Whoever looked over a shoulder at the app must not get in beside its owner.
        ports.factors.burn(user.user_id, totp.step_at(clock.millis()) + 1)
    if 0 < left <= recovery_codes.FEW:
        ports.users.tell(notice(user, "recovery-codes-low", left=str(left)))
    return frozenset(["otp"])


def _without(ports: Ports, held: Held, code: str, *ending: Step, call: Call) -> int:
    """How many codes are left without this one, of which others may be used at the same moment.

    1 transaction. Raises `MfaFailed`.
    """
    user = held.user
    for _ in range(recovery_codes.COUNT):
        tag = recovery_codes.kept_as(ports.mac, user.user_id, code, held.codes)
        if tag is None:
            raise MfaFailed()
        left = len(held.codes) - 1
        mail, told = notice(user, "recovery-code-used", left=str(left)), _entry(user, "recovery-code-used", call)
        gone = notice(user, "recovery-codes-gone") if left == 0 else None
        try:
            ports.factors.take_code(user.user_id, tag, *ending, event=mail, also=told, gone=gone)
        except Changed:
            held = ports.factors.held(user.user_id)
            continue
        return left
    raise Busy()


def _shown_passkey(
    ports: Ports, user: UserRow, asked: tuple[str, str], credential: Credential, *ending: Step, call: Call
) -> frozenset[str]:
    challenge_id, purpose = asked
    challenge = ports.passkeys.answered(challenge_id, purpose)
    credential_id = credential_id_of(credential)
    if challenge is None or credential_id is None:
        raise MfaFailed()
    row = ports.passkeys.get(user.user_id, passkey_id_of(credential_id))
    if row is None:
        raise MfaFailed()
    # After a password a touch is enough; alone it is not.
    shown = _asserted(ports, row, challenge, credential, needs_verification=purpose == LOGIN)
    if not _used(ports, user, row, shown, *ending, call=call):
        raise MfaFailed()
    return amr_of(shown.is_eligible)


def _asserted(
    ports: Ports, row: PasskeyRow, challenge: bytes, credential: Credential, *, needs_verification: bool
) -> Asserted:
    public_key = ports.passkeys.public_key_of(row)
    try:
        return ports.relying_party.asserted(credential, challenge, public_key, needs_verification=needs_verification)
    except NotGenuine:
        raise MfaFailed() from None


def _used(ports: Ports, user: UserRow, row: PasskeyRow, shown: Asserted, *ending: Step, call: Call) -> bool:
    """Note the use; False, and its owner is told, when the sign count says that the key was copied."""
    try:
        ports.passkeys.use(row, user.user_id, shown, *ending)
    except Regressed:
        ports.users.tell(
            notice(user, "passkey-refused", passkey=row.name),
            _entry(user, "passkey-refused", call, passkey=row.passkey_id),
        )
        return False
    return True


def amr_of(is_eligible: bool) -> frozenset[str]:
    """A key that may leave its device is a software key to whoever asks how strong it is (RFC 8176 2)."""
    return frozenset(["swk" if is_eligible else "hwk", "user"])


def _tell_exhausted(ports: Ports, user: UserRow, call: Call) -> None:
    """Whoever got so far knows the password."""
    ports.users.tell(notice(user, "mfa-exhausted"), _entry(user, "mfa-exhausted", call))


def notice(user: UserRow, template: str, **data: str) -> MailRequested:
    return mails.notice(template, to=user.email, locale=user.locale, **data)


def _entry(user: UserRow, what: str, call: Call, *, passkey: str | None = None) -> EntryRecorded:
    myself = Principal(kind="user", id=user.user_id, user_id=user.user_id)
    return audit(f"accounts.{what}", f"user:{user.user_id}", by=myself, call=call, passkey=passkey)
