"""What reaches `apikeys` other than HTTP: what happened to owners, its own events, and keys that come to their end."""

from collections.abc import Callable
from typing import Any

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import end, follow
from .ports import Ports

# What gives somebody a new epoch: until their keys know it too, those are refused.
OWNER_CHANGED = (
    "accounts.user.updated.v1",
    "accounts.user.locked.v1",
    "accounts.user.unlocked.v1",
    "accounts.user.deleted.v1",
    "accounts.user.password_changed.v1",
    "accounts.user.email_changed.v1",
    "accounts.mfa.enabled.v1",
    "accounts.mfa.disabled.v1",
    "accounts.session.revoked.v1",
    "admin.role.assigned.v1",
)


class OwnerChanged(Model):
    user_id: str


class OrganisationChanged(Model):
    organisation_id: str


class KeyTold(Model):
    """What a mail says of a key."""

    user_id: str
    name: str
    prefix: str


class KeyCreatedTold(KeyTold):
    owner_id: str


class KeyRevokedTold(KeyTold):
    reason: str


class KeyExpiringTold(KeyTold):
    days: int


def refresh(changed: OwnerChanged, received: Envelope, bindings: Bindings) -> None:
    follow.refresh(bindings.get(Ports), changed.user_id)


def suspend(changed: OrganisationChanged, received: Envelope, bindings: Bindings) -> None:
    ports = bindings.get(Ports)
    follow.follow_organisation(ports, changed.organisation_id, is_there=False, heard_at=received.time)


def resume(changed: OrganisationChanged, received: Envelope, bindings: Bindings) -> None:
    ports = bindings.get(Ports)
    follow.follow_organisation(ports, changed.organisation_id, is_there=True, heard_at=received.time)


def telling(template: str) -> Callable[[KeyTold, Envelope, Bindings], None]:
    def tell(told: KeyTold, received: Envelope, bindings: Bindings) -> None:
        _tell(told, template, received, bindings)

    return tell


def tell_created(told: KeyCreatedTold, received: Envelope, bindings: Bindings) -> None:
    # The owner may have been changed between the look at them and the making of the key, and heard of too early.
    if told.owner_id == told.user_id:
        follow.refresh(bindings.get(Ports), told.user_id)
    _tell(told, "api-key-created", received, bindings)


def tell_revoked(told: KeyRevokedTold, received: Envelope, bindings: Bindings) -> None:
    # Of a leak there is a mail of its own, and of who is gone there is nobody to write to.
    if told.reason in ("asked", "by_staff"):
        _tell(told, "api-key-revoked", received, bindings)


def tell_expiring(told: KeyExpiringTold, received: Envelope, bindings: Bindings) -> None:
    if told.days == 0:
        _tell(told, "api-key-expired", received, bindings)
    else:
        _tell(told, "api-key-expiring", received, bindings, days=str(told.days))


def come_due(item: DueItem, bindings: Bindings) -> None:
    end.come_due(bindings.get(Ports), item)


def _tell(told: KeyTold, template: str, received: Envelope, bindings: Bindings, **more: Any) -> None:
    data = {"name": told.name, "prefix": told.prefix, **more}
    follow.tell(bindings.get(Ports), told.user_id, template, data, received)


ENTRIES = Entries(
    events=[
        *(On(name, OwnerChanged, refresh) for name in OWNER_CHANGED),
        On("organisations.organisation.deleted.v1", OrganisationChanged, suspend),
        On("organisations.organisation.restored.v1", OrganisationChanged, resume),
        On("apikeys.key.created.v1", KeyCreatedTold, tell_created),
        On("apikeys.key.rotated.v1", KeyTold, telling("api-key-rotated")),
        On("apikeys.key.revoked.v1", KeyRevokedTold, tell_revoked),
        On("apikeys.key.expiring.v1", KeyExpiringTold, tell_expiring),
        On("apikeys.key.leaked.v1", KeyTold, telling("api-key-leaked")),
    ],
    due=come_due,
)
