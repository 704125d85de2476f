"""What a request is charged to: its principal, or its address."""

from dataclasses import dataclass

from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.limits import Limits
from tessera.policies import DEFAULTS, by_class

CLASSES = frozenset(["read", "write", "expensive", "auth"])
SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])


@dataclass(frozen=True)
class Rate:
    """The class of a route, or the name of one policy, and what one request costs."""

    name: str
    cost: int = 1

    def __post_init__(self) -> None:
        if self.name not in CLASSES and self.name not in DEFAULTS:
            raise ValueError(f"There is no rate class or policy {self.name}.")
        bursts = [window.burst for window in DEFAULTS[self.policy("user")].windows]
        if not 1 <= self.cost <= min(bursts):
            raise ValueError(
                f"A cost of {self.cost} could never be admitted: the burst of {self.name} is {min(bursts)}."
            )

    def policy(self, plan: str) -> str:
        return by_class(plan, self.name) if self.name in CLASSES else self.name


def charge(call: Call, principal: Principal, rate: Rate | None) -> None:
    """Charge the request to its principal, or to its address. Raises `LimitExceeded`.

    Plain reads of authenticated users are not charged: a write for each would double their cost.
    """
    rate = rate or Rate("read" if call.method in SAFE_METHODS else "write")
    known = principal.kind != "anonymous"
    if call.method == "OPTIONS" or (known and rate.name == "read"):
        return
    name = rate.policy(principal.plan)
    subject = f"user:{principal.id}" if known and not DEFAULTS[name].per_address else f"ip:{call.client_ip}"
    decision = call.bindings.get(Limits).decide(name, subject, cost=rate.cost)
    call.answer_headers.update(decision.headers())
    if not decision.allowed:
        raise decision.problem()
