"""Message authentication codes, each purpose with a key of its own.

The secret is JSON, `{"current": "1", "1": "<random text>"}`, as CloudFormation generates it with
`SecretStringTemplate: '{"current": "1"}'` and `GenerateStringKey: "1"`. To rotate, add a member
"2" and make it current: what was signed with "1" stays valid until that member is removed.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Self

from tessera import aws
from tessera.auth.settings import AuthSettings
from tessera.problems import Unavailable
from tessera.settings import Bindings

TAG_BYTES = 32
# Where there is little room: RFC 2104 5 allows 80 bits and more, where whoever guesses has to ask us each time.
SHORT_TAG_BYTES = 12
MAX_VERSION = 255


class MacKeys:
    """The secret's versions. Raises `ValueError` when the secret is not as described above."""

    def __init__(self, secret: Mapping[str, str]) -> None:
        self.current = int(secret["current"])
        self._secrets = {int(name): text.encode() for name, text in secret.items() if name != "current"}
        if self.current not in self._secrets or not all(0 < version <= MAX_VERSION for version in self._secrets):
            raise ValueError("The secret MacKeys names a current version it does not have.")
        self._derived: dict[tuple[str, int], bytes] = {}

    def key(self, purpose: str, version: int) -> bytes | None:
        """The key of this purpose in this version, or None when there is no such version."""
        if version not in self._secrets:
            return None
        if (purpose, version) not in self._derived:
            info = f"tessera/{purpose}/{version}".encode()
            self._derived[purpose, version] = hkdf(self._secrets[version], info=info)
        return self._derived[purpose, version]


class Purpose:
    """Signs and verifies for one purpose: what was signed for another is refused."""

    def __init__(self, keys: Callable[[], MacKeys], purpose: str) -> None:
        self._keys, self._purpose = keys, purpose

    def sign(self, message: bytes) -> bytes:
        """33 bytes: the version of the key, then the code."""
        keys = self._keys()
        return bytes([keys.current]) + self._tag(keys, keys.current, message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether this signature is ours, in constant time."""
        return self._is_ours(message, signature, TAG_BYTES)

    def sign_short(self, message: bytes) -> bytes:
        """13 bytes, for where 33 are too many."""
        return self.sign(message)[: 1 + SHORT_TAG_BYTES]

    def verify_short(self, message: bytes, signature: bytes) -> bool:
        """The same for what `sign_short` has made."""
        return self._is_ours(message, signature, SHORT_TAG_BYTES)

    def lookup(self, value: str) -> str:
        """The value as it may stand in a key: the same for the same value, telling nothing about it."""
        return base64.urlsafe_b64encode(self.sign(value.encode("utf-8", "surrogatepass"))).decode("ascii")

    def _is_ours(self, message: bytes, signature: bytes, tag_bytes: int) -> bool:
        if len(signature) != 1 + tag_bytes:
            return False
        keys = self._keys()
        version = signature[0]
        if keys.key(self._purpose, version) is None:
            return False
        return hmac.compare_digest(self._tag(keys, version, message)[:tag_bytes], signature[1:])

    def _tag(self, keys: MacKeys, version: int, message: bytes) -> bytes:
        return hmac.digest(keys.key(self._purpose, version) or b"", message, "sha256")


class Mac:
    """The app's keys. The secret is read when the first code is made, once for the life of the process."""

    def __init__(self, read: Callable[[], MacKeys]) -> None:
        self._read, self._lock = read, threading.Lock()
        self._keys: MacKeys | None = None

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(partial(read_secret, bindings.settings(AuthSettings).mac_keys))

    def __call__(self, purpose: str) -> Purpose:
        return Purpose(self._loaded, purpose)

    def hash_lookup(self, purpose: str, value: str) -> str:
        """44 characters that stand for the value in a key of a table."""
        return self(purpose).lookup(value)

    def _loaded(self) -> MacKeys:
        if self._keys is None:
            with self._lock:
                self._keys = self._keys or self._read()
        return self._keys


def read_secret(secret_id: str) -> MacKeys:
    """1 request to Secrets Manager. Raises `Unavailable`."""
    try:
        answer = aws.client("secretsmanager").get_secret_value(SecretId=secret_id)
    except (aws.ClientError, aws.BotoCoreError) as error:
        raise Unavailable("The signing secret cannot be read right now.") from error
    return MacKeys(json.loads(answer["SecretString"]))


def hkdf(secret: bytes, *, info: bytes, salt: bytes = b"") -> bytes:
    """32 bytes by HKDF-SHA256 (RFC 5869), for which one round of its expansion is enough."""
    extracted = hmac.digest(salt or bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")
