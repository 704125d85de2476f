"""Somebody who writes, follows or favours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Author:
    id: str
    username: str
    name: str | None = None
    bio: str | None = None
    image: str | None = None
    email: str | None = None
    realm: str | None = None
    epoch: int = 0
    kept_session: str | None = None
    post_count: int = 0
    fav_count: int = 0
    follows: int = 0
    approved: int = 0
    last_published_at: int = 0
    # Whether its name was ever told by accounts.
    is_known: bool = True


def unnamed(user_id: str) -> str:
    return f"user-{user_id[-10:].lower()}"
