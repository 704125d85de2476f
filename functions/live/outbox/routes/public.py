"""What needs no sign-in: the link of a bulk mail after which no more comes."""

from html import escape
from typing import Annotated, Any

from fastapi import Query, Response

from tessera.entry import Router, problems
from tessera.types import Params

from ..actions import unsubscribe
from ..actions.unsubscribe import UnsubscribeUnknown
from .given import Anyone, Bound

router = Router(prefix="/outbox", tags=["outbox"])
PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}},
    **problems(UnsubscribeUnknown),
}


class TokenParams(Params):
    token: Annotated[str, Query(min_length=1, max_length=unsubscribe.MAX_CHARACTERS)]


@router.get("/unsubscribe", response_class=Response, responses=PAGE)
async def show_unsubscribe(asked: Annotated[TokenParams, Query()], caller: Anyone, ports: Bound) -> Response:
    """A page that asks once more, because what reads mails before people do follows every link."""
    unsubscribe.read(ports.mac, asked.token)
    action = f"/outbox/unsubscribe?token={escape(asked.token)}"
    return _page(
        "Unsubscribe", f'<form method="post" action="{action}"><button>Send me no more of these</button></form>'
    )


@router.post("/unsubscribe", response_class=Response, responses=PAGE)
async def unsubscribe_at_once(asked: Annotated[TokenParams, Query()], caller: Anyone, ports: Bound) -> Response:
    """One click of a mail client (RFC 8058): no more mails of this kind."""
    unsubscribe.unsubscribe(ports.store, ports.mac, asked.token)
    return _page("Done", "<p>You get no more such mails. What you ask for yourself still comes.</p>")


def _page(title: str, content: str) -> Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title></head><body><main><h1>{title}</h1>{content}</main></body></html>"
    )
    return Response(text, media_type="text/html")
