"""The first owner, and what became of those who asked to be forgotten."""

from typing import Annotated

from fastapi import Query

from tessera import auth
from tessera.auth.principal import Principal
from tessera.cursors import InvalidCursor
from tessera.entry import Router
from tessera.entry import problems as declared
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from ..actions import erasures, setup
from ..rules import OwnerExists, SetupTokenInvalid
from ..schemas.others import BootstrapIn, BootstrapOut, ErasureOut, ErasureParams
from ..store import Erasure
from .shared import PREFIX, TAGS, Asked, Bound, Keys, problems, staff

router = Router(prefix=PREFIX, tags=TAGS)

# The token in the body is the credential.
Holder = Annotated[Principal, auth.public(rate="auth")]
Eraser = Annotated[Principal, staff("accounts:delete")]


@router.post("/bootstrap", responses=declared(SetupTokenInvalid, NotFound, OwnerExists, InvalidRequest))
async def bootstrap(body: BootstrapIn, caller: Holder, ports: Bound, call: Asked) -> BootstrapOut:
    """Make the account with this address the first owner, with the token that the deployment printed."""
    owner = setup.bootstrap(ports, body.token, body.email, call=call)
    return BootstrapOut(user_id=owner.id, roles=sorted(owner.roles))


@router.get("/privacy/erasures", responses=problems(InvalidCursor))
async def list_erasures(
    asked: Annotated[ErasureParams, Query()], caller: Eraser, ports: Bound, keys: Keys
) -> Page[ErasureOut]:
    """Who was deleted and which capabilities have yet to erase what they held of them."""
    route = "GET /admin/privacy/erasures"
    state = keys.state(caller, route, asked, asked.cursor)
    after = state["after"] if state else None
    found, following = erasures.page(ports, open_ones=asked.state == "open", limit=asked.limit, after=after)
    cursor = keys.cursor(caller, route, asked, {"after": following} if following else None)
    return Page[ErasureOut](items=[_erasure(one) for one in found], next=cursor)


def _erasure(erasure: Erasure) -> ErasureOut:
    return ErasureOut.model_validate(
        {
            "user_id": erasure.user_id,
            "requested_at": erasure.requested_at,
            "waiting": sorted(erasure.waiting),
            "done": erasure.done,
            "finished_at": erasure.finished_at,
        }
    )
