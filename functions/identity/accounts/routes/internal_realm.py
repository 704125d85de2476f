"""Internal routes: the accounts that the blog's RealWorld facade makes, and who the blog's authors are."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import realm
from ..realm_schemas import RealmLoginIn, RealmMintIn, RealmPatch, RealmUserIn, RealmUserOut
from ..rules import LoginFailed, NotActive, NotOfTheRealm, RealmEmailTaken, RealmNameTaken, SigningUnavailable
from ..store import UserRow
from .shared import PREFIX, TAGS, Asked, Bound

router = Router(prefix=f"{PREFIX}/internal/realm", tags=TAGS)
Blog = Annotated[Principal, auth.service("blog")]


@router.post(
    "/users",
    status_code=201,
    responses=problems(RealmNameTaken, RealmEmailTaken, InvalidRequest, NotFound, RateLimited, SigningUnavailable),
)
async def register(body: RealmUserIn, caller: Blog, ports: Bound, call: Asked) -> RealmUserOut:
    """Make an account of the realm, active at once."""
    async with ports.pace.held():
        made = realm.register(ports, username=body.username, email=body.email, password=body.password, call=call)
    return _out(*made)


@router.post("/authenticate", responses=problems(LoginFailed, AttemptsExhausted, NotFound, SigningUnavailable))
async def authenticate(body: RealmLoginIn, caller: Blog, ports: Bound, call: Asked) -> RealmUserOut:
    """Check a password, and give a token of the realm."""
    async with ports.pace.held():
        found = realm.authenticate(ports, email=body.email, password=body.password, call=call)
    return _out(*found)


@router.post(
    "/users/{user_id:ulid}/update",
    responses=problems(RealmNameTaken, RealmEmailTaken, NotOfTheRealm, NotActive, InvalidRequest, NotFound),
)
async def update(user_id: str, body: RealmPatch, caller: Blog, ports: Bound) -> RealmUserOut:
    """Change name, address or password of an account of the realm."""
    async with ports.pace.held():
        user = realm.update(ports, user_id, username=body.username, email=body.email, password=body.password)
    return _out(user)


@router.post("/users/{user_id:ulid}/mint", responses=problems(NotFound, NotActive, SigningUnavailable))
async def mint(user_id: str, body: RealmMintIn, caller: Blog, ports: Bound) -> RealmUserOut:
    """Another token of the realm."""
    return _out(*realm.mint_again(ports, user_id))


@router.get("/users/{user_id:ulid}", responses=problems(NotFound))
async def get_user(user_id: str, caller: Blog, ports: Bound) -> RealmUserOut:
    """Who an author is, and from which epoch on their tokens are good."""
    return _out(ports.users.get(user_id))


def _out(user: UserRow, token: str | None = None) -> RealmUserOut:
    return RealmUserOut(
        user_id=user.user_id,
        username=user.handle,
        name=user.name,
        email=user.email,
        realm=user.realm,
        epoch=int(user.ep),
        is_active=user.status == "active",
        token=token,
    )
