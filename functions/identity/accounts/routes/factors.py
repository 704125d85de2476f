"""The second factors of the caller: an authenticator app and recovery codes."""

from tessera.auth.problems import AttemptsExhausted, StepUpRequired
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound, Unavailable

from ..actions import factor_setup
from ..factor_schemas import FactorsOut, RecoveryCodesOut, TotpConfirmedOut, TotpConfirmIn, TotpOut
from ..rules import FactorMissing, SigningUnavailable, TotpCodeInvalid, TotpEnrolled
from .shared import PREFIX, TAGS, Asked, Bound, Myself, MyselfJustNow, user_id_of

router = Router(prefix=f"{PREFIX}/me/mfa", tags=TAGS)


@router.get("", responses=problems(NotFound))
async def get_factors(caller: Myself, ports: Bound) -> FactorsOut:
    """Which second factors you have."""
    found = factor_setup.standing(ports, user_id_of(caller))
    return FactorsOut(
        methods=found.methods,
        recovery_codes_left=found.codes_left,
        passkeys=found.passkeys,
        has_password=found.has_password,
    )


@router.post("/totp", responses=problems(NotFound, StepUpRequired, TotpEnrolled, Unavailable))
async def begin_totp(caller: MyselfJustNow, ports: Bound) -> TotpOut:
    """A secret for an authenticator app, shown once. It counts after a code of it was confirmed, within the hour."""
    made = factor_setup.begin_totp(ports, user_id_of(caller), caller=caller)
    return TotpOut(secret=made.secret, otpauth_uri=made.uri)


@router.post(
    "/totp/confirm",
    responses=problems(
        TotpCodeInvalid,
        StepUpRequired,
        NotFound,
        TotpEnrolled,
        AttemptsExhausted,
        SigningUnavailable,
        Unavailable,
        InvalidRequest,
    ),
)
async def confirm_totp(body: TotpConfirmIn, caller: Myself, ports: Bound, call: Asked) -> TotpConfirmedOut:
    """Show a code of the app. From now on a password alone signs nobody in."""
    tokens = factor_setup.confirm_totp(ports, user_id_of(caller), body.code, caller=caller, call=call)
    if tokens is None:
        return TotpConfirmedOut()
    return TotpConfirmedOut(
        access_token=tokens.access_token, expires_in=tokens.expires_in, session_id=tokens.session_id
    )


@router.delete("/totp", status_code=204, responses=problems(NotFound, StepUpRequired, Unavailable))
async def remove_totp(caller: MyselfJustNow, ports: Bound, call: Asked) -> None:
    """Ask for codes of the app no more. Recovery codes go with the last factor they stand in for."""
    factor_setup.remove_totp(ports, user_id_of(caller), caller=caller, call=call)


@router.post("/recovery-codes", responses=problems(NotFound, StepUpRequired, FactorMissing))
async def renew_recovery_codes(caller: MyselfJustNow, ports: Bound, call: Asked) -> RecoveryCodesOut:
    """Ten new recovery codes, shown once. The old ones are worth nothing any more."""
    return RecoveryCodesOut(codes=factor_setup.renew_codes(ports, user_id_of(caller), caller=caller, call=call))
