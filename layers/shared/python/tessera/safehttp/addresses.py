"""Which addresses are on the public internet.

The tables are IANA's special-purpose registries (RFC 6890 and its updates) as of 2025. They stand here and
not in `ipaddress`, whose answers have changed between patch releases of one Python version.
"""

import ipaddress
from collections.abc import Iterable
from functools import cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REFUSED_V4 = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
"""
# Outside 2000::/3 nothing is allocated for public use; inside it, these are for protocols and examples, and
# 6to4 and Teredo carry an IPv4 address that nobody has looked at.
_REFUSED_V6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
# Behind a translator of RFC 6052, names of IPv4 hosts have addresses under this prefix.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NEAR = "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::1/128 fc00::/7"


def is_public(text: str, denied: Iterable[Network] = ()) -> bool:
    """Whether this address may be connected to. Anything that is no address may not."""
    address = parse(text)
    if address is None:
        return False
    found = _unwrapped(address)
    if any(found in network for network in denied if network.version == found.version):
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not _in(found, _REFUSED_V4)
    return found in _PUBLIC_V6 and not _in(found, _REFUSED_V6)


def is_near(text: str) -> bool:
    """Whether this is an address of this machine or of a private network, where stand-ins live; never metadata."""
    address = parse(text)
    return address is not None and _in(_unwrapped(address), _NEAR)


def parse(text: str) -> Address | None:
    """The address, or None. Only the one spelling of an IPv4 address counts, and no IPv6 zone."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if isinstance(found, ipaddress.IPv6Address) and found.scope_id is not None else found


def same(first: str, second: str) -> bool:
    one, other = parse(first), parse(second.partition("%")[0])
    return one is not None and other is not None and _unwrapped(one) == _unwrapped(other)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where the network would go by that."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


@cache
def networks(text: str) -> tuple[Network, ...]:
    """The networks in a text, apart by spaces or commas. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(part) for part in text.replace(",", " ").split())


def _in(address: Address, table: str) -> bool:
    return any(address in network for network in networks(table) if network.version == address.version)
