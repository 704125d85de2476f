"""Passwords: which are accepted, and how they are kept.

A password is peppered by HMAC with a key that no table holds, then hashed by Argon2id (RFC 9106). The
parameters stand in the hash, so that they can be raised and each password follows at its next sign-in.
"""

import base64
import hmac
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from tessera.auth.mac import MacKeys, read_secret
from tessera.problems import FieldError, InvalidRequest
from tessera.settings import Bindings

from . import foreign_hashes
from .breaches import Breaches
from .common import is_common
from .config import PRODUCT, AccountSettings
from .rules import WeakPassword

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MAX_CHARACTERS = 256
MIN_SCORE = 2
# A shorter word of the context stands in many good passwords by chance.
MIN_CONTEXT_CHARACTERS = 4
# The estimate's time grows with the square of the length.
_ESTIMATED_CHARACTERS = 72


@dataclass(frozen=True)
class Kept:
    """A password as it is stored: the PHC string and the version of the pepper, 0 for a hash made elsewhere."""

    phc: str
    pepper: int


class Passwords:
    """The hasher of one app."""

    def __init__(
        self, settings: AccountSettings, pepper: MacKeys | None = None, breaches: Breaches = Breaches()
    ) -> None:
        self._settings, self._breaches = settings, breaches
        self._given = pepper

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(AccountSettings), breaches=bindings.get(Breaches))

    @property
    def asks_breach_list(self) -> bool:
        return self._breaches.is_on

    def check(self, password: str, *, context: Sequence[str] = (), pointer: str = "/password") -> str:
        """The password in its one Unicode form (NFC). Raises `WeakPassword`, naming each rule it breaks."""
        composed = unicodedata.normalize("NFC", password)
        faults = self._faults(composed, [*(word for word in context if word), PRODUCT])
        if faults:
            raise WeakPassword("Choose another one.", errors=[FieldError(pointer, fault) for fault in faults])
        return composed

    def keep(self, password: str) -> Kept:
        """One hash: the settings' memory and time."""
        version = self._pepper.current
        return Kept(self._hasher.hash(self._peppered(password, version)), version)

    def matches(self, password: str, kept: Kept | None) -> bool:
        """One hash whatever is kept: without a password, a hash with the present parameters is compared in vain."""
        from argon2.exceptions import InvalidHashError, VerificationError

        against = kept or self._dummy
        if against.pepper == foreign_hashes.PEPPER:
            return _was_made_of(password, against.phc)
        try:
            self._hasher.verify(against.phc, self._peppered(password, against.pepper))
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def foreign(self, text: str, *, pointer: str = "/password_hash") -> Kept:
        """A hash that another system has made, good until the next sign-in replaces it. Raises `InvalidRequest`."""
        try:
            return Kept(foreign_hashes.require_known(text), foreign_hashes.PEPPER)
        except foreign_hashes.Unreadable as error:
            told = str(error)
            raise InvalidRequest("The password hash cannot be used.", errors=[FieldError(pointer, told)]) from None

    def is_outdated(self, kept: Kept) -> bool:
        return kept.pepper != self._pepper.current or self._hasher.check_needs_rehash(kept.phc)

    def _faults(self, password: str, context: Sequence[str]) -> list[str]:
        least = self._settings.password_min
        if not least <= len(password) <= MAX_CHARACTERS:
            return [f"A password has {least} to {MAX_CHARACTERS} characters; this one has {len(password)}."]
        folded = password.casefold()
        if any(_stands_in(word.casefold(), folded) for word in context):
            return ["It holds your name, your address or the name of this service."]
        if is_common(password):
            return ["It is on the lists that are tried first."]
        return self._easy(password, context) or self._breached(password)

    def _easy(self, password: str, context: Sequence[str]) -> list[str]:
        # Loaded here: half a megabyte of word lists that only a new password needs.
        from zxcvbn import zxcvbn  # type: ignore[import-untyped]

        estimate = zxcvbn(password[:_ESTIMATED_CHARACTERS], user_inputs=list(context))
        if estimate["score"] >= MIN_SCORE:
            return []
        reasons = [estimate["feedback"]["warning"], *estimate["feedback"]["suggestions"]]
        return [str(reason) for reason in reasons if reason] or ["It can be guessed quickly."]

    def _breached(self, password: str) -> list[str]:
        """Asked last, because it is the one rule that asks somebody else."""
        return ["It was found in a breach of another service."] if self._breaches.hold(password) else []

    @cached_property
    def _pepper(self) -> MacKeys:
        return self._given or read_secret(self._settings.pepper)

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher

        settings = self._settings
        return PasswordHasher(settings.hash_time, settings.hash_memory_kib, 1, hash_len=32, salt_len=16)

    @cached_property
    def _dummy(self) -> Kept:
        return self.keep("nobody has this password")

    def _peppered(self, password: str, version: int) -> bytes:
        key = self._pepper.key("password", version)
        if key is None:
            # The version was removed from the secret: what it protected can never match again.
            key = b""
        composed = unicodedata.normalize("NFC", password).encode()
        return base64.b64encode(hmac.digest(key, composed, "sha256"))


def _was_made_of(password: str, text: str) -> bool:
    try:
        return foreign_hashes.matches(password, text)
    except foreign_hashes.Unreadable:
        return False


def _stands_in(word: str, password: str) -> bool:
    return word == password or (len(word) >= MIN_CONTEXT_CHARACTERS and word in password)
