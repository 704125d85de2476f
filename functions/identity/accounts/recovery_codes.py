"""Recovery codes: ten of them, each good once, for who has lost every other second factor."""

import secrets

from tessera import ids
from tessera.auth import jws
from tessera.auth.mac import Mac

COUNT = 10
CHARACTERS = 10
FEW = 3
PURPOSE = "recovery"
# Crockford's alphabet has no letter that looks like a digit, so what looks like one can only be that digit.
_READ_AS = str.maketrans("OIL", "011", "- ")


def new_codes() -> list[str]:
    """Ten codes of 50 bits, written in two halves."""
    made = ["".join(secrets.choice(ids.ALPHABET) for _ in range(CHARACTERS)) for _ in range(COUNT)]
    return [f"{code[: CHARACTERS // 2]}-{code[CHARACTERS // 2 :]}" for code in made]


def tag_of(mac: Mac, user_id: str, code: str) -> str:
    """What is kept of a code."""
    return jws.encode(mac(PURPOSE).sign(_message(user_id, code)))


def kept_as(mac: Mac, user_id: str, code: str, kept: frozenset[str]) -> str | None:
    """Which of the kept tags is this code's, or None. It compares with all of them."""
    message, found = _message(user_id, code), None
    for tag in sorted(kept):
        if mac(PURPOSE).verify(message, jws.decode(tag)):
            found = tag
    return found


def _message(user_id: str, code: str) -> bytes:
    """Bound to the user: the same code of somebody else has another tag."""
    return f"{user_id}\n{code.upper().translate(_READ_AS)}".encode("utf-8", "surrogatepass")
