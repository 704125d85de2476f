"""Guests."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope, RateLimited
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound, Unavailable

from ..actions import guests
from ..rules import GuestsRefused, NoGuest, SigningUnavailable, SignUpClosed, WeakPassword
from ..schemas import GuestIn, SignedInOut, SignUpIn, SignUpOut
from .shared import PREFIX, TAGS, Asked, Bound, Guesser, client_of, signed_in_out, user_id_of

router = Router(prefix=PREFIX, tags=TAGS)
# A guest holds no permission over an account, so that none of the other routes is open to them.
SignedIn = Annotated[Principal, auth.current_user(rate="auth:sign-up:ip", fenced=True)]


@router.post("/guest", status_code=201, responses=problems(GuestsRefused, SigningUnavailable, RateLimited))
async def start_as_guest(body: GuestIn, caller: Guesser, ports: Bound, call: Asked) -> SignedInOut:
    """An account without an address, for carts and the like; it is erased after 30 days without a visit."""
    return signed_in_out(*guests.start(ports, client=client_of(ports, call, client_id=body.client_id)))


@router.post(
    "/me/upgrade",
    status_code=202,
    responses=problems(InvalidRequest, WeakPassword, SignUpClosed, NoGuest, NotFound, RateLimited, Unavailable),
)
async def upgrade_guest(body: SignUpIn, caller: SignedIn, ports: Bound) -> SignUpOut:
    """Sign up as the guest one is, or with an account of the blog's facade, and keep the id.

    Confirm the address as every sign-up is confirmed.
    """
    if caller.kind != "user":
        raise InsufficientScope(detail="This credential is not of a kind that may do this.")
    guest_id = user_id_of(caller)
    async with ports.pace.held():
        pending = guests.upgrade(ports, guest_id, epoch=caller.epoch, **body.model_dump())
    return SignUpOut(sign_up_id=pending.id, expires_at=pending.expires_at)
