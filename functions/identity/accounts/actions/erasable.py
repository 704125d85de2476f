"""Which capabilities may hold something of an owner, and by what they know them."""

from tessera.auth.roles import grants

from ..store import UserRow

OURSELVES = "accounts"
# These keep things by address, which no id leads to.
BY_ADDRESS = frozenset(["admin", "notifications", "outbox"])


def capabilities() -> list[str]:
    """Every capability that `accounts` may call, which is every one that has something to erase or to hand out."""
    return sorted({grant["callee"] for grant in grants() if grant["caller"] == OURSELVES})


def addresses_of(user: UserRow) -> list[str]:
    return [user.email] if user.email else []
