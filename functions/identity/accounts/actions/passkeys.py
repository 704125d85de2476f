"""The passkeys of an account: adding, looking at, naming and removing them."""

from dataclasses import dataclass
from typing import Any

from tessera import clock, ids
from tessera.auth import jws
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.problems import Busy, NotFound
from tessera.transact import Step

from .. import authenticators, mfa_tokens
from ..events import MfaDisabled, MfaEnabled
from ..ports import Ports
from ..relying_party import Descriptor, Registered, new_challenge
from ..rules import MAX_PASSKEYS, LastSignInMethod, MfaTokenInvalid, PasskeyInvalid, TooManyPasskeys
from ..store import UserRow
from ..store.factor_rows import RECOVERY, PasskeyRow, passkey_id_of, passkey_sk
from ..store.rows import user_pk
from ..store.users import Changed
from .factors import LOGIN, MFA, amr_of, notice, require_second_factor, require_shown_factor

REGISTER = "register"
UNNAMED = "Passkey"
TRIES = 4


@dataclass(frozen=True)
class Asked:
    """A challenge and what a browser is given with it."""

    challenge_id: str
    options: dict[str, Any]


def ask_to_add(ports: Ports, user_id: str, *, caller: Principal) -> Asked:
    """What `navigator.credentials.create` is given. 1 read, 1 query, 1 write, and 1 more the first time.

    Raises `StepUpRequired`, `TooManyPasskeys`.
    """
    user = ports.users.get(user_id)
    require_shown_factor(ports, user, caller)
    known = ports.passkeys.of(user_id)
    if len(known) >= MAX_PASSKEYS:
        raise TooManyPasskeys()
    handle = ports.passkeys.handle_of(user)
    challenge_id, challenge = ids.new(), new_challenge()
    ports.passkeys.ask(challenge_id, challenge, REGISTER, user_id)
    options = ports.relying_party.creation_options(
        challenge, handle, email=user.email, name=user.name, exclude=[_descriptor(row) for row in known]
    )
    return Asked(challenge_id, options)


def ask_to_show(ports: Ports, mfa_token: str | None) -> Asked:
    """What `navigator.credentials.get` is given: by a token of `login`, as a second factor, else to sign in with.

    1 write, and 1 query for a second factor. Raises `MfaTokenInvalid`.
    """
    challenge = new_challenge()
    if mfa_token is None:
        challenge_id = ids.new()
        ports.passkeys.ask(challenge_id, challenge, LOGIN)
        options = ports.relying_party.request_options(challenge, allow=[], user_verification="required")
        return Asked(challenge_id, options)
    token = mfa_tokens.read(mfa_token, ports.mac)
    if token is None:
        raise MfaTokenInvalid()
    known = [_descriptor(row) for row in ports.passkeys.of(token.user_id)]
    ports.passkeys.ask(token.id, challenge, MFA, token.user_id)
    options = ports.relying_party.request_options(challenge, allow=known, user_verification="preferred")
    return Asked(token.id, options)


def add(
    ports: Ports,
    user_id: str,
    *,
    challenge_id: str,
    credential: dict[str, Any],
    name: str | None,
    caller: Principal,
    call: Call,
) -> PasskeyRow:
    """A new passkey. 1 write, 1 read, 1 transaction, and 1 internal call for a browser, which gets another cookie.

    The session at hand has shown a second factor by this; its next token says so. Raises `PasskeyInvalid`,
    `PasskeyTaken`, `TooManyPasskeys`, `StepUpRequired`, `Unavailable`.
    """
    challenge = ports.passkeys.answered(challenge_id, REGISTER, user_id)
    if challenge is None:
        raise PasskeyInvalid()
    found = ports.relying_party.registered(credential, challenge)
    row = _row(user_id, found, name, credential.get("response", {}).get("transports") or [])
    for _ in range(TRIES):
        user = ports.users.get(user_id)
        # Also now: another factor may have been set up since the options were asked for.
        require_shown_factor(ports, user, caller)
        if int(user.passkeys or 0) >= MAX_PASSKEYS:
            raise TooManyPasskeys()
        ports.cookie_sessions.move(caller, call=call)
        try:
            ports.factors.change(
                user,
                UserRow.mfa.add({"passkey"}),
                UserRow.passkeys.add(1),
                event=MfaEnabled(user_id=user_id, method="passkey"),
                also=[
                    notice(user, "passkey-added", passkey=row.name),
                    audit("accounts.passkey-added", f"user:{user_id}", by=caller, call=call, passkey=row.passkey_id),
                ],
                steps=[
                    *ports.passkeys.adding(row, user_id),
                    *_showing(ports, user, caller, found),
                ],
            )
        except Changed:
            continue
        return row
    raise Busy()


