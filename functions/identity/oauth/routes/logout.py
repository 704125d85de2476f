"""What providers call themselves."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.entry import Router, problems
from tessera.problems import UnsupportedMedia

from ..actions import logout
from ..rules.problems import LogoutTokenInvalid, ProviderError, ProviderTimeout, ProviderUnknown
from .shared import PREFIX, TAGS, Asked, Bound, ProviderName

router = Router(prefix=PREFIX, tags=TAGS)
# A provider tells of many at once; what is limited is tokens that are no good.
Caller = Annotated[Principal, auth.public(limited=False)]
FORM = "application/x-www-form-urlencoded"
_FIELD = {"type": "string", "maxLength": logout.MAX_CHARACTERS}
_SCHEMA = {"type": "object", "required": ["logout_token"], "properties": {"logout_token": _FIELD}}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {FORM: {"schema": _SCHEMA}}}}


async def _token(request: Request) -> str:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != FORM:
        raise UnsupportedMedia(f"A provider posts {FORM}.")
    body = await request.body()
    try:
        text = body.decode("ascii") if len(body) <= 2 * logout.MAX_CHARACTERS else ""
        fields = dict(parse_qsl(text, strict_parsing=True, max_num_fields=10))
    except ValueError:
        raise LogoutTokenInvalid("not a form") from None
    if not fields.get("logout_token"):
        raise LogoutTokenInvalid("no token")
    return fields["logout_token"]


@router.post(
    "/{provider}/backchannel-logout",
    openapi_extra=_BODY,
    response_class=Response,
    responses={
        **problems(
            ProviderUnknown,
            LogoutTokenInvalid,
            UnsupportedMedia,
            RateLimited,
            AttemptsExhausted,
            ProviderError,
            ProviderTimeout,
        ),
        200: {"description": "The sessions have ended."},
    },
)
async def end_sessions(
    provider: ProviderName, caller: Caller, ports: Bound, call: Asked, token: Annotated[str, Depends(_token)]
) -> Response:
    """A provider tells that somebody has signed out there (OpenID Connect Back-Channel Logout)."""
    logout.logout(ports, provider, token, call=call)
    return Response(status_code=200, headers={"Cache-Control": "no-store"})
