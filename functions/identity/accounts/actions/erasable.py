"""Which capabilities may hold something of an owner."""

from tessera.auth.roles import grants

OURSELVES = "accounts"


def capabilities() -> list[str]:
    """Every capability that `accounts` may call, which is every one that has something to erase or to hand out."""
    return sorted({grant["callee"] for grant in grants() if grant["caller"] == OURSELVES})
