"""Pictures of posts: whose they are, and where they are shown."""

from collections.abc import Collection
from dataclasses import replace

from tessera import clock
from tessera.auth.principal import Principal
from tessera.markup import render
from tessera.problems import NotFound

from ..pictures import Picture
from ..ports import Ports
from ..rules.pictures import MAX_PICTURES, Resolver, opened
from ..rules.posts import Body, Post, Status
from ..rules.problems import refused
from .access import may_see

PREVIEW = "preview"
# How long pictures of a draft are shown to whoever was let in to see it.
DRAFT_MS = 3_600_000


def resolver(ports: Ports, post_id: str, **shown: Collection[str]) -> Resolver:
    return Resolver(ports.settings.base, post_id, **shown)


def hold(ports: Ports, owner_id: str, met: Resolver, cover: str | None, *, known: Collection[str] = ()) -> set[str]:
    """The pictures of a post, those of its text and its cover. 1 internal call for those that are not known yet.

    Raises `InvalidRequest` for what is no picture of this owner, and for too many; `Unavailable`.
    """
    found = {*met.met, *([cover] if cover else ())}
    if len(found) > MAX_PICTURES:
        raise refused("/body", f"A post has at most {MAX_PICTURES} pictures.")
    foreign = ports.pictures.foreign(found - set(known), owner_id)
    if cover in foreign:
        raise refused("/cover_media_id", "This is no picture of yours.")
    for name in (*met.odd, *(one for one in met.met if one in foreign)):
        raise refused("/body", f"media:{name[:40]} is no picture of yours.")
    return found


def left_out(ports: Ports, owner_id: str, source: str, cover: str | None) -> set[str]:
    """The pictures of what comes from elsewhere that are not this owner's. 1 internal call, none without pictures."""
    met = resolver(ports, owner_id)
    if "media:" in source.lower():
        render(source, "article", resolve=met)
    found = [*met.met, *([cover] if cover else ())]
    return {*ports.pictures.foreign(found[:MAX_PICTURES], owner_id), *found[MAX_PICTURES:], *met.odd}


def shown(ports: Ports, post_id: str, file_id: str, token: str | None, *, by: Principal) -> tuple[Post, Picture]:
    """A picture of a post that one may see, or has a token for. 1 request and 1 internal call.

    Raises `NotFound` for all else, also for one that was not scanned yet; `Unavailable`.
    """
    post = ports.placed.shown(post_id, file_id)
    if post is None or not (may_see(post, by) or _is_let_in(ports, post, token)):
        raise NotFound("There is no such picture.")
    picture = ports.pictures.find(file_id, post.author_id)
    if picture is None:
        raise NotFound("There is no such picture.")
    return post, picture


def with_pictures(ports: Ports, post: Post, body: Body, token: str | None = None) -> Body:
    """What a post says, with the pictures of a draft for whoever may see it now."""
    if post.is_published:
        return body
    token = token or ports.passes.make(PREVIEW, post.id, clock.millis() + DRAFT_MS)
    return replace(body, html=opened(post.id, body.html, token))


def _is_let_in(ports: Ports, post: Post, token: str | None) -> bool:
    until = ports.passes.read(PREVIEW, post.id, token) if token is not None else None
    return until is not None and until > clock.millis() and post.status is not Status.TRASHED
