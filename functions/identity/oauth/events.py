"""What `oauth` tells the rest.

`identity.unlinked` comes back to its own queue, which gives stored tokens back to the provider. Nobody listens yet to
`identity.linked`, `login.succeeded` and `login.failed`: they are for a person's own activity list and for figures
by provider. `privacy.data.erased` is for `admin`, which keeps the proof.
"""

from typing import ClassVar

from tessera.bus import Event


class IdentityLinked(Event):
    type: ClassVar[str] = "oauth.identity.linked.v1"

    user_id: str
    identity_id: str
    provider: str


class IdentityUnlinked(Event):
    """`has_tokens` says that tokens of the provider's wait to be given back."""

    type: ClassVar[str] = "oauth.identity.unlinked.v1"

    user_id: str
    identity_id: str
    provider: str
    has_tokens: bool


class LoginSucceeded(Event):
    type: ClassVar[str] = "oauth.login.succeeded.v1"

    user_id: str
    identity_id: str
    provider: str


class LoginRefused(Event):
    """`reason` is the slug of the problem; whose sign-in it was nobody knows."""

    type: ClassVar[str] = "oauth.login.failed.v1"

    provider: str
    reason: str


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
