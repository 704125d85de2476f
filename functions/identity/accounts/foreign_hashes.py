"""Password hashes that other systems have made: checked as they made them, until the next sign-in replaces them.

Read are bcrypt, scrypt, PBKDF2 and Argon2, each in the spellings that are about: the PHC string format, the
modular crypt format, and those of Django and Werkzeug. None of them is peppered, which `Kept.pepper` 0 says.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

PEPPER = 0
MAX_CHARACTERS = 500
# What one check may cost: a hash from outside must not be able to occupy a function until its time limit.
MAX_BCRYPT_COST = 15
MAX_PBKDF2_ROUNDS = 5_000_000
MAX_SCRYPT_BYTES = 256 * 1024 * 1024
MAX_SCRYPT_WORK = 2**25
MAX_ARGON2_KIB = 512 * 1024
MAX_ARGON2_WORK = 4 * 1024 * 1024
# bcrypt looks at no more than this; what made the hash cut the password off in silence.
BCRYPT_BYTES = 72

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_ARGON2 = re.compile(
    r"(?:argon2)?(\$argon2(?:id|i|d)\$v=(?:16|19)\$m=(\d+),t=(\d+),p=(\d+)\$[\w+/=-]+\$[\w+/=-]+)", re.ASCII
)
_PBKDF2_CRYPT = re.compile(r"\$pbkdf2(?:-(sha256|sha512))?\$(\d+)\$([./A-Za-z0-9]*)\$([./A-Za-z0-9]+)", re.ASCII)
_PBKDF2_DJANGO = re.compile(r"pbkdf2_(sha1|sha256|sha512)\$(\d+)\$([^$]*)\$([A-Za-z0-9+/=]+)", re.ASCII)
_PBKDF2_WERKZEUG = re.compile(r"pbkdf2:(sha1|sha256|sha512):(\d+)\$([^$]*)\$([0-9a-f]+)", re.ASCII)
_SCRYPT_PHC = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)", re.ASCII)
_SCRYPT_DJANGO = re.compile(r"scrypt\$([^$]*)\$(\d+)\$(\d+)\$(\d+)\$([A-Za-z0-9+/=]+)", re.ASCII)
_SCRYPT_WERKZEUG = re.compile(r"scrypt:(\d+):(\d+):(\d+)\$([^$]*)\$([0-9a-f]+)", re.ASCII)

Check = Callable[[bytes], bool]


class Unreadable(ValueError):
    """The text is no hash of these kinds, or asks for more work than is allowed. The message says which."""


def require_known(text: str) -> str:
    """The hash as it is kept. Raises `Unreadable`."""
    _check_of(text)
    return text


def matches(password: str, text: str) -> bool:
    """Whether this password made this hash. Raises `Unreadable`."""
    check = _check_of(text)
    try:
        return check(password.encode())
    except ValueError:
        # A library knows a bound that we do not: no password can have made such a hash.
        return False


def _check_of(text: str) -> Check:
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"A password hash has at most {MAX_CHARACTERS} characters.")
    for read in _READERS:
        try:
            found = read(text)
        except (binascii.Error, UnicodeEncodeError):
            raise Unreadable("The salt or the digest of the hash is not encoded as its format asks.") from None
        if found is not None:
            return found
    raise Unreadable("Hashes of bcrypt, scrypt, PBKDF2 and Argon2 can be read.")


def _bcrypt(text: str) -> Check | None:
    found = _BCRYPT.fullmatch(text)
    if found is None:
        return None
    _hold(4 <= int(found[1]) <= MAX_BCRYPT_COST, f"The cost of bcrypt may be 4 to {MAX_BCRYPT_COST}.")

    def check(password: bytes) -> bool:
        # Loaded here: only who was imported and has not signed in since has such a hash.
        import bcrypt

        try:
            return bcrypt.checkpw(password[:BCRYPT_BYTES], text.encode())
        except ValueError:
            return False

    return check


def _argon2(text: str) -> Check | None:
    found = _ARGON2.fullmatch(text)
    if found is None:
        return None
    memory, passes, lanes = int(found[2]), int(found[3]), int(found[4])
    affordable = memory <= MAX_ARGON2_KIB and memory * passes <= MAX_ARGON2_WORK and 1 <= lanes <= 16
    _hold(affordable and passes >= 1, "The hash asks for too much memory or time.")

    def check(password: bytes) -> bool:
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return PasswordHasher().verify(found[1], password)
        except (VerificationError, InvalidHashError):
            return False

    return check


@dataclass(frozen=True)
class _PBKDF2:
    digest: str
    rounds: int
    salt: bytes
    expected: bytes

    def __call__(self, password: bytes) -> bool:
        made = hashlib.pbkdf2_hmac(self.digest, password, self.salt, self.rounds, len(self.expected))
        return hmac.compare_digest(made, self.expected)


def _pbkdf2(text: str) -> Check | None:
    made: _PBKDF2 | None = None
    if found := _PBKDF2_CRYPT.fullmatch(text):
        made = _PBKDF2(found[1] or "sha1", int(found[2]), _crypt64(found[3]), _crypt64(found[4]))
    elif found := _PBKDF2_DJANGO.fullmatch(text):
        made = _PBKDF2(found[1], int(found[2]), found[3].encode(), _base64(found[4]))
    elif found := _PBKDF2_WERKZEUG.fullmatch(text):
        made = _PBKDF2(found[1], int(found[2]), found[3].encode(), bytes.fromhex(_even(found[4])))
    if made is not None:
        _hold(1 <= made.rounds <= MAX_PBKDF2_ROUNDS, f"PBKDF2 may take 1 to {MAX_PBKDF2_ROUNDS:,} rounds.")
        _hold(16 <= len(made.expected) <= 64, "The digest of PBKDF2 has 16 to 64 bytes.")
    return made


@dataclass(frozen=True)
class _Scrypt:
    n: int
    r: int
    p: int
    salt: bytes
    expected: bytes

    def __call__(self, password: bytes) -> bool:
        room = 2 * MAX_SCRYPT_BYTES
        made = hashlib.scrypt(
            password, salt=self.salt, n=self.n, r=self.r, p=self.p, maxmem=room, dklen=len(self.expected)
        )
        return hmac.compare_digest(made, self.expected)


def _scrypt(text: str) -> Check | None:
    made: _Scrypt | None = None
    if found := _SCRYPT_PHC.fullmatch(text):
        _hold(1 <= int(found[1]) <= 25, "The memory of scrypt is out of range.")
        made = _Scrypt(2 ** int(found[1]), int(found[2]), int(found[3]), _base64(found[4]), _base64(found[5]))
    elif found := _SCRYPT_DJANGO.fullmatch(text):
        made = _Scrypt(int(found[2]), int(found[3]), int(found[4]), found[1].encode(), _base64(found[5]))
    elif found := _SCRYPT_WERKZEUG.fullmatch(text):
        made = _Scrypt(int(found[1]), int(found[2]), int(found[3]), found[4].encode(), bytes.fromhex(_even(found[5])))
    if made is not None:
        power_of_two = made.n >= 2 and made.n & (made.n - 1) == 0
        affordable = 128 * made.n * made.r <= MAX_SCRYPT_BYTES and made.n * made.r * made.p <= MAX_SCRYPT_WORK
        # RFC 7914 2: the block size bounds the cost.
        possible = made.r >= 1 and made.p >= 1 and made.n < 2 ** (16 * min(made.r, 4))
        _hold(power_of_two and possible and affordable, "The work of scrypt is out of range.")
        _hold(16 <= len(made.expected) <= 64, "The digest of scrypt has 16 to 64 bytes.")
    return made


_READERS = (_bcrypt, _argon2, _pbkdf2, _scrypt)


def _hold(holds: bool, told: str) -> None:
    if not holds:
        raise Unreadable(told)


def _base64(text: str) -> bytes:
    bare = text.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)


def _crypt64(text: str) -> bytes:
    """Passlib writes base64 with a dot in the place of the plus."""
    return _base64(text.replace(".", "+"))


def _even(text: str) -> str:
    _hold(len(text) % 2 == 0, "The digest of the hash is cut off.")
    return text
