"""Signing in with a provider."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Response

from tessera.auth.problems import (
    AttemptsExhausted,
    CredentialsAmbiguous,
    CredentialsMissing,
    CsrfFailed,
    ImpersonationForbidden,
    InsufficientScope,
    OriginNotAllowed,
    RateLimited,
    RevocationUnknown,
    SessionRevoked,
    StepUpRequired,
    TokenExpired,
    TokenInvalid,
    TokenStale,
)
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, UnsupportedMedia

from ..actions import callback, email, exchange, start
from ..actions.start import Wish
from ..rules.problems import (
    CodeInvalid,
    EmailTaken,
    ExchangeInvalid,
    IdentityTaken,
    LoginFailed,
    ProviderError,
    ProviderTimeout,
    ProviderUnknown,
    ReturnToNotAllowed,
    SignUpClosed,
    StateInvalid,
    TicketInvalid,
)
from ..schemas import EmailConfirmIn, EmailIn, EmailSentOut, ExchangeIn, ListedOut, ProvidersOut, StartedOut, StartIn
from .shared import (
    PREFIX,
    TAGS,
    Anyone,
    Asked,
    Bound,
    GainedOut,
    Guesser,
    ProviderName,
    client_of,
    gained_out,
    linker_of,
)

router = Router(prefix=PREFIX, tags=TAGS)
FORM = "application/x-www-form-urlencoded"
MAX_FORM_BYTES, MAX_FIELDS = 64_000, 30
# What a browser shows of an answer with a code in its address must tell nobody where it came from.
QUIET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


# What is said of a credential when something is to be linked.
OF_A_LINKER = (
    CredentialsMissing,
    CredentialsAmbiguous,
    TokenInvalid,
    TokenExpired,
    TokenStale,
    SessionRevoked,
    StepUpRequired,
    InsufficientScope,
    ImpersonationForbidden,
    CsrfFailed,
    OriginNotAllowed,
    RevocationUnknown,
)
_STARTED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Set-Cookie": {
                "description": "What binds the sign-in to this browser.",
                "schema": {"type": "string", "maxLength": 500},
            }
        }
    }
}


@router.get("/providers")
async def list_providers(caller: Anyone, ports: Bound, response: Response) -> ProvidersOut:
    """Who one may sign in with here."""
    response.headers["Cache-Control"] = "public, max-age=60"
    listed = [provider for provider in ports.providers.listed() if provider.enabled]
    return ProvidersOut(items=[ListedOut(id=one.id, name=one.name, kind=one.kind, icon=one.icon) for one in listed])


@router.post(
    "/{provider}/start",
    responses={
        **problems(
            ProviderUnknown,
            ReturnToNotAllowed,
            InvalidRequest,
            ProviderError,
            ProviderTimeout,
            RateLimited,
            *OF_A_LINKER,
        ),
        **_STARTED,
    },
)
async def start_sign_in(
    provider: ProviderName, body: StartIn, caller: Guesser, ports: Bound, call: Asked, response: Response
) -> StartedOut:
    """Where to send the browser. `mode: link` adds the provider to your own account, and needs a fresh sign-in."""
    user_id = linker_of(call) if body.mode == "link" else None
    wish = Wish(body.return_to, body.mode, body.delivery, body.exchange_challenge, user_id)
    started = start.start(ports, provider, wish, call=call)
    response.headers["Set-Cookie"] = started.cookie
    response.headers["Cache-Control"] = "no-store"
    return StartedOut(authorization_url=started.authorization_url, expires_at=started.expires_at)


def _single(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The fields of an answer. One that comes twice could be read in two ways (RFC 6749 3.1)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StateInvalid()
    return found


async def _query(request: Request) -> dict[str, str]:
    return _single(request.query_params.multi_items())


async def _form(request: Request) -> dict[str, str]:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != FORM:
        raise UnsupportedMedia(f"A provider posts {FORM}.")
    body = await request.body()
    try:
        text = body.decode("ascii") if len(body) <= MAX_FORM_BYTES else ""
        return _single(parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise StateInvalid() from None


_SHOWN: dict[str, Any] = {"type": "string", "maxLength": 4_096}
_NAMES = ("code", "state", "iss", "error")
_SENT = {"parameters": [{"name": name, "in": "query", "required": False, "schema": _SHOWN} for name in _NAMES]}
_FIELDS = {"type": "object", "properties": dict.fromkeys(_NAMES, _SHOWN), "additionalProperties": True}
_POSTED = {"requestBody": {"required": True, "content": {FORM: {"schema": _FIELDS}}}}
_BACK: dict[int | str, dict[str, Any]] = {
    303: {
        "description": "Back to where the sign-in began, with `#code=…` or `#error=<slug>`.",
        "headers": {"Location": {"schema": {"type": "string", "maxLength": 4_096}}},
    }
}


@router.get(
    "/{provider}/callback",
    status_code=303,
    response_class=Response,
    openapi_extra=_SENT,
    responses={**problems(StateInvalid, CredentialsAmbiguous, RateLimited), **_BACK},
)
async def come_back(
    provider: ProviderName,
    caller: Anyone,
    ports: Bound,
    call: Asked,
    sent: Annotated[dict[str, str], Depends(_query)],
) -> Response:
    """Where a provider sends the browser back to."""
    return _sent_on(callback.finish(ports, provider, sent, call=call))


@router.post(
    "/{provider}/callback",
    status_code=303,
    response_class=Response,
    openapi_extra=_POSTED,
    responses={**problems(StateInvalid, CredentialsAmbiguous, UnsupportedMedia, RateLimited), **_BACK},
)
async def come_back_posted(
    provider: ProviderName, caller: Anyone, ports: Bound, call: Asked, sent: Annotated[dict[str, str], Depends(_form)]
) -> Response:
    """The same for providers that post, such as Apple (OAuth 2.0 Form Post Response Mode)."""
    return _sent_on(callback.finish(ports, provider, sent, call=call))


def _sent_on(url: str) -> Response:
    return Response(status_code=303, headers={**QUIET, "Location": url})


@router.post("/exchange", responses=problems(ExchangeInvalid, LoginFailed, InvalidRequest, RateLimited))
async def exchange_code(body: ExchangeIn, caller: Guesser, ports: Bound, call: Asked, response: Response) -> GainedOut:
    """What a finished sign-in gives: tokens, or what is still to be done."""
    client = client_of(body.client_id, body.device_name)
    return gained_out(exchange.exchange(ports, body.code, body.exchange_verifier, client, call=call), response)


@router.post(
    "/email", status_code=202, responses=problems(TicketInvalid, AttemptsExhausted, InvalidRequest, RateLimited)
)
async def ask_for_code(body: EmailIn, caller: Guesser, ports: Bound) -> EmailSentOut:
    """Have a code sent to an address, for a provider that has none that is verified."""
    return EmailSentOut(expires_at=email.ask(ports, body.ticket, body.email))


@router.post(
    "/email/confirm",
    responses=problems(
        TicketInvalid,
        CodeInvalid,
        AttemptsExhausted,
        SignUpClosed,
        EmailTaken,
        IdentityTaken,
        LoginFailed,
        InvalidRequest,
        RateLimited,
        ProviderUnknown,
    ),
)
async def confirm_address(
    body: EmailConfirmIn, caller: Guesser, ports: Bound, call: Asked, response: Response
) -> GainedOut:
    """Show the address with the code, and get what the sign-in gives."""
    client = client_of(body.client_id, body.device_name)
    return gained_out(email.confirm(ports, body.ticket, body.code, client, call=call), response)
