"""How a user stands this moment, asked of `accounts`: for what a stale token must not do, such as a payout."""

from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.auth.problems import SessionRevoked, TokenStale
from tessera.problems import Unavailable


def check_live(call: Call, principal: Principal) -> None:
    """1 internal call, whose answer the route finds as `call.live`.

    Raises `SessionRevoked` for who may not sign in any more, `TokenStale` for an old epoch.
    """
    found = call.bindings.get(Internal).call(
        "accounts", "GET", f"/accounts/internal/users/{principal.user_id}/state", for_call=call
    )
    if found.status == 404:
        raise SessionRevoked("user gone")
    if not found.ok:
        raise Unavailable("It cannot be checked right now how your account stands.")
    state = found.json()
    if state["status"] != "active":
        raise SessionRevoked(f"user {state['status']}")
    if principal.epoch < int(state["epoch"]):
        raise TokenStale("live epoch")
    call.live.update(state)
