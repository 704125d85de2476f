"""What the hub refuses over HTTP. Over a socket the same is a number (see `protocol.replies`).

Problem
├── TopicForbidden          403 topic-forbidden          what the topic does not let this caller do
├── UnrecoverablePosition   409 unrecoverable-position   the log has begun anew, or no longer reaches back so far
├── PresenceNotKept         409 presence-not-kept        nobody counts who listens to topics of this kind
└── UserNotActive           409 user-not-active          who is locked or leaving listens to nothing
"""

from tessera.problems import Problem


class TopicForbidden(Problem):
    status, slug, title = 403, "topic-forbidden", "You may not do this with this topic"


class UnrecoverablePosition(Problem):
    status, slug, title = 409, "unrecoverable-position", "The log cannot be read on from this position"

    def __init__(self) -> None:
        super().__init__(
            "Read what the topic is about again, and then go on from the position that the history names without one."
        )


class PresenceNotKept(Problem):
    status, slug, title = 409, "presence-not-kept", "Who listens to topics of this kind is not told"


class UserNotActive(Problem):
    status, slug, title = 409, "user-not-active", "The user is not active"
