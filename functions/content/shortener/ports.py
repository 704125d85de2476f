"""Everything the actions stand on, bound once for an app."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from tessera.auth.mac import Mac
from tessera.limits import Limits
from tessera.recent import Recent
from tessera.resolver import DNS
from tessera.safehttp import SafeHTTP
from tessera.settings import Bindings

from .config import ShortenerSettings
from .outside.threats import ThreatList, Threats
from .rules.links import Link
from .store.clicks import ClickStore
from .store.domains import Domains
from .store.links import LinkStore
from .store.lists import Lists
from .store.watch import Watch

# What is changed or blocked is so everywhere within half a minute.
HELD_MS, HELD = 30_000, 5_000


@dataclass(frozen=True)
class Ports:
    settings: ShortenerSettings
    links: LinkStore
    lists: Lists
    clicks: ClickStore
    domains: Domains
    watch: Watch
    threats: ThreatList
    dns: DNS
    web: SafeHTTP
    limits: Limits
    mac: Mac
    choose: Callable[[Sequence[str]], str] = secrets.choice
    # The links that this process has followed last, by domain and code.
    held: Recent[Link] = field(default_factory=lambda: Recent(HELD, kept_ms=HELD_MS))
    # The links that this process has noted as in use, by day.
    noted: Recent[bool] = field(default_factory=lambda: Recent(HELD))

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            settings=bindings.settings(ShortenerSettings),
            links=bindings.get(LinkStore),
            lists=bindings.get(Lists),
            clicks=bindings.get(ClickStore),
            domains=bindings.get(Domains),
            watch=bindings.get(Watch),
            threats=bindings.get(Threats),
            dns=bindings.get(DNS),
            web=bindings.get(SafeHTTP),
            limits=bindings.get(Limits),
            mac=bindings.get(Mac),
        )
