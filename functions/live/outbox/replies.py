"""Addresses that mails are answered to. Each says by itself, signed, what the answer belongs to; nothing is kept."""

import base64
import binascii

from tessera import ids
from tessera.auth.mac import Mac

PURPOSE, PREFIX = "outbox-reply", "reply+"
_ULID_CHARACTERS = 26


def address_of(mac: Mac, domain: str, ref: str) -> str:
    """Where an answer that belongs to `ref`, a ULID, is to be sent. Small letters only: some programs change them."""
    code = base64.b32encode(mac(PURPOSE).sign_short(ref.encode())).decode().rstrip("=")
    return f"{PREFIX}{ref.lower()}{code.lower()}@{domain}"


def ref_in(mac: Mac, domain: str, address: str) -> str | None:
    """What an answer to this address belongs to; None when the address is not one of ours."""
    local, _, host = address.lower().rpartition("@")
    if not domain or host != domain.lower() or not local.startswith(PREFIX) or not local.isascii():
        return None
    token = local.removeprefix(PREFIX)
    ref, code = token[:_ULID_CHARACTERS].upper(), token[_ULID_CHARACTERS:].upper()
    try:
        signature = base64.b32decode(code + "=" * (-len(code) % 8))
    except binascii.Error:
        return None
    return ref if ids.is_ulid(ref) and mac(PURPOSE).verify_short(ref.encode(), signature) else None
