"""The RealWorld contract, done with what the blog has: users, profiles, articles, comments, tags."""

from dataclasses import dataclass
from typing import Any

from tessera import ids
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.listing import shard_keys
from tessera.problems import Busy, NotFound

from ..accounts import Known, Refused
from ..ports import Ports
from ..rules.authors import Author
from ..rules.comments import Comment, State
from ..rules.conduit import ConduitError, forbidden, not_found, wrong_token
from ..rules.posts import FAVOURITE, Post, Status, tag_key
from ..rules.problems import CommentingBanned, CommentsClosed, NotYourComment
from ..spamcheck import Visitor
from ..store.authors import author_of
from ..store.places import (
    ALL,
    TAG_SHARDS,
    TOTAL_PK,
    TOTAL_SHARDS,
    favourites_of,
    of_author,
    of_tag,
    tag_pk,
)
from ..store.reading import Shown, Viewed
from ..store.rows import META, author_pk
from . import commenting, posts, reacting
from .access import take_over
from .commenting import Said
from .posts import Draft

TRIES = 5
MOST_WALKED = 1_000
MOST_TAGS, MOST_COMMENTS = 1_000, 1_000


@dataclass(frozen=True)
class Viewer:
    """Who asks, as their token says: nobody, or somebody whose token has still to be held against their account."""

    id: str | None
    session_id: str = ""
    epoch: int = 0

    @classmethod
    def of(cls, principal: Principal) -> "Viewer":
        return cls(principal.user_id, principal.session_id or "", principal.epoch)

    def hold(self, author: Author | None) -> None:
        """Raises `ConduitError` when the token was called back: by a newer password, or with its account."""
        if self.id is None:
            return
        good = author is not None and author.is_known
        if author is None or not good or not (self.epoch >= author.epoch or self.session_id == author.kept_session):
            raise wrong_token()


@dataclass(frozen=True)
class Article:
    """A post as the facade shows it, with what it says where that was read."""

    shown: Shown
    body: str | None = None


@dataclass(frozen=True)
class Filters:
    author: str | None = None
    favourited: str | None = None
    tag: str | None = None

    @property
    def count(self) -> int:
        return sum(one is not None for one in (self.author, self.favourited, self.tag))


def hold(ports: Ports, viewer: Viewer) -> Author | None:
    """The viewer as the blog knows them. 1 strong read. Raises `ConduitError` for a token that is good no more."""
    if viewer.id is None:
        return None
    author = ports.authors.get(viewer.id)
    viewer.hold(author)
    return author


def register(ports: Ports, fields: dict[str, str], call: Call) -> tuple[Author, str]:
    try:
        known = ports.accounts.register(fields["username"], fields["email"], fields["password"], call)
    except Refused as refused:
        raise _refusal(refused) from None
    return _entered(ports, known)


def log_in(ports: Ports, email: str, password: str, call: Call) -> tuple[Author, str]:
    try:
        known = ports.accounts.authenticate(email, password, call)
    except Refused as refused:
        if refused.status == 401:
            raise ConduitError(401, {"credentials": "invalid"}) from None
        raise _refusal(refused) from None
    return _entered(ports, known)


def _entered(ports: Ports, known: Known) -> tuple[Author, str]:
    assert known.token is not None
    before = ports.authors.get(known.user_id)
    author = take_over(ports, before, known)
    return author, known.token


def change_user(
    ports: Ports,
    viewer: Viewer,
    me: Author,
    account: dict[str, str],
    profile: dict[str, str | None],
    call: Call,
) -> Author:
    """Name, address and password change in the account; the token that was shown stays good."""
    if account:
        if me.realm is None:
            raise forbidden(next(iter(account)))
        try:
            known = ports.accounts.update(me.id, account, call)
        except Refused as refused:
            raise _refusal(refused) from None
        take_over(ports, me, known)
        if "password" in account:
            profile = {**profile, "kept_sid": viewer.session_id}
    if profile:
        ports.authors.change(me.id, profile)
    return ports.authors.get(me.id)


def _refusal(refused: Refused) -> ConduitError:
    if refused.status == 429:
        wait = refused.faults["retry_after"]
        return ConduitError(429, {"body": f"try again in {wait} seconds"}, {"Retry-After": wait})
    return ConduitError(refused.status, refused.faults)


