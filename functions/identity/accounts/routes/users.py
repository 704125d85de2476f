"""What everybody may see of a user."""

from typing import Annotated

from fastapi import Query

from tessera import auth, ids
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.problems import FieldError, InvalidRequest, NotFound

from ..actions import profile
from ..schemas import Handle, PublicUserOut, PublicUsersOut
from .shared import PREFIX, TAGS, Bound, public_user_out

router = Router(prefix=f"{PREFIX}/users", tags=TAGS)
Reader = Annotated[Principal, auth.require("accounts:read")]
MAX_IDS = 100
Ids = Annotated[str, Query(min_length=26, max_length=27 * MAX_IDS, description="Up to 100 ids, by commas.")]


@router.get("/batch", responses=problems(InvalidRequest))
async def get_users(ids_text: Annotated[Ids, Query(alias="ids")], caller: Reader, ports: Bound) -> PublicUsersOut:
    """Public profiles of several users; ids of nobody are left out."""
    wanted = ids_text.split(",")
    if len(wanted) > MAX_IDS or not all(ids.is_ulid(one) for one in wanted):
        told = f"Send up to {MAX_IDS} ids, by commas."
        raise InvalidRequest(told, errors=[FieldError("?ids", told)])
    return PublicUsersOut(items=[public_user_out(row) for row in ports.users.many(wanted)])


@router.get("/by-handle", responses=problems(NotFound, InvalidRequest))
async def get_user_by_handle(handle: Annotated[Handle, Query()], caller: Reader, ports: Bound) -> PublicUserOut:
    """The public profile of whoever has this handle, or had it until lately: it shows the present one."""
    return public_user_out(profile.with_handle(ports, handle))


@router.get("/{user_id:ulid}", responses=problems(NotFound))
async def get_user(user_id: str, caller: Reader, ports: Bound) -> PublicUserOut:
    """The public profile of one user."""
    return public_user_out(ports.users.get(user_id))
