"""What staff do to the accounts of others. `accounts` keeps the users; who may do what to whom is decided here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.problems import Busy, FieldError, InvalidRequest, NotFound, Problem, Unavailable

from .. import rules
from ..accounts import Asker, Elsewhere, User
from ..events import RoleAssigned
from ..ports import Ports
from . import standing
from .refusals import on_record

READ_PRIVATE = "accounts:read_private"


@dataclass(frozen=True)
class Outcome:
    """What became of one account of several."""

    user_id: str
    user: User | None = None
    problem: Problem | None = None


def find(
    ports: Ports, filters: Mapping[str, str], *, limit: int, after: str | None, asker: Asker
) -> tuple[list[User], str | None]:
    """Some users, the newest first. 1 internal call, and 1 write: that staff looked is on record."""
    found, following = ports.accounts.search(filters, limit=limit, after=after)
    _noted(ports, "admin.users-listed", "users:", asker, count=len(found), filters=" ".join(sorted(filters)) or None)
    return found, following


def view(ports: Ports, user_id: str, *, asker: Asker) -> tuple[User, Elsewhere]:
    """All that staff see of a user. 4 internal calls, and 1 write: that staff looked is on record."""
    user = ports.accounts.get(user_id)
    elsewhere = ports.accounts.elsewhere(user_id, asker)
    _noted(ports, "admin.user-viewed", f"user:{user_id}", asker)
    return user, elsewhere


def create(
    ports: Ports,
    *,
    email: str,
    name: str | None,
    locale: str | None,
    roles: list[str],
    password: str | None = None,
    password_hash: str | None = None,
    asker: Asker,
    key: str = "",
    known: standing.Definitions | None = None,
) -> User:
    """A new user; without a password, a mail lets them choose one. 1 or 2 internal calls.

    Asked again under the same key, because an answer was lost, it is the same user. Raises `WouldEscalate`,
    `EmailTaken`, `WeakPassword`, `InvalidRequest`.
    """
    definitions = known or standing.definitions(ports)
    wanted = standing.wanted_roles(roles, definitions)
    with on_record(ports, "user:", asker):
        given = rules.check_grant(standing.of_asker(asker), {rules.USER}, wanted, definitions)

    def made() -> User:
        return ports.accounts.create(
            asker,
            key=key,
            email=email,
            name=name,
            locale=locale,
            roles=sorted(wanted),
            password=password,
            password_hash=password_hash,
        )

    user = _reserving(ports, given, made)
    if given:
        _told_of_roles(ports, user, asker)
    if password is None and password_hash is None and not user.has_password:
        # The user is there whether or not the mail goes out; it can be asked for again.
        try:
            user = ports.accounts.change(user.id, "force-reset", asker)
        except Unavailable:
            pass
    return user


def create_once(ports: Ports, intent: Intent | None, *, asker: Asker, **fields: Any) -> tuple[User, bool]:
    """`create`, and whether an earlier request with the same key had done it. 2 more writes when there is a key."""
    if intent is None:
        return create(ports, asker=asker, **fields), False
    made, is_repeated = ports.replays.begin(intent)
    if made is not None:
        return ports.accounts.get(made), True
    # What was cut off may have made the user: accounts knows it by the key.
    user = create(ports, asker=asker, key=intent.mark, **fields)
    ports.replays.finish(intent, user.id)
    return user, is_repeated


def set_email(ports: Ports, user_id: str, email: str, *, version: int | None, asker: Asker) -> User:
    """Another address. Raises `NotFound`, `RankTooLow`, `StaleVersion`, `EmailTaken`."""
    user = _within_reach(ports, user_id, asker)
    _at(user, version)
    return ports.accounts.change_seen(user, "email", asker, email=email)


def lock(ports: Ports, user_id: str, *, reason: str, until: datetime | None, asker: Asker) -> User:
    """Nobody signs in as this user. Raises `NotFound`, `NotYourself`, `RankTooLow`, `LastOwner`, `InvalidRequest`."""
    if until is not None and until <= clock.now():
        told = "A lock ends in the future."
        raise InvalidRequest(told, errors=[FieldError("/until", told)])
    user = _within_reach(ports, user_id, asker)
    ends = {"until": clock.rfc3339(until)} if until else {}
    return ports.accounts.change_seen(user, "lock", asker, reason=reason, **ends)


def lock_all(
    ports: Ports, user_ids: Sequence[str], *, reason: str, until: datetime | None, asker: Asker
) -> list[Outcome]:
    """Several, each for itself: two internal calls each."""

    def one(user_id: str) -> Outcome:
        try:
            return Outcome(user_id, user=lock(ports, user_id, reason=reason, until=until, asker=asker))
        except Problem as problem:
            return Outcome(user_id, problem=problem)

    return [one(user_id) for user_id in dict.fromkeys(user_ids)]


def change(ports: Ports, user_id: str, verb: str, *, asker: Asker) -> User:
    """`unlock`, `force-reset`, `revoke-sessions` or `reset-mfa`. Raises `NotFound`, `NotYourself`, `RankTooLow`."""
    return ports.accounts.change_seen(_within_reach(ports, user_id, asker), verb, asker)


def delete(ports: Ports, user_id: str, *, now: bool, asker: Asker) -> None:
    """Delete the account after the grace that everybody gets, or at once when an owner says so.

    Raises `NotFound`, `NotYourself`, `RankTooLow`, `LastOwner`.
    """
    assert asker.principal is not None
    if now and rules.OWNER not in asker.principal.roles:
        raise InsufficientScope(detail="Only an owner deletes without the days of grace.")
    ports.accounts.change_seen(_within_reach(ports, user_id, asker), "delete", asker, now=now)


def set_roles(ports: Ports, user_id: str, roles: list[str], *, version: int | None, asker: Asker) -> User:
    """Give somebody exactly these roles, as read at `version`. Tokens with the old ones end within 15 seconds.

    2 internal calls, and 1 or 2 transactions when roles that are defined here come or go. Raises `NotFound`,
    `NotYourself`, `RankTooLow`, `WouldEscalate`, `StaleVersion`, `LastOwner`, `InvalidRequest`.
    """
    actor = standing.of_asker(asker)
    definitions = standing.definitions(ports)
    wanted = standing.wanted_roles(roles, definitions)
    user = _within_reach(ports, user_id, asker)
    _at(user, version)
    with on_record(ports, f"user:{user_id}", asker):
        changed = rules.check_grant(actor, user.roles, wanted, definitions)
    if not changed:
        return user
    return give(ports, user, wanted, asker=asker)


def give(ports: Ports, user: User, wanted: frozenset[str], *, asker: Asker) -> User:
    """The change itself, once it is decided: on the user as read, so that two changes at once are one too many."""

    def change() -> User:
        try:
            body = {"roles": sorted(wanted), "version": user.version}
            return ports.accounts.change(user.id, "roles", asker, body)
        except Busy:
            # Somebody else's change may have been in the way just now.
            _at(ports.accounts.get(user.id), user.version)
            raise

    changed = _reserving(ports, wanted - user.roles, change)
    for role in _custom(user.roles - wanted):
        _released(ports, role)
    _told_of_roles(ports, changed, asker)
    return changed


def _within_reach(ports: Ports, user_id: str, asker: Asker) -> User:
    """The user, when the caller may act on them. 1 internal call. Raises `NotFound`, `NotYourself`, `RankTooLow`."""
    actor = standing.of_asker(asker)
    with on_record(ports, f"user:{user_id}", asker):
        if actor.id == user_id:
            raise rules.NotYourself()
        user = ports.accounts.get(user_id)
        rules.check_reach(actor, standing.of_user(user))
    return user


def _at(user: User, version: int | None) -> None:
    if version is not None and version != user.version:
        raise StaleVersion(f"You read version {version}; it is at {user.version} now. Read it again.")


def _reserving(ports: Ports, roles: Iterable[str], do: Callable[[], User]) -> User:
    """Count the roles defined here before they are given, so that none is deleted in between."""
    custom = _custom(roles)
    ports.roles.reserve(custom)
    try:
        return do()
    except Unavailable:
        # Whether it was done is not known: a count too high only makes deleting the role look twice.
        raise
    except Problem:
        for role in custom:
            _released(ports, role)
        raise


def _released(ports: Ports, role: str) -> None:
    try:
        ports.roles.release([role])
    except NotFound:
        # It was deleted with a count that had run ahead.
        pass


def _custom(roles: Iterable[str]) -> list[str]:
    return sorted(role for role in roles if standing.is_custom(role))


def _told_of_roles(ports: Ports, user: User, asker: Asker) -> None:
    assert asker.principal is not None
    ports.trail.tell(RoleAssigned(user_id=user.id, roles=sorted(user.roles), by=asker.principal.id))


def _noted(
    ports: Ports, action: str, target: str, asker: Asker, *, count: int | None = None, filters: str | None = None
) -> None:
    assert asker.principal is not None
    told = audit(action, target, by=asker.principal, call=asker.call, count=count, filters=filters)
    ports.trail.tell(told)


def as_seen(user: User, caller: Principal) -> User:
    """The user without what the caller's roles do not show them."""
    limited = standing.is_limited(caller, READ_PRIVATE)
    return replace(user, email=rules.masked(user.email)) if limited else user
