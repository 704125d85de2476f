"""The account of the caller."""

from fastapi import APIRouter, Response

from tessera.auth.problems import AttemptsExhausted
from tessera.entry import problems
from tessera.entry.headers import IfMatch, required_version, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.problems import InvalidRequest, NotFound

from ..actions import profile, sign_in
from ..rules import HandleTaken, LoginFailed, SigningUnavailable
from ..schemas import AccessOut, ProfilePatch, ReauthenticateIn, UserOut
from .shared import (
    PREFIX,
    TAGS,
    Asked,
    Bound,
    DeviceToken,
    Myself,
    access_out,
    client_of,
    session_id_of,
    user_id_of,
    user_out,
)

router = APIRouter(prefix=f"{PREFIX}/me", tags=TAGS)


@router.get("", responses=problems(NotFound))
async def get_me(caller: Myself, ports: Bound, response: Response) -> UserOut:
    """Who am I?"""
    user = ports.users.get(user_id_of(caller))
    show_version(response, int(user.version))
    return user_out(user)


@router.patch("", responses=problems(NotFound, StaleVersion, VersionRequired, HandleTaken, InvalidRequest))
async def patch_me(
    body: ProfilePatch, caller: Myself, ports: Bound, response: Response, if_match: IfMatch = None
) -> UserOut:
    """Change the profile; null takes a field away."""
    version = required_version(if_match)
    user = profile.save(ports, user_id_of(caller), body.changes(), version=version)
    show_version(response, int(user.version))
    return user_out(user)


@router.post("/reauthenticate", responses=problems(LoginFailed, AttemptsExhausted, NotFound, SigningUnavailable))
async def reauthenticate(
    body: ReauthenticateIn, caller: Myself, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> AccessOut:
    """Prove again who you are, for what needs a fresh sign-in."""
    client = client_of(ports, call, device_token)
    async with ports.pace.held():
        user = ports.users.get(user_id_of(caller))
        tokens = sign_in.reauthenticate(ports, user, session_id_of(caller), body.password, client=client)
    return access_out(tokens)
