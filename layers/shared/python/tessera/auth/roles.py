"""Roles and what they hold, as `permissions.json` says; no other place adds a permission.

A permission is `{capability}:{verb}`. Built-in roles are fixed here; custom roles are data of the
capability `admin`, and a token brings what they add as its claim `perms`.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def matrix() -> dict[str, Any]:
    """The role matrix, read once: roles, wildcards, groups with one cell per role, custom roles."""
    found: dict[str, Any] = json.loads(_text("permissions.json"))
    return found


@cache
def known() -> frozenset[str]:
    """Every permission there is."""
    return frozenset(permission for group in matrix()["groups"] for permission in group["permissions"])


@cache
def held_by(role: str) -> frozenset[str]:
    """The permissions of a built-in role, wildcards kept as they are; none for a role we do not know."""
    permissions = {
        permission
        for group in matrix()["groups"]
        if _is_held(group["cells"].get(role, "no"))
        for permission in group["permissions"]
    }
    return frozenset(permissions | set(matrix()["wildcards"].get(role, [])))


def expand(roles: Iterable[str], extra: Iterable[str] = ()) -> frozenset[str]:
    """What these roles hold together. `extra` comes from custom roles and may bring no wildcards."""
    named = {permission for permission in extra if permission in known()}
    return frozenset(named.union(*(held_by(role) for role in roles)))


def expand_in_organisation(role: str | None, extra: Iterable[str] = ()) -> frozenset[str]:
    """What a member may do while acting for their organisation: never more than a user may do with their own.

    What a person is on the platform does not flow into it. `extra` is what a role of the organisation's own
    names, for which there is no built-in one.
    """
    ours, built_in = held_by("user"), organisation_roles()
    if role in built_in:
        allowed = built_in[role]
        return ours if "*" in allowed else frozenset(held for held in ours if f"*:{held.partition(':')[2]}" in allowed)
    return ours & frozenset(extra)


@cache
def organisation_roles() -> dict[str, frozenset[str]]:
    """The roles that every organisation has: `*` stands for all that a user may do, `*:read` for reading."""
    return {name: frozenset(held) for name, held in matrix()["organisation_roles"].items()}


@cache
def granted(caller: str, callee: str) -> frozenset[str]:
    """What a service may do at another one: its line in `service-grants.json`, and what every service may."""
    every = {
        permission for group in matrix()["groups"] if group["service"] == "yes" for permission in group["permissions"]
    }
    lines = [grant for grant in grants() if (grant["caller"], grant["callee"]) == (caller, callee)]
    return frozenset(every.union(*(grant["permissions"] for grant in lines)))


@cache
def grants() -> tuple[dict[str, Any], ...]:
    """Who may invoke whom; the templates' `lambda:InvokeFunction` statements say the same."""
    return tuple(json.loads(_text("service-grants.json")))


@cache
def shared() -> frozenset[str]:
    """What an API key of an organisation may be made for: what a member may do, but for what is a person's own.

    Such a key is no person and outlives whoever made it: people talk, and are there, in their own name alone.
    """
    alone = ("accounts:self", "apikeys:", "chat:", "habits:", "notifications:", "organisations:")
    live = ("presence:", "realtime:")
    return frozenset(held for held in expand_in_organisation("member") if not held.startswith(alone + live))


@cache
def sandbox() -> frozenset[str]:
    """What an API key for tests may be made for: nothing that costs money or reaches anybody outside."""
    return frozenset(matrix()["sandbox"])


def require_known(permission: str) -> None:
    """Raises `ValueError` for a permission that `permissions.json` does not list."""
    if permission not in known():
        raise ValueError(f"There is no permission {permission}. Add it to a group of permissions.json first.")


def _is_held(cell: Any) -> bool:
    # A cell is "yes", or says a limit that the capability holds, or a way other than the permission.
    return cell == "yes" or (isinstance(cell, dict) and bool(cell["held"]))


def _text(name: str) -> str:
    return files("tessera").joinpath(name).read_text(encoding="utf-8")
