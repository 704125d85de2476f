"""Signing in: with a password, with a second factor after it, or with a passkey alone."""

from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.entry import Router, problems
from tessera.problems import FieldError, InvalidRequest

from ..actions import guests, passkeys, sign_in
from ..actions.factors import MfaPending
from ..factor_schemas import MfaIn, MfaRequiredOut, PasskeyAskIn, PasskeyLoginIn, RequestOptionsOut, plain
from ..rules import LoginFailed, MfaFailed, MfaTokenInvalid, PasskeyUnknown, SigningUnavailable
from ..schemas import LoginIn, SignedInOut
from .shared import PREFIX, TAGS, Asked, Bound, DeviceToken, Guesser, client_of, signed_in_out

router = Router(prefix=f"{PREFIX}/login", tags=TAGS)


@router.post("", responses=problems(LoginFailed, AttemptsExhausted, RateLimited, SigningUnavailable, InvalidRequest))
async def login(
    body: LoginIn, caller: Guesser, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> SignedInOut | MfaRequiredOut:
    """Sign in with a password. Every failure has the same answer, and takes the same time."""
    client = client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name)
    async with ports.pace.held():
        found = sign_in.login(ports, email=body.email, password=body.password, client=client, call=call)
    if isinstance(found, MfaPending):
        return MfaRequiredOut(mfa_token=found.token, methods=found.methods)
    guests.merge(ports, body.guest_token, found[0].user_id, call=call)
    return signed_in_out(*found)


@router.post(
    "/mfa",
    responses=problems(MfaFailed, MfaTokenInvalid, AttemptsExhausted, RateLimited, SigningUnavailable, InvalidRequest),
)
async def login_with_second_factor(
    body: MfaIn, caller: Guesser, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> SignedInOut:
    """Finish a sign-in with a second factor. There are five attempts; then sign in again from the beginning."""
    wanted = "credential" if body.method == "passkey" else "code"
    if getattr(body, wanted) is None:
        raise InvalidRequest(f"Send a {wanted}.", errors=[FieldError(f"/{wanted}", f"{body.method} needs it.")])
    async with ports.pace.held():
        user, tokens = sign_in.finish_login(
            ports,
            mfa_token=body.mfa_token,
            method=body.method,
            code=body.code,
            credential=plain(body.credential) if body.credential else None,
            client=client_of(ports, call, device_token),
            call=call,
        )
    guests.merge(ports, body.guest_token, user.user_id, call=call)
    return signed_in_out(user, tokens)


@router.post("/passkey/options", responses=problems(MfaTokenInvalid, RateLimited, InvalidRequest))
async def ask_for_passkey(body: PasskeyAskIn, caller: Guesser, ports: Bound) -> RequestOptionsOut:
    """What the browser needs to ask for a passkey: any of this site, or one as a second factor."""
    asked = passkeys.ask_to_show(ports, body.mfa_token)
    return RequestOptionsOut.model_validate({"challenge_id": asked.challenge_id, "publicKey": asked.options})


@router.post(
    "/passkey", responses=problems(PasskeyUnknown, LoginFailed, RateLimited, SigningUnavailable, InvalidRequest)
)
async def login_with_passkey(
    body: PasskeyLoginIn, caller: Guesser, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> SignedInOut:
    """Sign in with a passkey alone. `passkey-unknown` says that it can be removed from where it is kept."""
    user, tokens = sign_in.login_with_passkey(
        ports,
        challenge_id=body.challenge_id,
        credential=plain(body.credential),
        client=client_of(ports, call, device_token, client_id=body.client_id, device_name=body.device_name),
        call=call,
    )
    guests.merge(ports, body.guest_token, user.user_id, call=call)
    return signed_in_out(user, tokens)
