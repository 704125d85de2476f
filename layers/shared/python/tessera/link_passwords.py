"""Passwords of links: short, shared by word of mouth, kept as Argon2id (RFC 9106).

Unlike those of accounts they have no pepper and no rules: whoever makes the link chooses how much it is worth.
"""

import unicodedata

# 19 MB, twice: the least that OWASP's cheat sheet on storing passwords names, so that a form stays quick.
_TIME, _MEMORY_KIB, _LANES = 2, 19_456, 1


def kept(password: str) -> str:
    """What is stored of a password. About 30 ms."""
    # Loaded here: most requests know no password.
    from argon2 import PasswordHasher

    return PasswordHasher(_TIME, _MEMORY_KIB, _LANES).hash(_one_form(password))


def matches(given: str, stored: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(stored, _one_form(given))
    except (VerificationError, InvalidHashError):
        return False


def _one_form(password: str) -> str:
    return unicodedata.normalize("NFC", password)
