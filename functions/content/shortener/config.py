"""What `shortener` is told by its template."""

from typing import Literal
from urllib.parse import urlsplit

from tessera.settings import Settings

Switch = Literal["on", "off"]


class ShortenerSettings(Settings):
    """`providers` is the secret with the credentials of providers; `stand_ins` is where a laptop serves theirs.

    `short_links` says who may make links; `short_chains` lets them lead to other shorteners; `click_events` puts every
    single click on the bus.
    """

    table: str
    queue: str = ""
    clicks: str = ""
    providers: str = ""
    stand_ins: str = ""
    short_links: Literal["signed-in", "anyone"] = "signed-in"
    short_chains: Switch = "off"
    click_events: Switch = "off"
    # How much more is let pass on a laptop, where tests and demo data come all at once.
    rate_factor: int = 1

    @property
    def base(self) -> str:
        return (self.public_base_url or self.issuer).rstrip("/")

    @property
    def own_hosts(self) -> frozenset[str]:
        """Names of ours, under which the links of nobody's own domain are."""
        named = (self.public_base_url, self.issuer)
        return frozenset(urlsplit(url).hostname or "" for url in named) - {""}
