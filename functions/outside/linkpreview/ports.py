"""Everything the actions stand on, bound once for an app."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from tessera import queues
from tessera.auth.mac import Mac, Purpose
from tessera.limits import Limits
from tessera.safehttp import SafeHTTP
from tessera.settings import Bindings

from .store import CardStore, LinkpreviewSettings


@dataclass(frozen=True)
class Ports:
    cards: CardStore
    web: SafeHTTP
    limits: Limits
    signer: Purpose
    queue: str
    base_url: str
    # Somebody else reads the same page: whoever waits for it must not read it again.
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(LinkpreviewSettings)
        return cls(
            cards=bindings.get(CardStore),
            web=bindings.get(SafeHTTP),
            limits=bindings.get(Limits),
            signer=bindings.get(Mac)("linkpreview-image"),
            queue=settings.queue,
            base_url=settings.public_base_url,
        )

    def send(self, kind: str, data: dict[str, str]) -> None:
        """A job for ourselves. 1 request."""
        queues.send(self.queue, kind, data)