def profile(ports: Ports, username: str, me: Author | None) -> tuple[Author, bool]:
    """Somebody by name, and whether they are followed. 2 or 3 reads."""
    author = _named(ports, username)
    following = me is not None and ports.authors.is_following(me.id, author.id)
    return author, following


def follow(ports: Ports, username: str, me: Author, *, yes: bool) -> tuple[Author, bool]:
    author = _named(ports, username)
    if author.id == me.id:
        raise ConduitError(422, {"profile": "is yourself"})
    if yes:
        ports.authors.follow(me.id, author.id)
    else:
        ports.authors.unfollow(me.id, author.id)
    return author, yes


def _named(ports: Ports, username: str) -> Author:
    user_id = ports.authors.named(username)
    if user_id is None:
        raise not_found("profile")
    return ports.authors.get(user_id)


def articles(ports: Ports, filters: Filters, viewer: Viewer, *, limit: int, offset: int) -> tuple[list[Shown], int]:
    """A page and how many there are in all. 2 requests, 1 more for each name that is filtered by."""
    by = ports.authors.named(filters.author) if filters.author is not None else None
    liked_by = ports.authors.named(filters.favourited) if filters.favourited is not None else None
    if (filters.author is not None and by is None) or (filters.favourited is not None and liked_by is None):
        hold(ports, viewer)
        return [], 0
    if by is not None:
        name, count_keys = of_author(by), [(author_pk(by), META)]
    elif liked_by is not None:
        name, count_keys = favourites_of(liked_by), [(author_pk(liked_by), META)]
    elif filters.tag is not None:
        key = tag_key(filters.tag)
        name, count_keys = of_tag(key), shard_keys(tag_pk(key), TAG_SHARDS)
    else:
        name, count_keys = ALL, shard_keys(TOTAL_PK, TOTAL_SHARDS)
    if filters.count > 1:
        return _walked(ports, name, filters, liked_by, viewer, limit=limit, offset=offset)
    found = ports.reading.pointers(name, offset + limit)[offset:]
    seen = ports.reading.viewed(found, viewer.id, count_keys)
    viewer.hold(seen.viewer)
    return seen.posts, _total(seen, favourites=liked_by is not None and by is None)


def _total(seen: Viewed, *, favourites: bool) -> int:
    """The counters of a list, which were read with its page."""
    found = 0
    for row in seen.beside:
        if row.pk.startswith("AU#"):
            found += int((row.fav_count if favourites else row.post_count) or 0)
        else:
            found += int(row.count or 0)
    return max(0, found)


def _walked(
    ports: Ports, name: str, filters: Filters, liked_by: str | None, viewer: Viewer, *, limit: int, offset: int
) -> tuple[list[Shown], int]:
    """Several filters at once: the most selective list is walked, as far as its newest thousand."""
    seen = ports.reading.viewed(ports.reading.pointers(name, MOST_WALKED), viewer.id)
    viewer.hold(seen.viewer)
    kept = seen.posts
    if filters.tag is not None:
        key = tag_key(filters.tag)
        kept = [one for one in kept if key in map(tag_key, one.post.tags)]
    if liked_by is not None and filters.author is not None:
        likes = {one.id for one in ports.reading.pointers(favourites_of(liked_by), MOST_WALKED)}
        kept = [one for one in kept if one.post.id in likes]
    return kept[offset : offset + limit], len(kept)


def feed(ports: Ports, viewer: Viewer, *, limit: int, offset: int) -> tuple[list[Shown], int]:
    """What those one follows have published. 1 query for them, 1 request per 100, and at most a query for each."""
    assert viewer.id is not None
    followed = list(ports.authors.many(ports.authors.followed(viewer.id), consistent=True).values())
    found = ports.reading.merged(followed, offset + limit)[offset:]
    seen = ports.reading.viewed(found, viewer.id)
    viewer.hold(seen.viewer)
    return seen.posts, sum(author.post_count for author in followed)


def article(ports: Ports, slug: str, viewer: Viewer) -> Article:
    """2 requests. Raises `ConduitError`: 401 comes before 404."""
    lock = ports.posts.slug(slug, consistent=True)
    opened = ports.posts.open(lock.post_id, lock.author_id, viewer.id, consistent=True, social=True) if lock else None
    if opened is None or lock is None:
        hold(ports, viewer)
        raise not_found("article")
    viewer.hold(author_of(viewer.id, opened.viewer) if viewer.id else None)
    if not opened.post.is_published:
        raise not_found("article")
    author = author_of(lock.author_id, opened.author)
    shown = Shown(opened.post, author, opened.reaction == FAVOURITE, opened.follows)
    return Article(shown, opened.body.source)


