"""What needs no user: a key looks at itself, and anybody may report one that they found."""

from typing import Annotated, cast

from fastapi import Depends, Response

from tessera import auth, clock
from tessera.auth.guards import Authenticated
from tessera.auth.key_item import networks_of
from tessera.auth.key_text import PATTERN
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope, RateLimited
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import end
from ..schemas import DoneOut, Env, FormatOut, LeakedIn, LimitOut, SelfOut
from ..store.rows import prefix_of
from .shared import PREFIX, TAGS, Asked, Bound

router = Router(prefix=PREFIX, tags=TAGS)
Key = Annotated[Principal, Depends(Authenticated(kinds=("api_key",)))]
Finder = Annotated[Principal, auth.public(rate="auth")]
Anyone = Annotated[Principal, auth.public(limited=False)]

CHECKSUM = (
    "The last 6 characters are the CRC-32 (as in zlib) of all characters before them, written to the base 62 with the "
    "digits 0-9, A-Z, a-z, zeros in front."
)


@router.get("/self", responses=problems(InsufficientScope, NotFound))
async def get_key_itself(caller: Key, ports: Bound) -> SelfOut:
    """What the key in the request is, may do, and is limited to."""
    row = ports.keys.get(caller.id)
    policy = ports.limits.policies.of_key(caller.plan, f"key:{caller.id}")
    return SelfOut(
        id=row.key_id,
        name=row.name,
        prefix=prefix_of(row),
        env=cast(Env, row.env),
        owner_id=row.owner_id,
        organisation_id=row.org,
        scopes=sorted(str(scope) for scope in row.scopes),
        permissions=sorted(caller.permissions),
        ip_allow=networks_of(row),
        plan=row.plan,
        limits=[LimitOut(limit=one.limit, period_s=one.period_seconds, burst=one.burst) for one in policy.windows],
        expires_at=clock.from_millis(int(row.exp)),
    )


@router.get("/format")
async def get_key_format(caller: Anyone, response: Response) -> FormatOut:
    """What a key looks like, for scanners of source code."""
    response.headers["Cache-Control"] = "public, max-age=86400"
    return FormatOut(pattern=PATTERN, checksum=CHECKSUM, report=f"POST {PREFIX}/revoke-leaked")


@router.post("/revoke-leaked", status_code=202, responses=problems(InvalidRequest, RateLimited))
async def revoke_leaked_keys(body: LeakedIn, caller: Finder, ports: Bound, call: Asked) -> DoneOut:
    """Report keys that were found where they should not be. The answer is the same whatever they are."""
    end.revoke_leaked(ports, body.keys, call=call)
    return DoneOut()
