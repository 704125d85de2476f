"""What `accounts` tells the rest.

Nobody listens yet to `registered`, `unlocked`, `session.created`, `device.added` and
`refresh.reuse_detected`; they are for `admin` and for a person's own activity list.
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


class UserLocked(Event):
    type: ClassVar[str] = "accounts.user.locked.v1"

    user_id: str


class UserUnlocked(Event):
    type: ClassVar[str] = "accounts.user.unlocked.v1"

    user_id: str


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
