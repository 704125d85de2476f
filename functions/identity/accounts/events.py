"""What `accounts` tells the rest.

Nobody listens yet to `registered`, `session.created`, `device.added` and `refresh.reuse_detected`, which are for
analysis, nor to `guest.merged`, which is for whoever keeps things of guests, such as a cart. An account on its way
out is told as `locked`, and as `unlocked` when its user comes back; `deleted` comes once nothing is left.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from tessera.bus import Event


class UserRegistered(Event):
    type: ClassVar[str] = "accounts.user.registered.v1"

    user_id: str
    locale: str | None = None


class UserVerified(Event):
    """The address is the user's own: what was done under it before, such as a guest's order, is theirs."""

    type: ClassVar[str] = "accounts.user.verified.v1"

    user_id: str
    email: str


class UserUpdated(Event):
    type: ClassVar[str] = "accounts.user.updated.v1"

    user_id: str
    name: str | None = None
    handle: str | None = None
    avatar_file_id: str | None = None
    roles: list[str]


class PasswordChanged(Event):
    type: ClassVar[str] = "accounts.user.password_changed.v1"

    user_id: str
    kept_session_id: str | None = None


class MfaEnabled(Event):
    """One more way to show a second factor. `method` is `totp` or `passkey`."""

    type: ClassVar[str] = "accounts.mfa.enabled.v1"

    user_id: str
    method: str


class MfaDisabled(Event):
    """`method` is `totp`, `passkey`, or `all` when staff have taken every factor away."""

    type: ClassVar[str] = "accounts.mfa.disabled.v1"

    user_id: str
    method: str


class UserLocked(Event):
    type: ClassVar[str] = "accounts.user.locked.v1"

    user_id: str


class UserUnlocked(Event):
    type: ClassVar[str] = "accounts.user.unlocked.v1"

    user_id: str


class EmailChanged(Event):
    """The address is confirmed. The old one is in it for those who know people by address only."""

    type: ClassVar[str] = "accounts.user.email_changed.v1"

    user_id: str
    email: str
    old_email: str


class UserDeleted(Event):
    """Nothing is left of the user anywhere; connections and caches that still know them let go now."""

    type: ClassVar[str] = "accounts.user.deleted.v1"

    user_id: str


class GuestMerged(Event):
    """A guest has signed in to an account: what they had as `from` is `to`'s now, for whoever wants to move it."""

    type: ClassVar[str] = "accounts.guest.merged.v1"

    from_id: str = Field(alias="from")
    to: str

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return super().model_dump(**{"by_alias": True, **options})


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str


class SessionCreated(Event):
    type: ClassVar[str] = "accounts.session.created.v1"

    user_id: str
    session_id: str
    client_id: str


class SessionRevoked(Event):
    type: ClassVar[str] = "accounts.session.revoked.v1"

    user_id: str
    session_id: str
    reason: str


class ReuseDetected(Event):
    type: ClassVar[str] = "accounts.refresh.reuse_detected.v1"

    user_id: str
    session_id: str


class DeviceAdded(Event):
    type: ClassVar[str] = "accounts.device.added.v1"

    user_id: str
    device_id: str


class MailRequested(Event):
    """`secret` holds codes and links, sealed so that only the mail worker can read them."""

    type: ClassVar[str] = "accounts.mail.requested.v1"

    to: str
    template: str
    locale: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    secret: str | None = None
    category: Literal["transactional"] = "transactional"
