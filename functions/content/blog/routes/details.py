"""What belongs to one post: its revisions, links to a draft, and what people think of it."""

from typing import Annotated

from fastapi import Path, Query, Response

from tessera import clock
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, show_version
from tessera.etags import StaleVersion, expected_version
from tessera.problems import Gone, InvalidRequest, NotFound, Unavailable
from tessera.types import Page

from ..actions import picturing, posts, reacting, reading
from ..actions.access import hold_visible, person
from ..rules.problems import NotYourPost
from ..schemas.posts import (
    CardOut,
    Kind,
    PageParams,
    PictureParams,
    PostOut,
    PreviewIn,
    PreviewOut,
    PreviewParams,
    ReactedOut,
    RevisionOut,
    RevisionParams,
    RevisionTextOut,
)
from .posts import ONE, page_out
from .shared import PREFIX, TAGS, Anyone, Bound, Keys, Previewer, Writer

router = Router(prefix=PREFIX, tags=TAGS)
Number = Annotated[int, Path(ge=1, le=10**8)]


@router.get(ONE + "/revisions", responses=problems(NotFound, Gone, NotYourPost, InvalidRequest, InvalidCursor))
async def list_revisions(
    post_id: str, asked: Annotated[PageParams, Query()], caller: Writer, ports: Bound, keys: Keys
) -> Page[RevisionOut]:
    """What a post was before, the newest first."""
    route = f"GET /blog/posts/{post_id}/revisions"
    state = keys.state(caller, route, asked, asked.cursor)
    found = reading.revisions(ports, post_id, caller, asked.limit, state["before"] if state else None)
    shown = found[: asked.limit]
    more = {"before": shown[-1].number} if len(found) > asked.limit else None
    return Page[RevisionOut](items=[RevisionOut.of(one) for one in shown], next=keys.cursor(caller, route, asked, more))


@router.get(ONE + "/revisions/{number}", responses=problems(NotFound, Gone, NotYourPost, InvalidRequest))
async def get_revision(
    post_id: str, number: Number, asked: Annotated[RevisionParams, Query()], caller: Writer, ports: Bound
) -> RevisionTextOut:
    """What a post said then, and how that differs from another revision."""
    found, diff = reading.revision(ports, post_id, number, asked.against, caller)
    return RevisionTextOut(**RevisionOut.of(found).model_dump(), body=found.source, diff=diff)


@router.post(ONE + "/revisions/{number}/restore", responses=problems(NotFound, Gone, NotYourPost, StaleVersion))
async def restore_revision(
    post_id: str, number: Number, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> CardOut:
    """Let a post say again what it said then."""
    expect = expected_version(if_match, required=False)
    post = posts.restore_revision(ports, post_id, number, expect=expect, by=caller)
    show_version(response, post.version)
    return CardOut.of(post)


@router.post(ONE + "/preview-links", status_code=201, responses=problems(NotFound, Gone, NotYourPost, InvalidRequest))
async def make_preview_link(post_id: str, caller: Writer, ports: Bound, body: PreviewIn = PreviewIn()) -> PreviewOut:
    """A link that shows the post to whoever has it, until it runs out."""
    url, until = reading.preview_link(ports, post_id, body.seconds, by=caller)
    return PreviewOut(url=url, expires_at=clock.from_millis(until))


@router.get(ONE + "/preview", responses=problems(NotFound, InvalidRequest))
async def get_preview(
    post_id: str,
    asked: Annotated[PreviewParams, Query()],
    response: Response,
    caller: Previewer,
    ports: Bound,
) -> PostOut:
    """The post as it is, for whoever has a link to it."""
    page = reading.preview(ports, post_id, asked.token)
    show_version(response, page.post.version)
    return page_out(ports, page)


@router.get(
    ONE + "/media/{file_id:ulid}",
    status_code=302,
    response_class=Response,
    responses={302: {"description": "Where it is, for a quarter of an hour."}, **problems(NotFound, Unavailable)},
)
async def get_picture(
    post_id: str, file_id: str, asked: Annotated[PictureParams, Query()], caller: Anyone, ports: Bound
) -> Response:
    """A picture that a post shows."""
    post, picture = picturing.shown(ports, post_id, file_id, asked.token, by=caller)
    kept = "public, max-age=600" if post.is_published else "private, max-age=60"
    return Response(status_code=302, headers={"Location": picture.link(), "Cache-Control": kept})


@router.put(ONE + "/reactions/{kind}", responses=problems(NotFound, Gone, InvalidRequest))
async def react(post_id: str, kind: Kind, caller: Writer, ports: Bound) -> ReactedOut:
    """Say what you think of a post; it takes the place of what you said before."""
    post = hold_visible(ports.posts.get(post_id), caller)
    changed = reacting.react(ports, post, person(caller), kind)
    return ReactedOut(my_reaction=kind, changed=changed)


@router.delete(ONE + "/reactions/{kind}", responses=problems(NotFound, Gone, InvalidRequest))
async def take_back_reaction(post_id: str, kind: Kind, caller: Writer, ports: Bound) -> ReactedOut:
    """Take back what you said."""
    post = hold_visible(ports.posts.get(post_id), caller)
    changed = reacting.take_back(ports, post, person(caller), kind)
    return ReactedOut(my_reaction=None, changed=changed)
