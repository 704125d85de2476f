"""Following topics without a socket, and what a client has to know before it begins."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Header, Query, Request, Response

from tessera.auth.principal import Principal
from tessera.auth.problems import CredentialsMissing
from tessera.entry import Router, problems
from tessera.entry.bound import bindings_of
from tessera.problems import FieldError, InvalidRequest
from tessera.settings import Settings

from ..actions import tickets as ticket_actions
from ..actions.access import require_all
from ..actions.look import MOST_ENTRIES
from ..actions.polling import Pauses, Polled, poll
from ..actions.publishing import LARGEST_BYTES
from ..actions.subscribe import MOST_TOPICS
from ..ports import Ports
from ..protocol.commands import LARGEST_FRAME
from ..protocol.event_stream import stream
from ..protocol.replies import compact, publication
from ..rules import tracks
from ..rules.access import SUBSCRIBE
from ..rules.problems import TopicForbidden
from ..rules.tracks import Track
from ..schemas import LAST_EVENT_ID, ConfigOut, LimitsOut, PollOut, PollParams, StreamParams, TicketIn, TicketOut
from ..store.tickets import UNUSED_SECONDS
from .given import PREFIX, TAGS, Anyone, Hub, Listener, Owner, Resting, TicketStore, TicketTopics, in_json, json_text

router = Router(prefix=PREFIX, tags=TAGS)
CROWDED_SECONDS = 5

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=LAST_EVENT_ID,
        max_length=260,
        description="The id of the last event that came. It wins over `pos`.",
    ),
]


@router.get("/config")
async def config(request: Request, caller: Anyone, hub: Hub) -> ConfigOut:
    """Where to listen, and what the hub allows."""
    settings = hub.settings
    base = (bindings_of(request).settings(Settings).public_base_url or str(request.base_url)).rstrip("/")
    return ConfigOut(
        ws_url=settings.socket_url or f"ws{base.removeprefix('http')}/live",
        sse_url=f"{base}{PREFIX}/sse",
        poll_url=f"{base}{PREFIX}/poll",
        limits=LimitsOut(
            frame_bytes=LARGEST_FRAME,
            topics_per_connection=MOST_TOPICS,
            topics_per_poll=tracks.MOST_TOPICS,
            wait_seconds=tracks.LONGEST_WAIT_SECONDS,
            history_entries=MOST_ENTRIES,
            publish_bytes=LARGEST_BYTES,
            connections_per_user=settings.connections_per_user,
        ),
        ping=settings.ping_seconds,
    )


@router.post("/tickets", status_code=201, responses=problems(InvalidRequest, TopicForbidden))
async def make_ticket(body: TicketIn, caller: Owner, hub: Hub, store: TicketStore) -> TicketOut:
    """A ticket to poll these topics with, for what cannot send a token."""
    return TicketOut(ticket=ticket_actions.issue(hub, store, caller, body.topics), expires_in=UNUSED_SECONDS)


@router.get(
    "/poll",
    response_class=Response,
    responses={
        **in_json(PollOut, "What there is by topic."),
        **problems(InvalidRequest, CredentialsMissing, TopicForbidden),
    },
)
async def poll_topics(
    asked: Annotated[PollParams, Query()], caller: Listener, hub: Hub, resting: Resting, ticketed: TicketTopics
) -> Response:
    """What was published behind these positions: at once if there is anything, else when the wait is over."""
    following = _tracks(asked, asked.pos, ticketed)
    found = await _polled(hub, caller, following, asked.wait, resting)
    by_topic = ",".join(
        f'{compact(topic)}:{{"epoch":"{told.position.epoch}","offset":{told.position.offset},'
        f'"recovered":{compact(told.recovered)},"publications":[{",".join(map(publication, told.entries))}]}}'
        for topic, told in found.topics.items()
    )
    return _shown(json_text(f'{{"topics":{{{by_topic}}}}}'), found)


@router.get(
    "/sse",
    response_class=Response,
    responses={
        200: {"description": "Events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problems(InvalidRequest, CredentialsMissing, TopicForbidden),
    },
)
async def stream_topics(
    asked: Annotated[StreamParams, Query()],
    caller: Listener,
    hub: Hub,
    resting: Resting,
    ticketed: TicketTopics,
    last_event_id: LastEventId = None,
) -> Response:
    """The same as server-sent events, in one answer. An `EventSource` asks again by itself and misses nothing."""
    following = _tracks(asked, last_event_id.split(",") if last_event_id else asked.pos, ticketed)
    found = await _polled(hub, caller, following, asked.wait, resting)
    before = {track.topic: track.position or found.topics[track.topic].position for track in following}
    text = stream(found.topics, before, is_crowded=found.is_crowded)
    return _shown(Response(text, media_type="text/event-stream"), found)


async def _polled(hub: Ports, caller: Principal, following: Sequence[Track], wait: float, resting: Pauses) -> Polled:
    names = [track.topic for track in following]
    return await poll(hub, following, wait, pauses_of=resting, check=lambda: require_all(hub, caller, names, SUBSCRIBE))


def _tracks(asked: StreamParams, positions: Sequence[str], ticketed: tuple[str, ...] | None) -> list[Track]:
    """What is followed and from where. Raises `InvalidRequest`, and `TopicForbidden` for what no ticket is for."""
    topics = asked.topic or ticketed or ()
    if not topics:
        raise _wrong("?topic", "Name at least one topic.")
    beyond = [] if ticketed is None else [topic for topic in topics if topic not in ticketed]
    if beyond:
        errors = [FieldError("?topic", f"{topic}: The ticket is not for it.") for topic in beyond]
        raise TopicForbidden("Look at ?topic.", errors=errors)
    if positions and len(positions) != len(topics):
        raise _wrong("?pos", "Send as many positions as topics, or none.")
    known = [tracks.unpack(text) if text else None for text in positions] or [None] * len(topics)
    return [Track(topic, position) for topic, position in zip(topics, known, strict=True)]


def _wrong(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(f"Look at {pointer}.", errors=[FieldError(pointer, detail)])


def _shown(response: Response, found: Polled) -> Response:
    if found.is_crowded:
        response.headers["Retry-After"] = str(CROWDED_SECONDS)
    return response
