"""What reaches `oauth` other than HTTP: users who are gone, and its own identities that are."""

from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import erase
from .ports import Ports


class UserGone(Model):
    user_id: str


class IdentityGone(Model):
    identity_id: str
    has_tokens: bool


def forget(gone: UserGone, received: Envelope, bindings: Bindings) -> None:
    erase.forget(bindings.get(Ports), gone.user_id)


def give_back(gone: IdentityGone, received: Envelope, bindings: Bindings) -> None:
    if gone.has_tokens:
        erase.give_back(bindings.get(Ports), gone.identity_id)


ENTRIES = Entries(
    events=[
        On("accounts.user.deleted.v1", UserGone, forget),
        On("oauth.identity.unlinked.v1", IdentityGone, give_back),
    ]
)
