"""Signing in."""

from fastapi import APIRouter

from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.entry import problems
from tessera.problems import InvalidRequest

from ..actions import sign_in
from ..rules import LoginFailed, SigningUnavailable
from ..schemas import LoginIn, SignedInOut
from .shared import PREFIX, TAGS, Asked, Bound, DeviceToken, Guesser, client_of, signed_in_out

router = APIRouter(prefix=PREFIX, tags=TAGS)


@router.post(
    "/login", responses=problems(LoginFailed, AttemptsExhausted, RateLimited, SigningUnavailable, InvalidRequest)
)
async def login(
    body: LoginIn, caller: Guesser, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> SignedInOut:
    """Sign in with a password. Every failure has the same answer, and takes the same time."""
    client = client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name)
    async with ports.pace.held():
        user, tokens = sign_in.login(ports, email=body.email, password=body.password, client=client, call=call)
    return signed_in_out(user, tokens)
