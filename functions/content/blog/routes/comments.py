"""Comments, and what moderators decide about them."""

from dataclasses import replace
from typing import Annotated

from fastapi import Query, Response

from tessera import clock
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import show_created, show_version
from tessera.markup import TooComplex, TooLong
from tessera.problems import FieldError, Gone, InvalidRequest, NotFound, PayloadTooLarge
from tessera.types import Page

from ..actions import commenting, moderating, reading
from ..actions.access import hold_visible, person
from ..actions.commenting import Said
from ..ports import Ports
from ..rules.comments import Comment
from ..rules.problems import (
    AlreadySo,
    CommentingBanned,
    CommentsClosed,
    EditWindowClosed,
    NotYourComment,
    ParentNotVisible,
)
from ..schemas.comments import (
    BanIn,
    BanOut,
    BulkIn,
    BulkOut,
    BulkResultOut,
    CommentIn,
    CommentOut,
    CommentParams,
    CommentPatch,
    HideIn,
    PinIn,
    QueuedOut,
    QueueParams,
)
from ..schemas.posts import millis
from .posts import ONE
from .shared import PREFIX, TAGS, Anyone, Asked, Bound, Commenter, Keys, Moderator, Writer, visitor_of

router = Router(prefix=PREFIX, tags=TAGS)
COMMENT = "/comments/{comment_id:ulid}"


@router.get(ONE + "/comments", responses=problems(NotFound, Gone, InvalidRequest, InvalidCursor))
async def list_comments(
    post_id: str, asked: Annotated[CommentParams, Query()], caller: Anyone, ports: Bound, keys: Keys
) -> Page[CommentOut]:
    """Comments of a post: as a thread is read, or the newest first."""
    route = f"GET /blog/posts/{post_id}/comments"
    state = keys.state(caller, route, asked, asked.cursor)
    after = state["after"] if state else None
    newest = asked.sort == "newest"
    found, rest = reading.comments(ports, post_id, caller, newest=newest, limit=asked.limit, after=after)
    items = [CommentOut.of(one, author, whole=whole) for one, author, whole in found]
    return Page[CommentOut](items=items, next=keys.cursor(caller, route, asked, {"after": rest} if rest else None))


@router.post(
    ONE + "/comments",
    status_code=201,
    responses=problems(
        NotFound,
        Gone,
        CommentsClosed,
        ParentNotVisible,
        CommentingBanned,
        InvalidRequest,
        PayloadTooLarge,
        TooLong,
        TooComplex,
    ),
)
async def add_comment(
    post_id: str, body: CommentIn, response: Response, caller: Commenter, ports: Bound, call: Asked
) -> CommentOut:
    """Comment on a post, or answer a comment. What a guest says waits for a moderator."""
    post = hold_visible(ports.posts.get(post_id), caller)
    said = _said(body, call)
    if caller.kind == "anonymous":
        if body.name is None or body.email is None:
            raise InvalidRequest("Say who you are.", errors=[FieldError("/name", "Sign in, or give name and email.")])
        hurried = reading.form_age(ports, post, body.token)
        guest = replace(said, guest=body.name, email=body.email, hurried=hurried)
        made = commenting.say(ports, post, guest, user_id=None)
    else:
        caller.require("blog:write")
        moderates = caller.can("blog:moderate") or caller.owns(post.author_id)
        made = commenting.say(ports, post, said, user_id=person(caller), moderates=moderates)
    show_created(response, location=f"{PREFIX}/comments/{made.id}", version=made.version, replayed=False)
    return _out(ports, made, caller)


@router.get(COMMENT, responses=problems(NotFound, Gone))
async def get_comment(comment_id: str, response: Response, caller: Anyone, ports: Bound) -> CommentOut:
    """One comment."""
    comment, author, whole = reading.one_comment(ports, comment_id, caller)
    show_version(response, comment.version)
    return CommentOut.of(comment, author, whole=whole)


@router.patch(
    COMMENT, responses=problems(NotFound, NotYourComment, EditWindowClosed, InvalidRequest, TooLong, TooComplex)
)
async def change_comment(comment_id: str, body: CommentPatch, caller: Writer, ports: Bound) -> CommentOut:
    """Change what you have written, within 15 minutes."""
    return _out(ports, commenting.change(ports, comment_id, body.body, by=caller), caller)


