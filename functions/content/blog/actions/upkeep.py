"""What follows from what happened, and what time brings: publishing, purging, feeds, names, erasure."""

from dataclasses import replace

from tessera import clock, queues
from tessera.due import DueItem
from tessera.etags import StaleVersion
from tessera.jobs import jobs_of
from tessera.listing import read
from tessera.outbox import Envelope
from tessera.problems import Busy, NotFound
from tessera.tables import Row
from tessera.transact import AlreadySeen, seen, telling, transact

from ..events import DataErased
from ..ports import Ports
from ..rules import posts as rules
from ..rules.pictures import shown_in
from ..rules.posts import Status, tag_key
from ..store import comment_ends, erasures
from ..store.comment_rows import mine_of
from ..store.imports import imports_of
from ..store.places import drafts_of, favourites_of, felt_of, of_author, trash_of
from ..store.posts import Write
from . import feeding
from .access import take_over
from .picturing import resolver
from .posts import TRIES, rendered, settle, updated
from .reacting import take_back

PURGE, RELIST = "post.purge", "favourites.relist"
AT_ONCE = 25
# How many of somebody's posts are looked through for the feeds that have to forget their name.
RENAMED_POSTS = 300


def come_due(ports: Ports, item: DueItem) -> None:
    """A post is to be published, or has been in the trash for long enough. Told twice, it is done once."""
    post = ports.posts.find(item.pk.partition("#")[2])
    if post is None or post.due_at is None or clock.from_millis(post.due_at) != item.due:
        return
    if post.status is Status.TRASHED:
        queues.send(ports.queue, PURGE, {"post_id": post.id})
        return
    now = clock.millis()
    after = replace(rules.touched(rules.publish(post, now, post.publish_at), now), version=post.version + 1)
    try:
        settle(ports, post, after, post.author_id)
    except StaleVersion:
        # Its author was faster, and what they have made of it has its own time.
        return


def purge(ports: Ports, post_id: str) -> None:
    """Delete some of a trashed post and of its comments, and go on until nothing is left."""
    post = ports.posts.find(post_id)
    if post is None or post.status is not Status.TRASHED:
        return
    if not (comment_ends.purge(ports.comments.table, post_id, AT_ONCE) and ports.posts.purge(post, 4 * AT_ONCE)):
        queues.send(ports.queue, PURGE, {"post_id": post_id})


def follow_post(ports: Ports, post_id: str, author_id: str, tags: tuple[str, ...], left: tuple[str, ...]) -> None:
    """Feeds are made anew, tags taken off the list that no post has, favourites follow. Twice changes nothing."""
    feeding.ask(ports, feeding.keys_of((*tags, *left), author_id))
    for tag in tags:
        ports.shelves.make_tag(tag)
    for tag in left:
        ports.shelves.prune_tag(tag_key(tag))
    queues.send(ports.queue, RELIST, {"post_id": post_id})


def relist(ports: Ports, post_id: str, after: str | None) -> None:
    """Let the favourites of a post follow it, some at a time."""
    post = ports.posts.find(post_id)
    rest = ports.reactions.relist(post, after=after, most=AT_ONCE) if post is not None else None
    if rest is not None:
        queues.send(ports.queue, RELIST, {"post_id": post_id, "after": rest})


def tell_comment(ports: Ports, post_id: str, comment_id: str, kind: str, received: Envelope) -> None:
    """Tell who listens on the post, once however often this is delivered."""
    once = seen(ports.posts.table, received.id)
    data = {"type": kind, "comment_id": comment_id}
    try:
        ports.live.publish(f"post:{post_id}", data, also=lambda made: [once])
    except AlreadySeen:
        return


def know_again(ports: Ports, user_id: str, at: str) -> None:
    """Accounts have spoken of somebody: if the blog knows them, it asks who they are now."""
    author = ports.authors.get(user_id)
    if not author.is_known or not ports.authors.told(user_id, at):
        return
    known = ports.accounts.find(user_id)
    if known is not None:
        # Of a locked account no token is good.
        take_over(ports, author, known if known.is_active else replace(known, epoch=known.epoch + 1))


