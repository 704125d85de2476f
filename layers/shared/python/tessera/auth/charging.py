"""What a request is charged to: its key, its user or its address; and one more policy where a route names one."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tessera.auth.call import Call
from tessera.auth.key_usage import KeyUsage
from tessera.auth.principal import Principal
from tessera.auth.settings import AuthSettings
from tessera.decisions import Decision
from tessera.limits import Limits
from tessera.policies import DEFAULTS, Policy, by_class

CLASSES = frozenset(["read", "write", "expensive", "auth"])
SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])
_BY = re.compile(r"(body|query|path|header)\.[A-Za-z][A-Za-z0-9_-]{0,63}")
_LONGEST_SUBJECT = 256


@dataclass(frozen=True)
class Rate:
    """The class of a route, or the name of one policy, and what one request costs.

    A named policy takes the place of the class; with `by`, such as `body.email`, it is charged besides, to whatever
    stands there. A cost may be computed from the call; it is held to what the policy can ever admit.
    """

    name: str
    cost: int | Callable[[Call], int] = 1
    by: str = ""

    def __post_init__(self) -> None:
        if self.name not in CLASSES and self.name not in DEFAULTS:
            raise ValueError(f"There is no rate class or policy {self.name}.")
        if self.by and (self.name in CLASSES or not _BY.fullmatch(self.by)):
            raise ValueError(f"A policy of its own may be counted by `body.x`, `query.x`, `path.x`, not by {self.by}.")
        capacity = DEFAULTS[self.policy("user")].capacity
        if isinstance(self.cost, int) and not 1 <= self.cost <= capacity:
            raise ValueError(f"A cost of {self.cost} could never be admitted: the burst of {self.name} is {capacity}.")

    def policy(self, plan: str) -> str:
        return by_class(plan, self.name) if self.name in CLASSES else self.name

    def class_of(self, method: str) -> str:
        """The class by which a request is charged, or none where a named policy takes its place."""
        if self.name in CLASSES:
            return self.name
        return _class_of(method) if self.by else ""


def charge(call: Call, principal: Principal, rate: Rate | None) -> None:
    """Charge the request to its principal, or to its address. Raises `LimitExceeded`.

    1 write; 0.1 on average for a read that is not of an API key, and where the named policy is sampled.
    """
    if call.method == "OPTIONS":
        return
    rate = rate or Rate(_class_of(call.method))
    limits, rate_class = call.bindings.get(Limits), rate.class_of(call.method)
    policy, subject = _policy_of(limits, call, principal, rate_class or rate.name)
    cost = 1 if rate.by else _cost(rate, call, policy)
    if (rate_class == "read" or policy.sampled) and not policy.exact:
        decision = limits.sample(policy, subject, request_id=call.request_id, cost=cost)
    elif principal.kind == "api_key" and subject.startswith("key:"):
        decision = _decided_for_key(call, principal.id, rate_class, policy, cost)
    else:
        decision = limits.decide(policy, subject, cost=cost)
    _show(call, decision)


def charge_by(call: Call, rate: Rate | None, path: Mapping[str, Any], body: bytes) -> None:
    """Charge what the route's own policy counts by. Nothing when it is not there: then the request is refused anyway.

    1 write. Raises `LimitExceeded`.
    """
    if rate is None or not rate.by or call.method == "OPTIONS":
        return
    value = _value(rate.by, call, path, body)
    if not value:
        return
    limits = call.bindings.get(Limits)
    subject = f"{rate.by}:{value[:_LONGEST_SUBJECT]}"
    policy = limits.policies.get(rate.name, subject)
    _show(call, limits.decide(policy, subject, cost=_cost(rate, call, policy)))


def _policy_of(limits: Limits, call: Call, principal: Principal, name: str) -> tuple[Policy, str]:
    """The policy in force and whom it counts. `name` is a class or a policy."""
    address, is_class = f"ip:{call.client_ip}", name in CLASSES
    if principal.kind == "anonymous" or name == "auth" or (not is_class and DEFAULTS[name].per_address):
        plan = principal.plan if principal.kind == "anonymous" else "user"
        found = limits.policies.of_plan(plan, name, address) if is_class else limits.policies.get(name, address)
        return found, address
    subject = f"key:{principal.id}" if principal.kind == "api_key" else f"user:{principal.id}"
    if not is_class:
        found = limits.policies.get(name, subject)
    elif principal.kind == "api_key":
        found = limits.policies.of_key(principal.plan, subject)
    else:
        found = limits.policies.of_plan(principal.plan, name, subject)
    return found, subject


def _show(call: Call, decision: Decision) -> None:
    """Put the figures on the answer, whatever it will be. Raises the problem of a refusal."""
    made = decision.headers()
    if call.bindings.settings(AuthSettings).x_ratelimit:
        made |= decision.legacy_headers()
    for name, value in made.items():
        before = call.answer_headers.get(name)
        joined = f"{before}, {value}" if before and not name.startswith("X-") else value
        call.answer_headers[name] = joined
    if not decision.allowed:
        raise decision.problem()


def _decided_for_key(call: Call, key_id: str, rate_class: str, policy: Policy, cost: int) -> Decision:
    """The bucket of an API key also says how the key is used."""
    usage = call.bindings.get(KeyUsage)
    note = usage.note(call, key_id, rate_class)
    decision = call.bindings.get(Limits).decide(policy, f"key:{key_id}", cost=cost, note=note)
    if note is not None and decision.charged:
        usage.written(key_id, note)
    return decision


def _class_of(method: str) -> str:
    return "read" if method in SAFE_METHODS else "write"


def _cost(rate: Rate, call: Call, policy: Policy) -> int:
    """An operator may have lowered the burst below what the route declares, which must not close the route."""
    wanted = rate.cost if isinstance(rate.cost, int) else rate.cost(call)
    return max(1, min(wanted, policy.capacity))


def _value(by: str, call: Call, path: Mapping[str, Any], body: bytes) -> str:
    """What stands at `body.email` and the like, in one spelling; nothing when it is absent or no plain value."""
    place, _, name = by.partition(".")
    if place == "body":
        try:
            content = json.loads(body or b"null")
        except ValueError:
            return ""
        found = content.get(name) if isinstance(content, dict) else None
    elif place == "query":
        found = dict(parse_qsl(call.query_string)).get(name)
    else:
        found = path.get(name) if place == "path" else call.header(name.lower())
    return str(found).strip().lower() if isinstance(found, str | int) else ""
