"""Messages: said, read, changed, taken back, reacted to, pinned, searched."""

from typing import Annotated

from fastapi import Path, Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.problems import InvalidRequest, NotFound, PayloadTooLarge, Unavailable
from tessera.seqlog import LogContended
from tessera.types import Page

from ..actions import changes, find, send
from ..actions.access import moderator, person
from ..rules.messages import (
    AttachmentNotReady,
    EditWindowOver,
    Message,
    MessageDeleted,
    NotTheAuthor,
    SlowMode,
    TooManyEmoji,
    refused,
)
from ..rules.rooms import Blocked, MayNotPost, NotAllowed, NotAMember, RoomArchived, TooManyPins
from ..schemas.messages import (
    Emoji,
    HistoryOut,
    HistoryParams,
    MessageIn,
    MessageOut,
    MessagePatch,
    RevisionOut,
    RevisionsOut,
    SearchParams,
    ThreadOut,
    ThreadParams,
)
from .shared import PREFIX, TAGS, Bound, Keys, Reader, Writer

router = Router(prefix=PREFIX, tags=TAGS)
MESSAGE = "/rooms/{room_id:ulid}/messages/{message_id:ulid}"
GivenEmoji = Annotated[Emoji, Path(description="An emoji, or the name of one such as `tada`.")]


@router.post(
    "/rooms/{room_id:ulid}/messages",
    status_code=201,
    responses={
        200: {"description": "It was said before.", "model": MessageOut},
        **problems(
            InvalidRequest,
            AttachmentNotReady,
            NotFound,
            NotAMember,
            MayNotPost,
            Blocked,
            RoomArchived,
            MessageDeleted,
            SlowMode,
            PayloadTooLarge,
            LogContended,
            Unavailable,
        ),
    },
)
async def send_message(room_id: str, body: MessageIn, response: Response, caller: Writer, ports: Bound) -> MessageOut:
    """Say something. 201, or 200 with the same message when it was said before under this `client_msg_id`."""
    draft = body.draft()
    if not draft.text.strip() and not draft.attachments:
        raise refused("/text", "There is nothing in it.")
    message, said_before = send.send(ports, room_id, draft, by=caller)
    location = f"{PREFIX}/rooms/{room_id}/messages/{message.id}"
    show_created(response, location=location, version=message.version, replayed=said_before)
    response.status_code = 200 if said_before else 201
    return MessageOut.of(message)


@router.get("/rooms/{room_id:ulid}/messages", responses=problems(NotFound, NotAMember, InvalidRequest))
async def list_messages(
    room_id: str, asked: Annotated[HistoryParams, Query()], caller: Reader, ports: Bound
) -> HistoryOut:
    """Messages of a room, oldest first: the newest page, or the one beside a message."""
    found = find.history(
        ports,
        room_id,
        before_n=asked.before_n,
        after_n=asked.after_n,
        around_n=asked.around_n,
        limit=asked.limit,
        by=caller,
    )
    return HistoryOut.of(found)


@router.get(MESSAGE, responses=problems(NotFound, NotAMember))
async def get_message(room_id: str, message_id: str, response: Response, caller: Reader, ports: Bound) -> MessageOut:
    """One message."""
    _, message = changes.visible(ports, room_id, message_id, person(caller))
    return _shown(response, message)


@router.patch(
    MESSAGE,
    responses=problems(
        NotFound,
        NotAMember,
        NotTheAuthor,
        EditWindowOver,
        MessageDeleted,
        RoomArchived,
        StaleVersion,
        VersionRequired,
        InvalidRequest,
        LogContended,
    ),
)
async def edit_message(
    room_id: str,
    message_id: str,
    body: MessagePatch,
    response: Response,
    caller: Writer,
    ports: Bound,
    if_match: IfMatch = None,
) -> MessageOut:
    """Change what you have said, within 24 hours."""
    version = required_version(if_match)
    return _shown(response, changes.edit(ports, room_id, message_id, body.text, version, by=caller))


