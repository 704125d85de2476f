"""Posts and comments are read."""

import difflib
from dataclasses import dataclass, replace

from tessera import clock
from tessera.auth.principal import Principal
from tessera.listing import Listed
from tessera.markup import MARKUP_VERSION
from tessera.problems import NotFound

from ..passes import FORM_LIFE_MS, QUICKEST_MS
from ..ports import Ports
from ..rules.authors import Author
from ..rules.comments import Comment, State
from ..rules.pictures import shown_in
from ..rules.posts import Body, Post, Revision, Status, tag_key
from ..rules.problems import refused
from ..store.authors import author_of
from ..store.places import ALL, drafts_of, of_author, of_category, of_tag, trash_of
from ..store.posts import Opened
from .access import hold_own, hold_visible, person, viewer_of
from .picturing import PREVIEW, resolver, with_pictures
from .posts import rendered

FORM = "form"
DIFF_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Page:
    """A post with everything that is shown of it."""

    post: Post
    body: Body
    author: Author
    reaction: str


@dataclass(frozen=True)
class Moved:
    """The slug is an old one: this is how the post is called now."""

    slug: str


def listed(
    ports: Ports, *, author: str | None, tag: str | None, category: str | None, limit: int, after: str | None
) -> Listed[Post]:
    """Published posts, the newest first. 2 requests. Raises `InvalidRequest` for more than one filter."""
    names = [
        *([of_author(author)] if author else ()),
        *([of_tag(tag_key(tag))] if tag else ()),
        *([of_category(category)] if category else ()),
    ]
    if len(names) > 1:
        raise refused("?author", "Filter by author, tag or category, one of them at a time.")
    return ports.reading.cards(names[0] if names else ALL, Status.PUBLISHED, limit=limit, after=after)


def drafts(ports: Ports, caller: Principal, *, trashed: bool, limit: int, after: str | None) -> Listed[Post]:
    """One's own drafts and scheduled posts, or what one has deleted. 2 requests."""
    if trashed:
        return ports.reading.cards(trash_of(caller.owner_id), Status.TRASHED, limit=limit, after=after)
    states = (Status.DRAFT, Status.SCHEDULED)
    return ports.reading.cards(drafts_of(caller.owner_id), *states, limit=limit, after=after)


def by_slug(ports: Ports, slug: str, caller: Principal) -> Page | Moved:
    """2 requests. Raises `NotFound`."""
    lock = ports.posts.slug(slug, consistent=viewer_of(caller) is not None)
    opened = _opened(ports, lock.post_id, lock.author_id, caller) if lock else None
    if opened is None:
        raise NotFound("There is no such post.")
    page = _page(ports, opened, caller)
    return Moved(page.post.slug) if page.post.slug != slug else page


def by_id(ports: Ports, post_id: str, caller: Principal) -> Page:
    """2 requests. Raises `NotFound`, `Gone`."""
    post = hold_visible(ports.posts.get(post_id), caller)
    opened = _opened(ports, post_id, post.author_id, caller)
    if opened is None:
        raise NotFound("There is no such post.")
    return _page(ports, opened, caller)


def preview(ports: Ports, post_id: str, token: str) -> Page:
    """A draft, for whoever has the link. Raises `NotFound` once it has run out."""
    until = ports.passes.read(PREVIEW, post_id, token)
    if until is None or until <= clock.millis():
        raise NotFound("This link is good no more.")
    post, body = ports.posts.whole(post_id)
    if post.status is Status.TRASHED:
        raise NotFound("There is no such post.")
    shown = with_pictures(ports, post, _fresh(ports, post, body), token)
    return Page(post, shown, ports.authors.get(post.author_id), "")


def preview_link(ports: Ports, post_id: str, seconds: int, *, by: Principal) -> tuple[str, int]:
    """An address that shows the post as it is, and until when, in milliseconds."""
    post = hold_own(ports.posts.get(post_id), by)
    until = clock.millis() + seconds * 1000
    token = ports.passes.make(PREVIEW, post.id, until)
    return f"{ports.settings.base}/blog/posts/{post.id}/preview?token={token}", until


