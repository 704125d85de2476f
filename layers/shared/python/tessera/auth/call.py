"""One request, as far as authentication and limits look at it: no body, no framework."""

import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tessera.settings import Bindings, Settings

EDGE_HEADER = "x-tessera-edge"
TRUSTED_EDGES = frozenset(["door", "cloudfront"])


@dataclass(frozen=True)
class Call:
    """`headers` are in lower case, in their order, repeated ones kept."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    query_string: str
    source_ip: str
    api_gateway: bool
    internal: dict[str, Any] | None
    bindings: Bindings
    request_id: str
    # Filled by the guard and added to the answer, whether it is a success or a problem.
    answer_headers: dict[str, str] = field(default_factory=dict)
    # `Set-Cookie` values for the answer; a dictionary of headers could hold only one of them.
    answer_cookies: list[str] = field(default_factory=list)
    # How the user stands this moment, where the guard has asked `accounts` for it.
    live: dict[str, Any] = field(default_factory=dict)
    # Called with the status once the answer is known.
    on_answer: list[Callable[[int], None]] = field(default_factory=list)

    def all_of(self, name: str) -> list[str]:
        """Every value sent under this lower-case header name."""
        return [value for found, value in self.headers if found == name]

    def header(self, name: str) -> str:
        return next(iter(self.all_of(name)), "")

    @property
    def is_internal(self) -> bool:
        """Invoked by another function of ours. IAM is what makes this true: no gateway lets it through."""
        return not self.api_gateway and self.internal is not None and self.internal.get("internal") is True

    @property
    def client_address(self) -> str:
        """The address of the client, whole; an IPv4 address mapped into IPv6 is given as IPv4."""
        return _folded(self._address_given())

    @property
    def client_ip(self) -> str:
        """What limits count by: an IPv4 address, or the /64 of an IPv6 one, which one client owns whole."""
        address = self.client_address
        return f"{ipaddress.ip_network((address, 64), strict=False)}" if ":" in address else address

    def _address_given(self) -> str:
        if self.is_internal and self.internal is not None:
            return str((self.internal.get("client") or {}).get("address") or self.source_ip)
        return self._forwarded() or self.source_ip

    @property
    def came_by_edge(self) -> bool:
        """Whether our own edge has passed it on. What anyone else says of a client is hearsay."""
        settings = self.bindings.settings(Settings)
        secrets = self.all_of(EDGE_HEADER)
        if settings.trusted_edge not in TRUSTED_EDGES or not settings.edge_secret or len(secrets) != 1:
            return False
        return hmac.compare_digest(secrets[0].encode(), settings.edge_secret.encode())

    def _forwarded(self) -> str:
        """The address our own edge has seen."""
        if not self.came_by_edge:
            return ""
        hops = [hop.strip() for value in self.all_of("x-forwarded-for") for hop in value.split(",")]
        # API Gateway appends its own peer, which is the edge. What stands before it is what the edge
        # appended, and everything further left is what the client claimed.
        if len(hops) > 1 and _folded(hops[-1]) == _folded(self.source_ip):
            hops.pop()
        return hops[-1] if hops and _is_address(hops[-1]) else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _folded(text: str) -> str:
    """The address in its one spelling; what is no address (a test client's name) stays as it is."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text.replace(":", "_")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