def publish(ports: Ports, fields: dict[str, Any], me: Author, by: Principal) -> Article:
    draft = Draft(status=Status.PUBLISHED, **fields)
    made, _ = posts.create(ports, draft, by=_author(by), intent=Intent(ids.new(), ""))
    return Article(Shown(made, me, favourited=False, following=False), draft.body)


def change(ports: Ports, slug: str, viewer: Viewer, by: Principal) -> Article:
    """The article that somebody may change. Raises `ConduitError`."""
    found = article(ports, slug, viewer)
    if found.shown.post.author_id != by.user_id:
        raise forbidden("article")
    return found


def save(ports: Ports, found: Article, fields: dict[str, Any], by: Principal) -> Article:
    for _ in range(TRIES):
        try:
            post = posts.update(ports, found.shown.post.id, dict(fields), expect=None, by=_author(by), renames=True)
        except StaleVersion:
            continue
        shown = Shown(post, found.shown.author, found.shown.favourited, found.shown.following)
        return Article(shown, fields.get("body", found.body))
    raise Busy()


def delete(ports: Ports, found: Article, by: Principal) -> None:
    for _ in range(TRIES):
        try:
            posts.trash(ports, found.shown.post.id, expect=None, by=_author(by))
        except StaleVersion:
            continue
        return
    raise Busy()


def favour(ports: Ports, slug: str, viewer: Viewer, *, yes: bool) -> Article:
    """Idempotent, and counted at once."""
    found = article(ports, slug, viewer)
    assert viewer.id is not None
    post = found.shown.post
    if yes:
        reacting.react(ports, post, viewer.id, FAVOURITE)
    else:
        reacting.take_back(ports, post, viewer.id, FAVOURITE)
    return article(ports, slug, viewer)


def comments(ports: Ports, slug: str, viewer: Viewer) -> list[tuple[Comment, Author, bool]]:
    """All that can be seen, the newest first."""
    post = article(ports, slug, viewer).shown.post
    found: list[Comment] = []
    after: str | None = None
    while len(found) < MOST_COMMENTS:
        some, after = ports.comments.newest(post.id, 100, after, consistent=True)
        found += [one for one in some if one.state is State.APPROVED]
        if after is None:
            break
    writers = list(dict.fromkeys(one.author_id for one in found if one.author_id))
    authors = ports.authors.many(writers, consistent=True)
    followed = set(ports.authors.followed(viewer.id)) if viewer.id and writers else set()
    return [(one, _writer(one, authors), one.author_id in followed) for one in found]


def comment(ports: Ports, post: Post, body: str, me: Author, visitor: Visitor) -> Comment:
    try:
        return commenting.say(ports, post, Said(body, visitor=visitor), user_id=me.id)
    except (CommentsClosed, CommentingBanned):
        raise forbidden("comment") from None


def delete_comment(ports: Ports, post: Post, text: str, viewer: Viewer) -> None:
    assert viewer.id is not None
    found = (
        ports.comments.numbered(post.id, int(text)) if text.isascii() and text.isdigit() and len(text) < 17 else None
    )
    if found is None or found.state is State.DELETED:
        raise not_found("comment")
    try:
        commenting.delete(ports, found.id, user_id=viewer.id, moderates=False)
    except NotYourComment:
        raise forbidden("comment") from None
    except NotFound:
        raise not_found("comment") from None


def tags(ports: Ports) -> list[str]:
    """The newest thousand. 1 query."""
    return [one.id for one in ports.shelves.newest_tags(MOST_TAGS, consistent=True)]


def _author(by: Principal) -> Principal:
    """What the facade's one scope stands for."""
    return Principal(
        kind="user",
        id=by.id,
        user_id=by.user_id,
        session_id=by.session_id,
        permissions=frozenset({"blog:read", "blog:write", "blog:publish"}),
    )


def _writer(one: Comment, authors: dict[str, Author]) -> Author:
    if one.author_id is not None:
        return authors[one.author_id]
    return Author(id="", username=one.guest or "somebody")
