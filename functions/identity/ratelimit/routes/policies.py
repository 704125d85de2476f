"""Limits as an operator sets them."""

from typing import Annotated

from fastapi import Query, Response

from tessera import clock
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.policies import Policy
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from ..actions import policies as actions
from ..actions.policies import Shown
from ..schemas import PoliciesParams, PolicyIn, PolicyOut, WindowOut
from .given import PREFIX, TAGS, Here, Keys, Manager, NameInPath, Policies, Reader, window_of

router = Router(prefix=f"{PREFIX}/policies", tags=TAGS)


@router.get("", responses=problems(InvalidRequest, InvalidCursor))
async def list_policies(
    asked: Annotated[PoliciesParams, Query()], caller: Reader, policies: Policies, keys: Keys
) -> Page[PolicyOut]:
    """Every policy in force, by name: what ships, and what was set in its place."""
    route = "GET /ratelimit/policies"
    state = keys.state(caller, route, asked, asked.cursor)
    shown, after = actions.page(policies, state["after"] if state else "", asked.limit)
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    return Page[PolicyOut](items=[_out(one) for one in shown], next=following)


@router.get("/{name}", responses=problems(NotFound))
async def get_policy(name: NameInPath, response: Response, caller: Reader, policies: Policies) -> PolicyOut:
    """One policy. What ships has version 0."""
    return _answered(actions.get(policies, name), response)


@router.put(
    "/{name}",
    responses={
        201: {"model": PolicyOut, "description": "There was no such policy before."},
        **problems(InvalidRequest, StaleVersion, VersionRequired),
    },
)
async def put_policy(
    name: NameInPath,
    body: PolicyIn,
    response: Response,
    caller: Manager,
    call: Here,
    policies: Policies,
    if_match: IfMatch = None,
) -> PolicyOut:
    """Set a policy. It is in force everywhere within a minute, and no bucket is reset by it."""
    shown, is_new = actions.put(
        policies, name, _policy(name, body), list(body.addresses), if_match=if_match, by=caller, call=call
    )
    if is_new:
        response.status_code = 201
        response.headers["Location"] = f"{PREFIX}/policies/{name}"
    return _answered(shown, response)


@router.delete("/{name}", status_code=204, responses=problems(NotFound, StaleVersion))
async def delete_policy(
    name: NameInPath, caller: Manager, call: Here, policies: Policies, if_match: IfMatch = None
) -> None:
    """Go back to what ships, or to no such policy."""
    actions.delete(policies, name, if_match=if_match, by=caller, call=call)


def _policy(name: str, body: PolicyIn) -> Policy:
    return Policy(
        name,
        tuple(window_of(window.limit, window.period_s, window.burst) for window in body.windows),
        fail=body.fail,
        mode=body.mode,
        slack_micros=body.slack_ms * 1_000,
        algorithm=body.algorithm,
        exact=body.exact,
        quota=body.quota_per_month,
        lease=body.lease,
        priority=body.priority,
    )


def _answered(shown: Shown, response: Response) -> PolicyOut:
    show_version(response, shown.policy.version)
    return _out(shown)


def _out(shown: Shown) -> PolicyOut:
    policy, row = shown.policy, shown.row
    windows = [WindowOut(limit=one.limit, period_s=one.period_seconds, burst=one.burst) for one in policy.windows]
    return PolicyOut(
        name=shown.name,
        source="override" if row else "default",
        windows=windows,
        algorithm=policy.algorithm,
        mode=policy.mode,
        fail=policy.fail,
        quota_per_month=policy.quota,
        exact=policy.exact,
        lease=policy.lease,
        slack_ms=policy.slack_micros // 1_000,
        priority=policy.priority,
        addresses=[str(network) for network in row.addresses or []] if row else [],
        version=policy.version,
        changed_at=clock.parse(row.changed_at) if row and row.changed_at else None,
    )
