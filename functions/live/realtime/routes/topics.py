"""What a topic's log holds, and who listens to it."""

from typing import Annotated

from fastapi import Query, Response

from tessera.auth.problems import CredentialsMissing
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import looking, manage, topic_tokens
from ..actions.look import MOST_NAMED, stats_of
from ..protocol.replies import publication
from ..rules.position import Position
from ..rules.problems import PresenceNotKept, TopicForbidden, UnrecoverablePosition, UserNotActive
from ..schemas import (
    HistoryOut,
    HistoryParams,
    PresenceOut,
    PresenceStatsOut,
    PresentOut,
    TopicTokenIn,
    TopicTokenOut,
    UnsubscribeIn,
)
from .given import PREFIX, TAGS, Hub, Manager, Reader, TopicPath, in_json, json_text

router = Router(prefix=f"{PREFIX}/topics/{{topic}}", tags=TAGS)


@router.get(
    "/history",
    response_class=Response,
    responses={
        **in_json(HistoryOut, "Entries, oldest first unless asked otherwise."),
        **problems(InvalidRequest, CredentialsMissing, NotFound, TopicForbidden, UnrecoverablePosition),
    },
)
async def history(topic: TopicPath, asked: Annotated[HistoryParams, Query()], caller: Reader, hub: Hub) -> Response:
    """What was published, from a position on or from the oldest that is kept."""
    since = None
    if asked.since_epoch is not None and asked.since_offset is not None:
        since = Position(asked.since_epoch, asked.since_offset)
    found = looking.history(hub, caller, topic, since, limit=asked.limit, reverse=asked.reverse)
    items, head = ",".join(map(publication, found.entries)), found.head
    return json_text(f'{{"items":[{items}],"epoch":"{head.epoch}","offset":{head.off},"floor":{head.floor}}}')


@router.get("/presence", responses=problems(CredentialsMissing, NotFound, TopicForbidden, PresenceNotKept))
async def presence(topic: TopicPath, caller: Reader, hub: Hub) -> PresenceOut:
    """Who listens now, by client; the first thousand."""
    rows = looking.present(hub, caller, topic)[:MOST_NAMED]
    return PresenceOut(presence={row.client: PresentOut(client=row.client, user=row.user or None) for row in rows})


@router.get("/presence-stats", responses=problems(CredentialsMissing, NotFound, TopicForbidden, PresenceNotKept))
async def presence_stats(topic: TopicPath, caller: Reader, hub: Hub) -> PresenceStatsOut:
    """How many listen now."""
    return PresenceStatsOut(**stats_of(looking.present(hub, caller, topic)))


@router.post(
    "/tokens",
    status_code=201,
    responses=problems(InvalidRequest, NotFound, TopicForbidden, UserNotActive),
)
async def make_token(topic: TopicPath, body: TopicTokenIn, caller: Manager, hub: Hub) -> TopicTokenOut:
    """A token by which a user may listen to this topic over a socket, whether or not it was granted to them."""
    token, expires_at = topic_tokens.mint(hub, topic, body.user, seconds=body.expires_in)
    return TopicTokenOut(token=token, expires_at=expires_at)


@router.post("/unsubscribe", status_code=204, responses=problems(InvalidRequest, NotFound))
async def unsubscribe(topic: TopicPath, body: UnsubscribeIn, caller: Manager, hub: Hub) -> None:
    """End what a user listens to of this topic. They may come again, unless their right is taken away too."""
    manage.unsubscribe(hub, topic, body.user)
