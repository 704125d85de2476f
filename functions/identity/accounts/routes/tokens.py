"""Refreshing and revoking tokens. Clients of RFC 6749 and RFC 7009 send forms, so these two take them as well."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from pydantic import StringConstraints, ValidationError

from tessera.auth.problems import RateLimited
from tessera.entry import Router, problems
from tessera.problems import FieldError, InvalidRequest, PayloadTooLarge, UnsupportedMedia
from tessera.strictness import MAX_BODY_BYTES, check_body
from tessera.types import In

from ..actions import tokens
from ..rules import MembershipEnded, RefreshInvalid, RefreshReused, SigningUnavailable
from ..schemas import DoneOut, SwitchIn, TokensOut
from .shared import PREFIX, TAGS, Asked, Bound, Guesser, tokens_out

router = Router(prefix=f"{PREFIX}/token", tags=TAGS)
FORM = "application/x-www-form-urlencoded"


class RefreshIn(In):
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=400)]


async def _token_of(request: Request) -> str:
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge()
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media == FORM:
            return _from_form(body)
        if media != "application/json":
            raise UnsupportedMedia(f"Send it as application/json or as {FORM}.")
        check_body(body)
        return RefreshIn.model_validate_json(body).refresh_token
    except (ValidationError, ValueError):
        told = "Send one refresh_token, of up to 400 characters."
        raise InvalidRequest(told, errors=[FieldError("/refresh_token", told)]) from None


def _from_form(body: bytes) -> str:
    # RFC 7009 calls the field `token`; grant types and hints are not needed to know what it is.
    fields = dict(parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=10))
    return RefreshIn(refresh_token=fields.get("refresh_token", fields.get("token", ""))).refresh_token


Sent = Annotated[str, Depends(_token_of)]
_SCHEMA: dict[str, Any] = RefreshIn.model_json_schema()
_OPEN_SCHEMA = {**_SCHEMA, "additionalProperties": True}
_CONTENT = {"application/json": {"schema": _SCHEMA}, FORM: {"schema": _OPEN_SCHEMA}}
BODY = {"requestBody": {"required": True, "content": _CONTENT}}


@router.post(
    "/refresh",
    openapi_extra=BODY,
    responses=problems(RefreshInvalid, RefreshReused, MembershipEnded, RateLimited, SigningUnavailable, InvalidRequest),
)
async def refresh_token(caller: Guesser, ports: Bound, call: Asked, sent: Sent) -> TokensOut:
    """The next pair of tokens. The old refresh token is good for 10 seconds more, for the same successor."""
    return tokens_out(tokens.refresh(ports, sent, call=call))


@router.post(
    "/switch",
    responses=problems(RefreshInvalid, RefreshReused, MembershipEnded, RateLimited, SigningUnavailable, InvalidRequest),
)
async def switch_organisation(body: SwitchIn, caller: Guesser, ports: Bound, call: Asked) -> TokensOut:
    """The next pair of tokens, to act for an organisation one belongs to, or with null for oneself again."""
    return tokens_out(tokens.switch(ports, body.refresh_token, body.organisation_id, call=call))


@router.post("/revoke", openapi_extra=BODY, responses=problems(RateLimited, InvalidRequest))
async def revoke_token(caller: Guesser, ports: Bound, sent: Sent) -> DoneOut:
    """End the session of a refresh token. A token that is not good is no error (RFC 7009 2.2)."""
    tokens.revoke(ports, sent)
    return DoneOut()
