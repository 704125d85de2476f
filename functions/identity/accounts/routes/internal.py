"""Internal routes: tokens and users for our own services."""

from typing import Annotated

from fastapi import Query, Response

from tessera import auth
from tessera.auth.principal import Actor, Principal
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey
from tessera.problems import InvalidRequest, NotFound

from ..actions import directory, erasure, lend
from ..actions.tokens import Grant
from ..internal_schemas import (
    BootstrapIn,
    ErasureIn,
    FoundOut,
    FullUserOut,
    IdentityIn,
    IdentityOut,
    ImpersonatedOut,
    ImpersonateIn,
    MailIn,
    MintedOut,
    MintIn,
    NewUserIn,
    ProfilesIn,
    SearchParams,
    StateOut,
    SubscriptionIn,
    SubscriptionOut,
)
from ..rules import EmailTaken, MembershipEnded, NotActive, OwnerExists, SigningUnavailable, SignUpClosed
from ..schemas import DoneOut, PublicUsersOut
from .shared import PREFIX, TAGS, Asked, Bound, full_user_out, public_user_out, user_out

router = Router(prefix=f"{PREFIX}/internal", tags=TAGS)
Minter = Annotated[Principal, auth.service("sessions", "oauth")]
Provider = Annotated[Principal, auth.service("oauth")]
Admin = Annotated[Principal, auth.service("admin")]
Reader = Annotated[Principal, auth.service("admin", "organisations", "apikeys", "oauth", "sessions")]
Finder = Annotated[Principal, auth.service("admin", "organisations")]
Eraser = Annotated[Principal, auth.service("organisations")]
Hub = Annotated[Principal, auth.service("realtime")]
Namer = Annotated[Principal, auth.service("chat")]
Mailer = Annotated[Principal, auth.service("admin", "apikeys", "oauth", "organisations", "sessions")]


@router.post("/mint", responses=problems(NotFound, NotActive, SigningUnavailable, MembershipEnded))
async def mint_token(body: MintIn, caller: Minter, ports: Bound) -> MintedOut:
    """An access token for a session that the caller keeps."""
    user, access, seconds = lend.mint(ports, body.user_id, _grant(body), organisation_id=body.organisation_id)
    return MintedOut(
        access_token=access,
        expires_in=seconds,
        user=user_out(user),
        epoch=int(user.ep),
        ended_at=None if user.ended_at is None else int(user.ended_at),
        kept_session_id=user.spared,
    )


@router.post("/subscriptions", responses=problems(NotFound, NotActive, SigningUnavailable))
async def mint_subscription(body: SubscriptionIn, caller: Hub, ports: Bound) -> SubscriptionOut:
    """A token by which a user may listen to one topic."""
    token, expires_at = lend.subscription(ports, body.user_id, body.topic, seconds=body.expires_in)
    return SubscriptionOut(token=token, expires_at=expires_at)


@router.post("/impersonate", responses=problems(NotFound, NotActive, SigningUnavailable))
async def impersonate(body: ImpersonateIn, caller: Admin, ports: Bound) -> ImpersonatedOut:
    """A quarter of an hour in somebody else's place, with the name of who really acts in the token."""
    access, seconds = lend.impersonate(
        ports,
        body.user_id,
        body.session_id,
        actor=Actor(body.actor_id, body.actor_session_id, body.write, body.actor_epoch),
        seen=body.roles_seen,
        at_most=body.permissions,
    )
    return ImpersonatedOut(access_token=access, expires_in=seconds)


@router.post("/identities", responses=problems(InvalidRequest, NotFound, SignUpClosed))
async def find_or_create(
    body: IdentityIn, caller: Provider, ports: Bound, call: Asked, response: Response
) -> IdentityOut:
    """The user with an address that a provider has verified, made when there is none."""
    user_id, created = directory.find_or_create(
        ports,
        email=body.email,
        name=body.name,
        locale=body.locale,
        may_create=body.create,
        attempt=body.attempt,
        caller=caller,
        call=call,
    )
    response.status_code = 201 if created else 200
    return IdentityOut(user_id=user_id, created=created)


@router.get("/users/search", responses=problems(InvalidRequest))
async def search_users(asked: Annotated[SearchParams, Query()], caller: Finder, ports: Bound) -> FoundOut:
    """Users by address, by its beginning, or by the month they came in."""
    wanted = directory.Asked(
        email=asked.email,
        email_prefix=asked.email_prefix,
        month=asked.created_month,
        status=asked.status,
        role=asked.role,
    )
    found, after = directory.search(ports, wanted, limit=asked.limit, after=asked.after)
    return FoundOut(items=[full_user_out(user) for user in found], after=after)


@router.post("/users", status_code=201, responses=problems(EmailTaken, InvalidRequest))
async def create_user(
    body: NewUserIn, caller: Admin, ports: Bound, call: Asked, response: Response, key: IdempotencyKey = None
) -> FullUserOut:
    """A user whose address staff vouch for; 200 when a request with the same key has made them before."""
    user, made = directory.create_once(
        ports,
        email=body.email,
        name=body.name,
        locale=body.locale,
        roles=frozenset(body.roles),
        kept=directory.kept(ports, body.password, body.password_hash, email=body.email),
        attempt=key,
        caller=caller,
        call=call,
    )
    response.status_code = 201 if made else 200
    return full_user_out(user)


@router.post("/profiles")
async def get_profiles(body: ProfilesIn, caller: Namer, ports: Bound) -> PublicUsersOut:
    """What everybody may see of these users; ids of nobody are left out."""
    return PublicUsersOut(items=[public_user_out(row) for row in ports.users.many(body.ids)])


@router.get("/users/{user_id:ulid}/state", responses=problems(NotFound))
async def get_state(user_id: str, caller: Reader, ports: Bound) -> StateOut:
    """How a user stands this moment."""
    user, added = directory.state(ports, user_id)
    found = full_user_out(user)
    return StateOut(
        status=found.status,
        epoch=found.epoch,
        roles=found.roles,
        permissions=sorted(added),
        plan=found.plan,
        mfa=found.factors,
    )


@router.post("/bootstrap", responses=problems(NotFound, OwnerExists, InvalidRequest))
async def bootstrap(body: BootstrapIn, caller: Admin, ports: Bound, call: Asked) -> FullUserOut:
    """The first owner, once."""
    return full_user_out(directory.make_first_owner(ports, body.email, caller=caller, call=call))


@router.post("/erasures", status_code=202)
async def begin_erasure(body: ErasureIn, caller: Eraser, ports: Bound) -> DoneOut:
    """Erase everything of an organisation, in every capability."""
    erasure.begin_for(ports, body.owner_id, "organisation")
    return DoneOut()


@router.post("/mail", status_code=202, responses=problems(InvalidRequest))
async def ask_for_mail(body: MailIn, caller: Mailer, ports: Bound) -> DoneOut:
    """A mail about somebody's account. 1 write, and 1 request to KMS for what must stay secret."""
    lend.mail(ports, to=body.to, template=body.template, locale=body.locale, data=body.data, secret=body.secret)
    return DoneOut()


def _grant(body: MintIn) -> Grant:
    return Grant(
        session_id=body.session_id,
        client_id=body.client_id,
        amr=tuple(sorted(body.amr)),
        aal=body.aal,
        auth_time=body.auth_time,
        life=body.expires_in,
        scope=body.scope,
    )
