"""Another address for an account: confirmed at the new one, and for a week to be taken back from the old one."""

from collections.abc import Collection

from tessera import clock, emails
from tessera.auth.audit import EntryRecorded, audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.emails import Address
from tessera.problems import Busy, InvalidRequest
from tessera.transact import putting

from .. import mails, secret_values
from ..events import EmailChanged
from ..ports import Ports
from ..rules import CODE_ATTEMPTS, EMAIL_CHANGE_LIFE, EMAIL_REVERT_LIFE, MAILS_KEPT, CodeInvalid
from ..store import UserRow
from ..store.addresses import addressed
from ..store.life_rows import EMAIL_CHANGE, EmailChangeRow, RevertRow, revert_sk
from ..store.rows import expires_in, user_pk
from ..store.users import Changed
from .changes import check_seen
from .factors import require_second_factor
from .sign_up import reset_row

TRIES = 5
PURPOSE = "email-change"


def ask(ports: Ports, user_id: str, email: str, *, caller: Principal) -> None:
    """Send a code to the new address. 2 reads and 1 write, and the limiter's, also when it has an account.

    Somebody else's address gets a mail that says so: whether it has an account is told to nobody else. Raises
    `InvalidRequest`, `StepUpRequired`, and `RateLimited` after 3 an hour.
    """
    address = emails.parse(email)
    user = ports.users.get(user_id)
    require_second_factor(user, caller)
    ports.limits.charge("auth:mail:address", f"change:{user_id}")
    claim = ports.users.claim_of(address.key)
    is_taken = claim is not None and claim.uid != user_id
    # Mail goes to the spelling that was confirmed, never to the one typed here.
    to = claim.email if claim is not None and is_taken and claim.email else address.spelled
    code = secret_values.new_code()
    make = mails.email_in_use if is_taken else mails.confirm_new_email
    mail = make(ports, to=to, locale=user.locale, code=code)
    if not ports.limits.decide("auth:mail:address", f"mail:{ports.digest('account', address.key)}").allowed:
        return
    row = EmailChangeRow(
        pk=user_pk(user_id),
        sk=EMAIL_CHANGE,
        kind="exists" if is_taken else "new",
        email=address.spelled,
        email_norm=address.key,
        code_mac=ports.digest(PURPOSE, f"{user_id} {code}"),
        left=CODE_ATTEMPTS,
        exp=clock.millis() + int(EMAIL_CHANGE_LIFE.total_seconds() * 1000),
        ttl=expires_in(EMAIL_CHANGE_LIFE),
    )
    ports.addresses.ask(row, mail)


def confirm(ports: Ports, user_id: str, code: str, *, caller: Principal, call: Call) -> UserRow:
    """The code has come from the new address: from now on it is the account's. 1 write, 2 reads, 1 transaction.

    Raises `CodeInvalid`, `CodeExpired`, `AttemptsExhausted`, `EmailTaken`.
    """
    row = ports.addresses.attempt(user_id)
    good = secret_values.is_same(row.code_mac, ports.digest(PURPOSE, f"{user_id} {code}"))
    if not good or row.kind != "new":
        raise CodeInvalid()
    for _ in range(TRIES):
        user = ports.users.get(user_id)
        token = secret_values.new_link_token(user_id)
        try:
            ports.addresses.confirm(
                user,
                row,
                event=EmailChanged(user_id=user_id, email=row.email, old_email=user.email),
                revert=_way_back(ports, user, token),
                notice=mails.email_changed(ports, to=user.email, locale=user.locale, new=row.email, token=token),
                also=[audit("accounts.email-changed", f"user:{user_id}", by=caller, call=call)],
            )
            return ports.users.get(user_id)
        except Changed:
            continue
    raise Busy()


def revert(ports: Ports, token: str, *, call: Call) -> None:
    """The old address takes the account back by the link in its mail, and every session ends.

    Its mail has a link to a new password, because whoever changed the address knew the old one. Raises
    `CodeInvalid`, and `EmailTaken` when somebody has an account with the old address by now.
    """
    user_id = secret_values.subject_of(token)
    row = ports.addresses.revert_of(user_id, ports.digest("revert", token)) if user_id else None
    if user_id is None or row is None or not row.is_open:
        raise CodeInvalid()
    ports.addresses.forget_after(user_id, row)
    myself = Principal(kind="user", id=user_id, user_id=user_id)
    told = audit("accounts.email-reverted", f"user:{user_id}", by=myself, call=call)
    _move(ports, user_id, Address(row.email, row.email_norm), row=row, told=told, reason="address taken back")


def set_by_staff(
    ports: Ports, user_id: str, email: str, *, seen: Collection[str] | None = None, caller: Principal, call: Call
) -> UserRow:
    """Staff vouch for another address. Every session ends.

    Raises `InvalidRequest`, `EmailTaken`, `NotFound`, `StaleVersion`.
    """
    told = audit("accounts.email-set", f"user:{user_id}", by=caller, call=call)
    _move(ports, user_id, emails.parse(email), row=None, told=told, reason="address changed by staff", seen=seen)
    return ports.users.get(user_id)


def _move(
    ports: Ports,
    user_id: str,
    to: Address,
    *,
    row: RevertRow | None,
    told: EntryRecorded,
    reason: str,
    seen: Collection[str] | None = None,
) -> None:
    for _ in range(TRIES):
        user = ports.users.get(user_id)
        check_seen(user, seen)
        if user.email is None:
            raise InvalidRequest("A guest has no address to change.")
        token = secret_values.new_link_token(user_id)
        if row is not None:
            mail = mails.email_reverted(ports, to=to.spelled, locale=user.locale, token=token)
            steps = [ports.addresses.consuming(row)]
            steps += [putting(ports.users.table, reset_row(ports, user_id, token), event=mail)]
        else:
            mail = mails.email_changed(ports, to=user.email, locale=user.locale, new=to.spelled, token=token)
            steps = [putting(ports.users.table, _way_back(ports, user, token), event=mail)]
            steps += [ports.addresses.forgetting_reset(user_id)]
        try:
            ports.users.end_sessions(
                user,
                *addressed(to),
                event=EmailChanged(user_id=user_id, email=to.spelled, old_email=user.email),
                also=[told],
                steps=[*steps, *ports.addresses.moving(user, to)],
                reason=reason,
                bump=True,
            )
            return
        except Changed:
            continue
    raise Busy()


def _way_back(ports: Ports, user: UserRow, token: str) -> RevertRow:
    now = clock.millis()
    return RevertRow(
        pk=user_pk(user.user_id),
        sk=revert_sk(ports.digest("revert", token)),
        email=user.email,
        email_norm=user.email_norm,
        created=now,
        exp=now + int(EMAIL_REVERT_LIFE.total_seconds() * 1000),
        # Longer than it can be taken back: an erasure has to know where mails have gone.
        ttl=expires_in(MAILS_KEPT),
    )