@router.delete(
    MESSAGE,
    status_code=204,
    responses=problems(NotFound, NotAMember, NotAllowed, MessageDeleted, StaleVersion, LogContended),
)
async def delete_message(room_id: str, message_id: str, caller: Writer, ports: Bound, if_match: IfMatch = None) -> None:
    """Take back what you have said, or as a moderator what somebody else has."""
    changes.delete(ports, room_id, message_id, expected_version(if_match, required=False), by=caller)


@router.get(MESSAGE + "/revisions", responses=problems(NotFound, NotAMember, NotAllowed))
async def list_revisions(room_id: str, message_id: str, caller: Reader, ports: Bound) -> RevisionsOut:
    """What a message said before it was changed: for moderators."""
    moderator(ports, room_id, caller)
    found = ports.messages.revisions(ports.messages.get(room_id, message_id))
    return RevisionsOut(items=[RevisionOut.model_validate({"text": row.text, "at": row.at}) for row in found])


@router.get(MESSAGE + "/thread", responses=problems(NotFound, NotAMember, InvalidRequest))
async def get_thread(
    room_id: str, message_id: str, asked: Annotated[ThreadParams, Query()], caller: Reader, ports: Bound
) -> ThreadOut:
    """A message and what was said below it."""
    return ThreadOut.of(find.thread(ports, room_id, message_id, asked.limit, asked.after_n, by=caller))


@router.put(
    MESSAGE + "/reactions/{emoji}",
    responses=problems(
        NotFound, NotAMember, RoomArchived, MessageDeleted, TooManyEmoji, InvalidRequest, Blocked, LogContended
    ),
)
async def add_reaction(
    room_id: str, message_id: str, emoji: GivenEmoji, response: Response, caller: Writer, ports: Bound
) -> MessageOut:
    """React to a message. Doing it twice changes nothing."""
    return _shown(response, changes.react(ports, room_id, message_id, emoji, add=True, by=caller))


@router.delete(
    MESSAGE + "/reactions/{emoji}",
    responses=problems(NotFound, NotAMember, RoomArchived, MessageDeleted, InvalidRequest, Blocked, LogContended),
)
async def remove_reaction(
    room_id: str, message_id: str, emoji: GivenEmoji, response: Response, caller: Writer, ports: Bound
) -> MessageOut:
    """Take a reaction back."""
    return _shown(response, changes.react(ports, room_id, message_id, emoji, add=False, by=caller))


@router.put(
    MESSAGE + "/pin",
    status_code=204,
    responses=problems(NotFound, NotAMember, NotAllowed, RoomArchived, MessageDeleted, TooManyPins, LogContended),
)
async def pin_message(room_id: str, message_id: str, caller: Writer, ports: Bound) -> None:
    """Pin a message: for who moderates the room."""
    changes.pin(ports, room_id, message_id, add=True, by=caller)


@router.delete(
    MESSAGE + "/pin",
    status_code=204,
    responses=problems(NotFound, NotAMember, NotAllowed, RoomArchived, MessageDeleted, LogContended),
)
async def unpin_message(room_id: str, message_id: str, caller: Writer, ports: Bound) -> None:
    """Take a pinned message off."""
    changes.pin(ports, room_id, message_id, add=False, by=caller)


@router.get("/search", responses=problems(NotFound, NotAMember, InvalidRequest, InvalidCursor, find.SearchNotEnabled))
async def search_messages(
    asked: Annotated[SearchParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[MessageOut]:
    """Messages of one room by their words, as they stood about two seconds ago."""
    route = "GET /chat/search"
    state = keys.state(caller, route, asked, asked.cursor)
    found, following = find.search(ports, asked.room_id, asked.q, asked.limit, state, by=caller)
    items = [MessageOut.of(one) for one in found]
    return Page[MessageOut](items=items, next=keys.cursor(caller, route, asked, following))


def _shown(response: Response, message: Message) -> MessageOut:
    show_version(response, message.version)
    return MessageOut.of(message)
