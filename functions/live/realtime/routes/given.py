"""What the routes of `realtime` are given: who asks, the hub's ports, and the keys of retries."""

from enum import Enum
from typing import Annotated, Any, cast

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel

from tessera import auth
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..actions.polling import Pauses
from ..guards import TOPICS, listening, signed_in_or_nobody
from ..ports import Ports
from ..store.tickets import Tickets

PREFIX = "/realtime"
TAGS: list[str | Enum] = ["realtime"]

Anyone = Annotated[Principal, auth.public()]
User = Annotated[Principal, auth.current_user()]
Reader = Annotated[Principal, signed_in_or_nobody()]
Listener = Annotated[Principal, listening()]
Owner = Annotated[Principal, auth.require("realtime:read")]
Publisher = Annotated[Principal, auth.require("realtime:publish")]
Manager = Annotated[Principal, auth.require("realtime:manage")]

Hub = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]
TicketStore = Annotated[Tickets, bound(Tickets)]
Resting = Annotated[Pauses, bound(Pauses)]
TopicPath = Annotated[str, Path(max_length=160, description="Encoded, as it may contain `#` and does contain `:`.")]


async def _ticket_topics(request: Request) -> tuple[str, ...] | None:
    found: tuple[str, ...] | None = cast(Call, request.state.call).live.get(TOPICS)
    return found


# None where the caller came without a ticket.
TicketTopics = Annotated[tuple[str, ...] | None, Depends(_ticket_topics)]


def in_json(model: type[BaseModel], description: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that writes its JSON itself, for the document."""
    return {200: {"model": model, "description": description}}


def json_text(text: str) -> Response:
    """What is JSON already. Entries are kept as text and never read again on their way."""
    return Response(text, media_type="application/json")
