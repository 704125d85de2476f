"""`python -m tools.permissions`: who may do what, written down for people.

It writes `docs/permissions.md` from `permissions.json`, and with `--routes` the list of what every route asks for,
which is reviewed whenever it changes.
"""

import sys
from collections.abc import Iterator
from typing import Any

from tessera.auth.roles import held_by as held_by
from tessera.auth.roles import matrix
from tessera.entry.guard import guard_of
from tessera.entry.routing import Route
from tools.document import apps
from tools.paths import ROOT
from tools.say import Failure, explain

PAGE = ROOT / "docs" / "permissions.md"
ROUTES = ROOT / "tests" / "contract" / "route_requirements.txt"

_OPENING = """# Permissions

A permission is `capability:verb`. Roles add up; nothing takes a permission away. Built-in roles are fixed in
`layers/shared/python/tessera/permissions.json`, from which this page is made by `python -m tools.permissions`.
More roles are defined under `/admin/roles`. A cell says `yes`, `–`, or how far: a limit that the capability holds.
`/admin/check` says why somebody may do something.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            _OPENING,
            "## Who holds what\n",
            *_table(),
            "\n## Wildcards\n",
            *(f"- `{role}` also holds every {', '.join(map(_code, held))}." for role, held in _named("wildcards")),
            "\n## Roles that ship, to be changed or deleted\n",
            *(f"- `{role}`: {', '.join(map(_code, held))}" for role, held in _named("custom_roles")),
            "\n## In an organisation\n",
            "Whoever acts for an organisation holds what a user holds, as far as their role there reaches;",
            "what they are on the platform does not count.\n",
            *(f"- `{role}`: {', '.join(map(_code, held))}" for role, held in _named("organisation_roles")),
            "",
        ]
    )


def requirements() -> str:
    """Every route and what it asks for, a line each."""
    return "".join(f"{route} -> {asks}\n" for route, asks in sorted(_lines()))


def _table() -> Iterator[str]:
    roles = matrix()["roles"]
    yield f"| Permissions | {' | '.join(roles)} | services |"
    yield f"| --- |{' --- |' * (len(roles) + 1)}"
    for group in matrix()["groups"]:
        cells = [_said(group["cells"].get(role, "no")) for role in roles]
        granted = {"yes": "yes", "no": "–", "grant": "per grant"}[group["service"]]
        names = ", ".join(map(_code, group["permissions"]))
        yield f"| **{group['title']}**: {names} | {' | '.join(cells)} | {granted} |"


def _said(cell: Any) -> str:
    if isinstance(cell, dict):
        return str(cell["limit"]) if cell["held"] else f"– ({cell['limit']})"
    return "yes" if cell == "yes" else "–"


def _named(part: str) -> Iterator[tuple[str, list[str]]]:
    yield from matrix()[part].items()


def _code(text: str) -> str:
    return f"`{text}`"


def _lines() -> Iterator[tuple[str, str]]:
    """By path, so that what belongs together stands together."""
    for loaded in apps.load_all():
        for route in loaded.app.router.routes:
            if isinstance(route, Route):
                for method in sorted(route.methods or ()):
                    yield f"{route.path} {method}", guard_of(route).describe()


def main(arguments: list[str]) -> int:
    try:
        if "--routes" in arguments:
            ROUTES.write_text(requirements())
            print(f"Wrote {ROUTES.relative_to(ROOT)}: look at what changed before you commit it.")
        PAGE.write_text(page())
        print(f"Wrote {PAGE.relative_to(ROOT)}.")
    except Failure as failure:
        explain("permissions", failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
