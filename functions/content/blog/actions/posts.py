"""Posts are written, changed, published and taken away again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.markup import render
from tessera.outbox import Event
from tessera.problems import Busy, Gone, NotFound
from tessera.transact import Step

from ..events import PostDeleted, PostPublished, PostUnpublished, PostUpdated
from ..ports import Ports
from ..rules import posts as rules
from ..rules.pictures import Resolver, pictures_of, shown_in
from ..rules.posts import REVISIONS_KEPT, Body, CommentPolicy, Post, Status
from ..rules.problems import SlugTaken, refused
from ..rules.slugs import another, slug_of
from ..store.posts import Taken, Write
from .access import hold_own, hold_publisher, introduced, person
from .picturing import hold as hold_pictures
from .picturing import resolver
from .telling import gone_doc, search_doc

TRIES = 5
TRIM = "post.trim"


@dataclass(frozen=True)
class Draft:
    """A post as it was asked for. Without a slug its title makes one; one that `yields` becomes another when taken.

    What comes from elsewhere has times of its own.
    """

    title: str
    body: str
    slug: str | None = None
    excerpt: str | None = None
    tags: tuple[str, ...] = ()
    category: str | None = None
    cover_media_id: str | None = None
    canonical_url: str | None = None
    comment_policy: CommentPolicy = CommentPolicy.OPEN
    status: Status = Status.DRAFT
    publish_at: int | None = None
    yields: bool = False
    # Pictures that are left out instead of refused.
    without: frozenset[str] = frozenset()
    created_at: int | None = None
    updated_at: int | None = None


def rendered(source: str, pictures: Resolver | None = None) -> Body:
    """Without pictures where nothing shows it. Raises `TooLong`, `TooComplex`."""
    made = render(source, "article", resolve=pictures)
    return Body(
        source=source,
        html=made.html,
        headings=tuple(asdict(one) for one in made.headings),
        text=made.text,
        words=made.word_count,
        markup_version=made.markup_version,
    )


def nothing_more(post: Post) -> Sequence[Step]:
    return ()


def create(
    ports: Ports,
    draft: Draft,
    *,
    by: Principal,
    intent: Intent,
    also: Callable[[Post], Sequence[Step]] = nothing_more,
) -> tuple[Post, bool]:
    """The post, and whether an earlier request had made it. 1 request beside those for its author and its tags.

    `also` is given the post as it is to be written, and its steps belong to that. Raises `SlugTaken` for a slug that
    was asked for; one made of a title is made another.
    """
    now, met = clock.millis(), resolver(ports, intent.id, without=draft.without)
    body = rendered(draft.body, met)
    introduced(ports, by.owner_id)
    if draft.category is not None:
        _hold_category(ports, draft.category)
    pictures = hold_pictures(ports, by.owner_id, met, draft.cover_media_id)
    post = Post(
        id=intent.id,
        author_id=by.owner_id,
        title=draft.title,
        slug=draft.slug or slug_of(draft.title),
        created_at=now if draft.created_at is None else draft.created_at,
        updated_at=now if draft.updated_at is None else draft.updated_at,
        excerpt=draft.excerpt,
        tags=_settled(ports, draft.tags),
        category=draft.category,
        cover_media_id=draft.cover_media_id,
        canonical_url=draft.canonical_url,
        comment_policy=draft.comment_policy,
        words=body.words,
        made_by=intent.made_by,
    )
    if draft.status is Status.PUBLISHED:
        hold_publisher(ports, by)
        post = rules.publish(post, now, draft.publish_at)
    elif draft.status is Status.SCHEDULED:
        hold_publisher(ports, by)
        post = rules.schedule(post, draft.publish_at, now)

    def write(named: Post) -> tuple[Post, bool]:
        event = _published(ports, named, body, person(by)) if named.is_published else None
        placed = ports.placed.changing(post.id, (), pictures)
        return ports.posts.create(named, body, intent, event, *placed, *also(named))

    made, replayed = _under_a_slug(post, write, chosen=draft.slug is not None and not draft.yields)
    if replayed and made.status is Status.TRASHED:
        raise Gone("The request was done before, and the post it made has been deleted since.")
    return made, replayed


def _under_a_slug(post: Post, write: Callable[[Post], Any], *, chosen: bool) -> Any:
    for number in range(TRIES):
        named = post if number == 0 else replace(post, slug=another(post.slug))
        try:
            return write(named)
        except Taken:
            if chosen:
                raise SlugTaken("Choose another one, or none to have one made.") from None
    raise Busy()


def update(
    ports: Ports,
    post_id: str,
    changes: dict[str, Any],
    *,
    expect: int | None,
    by: Principal,
    renames: bool = False,
) -> Post:
    """The post with these fields changed. 2 requests and those for new tags.

    A new title makes a new slug while the post was never published, or always where it `renames`. Raises `NotFound`,
    `NotYourPost`, `StaleVersion`, `SlugTaken`.
    """
    before, said = ports.posts.whole(post_id)
    hold_own(before, by)
    if before.status is Status.TRASHED:
        raise NotFound("The post is in the trash.")
    if "category" in changes and changes["category"] is not None:
        _hold_category(ports, changes["category"])
    if "tags" in changes:
        changes = {**changes, "tags": _settled(ports, changes["tags"])}
    source = changes.pop("body", None) if "body" in changes else None
    met = resolver(ports, before.id)
    body = rendered(source, met) if source is not None and source != said.source else None
    fields = {name: value for name, value in changes.items() if name != "slug" and value != getattr(before, name)}
    slug, chosen = _slug_after(before, changes, fields, renames=renames)
    if not fields and body is None and slug == before.slug:
        return before
    now = clock.millis()
    after = rules.touched(replace(before, **fields, slug=slug, rev=before.rev + 1), now)
    after = replace(after, words=body.words if body else before.words, version=before.version + 1)
    if after.status is Status.SCHEDULED and after.publish_at is not None and after.publish_at <= now:
        raise refused("/publish_at", "Say when, in the future.")
    shown, had = body or rendered(said.source), pictures_of(before, said.html)
    if body is None:
        met.met.update(dict.fromkeys(shown_in(before.id, said.html)))
    has = hold_pictures(ports, before.author_id, met, after.cover_media_id, known=had)

    def write(named: Post) -> Post:
        event = updated(ports, before, named, shown, person(by)) if named.is_published else None
        held = replace(before, version=before.version if expect is None else expect)
        placed = ports.placed.changing(before.id, had, has)
        return ports.posts.save(Write(held, named, person(by), body, shown.source, event), *placed)

    saved: Post = _under_a_slug(after, write, chosen=chosen)
    if saved.rev > REVISIONS_KEPT and ports.queue:
        queues.send(ports.queue, TRIM, {"post_id": saved.id, "oldest_kept": saved.rev - REVISIONS_KEPT + 1})
    return saved


def _slug_after(before: Post, changes: dict[str, Any], fields: dict[str, Any], *, renames: bool) -> tuple[str, bool]:
    """The slug from now on, and whether somebody chose it."""
    if changes.get("slug"):
        return str(changes["slug"]), True
    never_published = before.published_at is None
    if "title" in fields and (renames or never_published):
        made = slug_of(fields["title"])
        # A suffix that it once needed to be its own stays.
        return (before.slug, False) if before.slug.startswith(f"{made}-") else (made, False)
    return before.slug, False


def publish(ports: Ports, post_id: str, *, at: int | None, expect: int | None, by: Principal) -> Post:
    """Raises `InvalidTransition`, `NotFound`, `NotYourPost`, `StaleVersion`. 2 requests."""
    hold_publisher(ports, by)
    return turn(ports, post_id, lambda post: rules.publish(post, clock.millis(), at), expect=expect, by=by)


def unpublish(ports: Ports, post_id: str, *, expect: int | None, by: Principal) -> Post:
    return turn(ports, post_id, rules.unpublish, expect=expect, by=by)


def schedule(ports: Ports, post_id: str, *, at: int | None, expect: int | None, by: Principal) -> Post:
    hold_publisher(ports, by)
    return turn(ports, post_id, lambda post: rules.schedule(post, at, clock.millis()), expect=expect, by=by)


def trash(ports: Ports, post_id: str, *, expect: int | None, by: Principal) -> None:
    turn(ports, post_id, lambda post: rules.trash(post, clock.millis()), expect=expect, by=by, absent=Status.TRASHED)


def restore(ports: Ports, post_id: str, *, by: Principal) -> Post:
    """Raises `Gone` for one that was purged."""
    return turn(ports, post_id, lambda post: rules.restore(post, clock.millis()), expect=None, by=by)


def restore_revision(ports: Ports, post_id: str, number: int, *, expect: int | None, by: Principal) -> Post:
    """What the post said then, as a new revision."""
    hold_own(ports.posts.get(post_id), by)
    old = ports.posts.revision(post_id, number)
    return update(ports, post_id, {"title": old.title, "body": old.source}, expect=expect, by=by)


def turn(
    ports: Ports,
    post_id: str,
    decide: Callable[[Post], Post],
    *,
    expect: int | None,
    by: Principal,
    absent: Status | None = None,
) -> Post:
    """Take a post from one state to another, deciding again when somebody else was faster. 2 requests.

    A post in the state `absent` is not there.
    """
    post = ports.posts.get(post_id)
    hold_own(post, by)
    if post.status is absent:
        raise NotFound("There is no such post.")
    held = replace(post, version=post.version if expect is None else expect)
    after = replace(rules.touched(decide(post), clock.millis()), version=post.version + 1)
    return settle(ports, held, after, person(by))


def settle(ports: Ports, before: Post, after: Post, by: str) -> Post:
    """Write a change of state with what is told of it."""
    event: Event | None = None
    if after.is_published:
        _, said = ports.posts.whole(before.id)
        event = _published(ports, after, rendered(said.source), by)
    elif before.is_published and after.status is Status.TRASHED:
        event = PostDeleted(**_told(ports, before, after, by), search_doc=gone_doc(after))
    elif before.is_published:
        event = PostUnpublished(**_told(ports, before, after, by), search_doc=gone_doc(after))
    return ports.posts.save(Write(before, after, by, event=event))


def _settled(ports: Ports, tags: tuple[str, ...]) -> tuple[str, ...]:
    return rules.distinct(ports.shelves.settle(rules.distinct(tags))) if tags else ()


def _hold_category(ports: Ports, slug: str) -> None:
    if ports.shelves.category(slug) is None:
        raise refused("/category", "There is no such category.")


def _published(ports: Ports, post: Post, body: Body, by: str) -> PostPublished:
    told = _told(ports, None, post, by)
    return PostPublished(**told, title=post.title, search_doc=search_doc(ports, post, body))


def updated(ports: Ports, before: Post, post: Post, body: Body, by: str) -> PostUpdated:
    told = _told(ports, before, post, by)
    return PostUpdated(**told, title=post.title, search_doc=search_doc(ports, post, body))


def _told(ports: Ports, before: Post | None, after: Post, by: str) -> dict[str, Any]:
    left = [tag for tag in before.tags if tag not in after.tags or not after.is_published] if before else []
    return {
        "post_id": after.id,
        "author_id": after.author_id,
        "slug": after.slug,
        "tags": after.tags,
        "tags_left": tuple(left),
        "seq": after.version,
        "actor": by,
        # What came from elsewhere may have been written long ago, and yet this happens now.
        "occurred_at": clock.now(),
    }
