"""What may become of a key, and when its owner is told that it ends. Pure decisions.

Problem
├── TooManyKeys     409 too-many-keys      an owner has 50 that are not at their end
├── KeyNotActive    409 key-not-active     revoked and expired are final
├── ScopesWider     409 scopes-wider       a key never gets more than it was made with
└── ExpiryLater     409 expiry-later       nor a longer life
"""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from tessera.problems import FieldError, InvalidRequest, Problem

MAX_ACTIVE = 50
MAX_NETWORKS = 20
MAX_OVERLAP = timedelta(days=7)
# Days before its end at which the owner hears of it; at 0 it is over.
NOTICES = (14, 3, 0)
# How long an ended key can still be looked at.
KEPT_AFTER = timedelta(days=90)
# An organisation's keys are for those who run it.
MANAGERS = frozenset(["owner", "admin"])


class TooManyKeys(Problem):
    status, slug, title = 409, "too-many-keys", "There are too many keys already"

    def __init__(self) -> None:
        super().__init__(f"An owner has at most {MAX_ACTIVE} keys in use. Revoke one that nobody needs.")


class KeyNotActive(Problem):
    status, slug, title = 409, "key-not-active", "This key has come to its end"


class ScopesWider(Problem):
    status, slug, title = 409, "scopes-wider", "A key never gets more than it was made with"


class ExpiryLater(Problem):
    status, slug, title = 409, "expiry-later", "A key never lives longer than it was made for"


class Status(StrEnum):
    """A `suspended` key is one whose owner may not sign in at present."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"


IN_USE = (Status.ACTIVE, Status.SUSPENDED)


def status_at(status: str, expires_at: datetime, now: datetime) -> Status:
    """How a key stands now, also in the minute before its end has been written down."""
    found = Status(status)
    return Status.EXPIRED if found in IN_USE and now >= expires_at else found


def check_in_use(status: Status) -> None:
    if status not in IN_USE:
        raise KeyNotActive(f"It is {status.value}, and that is final. Make a new key.")


def check_narrower(before: Iterable[str], after: Iterable[str]) -> None:
    more = sorted(set(after) - set(before))
    if more:
        raise ScopesWider(f"It was not made for {', '.join(more)}. Make a new key for that.")


def check_earlier(before: datetime, after: datetime, now: datetime) -> None:
    if after > before:
        raise ExpiryLater("Choose an earlier time, or make a new key.")
    if after <= now:
        told = "It must be in the future. To end the key now, revoke it."
        raise InvalidRequest("Look at /expires_at.", errors=[FieldError("/expires_at", told)])


def networks(texts: Sequence[str]) -> list[str]:
    """The networks in their one spelling, each once; an IPv4 network written as IPv6 is given as IPv4.

    Raises `InvalidRequest` that points at the first that is none.
    """
    found = []
    for position, text in enumerate(texts):
        try:
            # A zone is a word of one machine's own, and makes another spelling of the same network.
            network = ipaddress.ip_network("" if "%" in text else text)
        except ValueError:
            told = "A network looks like 203.0.113.0/24 or 2001:db8::/48, with no bits set beyond its length."
            raise InvalidRequest("Name networks.", errors=[FieldError(f"/ip_allow/{position}", told)]) from None
        found.append(str(_folded(network)))
    return list(dict.fromkeys(found))


def _folded(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    # Addresses are compared after they are folded, so a network of mapped ones would hold nobody.
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - 96))


def next_notice(expires_at: datetime, now: datetime) -> datetime | None:
    """When the owner is to be told next; None when there is nothing left to tell."""
    times = (expires_at - timedelta(days=days) for days in NOTICES)
    return next((when for when in times if when > now), None)


def days_left(expires_at: datetime, when: datetime) -> int:
    """Which notice this time was for."""
    return max(0, round((expires_at - when) / timedelta(days=1)))
