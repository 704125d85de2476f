"""The two schedules of the signing keys: one runs daily, the other when a person runs it."""

from tessera.settings import Bindings
from tessera.triggers import Entries

from .signing import SigningKeys


def rotate_keys(bindings: Bindings) -> None:
    bindings.get(SigningKeys).rotate()


def revoke_active_key(bindings: Bindings) -> None:
    bindings.get(SigningKeys).revoke_active()


ENTRIES = Entries(schedules={"rotate-keys": rotate_keys, "revoke-active-key": revoke_active_key})
