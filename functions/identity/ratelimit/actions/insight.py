"""Looking at limits: one's own, a subject's, and who was limited most."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tessera import clock, log
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.gcra import Window
from tessera.limits import Limits
from tessera.policies import KEYS, Policy
from tessera.tallies import Figures, State

from ..rules import INLINE, Subject
from ..store.buckets import BucketStore
from ..store.top import TopStore

CLASSES = ("read", "write", "expensive")


@dataclass(frozen=True)
class Standing:
    """How a policy stands for one subject. `figures` has one entry for each of its limits."""

    policy: Policy
    figures: list[tuple[str, Figures]]


def standing(limits: Limits, policy: Policy, state: State) -> Standing:
    now = clock.micros()
    return Standing(policy, [(tally.label, tally.figures(state, now)) for tally in policy.tallies])


def of_caller(limits: Limits, buckets: BucketStore, caller: Principal, call: Call) -> list[Standing]:
    """The policies that this caller meets, and what is left of each. 1 request."""
    if caller.kind == "api_key":
        subject = f"key:{caller.id}"
        policies = [limits.policies.of_key(caller.plan, subject)]
    else:
        known = caller.kind == "user"
        subject = f"user:{caller.id}" if known else f"ip:{call.client_ip}"
        found = [limits.policies.of_plan(caller.plan, one, subject) for one in CLASSES]
        policies = list({policy.name: policy for policy in found}.values())
    states = buckets.states(limits.bucket_of(subject))
    return [standing(limits, policy, states.get(policy.kept_as, {})) for policy in policies]


def of_subject(limits: Limits, buckets: BucketStore, subject: Subject, *, by: Principal) -> list[Standing]:
    """The buckets of a subject, none of them charged. 1 request. Raises `InsufficientScope` for another's."""
    check_may_look(subject, by)
    states = buckets.states(limits.bucket_of(subject.name))
    found = [(_policy_of(limits, subject, name, state), state) for name, state in states.items()]
    return [standing(limits, policy, state) for policy, state in found if policy is not None]


def check_may_look(subject: Subject, by: Principal) -> None:
    if (subject.is_own or subject.owner_id != by.owner_id) and not by.can("ratelimit:read"):
        raise InsufficientScope("ratelimit:read")


def _policy_of(limits: Limits, subject: Subject, name: str, state: State) -> Policy | None:
    if name.startswith(INLINE):
        # What was asked for inline stands on the item, for nobody has defined it.
        limit, burst = state.get("l"), state.get("b")
        window = Window(limit, int(name.removeprefix(INLINE)), burst) if limit and burst else None
        return Policy(name, (window,)) if window else None
    return limits.policies.get(KEYS, subject.name) if name == KEYS else limits.policies.find(name, subject.name)


def count(top: TopStore, stack: str, *, policy: str, kind: str, subject: str, mode: str, at: datetime) -> None:
    """Count a refusal, once a minute and subject, for the list and for an alarm."""
    if not top.count(policy, kind, subject, mode, at):
        return
    log.line("limited", kind=policy, outcome=mode, **_metric(stack))


def _metric(stack: str) -> dict[str, Any]:
    metrics = [{"Name": "subjects_limited", "Unit": "Count"}]
    directive = {"Namespace": "Tessera", "Dimensions": [["stack"]], "Metrics": metrics}
    about = {"Timestamp": clock.millis(), "CloudWatchMetrics": [directive]}
    return {"_aws": about, "stack": stack, "subjects_limited": 1}
