"""A new password: by the old one, or by a mail."""

from tessera import clock, emails, ids
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import NotFound

from .. import mails, secret_values
from ..events import PasswordChanged
from ..ports import Client, Ports
from ..rules import ResetTokenInvalid
from ..store import UserRow
from ..store.users import with_password
from .changes import applied
from .factors import require_second_factor
from .sign_in import prove_password
from .sign_up import reset_row
from .tokens import Grant, Tokens, access_token, mint


def change(
    ports: Ports,
    user_id: str,
    session_id: str,
    *,
    current: str,
    new: str,
    caller: Principal,
    client: Client,
    call: Call,
) -> Tokens:
    """A new password; every other session ends. This one gets a token of the new epoch, in a browser another cookie.

    Raises `StepUpRequired` before a second factor was shown, `LoginFailed` for a wrong current password,
    `WeakPassword`, `AttemptsExhausted`, and `Unavailable` while the browser cannot be given its cookie.
    """
    user = ports.users.get(user_id)
    require_second_factor(user, caller)
    prove_password(ports, user, current, client=client, call=call)
    kept = ports.passwords.keep(ports.passwords.check(new, context=_context(user), pointer="/new"))
    # Ahead of the change: whoever has copied the cookie must not be the first to renew after it.
    ports.cookie_sessions.move(caller, call=call)
    epoch = applied(
        ports,
        user,
        *with_password(kept),
        event=PasswordChanged(user_id=user_id, kept_session_id=session_id),
        also=[
            mails.notice("password-changed", to=user.email, locale=user.locale),
            audit("accounts.password-changed", f"user:{user_id}", by=caller, call=call),
        ],
        # Who had asked for a reset, perhaps somebody else, must not undo this by the mail that is still about.
        steps=[ports.addresses.forgetting_reset(user_id)],
        keep=session_id,
        reason="password changed",
        unless=lambda found: found.pw != user.pw,
    )
    if caller.credential == "cookie":
        # A browser's session is kept elsewhere: what was shown in it is what its token says.
        access = mint(ports, user, _as_shown(caller, session_id), epoch=epoch)
    else:
        access = access_token(ports, user, ports.sessions.get(user_id, session_id), epoch=epoch)
    return Tokens(access, ports.settings.access_token_seconds, session_id)


def forgot(ports: Ports, email: str) -> None:
    """Ask for a reset by mail, at most 3 an hour. 1 read and 1 write, whoever asks for whomever.

    Raises `InvalidRequest` for what is no address.
    """
    key = emails.parse(email).key
    if not ports.limits.decide("auth:mail:address", f"mail:{ports.digest('account', key)}").allowed:
        return
    claim = ports.users.claim_of(key)
    subject = claim.uid if claim else ids.new()
    token = secret_values.new_link_token(subject)
    to = claim.email if claim else "nobody@example.invalid"
    mail = mails.password_reset(ports, to=to, locale=None, token=token)
    ports.users.keep_reset(reset_row(ports, subject, token), mail if claim else None)


def reset(ports: Ports, token: str, password: str, *, call: Call) -> None:
    """Set a new password by the link of a mail. Every session ends. Nobody is signed in by it.

    Raises `ResetTokenInvalid`, `WeakPassword`.
    """
    user_id = secret_values.subject_of(token)
    found = ports.users.reset_of(user_id) if user_id else None
    if user_id is None or found is None or not secret_values.is_same(found.mac, ports.digest("reset", token)):
        raise ResetTokenInvalid()
    if found.exp <= clock.millis():
        raise ResetTokenInvalid()
    try:
        user = ports.users.get(user_id)
    except NotFound:
        raise ResetTokenInvalid() from None
    kept = ports.passwords.keep(ports.passwords.check(password, context=_context(user)))
    myself = Principal(kind="user", id=user_id, user_id=user_id)
    applied(
        ports,
        user,
        *with_password(kept),
        event=PasswordChanged(user_id=user_id),
        also=[
            mails.notice("password-changed", to=user.email, locale=user.locale),
            audit("accounts.password-reset", f"user:{user_id}", by=myself, call=call),
        ],
        steps=[ports.users.consuming_reset(found)],
        reason="password reset",
    )


def _as_shown(caller: Principal, session_id: str) -> Grant:
    return Grant(
        session_id=session_id,
        client_id=caller.client_id or "web",
        amr=tuple(sorted(caller.amr)),
        aal=caller.aal,
        auth_time=int(caller.auth_time.timestamp()) if caller.auth_time else 0,
    )


def _context(user: UserRow) -> list[str]:
    return [user.email.rpartition("@")[0], user.name or "", user.handle or ""]