def forget_picture(ports: Ports, file_id: str) -> None:
    """A file is gone for good, and every post that showed it shows it no more. What was written stays as it was."""
    for post_id in list(ports.placed.posts_with(file_id)):
        for _ in range(TRIES):
            try:
                _forget_picture(ports, post_id, file_id)
            except StaleVersion:
                continue
            except NotFound:
                ports.placed.forget(post_id, [file_id])
            break
        else:
            raise Busy()


def _forget_picture(ports: Ports, post_id: str, file_id: str) -> None:
    post, said = ports.posts.whole(post_id)
    cover = None if post.cover_media_id == file_id else post.cover_media_id
    after = replace(post, cover_media_id=cover, version=post.version + 1)
    rest = shown_in(post_id, said.html) - {file_id}
    body = rendered(said.source, resolver(ports, post_id, only=rest))
    event = updated(ports, post, after, body, post.author_id) if after.is_published else None
    gone = ports.placed.changing(post_id, [file_id], ())
    ports.posts.save(Write(post, after, post.author_id, body, event=event), *gone)


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """Some of what somebody leaves; True when nothing is left.

    Drafts and the trash go. What is published stays under a name made of an id, comments lose their author, likes and
    follows are taken back.
    """
    # First nothing is begun any more, then what could still make posts goes: from there on nothing comes after us.
    erasures.begin(ports.posts.table, owner_id)
    erased = (
        _erase_transfers(ports, owner_id)
        or _erase_posts(ports, owner_id)
        or _erase_comments(ports, owner_id)
        or _erase_likes(ports, owner_id)
    )
    if erased:
        return False, erased
    followed = ports.authors.followed(owner_id)
    for author_id in followed[:AT_ONCE]:
        ports.authors.unfollow(owner_id, author_id)
    if followed:
        return False, min(len(followed), AT_ONCE)
    ports.bans.lift(owner_id)
    ports.authors.forget(owner_id)
    # Documents made before name them still.
    newest = read(ports.posts.table, of_author(owner_id), limit=RENAMED_POSTS, consistent=True)
    tags = {tag for post in ports.posts.cards([one.id for one in newest]).values() for tag in post.tags}
    feeding.ask(ports, feeding.keys_of(tuple(sorted(tags)), owner_id))
    transact(telling(ports.posts.table, DataErased(owner_id=owner_id, capability="blog")))
    return True, 0


def _erase_transfers(ports: Ports, owner_id: str) -> int:
    """Jobs and imports; their files are gone within a day by themselves."""
    table = ports.posts.table
    parts = (jobs_of(owner_id), imports_of(owner_id))
    found = [row for pk in parts for row in table.query(Row, pk, limit=AT_ONCE, consistent=True).rows]
    for row in found:
        table.delete(Row, row.pk, row.sk)
    return len(found)


def _erase_posts(ports: Ports, owner_id: str) -> int:
    erased = 0
    for name in (drafts_of(owner_id), trash_of(owner_id)):
        for one in read(ports.posts.table, name, limit=AT_ONCE, consistent=True):
            post = ports.posts.find(one.id)
            erased += 1
            if post is not None and comment_ends.purge(ports.comments.table, post.id, AT_ONCE):
                ports.posts.purge(post, 4 * AT_ONCE)
    return erased


def _erase_comments(ports: Ports, owner_id: str) -> int:
    found = read(ports.posts.table, mine_of(owner_id), limit=AT_ONCE, consistent=True)
    for one in found:
        comment_ends.anonymise(ports.comments.table, owner_id, one)
    return len(found)


def _erase_likes(ports: Ports, owner_id: str) -> int:
    table = ports.posts.table
    lists = (favourites_of(owner_id), felt_of(owner_id))
    found = [one for name in lists for one in read(table, name, limit=AT_ONCE, consistent=True)]
    for one in found:
        post = ports.posts.find(one.id)
        felt = ports.reactions.felt(one.id, owner_id)
        if post is None or not post.is_published or not take_back(ports, post, owner_id, felt.kind):
            ports.reactions.forget(one, post, owner_id)
    return len(found)
