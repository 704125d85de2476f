"""What the blog signs and believes later: that somebody was shown a comment form, that somebody may see a draft."""

import base64
import binascii
from typing import Self

from tessera.auth.mac import Mac
from tessera.settings import Bindings

FORM_LIFE_MS, QUICKEST_MS = 86_400_000, 3_000


class Passes:
    def __init__(self, mac: Mac) -> None:
        self._mac = mac

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Mac))

    def make(self, purpose: str, post_id: str, at: int) -> str:
        """A pass for this post that carries this time, in milliseconds."""
        signature = self._mac(f"blog-{purpose}").sign(f"{post_id}.{at}".encode())
        return f"{at}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def read(self, purpose: str, post_id: str, text: str) -> int | None:
        """The time that a pass of ours for this post carries; None for anything else."""
        at, _, signature = text.partition(".")
        if not (at.isascii() and at.isdigit() and len(at) <= 15):
            return None
        try:
            raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        except (binascii.Error, ValueError):
            return None
        good = self._mac(f"blog-{purpose}").verify(f"{post_id}.{int(at)}".encode(), raw)
        return int(at) if good else None
