"""Signing in with cookies."""

from tessera.auth.problems import AttemptsExhausted
from tessera.entry import Router
from tessera.problems import InvalidRequest

from ..actions import exchange, sign_in
from ..rules import ExchangeInvalid, LoginFailed, MfaFailed, MfaTokenInvalid, PasskeyUnknown, SigningUnavailable
from ..schemas import ExchangeIn, FactorNeededOut, LoginIn, MfaIn, PasskeyIn, SignedInOut
from .shared import ON_THE_WAY, PREFIX, SETS_COOKIES, TAGS, Asked, Bound, OurPage, answers, welcomed, wish_of

router = Router(prefix=PREFIX, tags=TAGS)

OURS = {"remember"}
ALWAYS = (*ON_THE_WAY, AttemptsExhausted, SigningUnavailable, InvalidRequest)


@router.post("/login", responses=answers(200, SETS_COOKIES, LoginFailed, *ALWAYS))
async def login(body: LoginIn, caller: OurPage, ports: Bound, call: Asked) -> SignedInOut | FactorNeededOut:
    """Sign in with a password; the session's cookies come with the answer. Every failure has the same answer."""
    shown = body.model_dump(exclude=OURS)
    wish = wish_of(ports, call, body)
    return welcomed(ports, call, sign_in.sign_in(ports, "", shown, wish, call=call))


@router.post("/login/mfa", responses=answers(200, SETS_COOKIES, MfaFailed, MfaTokenInvalid, LoginFailed, *ALWAYS))
async def login_mfa(body: MfaIn, caller: OurPage, ports: Bound, call: Asked) -> SignedInOut | FactorNeededOut:
    """Finish a sign-in with a second factor."""
    wish = wish_of(ports, call, body)
    return welcomed(ports, call, sign_in.sign_in(ports, "mfa", body.model_dump(exclude=OURS), wish, call=call))


@router.post("/login/passkey", responses=answers(200, SETS_COOKIES, PasskeyUnknown, LoginFailed, *ALWAYS))
async def login_passkey(body: PasskeyIn, caller: OurPage, ports: Bound, call: Asked) -> SignedInOut | FactorNeededOut:
    """Sign in with a passkey, which answers the options of `POST /accounts/login/passkey/options`."""
    wish = wish_of(ports, call, body)
    return welcomed(ports, call, sign_in.sign_in(ports, "passkey", body.model_dump(exclude=OURS), wish, call=call))


@router.post("/exchange", responses=answers(200, SETS_COOKIES, ExchangeInvalid, LoginFailed, *ALWAYS))
async def exchange_code(body: ExchangeIn, caller: OurPage, ports: Bound, call: Asked) -> SignedInOut | FactorNeededOut:
    """Take over a sign-in at a provider, with the one-time code of the address it sent the browser back to."""
    wish = wish_of(ports, call, body)
    return welcomed(ports, call, exchange.redeem(ports, body.code, body.exchange_verifier, wish, call=call))
