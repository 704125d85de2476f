"""Limits as an operator sets them: what ships, and what was put in its place."""

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion, VersionRequired, expected_versions
from tessera.gcra import Window
from tessera.overrides import PolicyRow
from tessera.policies import DEFAULTS, Policy
from tessera.problems import FieldError, InvalidRequest, NotFound

from ..store.policies import PolicyStore, Stored, name_of


@dataclass(frozen=True)
class Shown:
    """A policy in force; `row` is what an operator has set, None for what ships."""

    name: str
    policy: Policy
    row: PolicyRow | None = None


def get(policies: PolicyStore, name: str) -> Shown:
    """1 read unit. Raises `NotFound`."""
    stored = policies.stored(name)
    if stored.row is None and name not in DEFAULTS:
        raise NotFound("There is no such policy.")
    return _shown(name, stored.row)


def page(policies: PolicyStore, after: str, limit: int) -> tuple[list[Shown], str | None]:
    """Policies by name, those that ship and those that were set, and the name behind which the next page starts."""
    rows = {name_of(row): row for row in policies.named(after, limit + 1)}
    names = sorted({name for name in chain(DEFAULTS, rows) if name > after})
    shown = [_shown(name, rows.get(name)) for name in names[:limit]]
    return shown, shown[-1].name if len(names) > limit else None


def put(
    policies: PolicyStore,
    name: str,
    policy: Policy,
    addresses: list[str],
    *,
    if_match: str | None,
    by: Principal,
    call: Call,
) -> tuple[Shown, bool]:
    """Put a policy in force, everywhere within a minute; whether there was none before. 1 read and 1 write.

    What ships has version 0. Raises `StaleVersion`, `VersionRequired`, `InvalidRequest`.
    """
    _check(policy)
    stored = policies.stored(name)
    _check_version(name, stored, if_match)
    entry = audit(
        "ratelimit.policy-set",
        f"policy:{name}",
        by=by,
        call=call,
        limits=", ".join(f"{one.limit}/{one.period_seconds}s+{one.burst}" for one in policy.windows),
        mode=policy.mode,
        fail=policy.fail,
        before=stored.version,
    )
    row = policies.save(name, _values(policy, addresses), after=stored, event=entry)
    return _shown(name, row), stored.row is None and name not in DEFAULTS


def delete(policies: PolicyStore, name: str, *, if_match: str | None, by: Principal, call: Call) -> None:
    """Go back to what ships, or to no such policy. 1 read and 1 write. Raises `NotFound`, `StaleVersion`."""
    stored = policies.stored(name)
    if stored.row is None:
        raise NotFound("Nobody has set this policy.")
    if if_match is not None:
        _check_version(name, stored, if_match)
    entry = audit("ratelimit.policy-removed", f"policy:{name}", by=by, call=call, before=stored.version)
    policies.remove(name, after=stored, event=entry)


def _check(policy: Policy) -> None:
    for place, window in enumerate(policy.windows):
        if policy.algorithm == "gcra" and policy.slack_micros > window.full_after:
            told = "A slack above the time in which a bucket fills would set no limit."
            raise InvalidRequest(told, errors=[FieldError(f"/windows/{place}", told)])
    if policy.lease > policy.capacity:
        told = f"A lease of more than {policy.capacity} could never be had."
        raise InvalidRequest(told, errors=[FieldError("/lease", told)])


def _check_version(name: str, stored: Stored, if_match: str | None) -> None:
    """What ships counts as version 0, and a name that nobody has set needs no version."""
    exists = stored.row is not None or name in DEFAULTS
    if if_match is None:
        if stored.row is not None:
            raise VersionRequired("If-Match is required here. Read the policy, then send its ETag.")
        return
    wanted = expected_versions(if_match)
    current = stored.version if stored.row is not None else 0
    if not exists or (wanted is not None and current not in wanted):
        raise StaleVersion("It has changed since you read it. Read it again.")


def _values(policy: Policy, addresses: list[str]) -> dict[str, Any]:
    first, *more = policy.windows
    return {
        "limit": first.limit,
        "period_seconds": first.period_seconds,
        "burst": first.burst,
        "more": [[one.limit, one.period_seconds, one.burst] for one in more] or None,
        "algorithm": policy.algorithm,
        "mode": policy.mode,
        "fail": policy.fail,
        "slack_micros": policy.slack_micros,
        "exact": policy.exact,
        "quota": policy.quota,
        "lease": policy.lease,
        "priority": policy.priority,
        "addresses": addresses or None,
    }


def _shown(name: str, row: PolicyRow | None) -> Shown:
    policy = DEFAULTS.get(name) or Policy(name, (Window(1, 1, 1),))
    return Shown(name, row.over(policy) if row else replace(policy, version=0), row)
