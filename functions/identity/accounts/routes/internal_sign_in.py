"""Internal routes: proofs of who somebody is, for services of ours that keep the session themselves."""

from typing import Annotated

from tessera import auth, clock
from tessera.auth.principal import Principal
from tessera.auth.problems import AttemptsExhausted
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import factors, lend, sign_in
from ..actions.factors import MfaPending, Proven
from ..factor_schemas import MfaRequiredOut, PasskeyLoginIn, plain
from ..internal_schemas import (
    DeviceMfaIn,
    NamedOutsideIn,
    OutsideIn,
    PendingOut,
    ProofOut,
    ProveIn,
    ProvenOut,
    ProviderEndIn,
)
from ..ports import Client, Ports
from ..rules import LoginFailed, MfaFailed, MfaTokenInvalid, NotActive, PasskeyUnknown, SigningUnavailable
from ..schemas import LoginIn, SignedInOut
from .shared import PREFIX, TAGS, Asked, Bound, DeviceToken, client_of, signed_in_out

router = Router(prefix=f"{PREFIX}/internal", tags=TAGS)
Keeper = Annotated[Principal, auth.service("sessions")]
Provider = Annotated[Principal, auth.service("oauth")]


@router.post("/authenticate", responses=problems(LoginFailed, AttemptsExhausted, InvalidRequest))
async def authenticate(
    body: LoginIn, caller: Keeper, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> ProvenOut | MfaRequiredOut:
    """Check a password; attempts count against the browser behind the caller."""
    client = client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name)
    async with ports.pace.held():
        found = sign_in.authenticate(ports, email=body.email, password=body.password, client=client, call=call)
    return _out(ports, found, client)


@router.post("/authenticate/mfa", responses=problems(MfaFailed, MfaTokenInvalid, AttemptsExhausted, InvalidRequest))
async def authenticate_with_factor(
    body: DeviceMfaIn, caller: Keeper, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> ProvenOut | MfaRequiredOut:
    """Check the second factor that was asked for."""
    client = client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name)
    credential = plain(body.credential) if body.credential else None
    async with ports.pace.held():
        proven, session_id = sign_in.authenticate_with_factor(
            ports, mfa_token=body.mfa_token, method=body.method, code=body.code, credential=credential, call=call
        )
    return _out(ports, proven, client, session_id=session_id)


@router.post("/authenticate/passkey", responses=problems(PasskeyUnknown, LoginFailed, InvalidRequest))
async def authenticate_with_passkey(
    body: PasskeyLoginIn, caller: Keeper, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> ProvenOut | MfaRequiredOut:
    """Check a passkey."""
    client = client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name)
    proven = sign_in.authenticate_with_passkey(
        ports, challenge_id=body.challenge_id, credential=plain(body.credential), call=call
    )
    return _out(ports, proven, client)


@router.post("/authenticate/outside", responses=problems(LoginFailed, InvalidRequest))
async def authenticate_outside(
    body: NamedOutsideIn, caller: Keeper, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> ProvenOut | MfaRequiredOut:
    """Take a provider's word, and ask for the second factor that its user has set up here."""
    client = client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name)
    found = lend.vouched(
        ports, body.user_id, frozenset(body.amr), body.aal, client, session_id=body.session_id, call=call
    )
    return _out(ports, found, client, at=body.auth_time, session_id=body.session_id)


@router.post("/reauthenticate", responses=problems(LoginFailed, MfaFailed, AttemptsExhausted, NotFound))
async def prove_again(
    body: ProveIn, caller: Keeper, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> ProvenOut:
    """Check what somebody shows again in a session that goes on."""
    async with ports.pace.held():
        user = ports.users.get(body.user_id)
        if body.password is not None:
            sign_in.prove_password(ports, user, body.password, client=client_of(ports, call, device_token), call=call)
            return ProvenOut(proof=_proof(Proven(user, sign_in.PASSWORD, 1)))
        credential = plain(body.credential) if body.credential else None
        proven = factors.prove(
            ports,
            user,
            method=body.method or "",
            code=body.code,
            challenge_id=body.challenge_id,
            credential=credential,
            call=call,
        )
    return ProvenOut(proof=_proof(proven))


@router.post("/tokens", responses=problems(LoginFailed, NotFound, NotActive, SigningUnavailable, InvalidRequest))
async def open_session(
    body: OutsideIn, caller: Provider, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> SignedInOut | PendingOut:
    """A pair of tokens for who has signed in at a provider, or what is still to be shown here."""
    client = client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name)
    found = lend.vouched(ports, body.user_id, frozenset(body.amr), body.aal, client, call=call)
    if isinstance(found, MfaPending):
        return PendingOut(mfa_token=found.token, methods=found.methods, session_id=found.session_id)
    return signed_in_out(found.user, sign_in.open_session(ports, found, client=client, call=call))


@router.post("/provider-session/end", status_code=204)
async def end_provider_session(body: ProviderEndIn, caller: Provider, ports: Bound, call: Asked) -> None:
    """End a session whose provider has ended its own, also one that waits for its second factor."""
    lend.end_from_outside(ports, body.user_id, body.session_id, caller=caller, call=call)


def _out(
    ports: Ports,
    found: Proven | MfaPending,
    client: Client,
    *,
    at: int | None = None,
    session_id: str | None = None,
) -> ProvenOut | MfaRequiredOut:
    if isinstance(found, MfaPending):
        return MfaRequiredOut(mfa_token=found.token, methods=found.methods)
    device_token = sign_in.remember_device(ports, found.user, client)
    return ProvenOut(proof=_proof(found, at=at), device_token=device_token, session_id=session_id)


def _proof(found: Proven, *, at: int | None = None) -> ProofOut:
    return ProofOut(
        user_id=found.user.user_id,
        amr=sorted(found.amr),
        aal=found.aal,
        auth_time=clock.millis() // 1000 if at is None else at,
        epoch=int(found.user.ep),
    )
