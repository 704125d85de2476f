"""Secrets on their way from one capability to another: sealed with a KMS key, readable only by who may decrypt.

The purpose goes into the encryption context, which KMS authenticates: what was sealed for one purpose
does not open for another, and a role's policy can be limited to its own.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from tessera import aws

# KMS encrypts at most 4096 bytes directly: https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
MAX_BYTES = 4096
_BROKEN = frozenset(["InvalidCiphertextException", "IncorrectKeyException", "ValidationException"])


class SealBroken(Exception):
    """The text was not sealed with this key for this purpose, or it was altered."""


def seal(key_id: str, purpose: str, values: Mapping[str, Any]) -> str:
    """These values as base64 ciphertext. 1 request to KMS. Raises `ValueError` when they are over 4 KB."""
    plain = json.dumps(dict(values), ensure_ascii=False, separators=(",", ":")).encode()
    if len(plain) > MAX_BYTES:
        raise ValueError(f"A sealed text holds {MAX_BYTES} bytes; this one has {len(plain)}.")
    answer = aws.client("kms").encrypt(KeyId=key_id, Plaintext=plain, EncryptionContext={"purpose": purpose})
    return base64.b64encode(answer["CiphertextBlob"]).decode()


def unseal(key_id: str, purpose: str, text: str) -> dict[str, Any]:
    """The values that `seal` was given. 1 request to KMS. Raises `SealBroken`."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SealBroken("The sealed text is not base64.") from None
    if not blob:
        raise SealBroken("The sealed text is empty.")
    try:
        answer = aws.client("kms").decrypt(KeyId=key_id, CiphertextBlob=blob, EncryptionContext={"purpose": purpose})
    except aws.ClientError as error:
        if aws.code_of(error) in _BROKEN:
            raise SealBroken("The sealed text does not open with this key for this purpose.") from None
        raise
    found: dict[str, Any] = json.loads(answer["Plaintext"])
    return found
