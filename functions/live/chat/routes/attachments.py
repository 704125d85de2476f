"""What is attached to messages."""

from typing import Annotated

from fastapi import Header, Query, Response

from tessera.entry import Router, problems
from tessera.problems import NotFound, Unavailable

from ..actions import thumbs
from ..rules.rooms import NotAMember
from ..schemas.messages import ThumbLinkOut, ThumbParams
from .shared import PREFIX, TAGS, Bound, Reader

router = Router(
    prefix=f"{PREFIX}/rooms/{{room_id:ulid}}/messages/{{message_id:ulid}}/attachments/{{file_id:ulid}}", tags=TAGS
)
Accept = Annotated[str | None, Header(alias="Accept", max_length=1_000)]


@router.get("/thumb", responses=problems(NotFound, NotAMember, Unavailable))
async def get_thumbnail(
    room_id: str,
    message_id: str,
    file_id: str,
    asked: Annotated[ThumbParams, Query()],
    response: Response,
    caller: Reader,
    ports: Bound,
    accept: Accept = None,
) -> ThumbLinkOut:
    """Where the small picture of an attachment is, for five minutes, in the best format that you accept."""
    found = thumbs.link(ports, room_id, message_id, file_id, asked.size, accept, by=caller)
    response.headers.update({"Vary": "Accept", "Cache-Control": "private, max-age=60"})
    return ThumbLinkOut(url=found.url, **vars(found.thumb))
