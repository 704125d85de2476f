"""The RealWorld facade: users and profiles. Its contract is not ours, so its bodies and errors are its own."""

from typing import Any

from fastapi import Request

from tessera.entry import Router

from ..actions import conduit
from ..actions.conduit import Viewer
from ..guards import token_of
from ..rules import conduit as rules
from .conduit_shapes import body_of, profile_out, user_out
from .shared import CONDUIT, Asked, Bound, Guest, Member, Open

router = Router(prefix=CONDUIT, tags=["blog"], include_in_schema=False)


@router.post("/users", status_code=201)
async def register(request: Request, caller: Open, ports: Bound, call: Asked) -> dict[str, Any]:
    """Sign up."""
    fields = rules.new_user(await body_of(request, "user"))
    return user_out(*conduit.register(ports, fields, call))


@router.post("/users/login")
async def log_in(request: Request, caller: Open, ports: Bound, call: Asked) -> dict[str, Any]:
    """Sign in."""
    email, password = rules.credentials(await body_of(request, "user"))
    return user_out(*conduit.log_in(ports, email, password, call))


@router.get("/user")
async def get_user(caller: Member, ports: Bound, call: Asked) -> dict[str, Any]:
    """Who one is."""
    me = conduit.hold(ports, Viewer.of(caller))
    assert me is not None
    return user_out(me, token_of(call))


@router.put("/user")
async def change_user(request: Request, caller: Member, ports: Bound, call: Asked) -> dict[str, Any]:
    """Change what is named."""
    viewer = Viewer.of(caller)
    me = conduit.hold(ports, viewer)
    assert me is not None
    account, profile = rules.changed_user(await body_of(request, "user"))
    return user_out(conduit.change_user(ports, viewer, me, account, profile, call), token_of(call))


@router.get("/profiles/{username}")
async def get_profile(username: str, caller: Guest, ports: Bound) -> dict[str, Any]:
    """Somebody."""
    me = conduit.hold(ports, Viewer.of(caller))
    return {"profile": profile_out(*conduit.profile(ports, username, me))}


@router.post("/profiles/{username}/follow")
async def follow(username: str, caller: Member, ports: Bound) -> dict[str, Any]:
    """Follow somebody."""
    me = conduit.hold(ports, Viewer.of(caller))
    assert me is not None
    return {"profile": profile_out(*conduit.follow(ports, username, me, yes=True))}


@router.delete("/profiles/{username}/follow")
async def unfollow(username: str, caller: Member, ports: Bound) -> dict[str, Any]:
    """Follow somebody no more."""
    me = conduit.hold(ports, Viewer.of(caller))
    assert me is not None
    return {"profile": profile_out(*conduit.follow(ports, username, me, yes=False))}