def listed(ports: Ports, user_id: str) -> list[PasskeyRow]:
    """1 query; there are at most 15."""
    return ports.passkeys.of(user_id)


def rename(
    ports: Ports, user_id: str, passkey_id: str, name: str, *, version: int | None, caller: Principal, call: Call
) -> PasskeyRow:
    """3 reads, 1 transaction. Raises `StepUpRequired`, `NotFound`, `StaleVersion`."""
    require_second_factor(ports.users.get(user_id), caller)
    row = _known(ports, user_id, passkey_id)
    if version is not None and version != int(row.version):
        raise StaleVersion(f"You read version {version}; it is at {int(row.version)} now. Read it again.")
    told = audit("accounts.passkey-renamed", f"user:{user_id}", by=caller, call=call, passkey=passkey_id)
    ports.passkeys.rename(row, user_id, name, told)
    return _known(ports, user_id, passkey_id)


def remove(
    ports: Ports, user_id: str, passkey_id: str, *, version: int | None = None, caller: Principal, call: Call
) -> None:
    """The passkey opens nothing any more. 2 reads, 1 transaction, and 1 internal call for a browser.

    Raises `StepUpRequired`, `NotFound`, `StaleVersion`, `LastSignInMethod`, `Unavailable`.
    """
    for _ in range(TRIES):
        user = ports.users.get(user_id)
        require_second_factor(user, caller)
        row = _known(ports, user_id, passkey_id)
        is_last = int(user.passkeys or 0) <= 1
        if is_last and user.pw is None:
            raise LastSignInMethod()
        has_app = "totp" in (user.mfa or ())
        gone = ({"passkey"} if has_app else {"passkey", "recovery"}) if is_last else set()
        ports.cookie_sessions.move(caller, call=call)
        try:
            ports.factors.change(
                user,
                UserRow.passkeys.add(-1),
                *([UserRow.mfa.delete(gone)] if gone else []),
                event=MfaDisabled(user_id=user_id, method="passkey"),
                also=[
                    notice(user, "passkey-removed", passkey=row.name),
                    audit("accounts.passkey-removed", f"user:{user_id}", by=caller, call=call, passkey=passkey_id),
                ],
                steps=[
                    *ports.passkeys.removing(user_id, [passkey_id], expect=version),
                    *(ports.factors.dropping(user_id, RECOVERY) if "recovery" in gone else []),
                ],
                restamp=True,
            )
        except Changed:
            continue
        return
    raise Busy()


def _showing(ports: Ports, user: UserRow, caller: Principal, found: Registered) -> list[Step]:
    """Nothing for a session that another service keeps."""
    if caller.session_id not in user.open_families:
        return []
    shown = amr_of(found.is_eligible) | {"mfa"}
    return [ports.sessions.showing(caller.session_id, user.user_id, shown, refused=Changed())]


def _known(ports: Ports, user_id: str, passkey_id: str) -> PasskeyRow:
    row = ports.passkeys.get(user_id, passkey_id)
    if row is None:
        raise NotFound("There is no such passkey.")
    return row


def _row(user_id: str, found: Registered, name: str | None, transports: list[str]) -> PasskeyRow:
    passkey_id = passkey_id_of(found.credential_id)
    return PasskeyRow(
        pk=user_pk(user_id),
        sk=passkey_sk(passkey_id),
        passkey_id=passkey_id,
        cred_id=jws.encode(found.credential_id),
        pub=jws.encode(found.public_key),
        sign_count=found.sign_count,
        be=found.is_eligible,
        bs=found.is_backed_up,
        aaguid=found.aaguid,
        transports=set(transports) or None,
        name=name or authenticators.name_of(found.aaguid) or UNNAMED,
        created=clock.millis(),
    )


def _descriptor(row: PasskeyRow) -> Descriptor:
    return Descriptor(row.cred_id, sorted(row.transports or ()))
