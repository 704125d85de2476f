"""The account of the caller."""

from fastapi import Response

from tessera.auth.problems import AttemptsExhausted
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, required_version, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.problems import FieldError, InvalidRequest, NotFound, Unavailable

from ..actions import factors, profile, sign_in
from ..factor_schemas import ReauthenticateIn, plain
from ..rules import HandleTaken, LoginFailed, MfaFailed, SigningUnavailable
from ..schemas import AccessOut, ProfilePatch, UserOut
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

router = Router(prefix=f"{PREFIX}/me", tags=TAGS)


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


@router.post(
    "/reauthenticate",
    responses=problems(
        LoginFailed, MfaFailed, AttemptsExhausted, NotFound, SigningUnavailable, Unavailable, InvalidRequest
    ),
)
async def reauthenticate(
    body: ReauthenticateIn, caller: Myself, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> AccessOut:
    """Prove again who you are, for what needs a fresh sign-in or a second factor.

    The options for a passkey are those of `/accounts/login/passkey/options`.
    """
    client, session_id = client_of(ports, call, device_token), session_id_of(caller)
    async with ports.pace.held():
        user = ports.users.get(user_id_of(caller))
        sign_in.require_open_here(user, session_id)
        if body.password is not None and body.method is None:
            return access_out(sign_in.reauthenticate(ports, user, session_id, body.password, client=client, call=call))
        if body.method is None or body.password is not None:
            told = "Send the password, or a method and what it needs."
            raise InvalidRequest(told, errors=[FieldError("", told)])
        proven = factors.prove(
            ports,
            user,
            method=body.method,
            code=body.code,
            challenge_id=body.challenge_id,
            credential=plain(body.credential) if body.credential else None,
            call=call,
        )
        return access_out(sign_in.proved_again(ports, proven, session_id))
