"""Users: looking, making, locking, deleting, and their roles."""

from typing import Annotated

from fastapi import Query, Response

from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.cursors import InvalidCursor
from tessera.entry import Router
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from ..accounts import EmailTaken, LastOwner, WeakPassword
from ..actions import people as actions
from ..rules import NotYourself, RankTooLow, WouldEscalate
from ..schemas.people import (
    DeleteParams,
    LockIn,
    LocksIn,
    LocksOut,
    RolesIn,
    UserIn,
    UserOut,
    UserParams,
    UserPatch,
    UserViewOut,
)
from .shared import JUST_NOW, PREFIX, TAGS, Bound, By, Keys, lock_out, problems, staff, user_out, view_out

router = Router(prefix=f"{PREFIX}/users", tags=TAGS)

Reader = Annotated[Principal, staff("accounts:read_private")]
Maker = Annotated[Principal, staff("accounts:manage")]
Mover = Annotated[Principal, staff("accounts:set_email")]
Locker = Annotated[Principal, staff("accounts:lock")]
Resetter = Annotated[Principal, staff("accounts:force_reset")]
Revoker = Annotated[Principal, staff("accounts:revoke_sessions")]
# Without a factor a password is enough, so taking them away is for those who could make the account anew.
FactorRemover = Annotated[Principal, staff("accounts:manage", fresh=JUST_NOW)]
Deleter = Annotated[Principal, staff("accounts:delete", fresh=JUST_NOW)]
RoleGiver = Annotated[Principal, staff("admin:roles", fresh=JUST_NOW)]

REACH = (NotFound, NotYourself, RankTooLow, StaleVersion)


@router.get("", responses=problems(InvalidRequest, InvalidCursor))
async def list_users(
    asked: Annotated[UserParams, Query()], caller: Reader, ports: Bound, by: By, keys: Keys
) -> Page[UserOut]:
    """Users, the newest first. One filter finds them, the others leave out some of what was found."""
    route = "GET /admin/users"
    state = keys.state(caller, route, asked, asked.cursor)
    after = state["after"] if state else None
    found, following = actions.find(ports, asked.filters(), limit=asked.limit, after=after, asker=by)
    cursor = keys.cursor(caller, route, asked, {"after": following} if following else None)
    return Page[UserOut](items=[user_out(user, caller) for user in found], next=cursor)


@router.post("", status_code=201, responses=problems(EmailTaken, WeakPassword, WouldEscalate, IdempotencyMismatch))
async def create_user(
    body: UserIn, response: Response, caller: Maker, ports: Bound, by: By, keys: Keys, key: IdempotencyKey = None
) -> UserOut:
    """Make an account. Without a password, a mail lets its owner choose one."""
    intent = keys.intent(key, caller, "POST /admin/users", body) if key is not None else None
    user, replayed = actions.create_once(ports, intent, asker=by, **body.model_dump())
    show_created(response, location=f"{PREFIX}/users/{user.id}", version=user.version, replayed=replayed)
    return user_out(user, caller)


@router.get("/{user_id:ulid}", responses=problems(NotFound))
async def get_user(user_id: str, response: Response, caller: Reader, ports: Bound, by: By) -> UserViewOut:
    """Everything about a user but their credentials. That it was looked at is on record."""
    user, elsewhere = actions.view(ports, user_id, asker=by)
    show_version(response, user.version)
    return view_out(user, elsewhere, caller)


@router.patch("/{user_id:ulid}", responses=problems(*REACH, VersionRequired, EmailTaken))
async def change_user(
    user_id: str,
    body: UserPatch,
    response: Response,
    caller: Mover,
    ports: Bound,
    by: By,
    if_match: IfMatch = None,
) -> UserOut:
    """Give an account another address, which staff vouch for."""
    user = actions.set_email(ports, user_id, body.email, version=required_version(if_match), asker=by)
    show_version(response, user.version)
    return user_out(user, caller)


@router.delete("/{user_id:ulid}", status_code=204, responses=problems(*REACH, LastOwner, InsufficientScope))
async def delete_user(
    user_id: str, asked: Annotated[DeleteParams, Query()], caller: Deleter, ports: Bound, by: By
) -> None:
    """Delete an account after the usual days of grace; without them with `now`, which is for owners."""
    actions.delete(ports, user_id, now=asked.now, asker=by)


@router.post("/lock", responses=problems(InvalidRequest))
async def lock_users(body: LocksIn, caller: Locker, ports: Bound, by: By) -> LocksOut:
    """Lock up to 25 accounts, each for itself."""
    done = actions.lock_all(ports, body.user_ids, reason=body.reason, until=body.until, asker=by)
    return LocksOut(items=[lock_out(outcome) for outcome in done])


@router.post("/{user_id:ulid}/lock", responses=problems(*REACH, LastOwner))
async def lock_user(user_id: str, body: LockIn, caller: Locker, ports: Bound, by: By) -> UserOut:
    """Let nobody sign in as this user, and end what is signed in within 15 seconds."""
    return user_out(actions.lock(ports, user_id, reason=body.reason, until=body.until, asker=by), caller)


@router.post("/{user_id:ulid}/unlock", responses=problems(*REACH))
async def unlock_user(user_id: str, caller: Locker, ports: Bound, by: By) -> UserOut:
    """Let this user sign in again."""
    return user_out(actions.change(ports, user_id, "unlock", asker=by), caller)


@router.post("/{user_id:ulid}/force-reset", responses=problems(*REACH))
async def force_reset(user_id: str, caller: Resetter, ports: Bound, by: By) -> UserOut:
    """Take the password away and end every session; a mail lets the user choose another one."""
    return user_out(actions.change(ports, user_id, "force-reset", asker=by), caller)


@router.post("/{user_id:ulid}/revoke-sessions", responses=problems(*REACH))
async def revoke_sessions(user_id: str, caller: Revoker, ports: Bound, by: By) -> UserOut:
    """End every session of a user within 15 seconds."""
    return user_out(actions.change(ports, user_id, "revoke-sessions", asker=by), caller)


@router.post("/{user_id:ulid}/reset-mfa", responses=problems(*REACH))
async def reset_mfa(user_id: str, caller: FactorRemover, ports: Bound, by: By) -> UserOut:
    """Take every second factor away from somebody who has lost them."""
    return user_out(actions.change(ports, user_id, "reset-mfa", asker=by), caller)


@router.put(
    "/{user_id:ulid}/roles",
    responses=problems(*REACH, WouldEscalate, StaleVersion, VersionRequired, LastOwner),
)
async def set_roles(
    user_id: str,
    body: RolesIn,
    response: Response,
    caller: RoleGiver,
    ports: Bound,
    by: By,
    if_match: IfMatch = None,
) -> UserOut:
    """Give a user exactly these roles; tokens with the old ones end within 15 seconds."""
    version = expected_version(if_match)
    user = actions.set_roles(ports, user_id, body.roles, version=version, asker=by)
    show_version(response, user.version)
    return user_out(user, caller)
