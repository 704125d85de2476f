"""What needs no sign-in: links of mails, and what Twilio calls back. Each shows a code of its own instead."""

from collections.abc import Mapping
from html import escape
from typing import Annotated, Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape as xml_escape

from fastapi import Query, Request, Response

from tessera.entry import Router, problems
from tessera.problems import PayloadTooLarge, Problem
from tessera.types import Params, Ulid

from ..actions import reported, unsubscribe
from ..providers import twilio
from ..rules.problems import UnsubscribeGone
from .given import PREFIX, TAGS, Anyone, Bound

router = Router(prefix=PREFIX, tags=TAGS)
MAX_FORM_BYTES = 64_000
SIGNATURE = "x-twilio-signature"


class CallbackUnsigned(Problem):
    status, slug, title = 403, "callback-unsigned", "This was not sent by who it says"


class TokenParams(Params):
    token: Annotated[str, Query(min_length=1, max_length=unsubscribe.MAX_CHARACTERS)]


class StatusParams(Params):
    id: Ulid


def _page(title: str, content: str) -> Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title></head><body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return Response(text, media_type="text/html")


def _of(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}}


@router.get(
    "/unsubscribe", response_class=Response, responses={**_of("text/html", "A page."), **problems(UnsubscribeGone)}
)
async def show_unsubscribe(asked: Annotated[TokenParams, Query()], caller: Anyone, ports: Bound) -> Response:
    """A page that asks once more, because what reads mails before people do follows every link."""
    _, kind = unsubscribe.read(ports, asked.token)
    action = f"{PREFIX}/unsubscribe?token={escape(asked.token)}"
    form = f'<form method="post" action="{action}"><button>Send me no more of these</button></form>'
    return _page("Unsubscribe", f"<p>Mails about {escape(_title(ports, kind))}.</p>{form}")


@router.post(
    "/unsubscribe", response_class=Response, responses={**_of("text/html", "A page."), **problems(UnsubscribeGone)}
)
async def unsubscribe_at_once(asked: Annotated[TokenParams, Query()], caller: Anyone, ports: Bound) -> Response:
    """One click of a mail client (RFC 8058): no more mails of this type."""
    kind = unsubscribe.unsubscribe(ports, asked.token)
    return _page("Done", f"<p>You get no more mails about {escape(_title(ports, kind))}.</p>")


@router.post(
    "/sms/inbound",
    response_class=Response,
    responses={**_of("text/xml", "What is answered."), **problems(CallbackUnsigned)},
)
async def receive_sms(request: Request, caller: Anyone, ports: Bound) -> Response:
    """A reply to an SMS: STOP, START and HELP are understood."""
    form = await _signed_form(request, ports)
    said = reported.replied(ports, form.get("From", ""), form.get("Body", ""))
    message = f"<Message>{xml_escape(said)}</Message>" if said else ""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>', media_type="text/xml")


@router.post("/sms/status", status_code=204, responses=problems(CallbackUnsigned))
async def receive_sms_status(
    request: Request, asked: Annotated[StatusParams, Query()], caller: Anyone, ports: Bound
) -> None:
    """What has become of an SMS."""
    form = await _signed_form(request, ports)
    status = form.get("MessageStatus", "")
    if status in reported.ARRIVED:
        reported.arrived(ports, asked.id, "sms")
    elif status in reported.LOST:
        reported.lost(ports, asked.id, "sms", f"twilio-{form.get('ErrorCode', status)}"[:60])


async def _signed_form(request: Request, ports: Bound) -> Mapping[str, str]:
    """The fields of a form that Twilio has signed. Raises `CallbackUnsigned`, `PayloadTooLarge`."""
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise PayloadTooLarge(f"The form may hold {MAX_FORM_BYTES:,} bytes.")
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    known = ports.credentials.of("twilio")
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{ports.settings.base}{request.url.path}{query}"
    signature = request.headers.get(SIGNATURE, "")
    if known is None or not twilio.is_signed(str(known["auth_token"]), url, form, signature):
        raise CallbackUnsigned("The signature does not fit.")
    return form


def _title(ports: Bound, kind: str) -> str:
    found = ports.store.types.get(kind)
    return found.title if found is not None else kind