def form_token(ports: Ports, post: Post) -> str:
    return ports.passes.make(FORM, post.id, clock.millis())


def form_age(ports: Ports, post: Post, token: str | None) -> bool:
    """Whether a guest was in too much of a hurry. Raises `InvalidRequest` for a token that is not of this post."""
    shown = ports.passes.read(FORM, post.id, token) if token else None
    age = clock.millis() - shown if shown is not None else -1
    if not 0 <= age <= FORM_LIFE_MS:
        raise refused("/token", "Read the post again and send its comment_token.")
    return age < QUICKEST_MS


def revisions(ports: Ports, post_id: str, caller: Principal, limit: int, before: int | None) -> list[Revision]:
    """The newest first, at most one more than `limit`."""
    hold_own(ports.posts.get(post_id), caller)
    return ports.posts.revisions(post_id, limit, before)


def revision(
    ports: Ports, post_id: str, number: int, against: int | None, caller: Principal
) -> tuple[Revision, str | None]:
    """What a post said, and how that differs from another revision."""
    hold_own(ports.posts.get(post_id), caller)
    found = ports.posts.revision(post_id, number)
    if against is None:
        return found, None
    other = ports.posts.revision(post_id, against)
    lines = difflib.unified_diff(
        other.source.splitlines(keepends=True),
        found.source.splitlines(keepends=True),
        f"revision {other.number}",
        f"revision {found.number}",
    )
    return found, "".join(lines)[:DIFF_CHARACTERS]


def comments(
    ports: Ports, post_id: str, caller: Principal, *, newest: bool, limit: int, after: str | None
) -> tuple[list[tuple[Comment, Author | None, bool]], str | None]:
    """A page of comments, each with its author and whether all of it is shown. 2 or 3 requests."""
    hold_visible(ports.posts.get(post_id), caller)
    read = ports.comments.newest if newest else ports.comments.thread
    found, rest = read(post_id, limit, after)
    return with_authors(ports, found, caller), rest


def with_authors(ports: Ports, found: list[Comment], caller: Principal) -> list[tuple[Comment, Author | None, bool]]:
    authors = ports.authors.many(list(dict.fromkeys(one.author_id for one in found if one.author_id)))
    moderates = caller.kind != "anonymous" and caller.can("blog:moderate")
    return [(one, authors.get(one.author_id or ""), moderates or _is_own(one, caller)) for one in found]


def one_comment(ports: Ports, comment_id: str, caller: Principal) -> tuple[Comment, Author | None, bool]:
    """A comment that one may see. Raises `NotFound`."""
    comment = ports.comments.get(comment_id)
    hold_visible(ports.posts.get(comment.post_id), caller)
    shown = with_authors(ports, [comment], caller)[0]
    if comment.state in (State.PENDING, State.SPAM) and not shown[2]:
        raise NotFound("There is no such comment.")
    return shown


def _is_own(comment: Comment, caller: Principal) -> bool:
    return caller.kind != "anonymous" and comment.author_id == person(caller)


def _opened(ports: Ports, post_id: str, author_id: str, caller: Principal) -> Opened | None:
    known = caller.kind != "anonymous"
    viewer_id = person(caller) if known and viewer_of(caller) is not None else None
    return ports.posts.open(post_id, author_id, viewer_id, consistent=known)


def _page(ports: Ports, opened: Opened, caller: Principal) -> Page:
    post = hold_visible(opened.post, caller)
    author = author_of(post.author_id, opened.author)
    return Page(post, with_pictures(ports, post, _fresh(ports, post, opened.body)), author, opened.reaction)


def _fresh(ports: Ports, post: Post, body: Body) -> Body:
    """What was rendered by an older gate is rendered anew, so that a mended one reaches what was written before."""
    if body.markup_version >= MARKUP_VERSION:
        return body
    anew = rendered(body.source, resolver(ports, post.id, only=shown_in(post.id, body.html)))
    ports.posts.rerender(post.id, body, anew)
    return replace(anew, words=post.words)
