"""Acting in somebody's place."""

from typing import Annotated

from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.entry import Router
from tessera.etags import StaleVersion
from tessera.problems import NotFound

from ..accounts import NotActive
from ..actions import impersonate as actions
from ..rules import ImpersonationOver, NotYourself, RankTooLow
from ..schemas.others import ImpersonationIn, ImpersonationOut
from .shared import JUST_NOW, PREFIX, TAGS, Bound, By, problems, staff

router = Router(prefix=f"{PREFIX}/impersonations", tags=TAGS)

Impersonator = Annotated[Principal, staff("accounts:impersonate", fresh=JUST_NOW)]
Ender = Annotated[Principal, staff("accounts:impersonate")]


@router.post(
    "",
    status_code=201,
    responses=problems(NotFound, NotYourself, RankTooLow, NotActive, StaleVersion, InsufficientScope),
)
async def start_impersonation(body: ImpersonationIn, caller: Impersonator, ports: Bound, by: By) -> ImpersonationOut:
    """A token in somebody's name for a quarter of an hour: to read, or for owners to write too. On record."""
    started = actions.start(ports, body.user_id, reason=body.reason, write=body.write, asker=by)
    made = started.impersonation
    return ImpersonationOut(
        id=made.id,
        user_id=made.user_id,
        write=made.may_write,
        ends_at=made.ends_at,
        access_token=started.access_token,
        expires_in=started.expires_in,
    )


@router.delete("/{impersonation_id:ulid}", status_code=204, responses=problems(NotFound, ImpersonationOver))
async def end_impersonation(impersonation_id: str, caller: Ender, ports: Bound, by: By) -> None:
    """End it now; its token is refused within 15 seconds."""
    actions.end(ports, impersonation_id, asker=by)
