"""What reaches `sessions` other than HTTP: accounts that changed so that nobody may stay signed in."""

from tessera import clock
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import end
from .ports import Ports


class AccountClosed(Model):
    user_id: str


class PasswordChanged(Model):
    """The session in which the password was changed goes on."""

    user_id: str
    kept_session_id: str | None = None


def closed(account: AccountClosed, received: Envelope, bindings: Bindings) -> None:
    reason = received.type.split(".")[2].replace("_", " ")
    end.follow(bindings.get(Ports), account.user_id, reason=reason, at=clock.parse(received.time))


def password_changed(account: PasswordChanged, received: Envelope, bindings: Bindings) -> None:
    keep, at = account.kept_session_id, clock.parse(received.time)
    end.follow(bindings.get(Ports), account.user_id, reason="password changed", at=at, keep=keep)


ENTRIES = Entries(
    events=(
        On("accounts.user.locked.v1", AccountClosed, closed),
        On("accounts.user.deleted.v1", AccountClosed, closed),
        On("accounts.user.password_changed.v1", PasswordChanged, password_changed),
    )
)
