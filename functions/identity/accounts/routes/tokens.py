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


class RevokeIn(In):
    """Whatever its client holds for a token, an access token too: one that is none of ours is no error."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


async def _token_of(request: Request, shape: type[RefreshIn] | type[RevokeIn]) -> str:
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge()
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media == FORM:
            return shape(refresh_token=_from_form(body)).refresh_token
        if media != "application/json":
            raise UnsupportedMedia(f"Send it as application/json or as {FORM}.")
        check_body(body)
        return shape.model_validate_json(body).refresh_token
    except (ValidationError, ValueError):
        most = shape.model_json_schema()["properties"]["refresh_token"]["maxLength"]
        told = f"Send one refresh_token, of up to {most:,} characters."
        raise InvalidRequest(told, errors=[FieldError("/refresh_token", told)]) from None


def _from_form(body: bytes) -> str:
    # RFC 7009 calls the field `token`; grant types and hints are not needed to know what it is.
    fields = dict(parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=10))
    return fields.get("refresh_token", fields.get("token", ""))


async def _to_refresh(request: Request) -> str:
    return await _token_of(request, RefreshIn)


async def _to_revoke(request: Request) -> str:
    return await _token_of(request, RevokeIn)


def _body_of(shape: type[In]) -> dict[str, Any]:
    schema: dict[str, Any] = shape.model_json_schema()
    open_schema = {**schema, "additionalProperties": True}
    content = {"application/json": {"schema": schema}, FORM: {"schema": open_schema}}
    return {"requestBody": {"required": True, "content": content}}


Sent = Annotated[str, Depends(_to_refresh)]
Unwanted = Annotated[str, Depends(_to_revoke)]


@router.post(
    "/refresh",
    openapi_extra=_body_of(RefreshIn),
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


@router.post("/revoke", openapi_extra=_body_of(RevokeIn), responses=problems(RateLimited, InvalidRequest))
async def revoke_token(caller: Guesser, ports: Bound, sent: Unwanted) -> DoneOut:
    """End the session of a refresh token. A token that is not good is no error (RFC 7009 2.2)."""
    tokens.revoke(ports, sent)
    return DoneOut()
