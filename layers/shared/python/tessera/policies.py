"""Which limits apply: the defaults that ship here. `overrides` says what an operator has made of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tessera.gcra import Gcra, Window
from tessera.quotas import Quota
from tessera.tallies import Tally, capacity_of
from tessera.windows import Fixed, Sliding

Algorithm = Literal["gcra", "window", "sliding"]
Mode = Literal["enforce", "shadow", "off"]
Fail = Literal["open", "closed"]

ADDRESS = "ip:"
# Above this rate, one write takes units for a twentieth of a second, so that one item is not written too often.
LEASED_ABOVE_PER_SECOND, LEASES_PER_SECOND = 200, 20


@dataclass(frozen=True)
class Policy:
    """One or more limits on a subject, all of which must admit a request.

    `refundable` policies are never refused from memory, because a refund may have come elsewhere. `exact` ones count
    every read; `sampled` ones count one request in ten, as plain reads are counted. `lease` units are taken by one
    write and spent in memory; 0 leaves that to the rate. Requests under a `priority` policy are the last to be turned
    away: they pass while the table does not answer.
    """

    name: str
    windows: tuple[Window, ...]
    fail: Fail = "open"
    mode: Mode = "enforce"
    slack_micros: int = 0
    per_address: bool = False
    refundable: bool = False
    algorithm: Algorithm = "gcra"
    exact: bool = False
    sampled: bool = False
    quota: int = 0
    lease: int = 0
    priority: bool = False
    version: int = 0
    item: str = ""

    @property
    def kept_as(self) -> str:
        """The name of its item in a bucket, which is its own unless it stands in for another policy."""
        return self.item or self.name

    @cached_property
    def tallies(self) -> tuple[Tally, ...]:
        made = tuple(self._tally(window, index) for index, window in enumerate(self.windows))
        return (*made, Quota(self.quota)) if self.quota else made

    @cached_property
    def capacity(self) -> int:
        """The most that one request may cost."""
        return capacity_of(self.tallies)

    @cached_property
    def units(self) -> int:
        """How many units one write takes: 1 unless the rate is high."""
        rate = min(window.per_second for window in self.windows)
        wanted = self.lease or (round(rate / LEASES_PER_SECOND) if rate > LEASED_ABOVE_PER_SECOND else 1)
        return max(1, min(wanted, self.capacity))

    def _tally(self, window: Window, index: int) -> Tally:
        if self.algorithm == "gcra":
            return Gcra(window, index, self.slack_micros)
        return Fixed(window, index) if self.algorithm == "window" else Sliding(window, index)


def _defaults() -> dict[str, Policy]:
    minute, hour = 60, 3_600
    policies = [
        Policy("anon:read", (Window(120, minute, 40),), per_address=True),
        Policy("anon:write", (Window(20, minute, 10),), per_address=True),
        Policy("user:read", (Window(600, minute, 100),)),
        Policy("user:write", (Window(120, minute, 40),)),
        Policy("user:expensive", (Window(12, minute, 4),)),
        Policy("key:default", (Window(600, minute, 100),), exact=True),
        Policy("auth:ip", (Window(30, 5 * minute, 30),), fail="closed", per_address=True, refundable=True),
        Policy("auth:account", (Window(20, hour, 10),), fail="closed", refundable=True),
        Policy("auth:device", (Window(20, hour, 10),), fail="closed", refundable=True),
        Policy("auth:sign-up:ip", (Window(10, hour, 5),), fail="closed", per_address=True),
        Policy("auth:mail:address", (Window(3, hour, 3),), fail="closed"),
        Policy("auth:mfa:user", (Window(12, hour, 5),), fail="closed", refundable=True),
        Policy("todo-backend:ip", (Window(30, 1, 30),), per_address=True),
        Policy("conduit:sign-up:ip", (Window(60, minute, 60),), fail="closed", per_address=True),
        Policy("conduit:ip", (Window(40, 1, 40),), per_address=True),
        Policy("shortener:follow:ip", (Window(1_200, minute, 300),), per_address=True, sampled=True),
        Policy("shortener:create", (Window(60, hour, 60),)),
        Policy("shortener:create:new", (Window(10, 86_400, 10),)),
        Policy("shortener:password", (Window(5, minute, 5),), fail="closed"),
        Policy("shortener:report:ip", (Window(10, hour, 5),), per_address=True),
        Policy("linkpreview:user", (Window(60, minute, 60),)),
        # The site that is read, whoever asks for it. On a laptop all sites are one address.
        Policy("linkpreview:host", (Window(30, minute, 30),), per_address=True),
    ]
    return {policy.name: policy for policy in policies}


DEFAULTS = _defaults()
KEYS = "key:default"


def by_class(plan: str, rate_class: str) -> str:
    """The name of the shipped policy for this plan and class of request."""
    if rate_class == "auth":
        return "auth:ip"
    if plan.startswith("key:"):
        return KEYS
    name = f"{plan}:{rate_class}"
    if name in DEFAULTS:
        return name
    # Nobody unauthenticated has an `expensive` class of their own, and an unknown plan is the usual one.
    return f"anon:{'read' if rate_class == 'read' else 'write'}" if plan == "anon" else f"user:{rate_class}"
