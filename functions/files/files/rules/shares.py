"""Links to a file: how long and how often they open it, and their passwords."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from .problems import refused

LONGEST = timedelta(days=366)
MAX_SHARES, MAX_GRANTS = 50, 100
MAX_FAILS, LOCKED = 10, timedelta(minutes=15)


@dataclass(frozen=True)
class Share:
    """Its token is `id` and a secret, of which only the hash is kept."""

    id: str
    secret_hash: str
    file_id: str
    owner_id: str
    created_at: datetime
    expires_at: datetime | None = None
    max_downloads: int | None = None
    left: int | None = None
    downloads: int = 0
    password: str | None = None
    fails: int = 0
    locked_until: datetime | None = None
    revoked: bool = False
    version: int = 1
    made_by: str | None = None

    def is_open(self, now: datetime) -> bool:
        is_past = self.expires_at is not None and self.expires_at <= now
        return not (self.revoked or is_past or (self.left is not None and self.left <= 0))


def hashed(secret: str) -> str:
    # It is 256 random bits, so that a plain hash of it cannot be guessed back.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def split_token(token: str) -> tuple[str, str] | None:
    """Id and secret, or None for what is no token of ours."""
    share_id, dot, secret = token.partition(".")
    return (share_id, secret) if dot and len(share_id) == 26 and share_id.isascii() else None


def is_secret(given: str, share: Share) -> bool:
    return hmac.compare_digest(hashed(given), share.secret_hash)


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        raise refused("/expires_at", "A link ends in the future, within a year.")
