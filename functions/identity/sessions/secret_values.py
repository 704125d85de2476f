"""What the session cookie holds: 256 bits of chance, of which the table keeps only a hash."""

import hashlib
import re
import secrets

from tessera.auth import jws

EXCHANGE_PURPOSE = "session-exchange"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def new() -> str:
    return secrets.token_urlsafe(32)


def is_one(text: str) -> bool:
    """Whether this could be a secret of ours; anything else costs no request."""
    return _SECRET.fullmatch(text) is not None


def hash_of(secret: str) -> str:
    """What stands for the secret in the table. It holds too much chance to be guessed back from a plain hash."""
    return jws.encode(hashlib.sha256(secret.encode()).digest())


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 4.2)."""
    return jws.encode(hashlib.sha256(verifier.encode()).digest())