@router.delete(COMMENT, status_code=204, responses=problems(NotFound, Gone, NotYourComment))
async def delete_comment(comment_id: str, caller: Writer, ports: Bound) -> None:
    """Delete what you have written. With answers below it, its place stays."""
    moderates = caller.can("blog:moderate")
    commenting.delete(ports, comment_id, user_id=person(caller), moderates=moderates)


@router.post(COMMENT + "/report", status_code=204, responses=problems(NotFound, AlreadySo))
async def report_comment(comment_id: str, caller: Writer, ports: Bound) -> None:
    """Tell the moderators about a comment."""
    moderating.report(ports, comment_id, by=caller)


@router.post(COMMENT + "/approve", responses=problems(NotFound, Gone, AlreadySo, ParentNotVisible))
async def approve_comment(comment_id: str, caller: Moderator, ports: Bound) -> CommentOut:
    """Let a comment be seen, or dismiss what was reported."""
    return _out(ports, moderating.approve(ports, comment_id, by=caller), caller)


@router.post(COMMENT + "/spam", responses=problems(NotFound, Gone, AlreadySo))
async def mark_spam(comment_id: str, caller: Moderator, ports: Bound) -> CommentOut:
    """Put a comment among spam."""
    return _out(ports, moderating.spam(ports, comment_id, by=caller), caller)


@router.post(COMMENT + "/hide", responses=problems(NotFound, Gone, AlreadySo, InvalidRequest))
async def hide_comment(comment_id: str, caller: Moderator, ports: Bound, body: HideIn = HideIn()) -> CommentOut:
    """Show no more what a comment says, or show it again. The answers below it stay."""
    return _out(ports, moderating.hide(ports, comment_id, hidden=body.hidden), caller)


@router.post(COMMENT + "/pin", responses=problems(NotFound, AlreadySo, InvalidRequest))
async def pin_comment(comment_id: str, caller: Moderator, ports: Bound, body: PinIn = PinIn()) -> CommentOut:
    """Pin a comment, or take it off."""
    return _out(ports, moderating.pin(ports, comment_id, pinned=body.pinned), caller)


@router.get("/moderation", responses=problems(InvalidRequest, InvalidCursor))
async def list_moderation(
    asked: Annotated[QueueParams, Query()], caller: Moderator, ports: Bound, keys: Keys
) -> Page[QueuedOut]:
    """Comments that wait for a decision."""
    route = "GET /blog/moderation"
    state = keys.state(caller, route, asked, asked.cursor)
    found, rest = moderating.queue(ports, asked.status, asked.limit, state["after"] if state else None)
    shown = [QueuedOut.queued(one, author) for one, author, _ in reading.with_authors(ports, found, caller)]
    return Page[QueuedOut](items=shown, next=keys.cursor(caller, route, asked, {"after": rest} if rest else None))


@router.post("/moderation/bulk", responses=problems(InvalidRequest))
async def moderate_comments(body: BulkIn, caller: Moderator, ports: Bound) -> BulkOut:
    """Decide the same about many comments; each says how it went."""
    results = moderating.each(ports, body.action, body.ids, by=caller)
    return BulkOut(items=[BulkResultOut(id=one, ok=slug is None, problem=slug) for one, slug in results])


@router.put("/bans/{user_id:ulid}", responses=problems(InvalidRequest))
async def ban_user(user_id: str, caller: Moderator, ports: Bound, body: BanIn = BanIn()) -> BanOut:
    """Let somebody comment no more, for a while or for good."""
    if body.until is not None and body.until <= clock.now():
        raise InvalidRequest("Look at /until.", errors=[FieldError("/until", "Say a time to come.")])
    ports.bans.ban(user_id, by=person(caller), until=millis(body.until), reason=body.reason)
    return BanOut(user_id=user_id, until=body.until, reason=body.reason)


@router.delete("/bans/{user_id:ulid}", status_code=204)
async def lift_ban(user_id: str, caller: Moderator, ports: Bound) -> None:
    """Let somebody comment again."""
    ports.bans.lift(user_id)


def _said(body: CommentIn, call: Call) -> Said:
    return Said(body=body.body, parent_id=body.parent_id, trapped=bool(body.website), visitor=visitor_of(call))


def _out(ports: Ports, comment: Comment, caller: Principal) -> CommentOut:
    one, author, whole = reading.with_authors(ports, [comment], caller)[0]
    return CommentOut.of(one, author, whole=whole)
