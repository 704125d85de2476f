"""The passkeys of the caller."""

from typing import Annotated

from fastapi import Path, Response

from tessera import clock
from tessera.auth.problems import StepUpRequired
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, required_version, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.problems import InvalidRequest, NotFound, Unavailable

from .. import authenticators
from ..actions import passkeys
from ..factor_schemas import CreationOptionsOut, PasskeyIn, PasskeyNameIn, PasskeyOut, PasskeysOut, plain
from ..rules import LastSignInMethod, PasskeyInvalid, PasskeyTaken, TooManyPasskeys
from ..store.factor_rows import PasskeyRow
from .shared import PREFIX, TAGS, Asked, Bound, Myself, MyselfJustNow, user_id_of

router = Router(prefix=f"{PREFIX}/me/passkeys", tags=TAGS)
PasskeyId = Annotated[str, Path(max_length=64, description="The SHA-256 of the credential's id, in hexadecimal.")]


@router.post("/options", responses=problems(NotFound, StepUpRequired, TooManyPasskeys))
async def ask_for_new_passkey(caller: MyselfJustNow, ports: Bound) -> CreationOptionsOut:
    """What the browser needs to make a passkey, within 5 minutes."""
    asked = passkeys.ask_to_add(ports, user_id_of(caller), caller=caller)
    return CreationOptionsOut.model_validate({"challenge_id": asked.challenge_id, "publicKey": asked.options})


@router.post(
    "",
    status_code=201,
    responses=problems(NotFound, PasskeyInvalid, PasskeyTaken, TooManyPasskeys, Unavailable, InvalidRequest),
)
async def add_passkey(body: PasskeyIn, caller: Myself, ports: Bound, call: Asked) -> PasskeyOut:
    """Add the passkey that the browser has made. A passkey belongs to one account."""
    row = passkeys.add(
        ports,
        user_id_of(caller),
        challenge_id=body.challenge_id,
        credential=plain(body.credential),
        name=body.name,
        caller=caller,
        call=call,
    )
    return _out(row)


@router.get("")
async def list_passkeys(caller: Myself, ports: Bound) -> PasskeysOut:
    """Every passkey of yours, the oldest first; there are at most 15."""
    return PasskeysOut(items=[_out(row) for row in passkeys.listed(ports, user_id_of(caller))])


@router.patch(
    "/{passkey_id}", responses=problems(NotFound, StepUpRequired, StaleVersion, VersionRequired, InvalidRequest)
)
async def rename_passkey(
    passkey_id: PasskeyId,
    body: PasskeyNameIn,
    caller: Myself,
    ports: Bound,
    call: Asked,
    response: Response,
    if_match: IfMatch = None,
) -> PasskeyOut:
    """Give a passkey another name. `If-Match` holds the `version` it was read at, if it matters."""
    row = passkeys.rename(
        ports,
        user_id_of(caller),
        passkey_id,
        body.name,
        version=None if if_match is None else required_version(if_match),
        caller=caller,
        call=call,
    )
    show_version(response, int(row.version))
    return _out(row)


@router.delete(
    "/{passkey_id}",
    status_code=204,
    responses=problems(NotFound, StaleVersion, StepUpRequired, LastSignInMethod, Unavailable),
)
async def remove_passkey(
    passkey_id: PasskeyId, caller: Myself, ports: Bound, call: Asked, if_match: IfMatch = None
) -> None:
    """Remove a passkey, unless it is the last way to sign in."""
    version = expected_version(if_match, required=False)
    passkeys.remove(ports, user_id_of(caller), passkey_id, version=version, caller=caller, call=call)


def _out(row: PasskeyRow) -> PasskeyOut:
    return PasskeyOut(
        id=row.passkey_id,
        name=row.name,
        authenticator=authenticators.name_of(row.aaguid),
        aaguid=row.aaguid,
        backed_up=bool(row.bs),
        transports=sorted(row.transports or ()),
        created_at=clock.from_millis(int(row.created)),
        last_used_at=clock.from_millis(int(row.used_at)) if row.used_at is not None else None,
        version=int(row.version),
    )
