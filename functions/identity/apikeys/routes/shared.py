"""What several routers need: the callers, the ports, and the shapes of answers."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, cast

from fastapi import Depends, Request

from tessera import auth, clock
from tessera.auth.call import Call
from tessera.auth.key_item import KeyRow, networks_of
from tessera.auth.key_usage import Used
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports
from ..schemas import Env, KeyMadeOut, KeyOut
from ..store.rows import prefix_of, status_of

PREFIX = "/apikeys"
TAGS: list[str | Enum] = ["apikeys"]

# Keys do not manage keys: whoever finds one must not be able to make another.
Owner = Annotated[Principal, auth.require("apikeys:self", kinds=("user",))]
OwnerJustNow = Annotated[Principal, auth.require("apikeys:self", fresh=300)]
Maker = Annotated[Principal, auth.require("apikeys:self", fresh=300, live=True)]
Manager = Annotated[Principal, auth.require("apikeys:manage")]
Revoker = Annotated[Principal, auth.require("apikeys:revoke")]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]


def shown(ports: Ports, row: KeyRow) -> KeyOut:
    """1 request for how it was used."""
    return all_shown(ports, [row])[0]


def all_shown(ports: Ports, rows: Sequence[KeyRow]) -> list[KeyOut]:
    """1 request for how all of them were used."""
    used = ports.keys.used(rows)
    return [_key_out(row, used.get(row.key_id, Used())) for row in rows]


def made_out(row: KeyRow, text: str | None) -> KeyMadeOut:
    """A key that has just been made, or one of a replay, whose use is not looked up."""
    return KeyMadeOut(**_key_out(row, Used()).model_dump(), key=text)


def _key_out(row: KeyRow, used: Used) -> KeyOut:
    old_until = clock.from_millis(int(row.h2_exp)) if row.h2_exp else None
    return KeyOut(
        id=row.key_id,
        name=row.name,
        prefix=prefix_of(row),
        last4=row.last4,
        env=cast(Env, row.env),
        status=status_of(row),
        scopes=sorted(str(scope) for scope in row.scopes),
        ip_allow=networks_of(row),
        plan=row.plan,
        organisation_id=row.org,
        created_by=row.uid,
        created_at=clock.from_millis(int(row.created)),
        expires_at=clock.from_millis(int(row.exp)),
        ended_at=clock.from_millis(int(row.ended)) if row.ended else None,
        old_secret_until=old_until if old_until and old_until > clock.now() else None,
        last_used_at=clock.from_millis(used.last_at) if used.last_at else None,
        last_used_ip=used.address,
        requests_total=used.total,
    )
