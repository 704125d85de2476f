"""Posts: listed, read, written, published, deleted."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Path, Query, Response
from fastapi.responses import JSONResponse

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.markup import TooComplex, TooLong
from tessera.problems import Gone, InvalidRequest, NotFound, PayloadTooLarge, Unavailable
from tessera.types import Page

from ..actions import posts, reading
from ..actions.posts import Draft
from ..ports import Ports
from ..rules.posts import Post, Status
from ..rules.problems import InvalidTransition, NotYourPost, SlugTaken
from ..schemas.posts import (
    AuthorOut,
    CardOut,
    DraftParams,
    HeadingOut,
    MovedOut,
    PostIn,
    PostOut,
    PostParams,
    PostPatch,
    PublishIn,
    card,
    millis,
)
from .shared import PREFIX, TAGS, Anyone, Bound, Keys, Writer

router = Router(prefix=PREFIX, tags=TAGS)
ONE = "/posts/{post_id:ulid}"
Slug = Annotated[str, Path(max_length=200)]


@router.get("/posts", responses=problems(InvalidRequest, InvalidCursor))
async def list_posts(asked: Annotated[PostParams, Query()], caller: Anyone, ports: Bound, keys: Keys) -> Page[CardOut]:
    """Published posts, the newest first."""
    route = "GET /blog/posts"
    state = keys.state(caller, route, asked, asked.cursor)
    found = reading.listed(
        ports,
        author=asked.author,
        tag=asked.tag,
        category=asked.category,
        limit=asked.limit,
        after=state["after"] if state else None,
    )
    following = keys.cursor(caller, route, asked, {"after": found.next} if found.next else None)
    return Page[CardOut](items=[CardOut.of(one) for one in found.items], next=following)


@router.get("/drafts", responses=problems(InvalidRequest, InvalidCursor))
async def list_drafts(
    asked: Annotated[DraftParams, Query()], caller: Writer, ports: Bound, keys: Keys
) -> Page[CardOut]:
    """Your drafts and scheduled posts, or what you have deleted, the newest first."""
    route = "GET /blog/drafts"
    state = keys.state(caller, route, asked, asked.cursor)
    after = state["after"] if state else None
    found = reading.drafts(ports, caller, trashed=asked.trashed, limit=asked.limit, after=after)
    following = keys.cursor(caller, route, asked, {"after": found.next} if found.next else None)
    return Page[CardOut](items=[CardOut.of(one) for one in found.items], next=following)


@router.post(
    "/posts",
    status_code=201,
    responses=problems(
        InvalidRequest, SlugTaken, IdempotencyMismatch, Gone, PayloadTooLarge, TooLong, TooComplex, Unavailable
    ),
)
async def create_post(
    body: PostIn, response: Response, caller: Writer, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> CardOut:
    """Write a post: a draft, or published at once or later."""
    intent = keys.intent(key, caller, "POST /blog/posts", body)
    draft = Draft(
        title=body.title,
        body=body.body,
        slug=body.slug,
        excerpt=body.excerpt,
        tags=tuple(body.tags),
        category=body.category,
        cover_media_id=body.cover_media_id,
        canonical_url=body.canonical_url,
        comment_policy=body.comment_policy,
        status=Status(body.status),
        publish_at=millis(body.publish_at),
    )
    made, replayed = posts.create(ports, draft, by=caller, intent=intent)
    show_created(response, location=f"{PREFIX}/posts/{made.id}", version=made.version, replayed=replayed)
    return CardOut.of(made)


@router.get(ONE, responses=problems(NotFound, Gone))
async def get_post(post_id: str, response: Response, caller: Anyone, ports: Bound) -> PostOut:
    """One post. Drafts are their author's alone."""
    page = reading.by_id(ports, post_id, caller)
    show_version(response, page.post.version)
    return page_out(ports, page)


@router.get(
    "/by-slug/{slug}",
    response_model=PostOut,
    responses={301: {"model": MovedOut, "description": "The post is called something else now."}, **problems(NotFound)},
)
async def get_post_by_slug(slug: Slug, response: Response, caller: Anyone, ports: Bound) -> PostOut | Response:
    """One post by its slug. An old slug leads to the present one."""
    found = reading.by_slug(ports, slug, caller)
    if isinstance(found, reading.Moved):
        location = f"{PREFIX}/by-slug/{quote(found.slug, safe='')}"
        return JSONResponse({"moved_to": location}, 301, {"Location": location})
    show_version(response, found.post.version)
    return page_out(ports, found)


@router.patch(
    ONE,
    responses=problems(
        *(NotFound, Gone, NotYourPost, SlugTaken, StaleVersion, VersionRequired),
        *(InvalidRequest, TooLong, TooComplex, Unavailable),
    ),
)
async def change_post(
    post_id: str, body: PostPatch, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> CardOut:
    """Change what is named and nothing else; null clears."""
    expect = required_version(if_match)
    return _shown(response, posts.update(ports, post_id, body.fields(), expect=expect, by=caller))


@router.delete(ONE, status_code=204, responses=problems(NotFound, Gone, NotYourPost, StaleVersion))
async def delete_post(post_id: str, caller: Writer, ports: Bound, if_match: IfMatch = None) -> None:
    """Put a post into the trash, where it stays for 30 days."""
    posts.trash(ports, post_id, expect=expected_version(if_match, required=False), by=caller)


@router.post(ONE + "/restore", responses=problems(NotFound, Gone, NotYourPost, InvalidTransition, StaleVersion))
async def restore_post(post_id: str, response: Response, caller: Writer, ports: Bound) -> CardOut:
    """Take a post out of the trash, as it was."""
    return _shown(response, posts.restore(ports, post_id, by=caller))


@router.post(
    ONE + "/publish",
    responses=problems(NotFound, Gone, NotYourPost, InvalidTransition, StaleVersion, InvalidRequest),
)
async def publish_post(
    post_id: str,
    response: Response,
    caller: Writer,
    ports: Bound,
    body: PublishIn = PublishIn(),
    if_match: IfMatch = None,
) -> CardOut:
    """Publish a draft now, or as if it had been at an earlier time."""
    expect = expected_version(if_match, required=False)
    return _shown(response, posts.publish(ports, post_id, at=millis(body.publish_at), expect=expect, by=caller))


@router.post(ONE + "/unpublish", responses=problems(NotFound, Gone, NotYourPost, InvalidTransition, StaleVersion))
async def unpublish_post(
    post_id: str, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> CardOut:
    """Make a draft of a post again."""
    expect = expected_version(if_match, required=False)
    return _shown(response, posts.unpublish(ports, post_id, expect=expect, by=caller))


@router.post(
    ONE + "/schedule",
    responses=problems(NotFound, Gone, NotYourPost, InvalidTransition, StaleVersion, InvalidRequest),
)
async def schedule_post(
    post_id: str, body: PublishIn, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> CardOut:
    """Publish a draft at a time to come."""
    expect = expected_version(if_match, required=False)
    return _shown(response, posts.schedule(ports, post_id, at=millis(body.publish_at), expect=expect, by=caller))


def page_out(ports: Ports, page: reading.Page) -> PostOut:
    return PostOut(
        **card(page.post),
        body=page.body.source,
        html=page.body.html,
        headings=[HeadingOut(**one) for one in page.body.headings],
        author=AuthorOut.of(page.author),
        my_reaction=page.reaction or None,  # type: ignore[arg-type]
        comment_token=reading.form_token(ports, page.post),
    )


def _shown(response: Response, post: Post) -> CardOut:
    show_version(response, post.version)
    return CardOut.of(post)
