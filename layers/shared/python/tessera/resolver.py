"""Whether a TXT record stands in the DNS: the port by which a domain is proven."""

from typing import Protocol, Self

from tessera.problems import Unavailable
from tessera.settings import Bindings, Settings

SECONDS = 3.0
# Nobody can own these (RFC 6761, RFC 2606), so proving them on a laptop takes nothing from anybody.
LOCAL_ZONES = (".test", ".example", ".example.com", ".example.net", ".example.org")


class Resolver(Protocol):
    def stands(self, name: str, value: str) -> bool:
        """Whether a TXT record of this name has this value. Raises `Unavailable` when nobody could say."""
        ...


class PublicDNS:
    """The resolver of the machine, or the one named."""

    def __init__(self, nameserver: str = "", port: int = 53) -> None:
        self._nameserver, self._port = nameserver, port

    def stands(self, name: str, value: str) -> bool:
        # Loaded here: only the proof of a domain needs it.
        from dns.exception import DNSException
        from dns.name import from_text
        from dns.resolver import NXDOMAIN, NoAnswer
        from dns.resolver import Resolver as Asking

        asking = Asking(configure=not self._nameserver)
        if self._nameserver:
            asking.nameservers, asking.port = [self._nameserver], self._port
        try:
            answer = asking.resolve(from_text(name), "TXT", lifetime=SECONDS, search=False)
        except (NXDOMAIN, NoAnswer):
            return False
        except (DNSException, OSError) as error:
            raise Unavailable(f"The DNS did not answer for {name}. Try again in a moment.") from error
        # A long record comes in pieces of 255 bytes, which belong together (RFC 7208 3.3).
        return any(b"".join(record.strings) == value.encode() for record in answer)


class LocalZone:
    """The DNS of a laptop, which has none of its own: reserved names such as those under `.test` hold every record that
    is asked for, but for names with a label that begins with `unproven`, and `unreachable` ones give no answer."""

    def stands(self, name: str, value: str) -> bool:
        labels = name.split(".")
        if any(label.startswith("unreachable") for label in labels):
            raise Unavailable(f"The DNS did not answer for {name}. Try again in a moment.")
        return name.endswith(LOCAL_ZONES) and not any(label.startswith("unproven") for label in labels)


class DNS:
    """The one that is right for the stage."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(LocalZone() if bindings.settings(Settings).is_local else PublicDNS())

    def stands(self, name: str, value: str) -> bool:
        return self._resolver.stands(name, value)
