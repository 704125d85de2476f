"""Which limits apply: defaults that ship here, overridden by `POLICY#` items of the table `ratelimit`."""

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, cast

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.gcra import Window
from tessera.tables import Row

CACHE_MS = 60_000
ADDRESS = "ip:"


@dataclass(frozen=True)
class Policy:
    """`refundable` policies are never refused from memory, because a refund may have come elsewhere."""

    name: str
    windows: tuple[Window, ...]
    fail: Literal["open", "closed"] = "open"
    mode: Literal["enforce", "shadow", "off"] = "enforce"
    slack_micros: int = 0
    per_address: bool = False
    refundable: bool = False


class PolicyRow(Row):
    """An override. With `addresses`, networks in CIDR notation, it is for subjects inside them only."""

    limit = NumberAttribute()
    period_seconds = NumberAttribute()
    burst = NumberAttribute()
    fail = UnicodeAttribute(null=True)
    mode = UnicodeAttribute(null=True)
    slack_micros = NumberAttribute(default=0)
    addresses = ListAttribute(of=UnicodeAttribute, null=True)

    def applies_to(self, subject: str) -> bool:
        networks = [str(network) for network in self.addresses or []]
        return not networks or any(_is_inside(subject, network) for network in networks)

    def over(self, policy: Policy) -> Policy:
        return replace(
            policy,
            windows=(Window(int(self.limit), int(self.period_seconds), int(self.burst)),),
            fail=cast(Literal["open", "closed"], self.fail or policy.fail),
            mode=cast(Literal["enforce", "shadow", "off"], self.mode or policy.mode),
            slack_micros=int(self.slack_micros),
        )


def _defaults() -> dict[str, Policy]:
    minute, hour = 60, 3_600
    policies = [
        Policy("anon:read", (Window(120, minute, 40),), per_address=True),
        Policy("anon:write", (Window(20, minute, 10),), per_address=True),
        Policy("user:read", (Window(600, minute, 100),)),
        Policy("user:write", (Window(120, minute, 40),)),
        Policy("user:expensive", (Window(12, minute, 4),)),
        Policy("key:default", (Window(600, minute, 100),)),
        Policy("auth:ip", (Window(30, 5 * minute, 30),), fail="closed", per_address=True, refundable=True),
        Policy("auth:account", (Window(20, hour, 10),), fail="closed", refundable=True),
        Policy("auth:device", (Window(20, hour, 10),), fail="closed", refundable=True),
        Policy("auth:sign-up:ip", (Window(10, hour, 5),), fail="closed", per_address=True),
        Policy("auth:mail:address", (Window(3, hour, 3),), fail="closed"),
        Policy("auth:mfa:user", (Window(12, hour, 5),), fail="closed", refundable=True),
        Policy("todo-backend:ip", (Window(30, 1, 30),), per_address=True),
        Policy("conduit:ip", (Window(40, 1, 40),), per_address=True),
    ]
    return {policy.name: policy for policy in policies}


DEFAULTS = _defaults()


class Policies:
    """The policies in force. An override is looked for once a minute and name, by `fetch`.

    `factor` loosens what is counted by address: on a laptop everybody comes from the same one.
    """

    def __init__(self, fetch: Callable[[str], PolicyRow | None], *, factor: int = 1) -> None:
        self._fetch, self._factor = fetch, factor
        self._lock = threading.Lock()
        self._overrides: dict[str, tuple[int, PolicyRow | None]] = {}

    def get(self, name: str, subject: str) -> Policy:
        """The policy for this subject. 1 request a minute. Raises `KeyError` for a name nobody defined."""
        policy = DEFAULTS[name]
        override = self._override(name)
        if override is not None and override.applies_to(subject):
            return override.over(policy)
        if policy.per_address and self._factor > 1:
            return replace(policy, windows=tuple(window.times(self._factor) for window in policy.windows))
        return policy

    def _override(self, name: str) -> PolicyRow | None:
        with self._lock:
            read_at, found = self._overrides.get(name, (0, None))
            if not 0 <= clock.millis() - read_at < CACHE_MS:
                found = self._fetch(name)
                self._overrides[name] = clock.millis(), found
            return found


def by_class(plan: str, rate_class: str) -> str:
    """The name of the policy for this plan and class of request."""
    if rate_class == "auth":
        return "auth:ip"
    name = f"{plan}:{rate_class}"
    if name in DEFAULTS:
        return name
    # Nobody unauthenticated has an `expensive` class of their own, and an unknown plan is the usual one.
    return f"anon:{'read' if rate_class == 'read' else 'write'}" if plan == "anon" else f"user:{rate_class}"


def _is_inside(subject: str, network: str) -> bool:
    if not subject.startswith(ADDRESS):
        return False
    try:
        address, around = ipaddress.ip_network(subject.removeprefix(ADDRESS)), ipaddress.ip_network(network)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Network) and isinstance(around, ipaddress.IPv4Network):
        return address.subnet_of(around)
    if isinstance(address, ipaddress.IPv6Network) and isinstance(around, ipaddress.IPv6Network):
        return address.subnet_of(around)
    return False
