"""What somebody thinks of a post."""

from tessera import clock
from tessera.problems import NotFound

from ..events import ReactionChanged
from ..ports import Ports
from ..rules.posts import Post


def react(ports: Ports, post: Post, user_id: str, kind: str) -> bool:
    """One reaction for each; an empty `kind` takes it back. False when it was so already. 1 or 2 requests."""
    if not post.is_published:
        raise NotFound("There is no such post.")
    event = ReactionChanged(
        post_id=post.id,
        user_id=user_id,
        kind=kind,
        actor=user_id,
        occurred_at=clock.now(),
        # A later change comes with a later time, however the two arrive.
        seq=clock.millis(),
    )
    return ports.reactions.react(post, user_id, kind, event)


def take_back(ports: Ports, post: Post, user_id: str, kind: str) -> bool:
    """Take this reaction back, and no other that has come in its place."""
    if ports.reactions.felt(post.id, user_id).kind != kind:
        return False
    return react(ports, post, user_id, "")
