"""Secrets of providers and tokens that providers gave: at rest only sealed, and each for one purpose.

A secret is sealed by KMS itself. Tokens can be larger than what that takes, so a data key seals them here and
KMS seals the data key, both bound to the user they are for.
"""

import base64
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from tessera import aws, clock
from tessera.problems import Unavailable
from tessera.sealed import SealBroken, seal, unseal
from tessera.settings import Bindings

from .config import OauthSettings
from .rules.problems import ProviderError
from .rules.providers import Provider

HOLD_MS = 300_000
_NONCE_BYTES = 12


class Vault:
    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._lock = threading.Lock()
        self._held: dict[tuple[str, int], tuple[int, str]] = {}

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(OauthSettings).provider_key)

    def seal_secret(self, provider_id: str, secret: str) -> str:
        """1 request to KMS. Raises `Unavailable`."""
        with _answering():
            return seal(self._key_id, _purpose(provider_id), {"secret": secret})

    def secret_of(self, provider: Provider) -> str:
        """The secret, "" where there is none. 1 request to KMS in five minutes. Raises `ProviderError`."""
        if provider.secret is None or provider.is_built_in:
            return provider.secret or ""
        place = provider.id, provider.version
        with self._lock:
            held_at, held = self._held.get(place, (0, ""))
            if not held or not 0 <= clock.millis() - held_at < HOLD_MS:
                held = self._opened(provider.id, provider.secret)
                self._held[place] = clock.millis(), held
            return held

    def _opened(self, provider_id: str, sealed: str) -> str:
        try:
            with _answering():
                return str(unseal(self._key_id, _purpose(provider_id), sealed)["secret"])
        except SealBroken as error:
            raise ProviderError("The provider's secret cannot be read. It has to be set again.") from error

    def seal_tokens(self, user_id: str, tokens: Mapping[str, Any]) -> str:
        """1 request to KMS. Raises `Unavailable`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with _answering():
            made = aws.client("kms").generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=_context(user_id)
            )
        nonce = secrets.token_bytes(_NONCE_BYTES)
        body = json.dumps(dict(tokens)).encode()
        ciphertext = AESGCM(made["Plaintext"]).encrypt(nonce, body, user_id.encode())
        sealed = {"key": _text(made["CiphertextBlob"]), "nonce": _text(nonce), "body": _text(ciphertext)}
        return json.dumps(sealed)

    def open_tokens(self, user_id: str, sealed: str) -> dict[str, Any]:
        """1 request to KMS. Raises `SealBroken` for what was sealed for somebody else, or altered."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        parts = {name: base64.b64decode(text) for name, text in json.loads(sealed).items()}
        try:
            opened = aws.client("kms").decrypt(
                KeyId=self._key_id, CiphertextBlob=parts["key"], EncryptionContext=_context(user_id)
            )
            body = AESGCM(opened["Plaintext"]).decrypt(parts["nonce"], parts["body"], user_id.encode())
        except InvalidTag as error:
            raise SealBroken("The tokens do not open for this user.") from error
        except aws.ClientError as error:
            if aws.code_of(error) != "InvalidCiphertextException":
                raise
            raise SealBroken("The tokens do not open for this user.") from error
        found: dict[str, Any] = json.loads(body)
        return found


@contextmanager
def _answering() -> Iterator[None]:
    """Somebody who waits is told that KMS does not answer."""
    try:
        yield
    except (aws.ClientError, aws.BotoCoreError) as error:
        raise Unavailable("Secrets cannot be read right now. Try again in a moment.") from error


def _purpose(provider_id: str) -> str:
    return f"oauth-secret:{provider_id}"


def _context(user_id: str) -> dict[str, str]:
    return {"purpose": "oauth-tokens", "uid": user_id}


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
