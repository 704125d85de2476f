"""What an operator has made of the limits: `POLICY#` items of the table `ratelimit`, and the policies in force."""

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from pynamodb.attributes import BooleanAttribute, JSONAttribute, ListAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.gcra import Window
from tessera.policies import ADDRESS, DEFAULTS, KEYS, Algorithm, Fail, Mode, Policy, by_class
from tessera.recent import Recent
from tessera.tables import Row

CACHE_MS = 60_000
KNOWN_NAMES = 1_000


class PolicyRow(Row):
    """A policy of an operator's, in place of a default or besides them.

    With `addresses`, networks in CIDR notation, it is for subjects inside them only. `more` holds the windows after
    the first one, each as limit, period in seconds and burst.
    """

    limit = NumberAttribute()
    period_seconds = NumberAttribute()
    burst = NumberAttribute()
    more = JSONAttribute(null=True)
    algorithm = UnicodeAttribute(null=True)
    fail = UnicodeAttribute(null=True)
    mode = UnicodeAttribute(null=True)
    slack_micros = NumberAttribute(default=0)
    exact = BooleanAttribute(null=True)
    quota = NumberAttribute(default=0)
    lease = NumberAttribute(default=0)
    priority = BooleanAttribute(null=True)
    addresses = ListAttribute(of=UnicodeAttribute, null=True)
    changed_at = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)

    def applies_to(self, subject: str) -> bool:
        networks = [str(network) for network in self.addresses or []]
        return not networks or any(_is_inside(subject, network) for network in networks)

    def over(self, policy: Policy) -> Policy:
        """The policy with what this item says. The bucket keeps what was charged to it before."""
        more = cast(list[list[int]], self.more or [])
        first = Window(int(self.limit), int(self.period_seconds), int(self.burst))
        return replace(
            policy,
            windows=(first, *(Window(*figures) for figures in more)),
            algorithm=cast(Algorithm, self.algorithm or policy.algorithm),
            fail=cast(Fail, self.fail or policy.fail),
            mode=cast(Mode, self.mode or policy.mode),
            slack_micros=int(self.slack_micros),
            exact=policy.exact if self.exact is None else bool(self.exact),
            quota=int(self.quota),
            lease=int(self.lease),
            priority=policy.priority if self.priority is None else bool(self.priority),
            version=int(self.version),
        )


class Policies:
    """The policies in force. An override is looked for once a minute and name, by `fetch`.

    `factor` loosens what is counted by address: on a laptop everybody comes from the same one.
    """

    def __init__(self, fetch: Callable[[str], PolicyRow | None], *, factor: int = 1) -> None:
        self._fetch, self._factor = fetch, factor
        self._lock = threading.Lock()
        self._known: Recent[tuple[int, PolicyRow | None]] = Recent(KNOWN_NAMES)

    def get(self, name: str, subject: str) -> Policy:
        """The policy for this subject. 1 request a minute. Raises `KeyError` for a name nobody defined."""
        found = self.find(name, subject)
        if found is None:
            raise KeyError(name)
        return found

    def find(self, name: str, subject: str) -> Policy | None:
        """As `get`, but None for a name nobody defined."""
        policy, override = DEFAULTS.get(name), self._override(name)
        if override is not None and override.applies_to(subject):
            return override.over(policy or Policy(name, (Window(1, 1, 1),)))
        if policy is not None and policy.per_address and self._factor > 1:
            return replace(policy, windows=tuple(window.times(self._factor) for window in policy.windows))
        return policy

    def of_plan(self, plan: str, rate_class: str, subject: str) -> Policy:
        """The policy for this plan and class: `<plan>:<class>` where somebody has defined it, else the usual one."""
        usual = by_class(plan, rate_class)
        own = f"{plan}:{rate_class}"
        return (None if own == usual or rate_class == "auth" else self.find(own, subject)) or self.get(usual, subject)

    def of_key(self, plan: str, subject: str) -> Policy:
        """An API key has one bucket for all classes, by the figures of its plan, `key:<plan>`, or the usual ones.

        The item goes by one name whichever figures hold, because it also says when the key was last used.
        """
        is_usual = plan == KEYS or not plan.startswith("key:")
        found = (None if is_usual else self.find(plan, subject)) or self.get(KEYS, subject)
        return replace(found, item=KEYS, exact=True)

    def _override(self, name: str) -> PolicyRow | None:
        with self._lock:
            read_at, found = self._known.get(name) or (0, None)
            if not 0 <= clock.millis() - read_at < CACHE_MS:
                found = self._fetch(name)
                self._known.put(name, (clock.millis(), found))
            return found


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
