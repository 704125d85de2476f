"""Users as staff and our own services look for them and make them."""

import json
from dataclasses import dataclass
from typing import Any

from tessera import clock, emails, ids
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import NotFound
from tessera.tables import Key
from tessera.transact import transact

from ..events import UserRegistered, UserVerified
from ..passwords import Kept
from ..ports import Ports
from ..rules import EmailTaken, SignUpClosed
from ..store import UserRow
from ..store.activity import telling
from ..store.rows import MAIN, user_pk
from .staff import OWNER, check_known
from .tokens import permissions_added

# The product is not older than this, so no list of users goes further back.
FIRST_MONTH = "2024-01"
MONTHS_PASSED_OVER = 7


@dataclass(frozen=True)
class Asked:
    """One filter finds the users; the others leave some of what was found out."""

    email: str | None = None
    email_prefix: str | None = None
    month: str | None = None
    status: str | None = None
    role: str | None = None

    def takes(self, user: UserRow) -> bool:
        return self.status in (None, user.status) and (self.role is None or self.role in user.roles)


def search(ports: Ports, asked: Asked, *, limit: int, after: str | None) -> tuple[list[UserRow], str | None]:
    """Some users, the newest first, and where the next page starts. 1 query, 2 across the end of a month.

    At most seven months without users are passed over in one go; then the page is short and there is a next one.
    """
    if asked.email is not None:
        claim = ports.users.claim_of(emails.parse(asked.email, pointer="?email").key)
        found = ports.users.many([claim.uid]) if claim else []
        return [user for user in found if asked.takes(user)], None
    place = json.loads(after) if after else {}
    if asked.email_prefix is not None:
        page = ports.users.with_prefix(asked.email_prefix.casefold(), limit=limit, after=place.get("key"))
        return [user for user in page.rows if asked.takes(user)], json.dumps({"key": page.next}) if page.next else None
    month = place.get("month") or asked.month or f"{clock.now():%Y-%m}"
    return _by_month(ports, asked, month, limit=limit, after=place.get("key"))


def _by_month(
    ports: Ports, asked: Asked, month: str, *, limit: int, after: Key | None
) -> tuple[list[UserRow], str | None]:
    for _ in range(MONTHS_PASSED_OVER):
        page = ports.users.of_month(month, limit=limit, after=after)
        found = [user for user in page.rows if asked.takes(user)]
        if page.next is not None:
            return found, json.dumps({"month": month, "key": page.next})
        month, after = _before(month), None
        if asked.month is not None or month < FIRST_MONTH:
            return found, None
        if page.rows:
            return found, json.dumps({"month": month})
    return [], json.dumps({"month": month})


def create(
    ports: Ports,
    *,
    email: str,
    name: str | None = None,
    locale: str | None = None,
    roles: frozenset[str] = frozenset(),
    kept: Kept | None = None,
    attempt: str | None = None,
    caller: Principal,
    call: Call,
) -> UserRow:
    """A new user whose address somebody vouches for. 1 transaction. Raises `EmailTaken`, `InvalidRequest`."""
    check_known(ports, sorted(roles))
    address = emails.parse(email)
    user_id, now = ids.new(), clock.millis()
    user = UserRow(
        pk=user_pk(user_id),
        sk=MAIN,
        user_id=user_id,
        email=address.spelled,
        email_norm=address.key,
        name=name,
        locale=locale,
        roles={"user", *roles},
        created=now,
        updated=now,
    )
    if kept is not None:
        user.pw, user.pw_pv, user.pw_at = kept.phc, kept.pepper, now
    user.list_under(address.key)
    transact(
        *ports.users.creating(
            user,
            UserRegistered(user_id=user_id, locale=locale),
            taken=EmailTaken("Look for it by its address."),
            attempt=attempt,
        ),
        telling(ports.users.table, UserVerified(user_id=user_id, email=address.spelled)),
        telling(ports.users.table, audit("accounts.created", f"user:{user_id}", by=caller, call=call)),
        *ports.owners.changing(before=False, after=OWNER in roles),
    )
    return user


def create_once(ports: Ports, *, email: str, attempt: str | None, **fields: Any) -> tuple[UserRow, bool]:
    """`create`, and whether it was done now: not when the same attempt has made this user before.

    Raises `EmailTaken`, `InvalidRequest`.
    """
    try:
        return create(ports, email=email, attempt=attempt, **fields), True
    except EmailTaken:
        claim = ports.users.claim_of(emails.parse(email).key) if attempt else None
        if claim is None or claim.attempt != attempt:
            raise
        return ports.users.get(claim.uid), False


def kept(ports: Ports, password: str | None, password_hash: str | None, *, email: str) -> Kept | None:
    """How a new user's password is kept: chosen by our rules, or as another system kept it.

    Raises `WeakPassword`, and `InvalidRequest` for a hash of a kind that cannot be checked.
    """
    if password is not None:
        return ports.passwords.keep(ports.passwords.check(password, context=[email.rpartition("@")[0]]))
    return ports.passwords.foreign(password_hash) if password_hash is not None else None


def state(ports: Ports, user_id: str) -> tuple[UserRow, frozenset[str]]:
    """The user as they are now, and what custom roles add to their permissions. 1 read. Raises `NotFound`."""
    user = ports.users.get(user_id)
    return user, permissions_added(ports, user)


def find_or_create(
    ports: Ports,
    *,
    email: str,
    name: str | None,
    locale: str | None,
    may_create: bool = True,
    attempt: str | None = None,
    caller: Principal,
    call: Call,
) -> tuple[str, bool]:
    """The user with this address, made now when there is none: `(user id, made)`. Two at once make one.

    Who was made under the same `attempt` before, and was never used, is made now for who asks again: the first
    answer may have been lost. Raises `NotFound` when there is none and none may be made, `SignUpClosed`.
    """
    key = emails.parse(email).key
    claim = ports.users.claim_of(key)
    if claim is None and not may_create:
        raise NotFound("Nobody has this address.")
    if claim is None and ports.settings.sign_up == "closed":
        raise SignUpClosed("Ask whoever runs this for an invitation.")
    if claim is None:
        try:
            made = create(ports, email=email, name=name, locale=locale, attempt=attempt, caller=caller, call=call)
            return made.user_id, True
        except EmailTaken:
            claim = ports.users.claim_of(key)
    if claim is None:
        raise NotFound("The address was given up just now. Try again.")
    return claim.uid, attempt is not None and claim.attempt == attempt and _is_untouched(ports.users.get(claim.uid))


def _is_untouched(user: UserRow) -> bool:
    """Nobody has set a password, nor has anything ended what was open: it is as it was made."""
    return user.status == "active" and user.pw is None and int(user.ep) == 1


def make_first_owner(ports: Ports, email: str, *, caller: Principal, call: Call) -> UserRow:
    """The account with this address becomes the first owner. Raises `NotFound`, `OwnerExists`."""
    claim = ports.users.claim_of(emails.parse(email).key)
    if claim is None:
        raise NotFound("Nobody has signed up with this address yet.")
    user = ports.users.get(claim.uid)
    wanted = {*user.roles, OWNER}
    ports.users.restamp(
        user,
        UserRow.roles.set(wanted),
        event=audit("accounts.first-owner", f"user:{user.user_id}", by=caller, call=call),
        also=[],
        steps=[ports.owners.first()],
    )
    return ports.users.get(user.user_id)


def _before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"
