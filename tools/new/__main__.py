"""`make new D=commerce C=gift_cards`: the smallest capability that keeps every rule, as it comes.

Beside this file stands a whole capability, `gift_cards` of `commerce`, as real code; a new one is that under its own
names: six files, a block in `template.yaml` and one in `stores.yaml`, its permissions, and three files of tests.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.new import blocks
from tools.new.names import Names, checked
from tools.paths import ROOT, shown
from tools.say import Failure, explain

SCAFFOLD = Path(__file__).parent / "scaffold"
LAYER = ROOT / "layers" / "shared" / "python" / "tessera"


def main() -> int:
    try:
        names = checked(ROOT, os.environ.get("D", ""), os.environ.get("C", ""))
    except Failure as failure:
        explain("new", failure)
        return 1
    made = [*write_files(names), *write_blocks(names)]
    arrange([path for path in made if path.suffix == ".py"])
    made += write_lists(names)
    print("\n".join(f"  {shown(path)}" for path in made))
    print(f"\n  It passes as it comes: make contract && make unit C={names.package}")
    print(f"  Then say what it is for in {shown(ROOT / 'functions' / names.domain / names.package / 'README.md')}.")
    return 0


def write_files(names: Names) -> Iterator[Path]:
    for source in sorted(path for path in SCAFFOLD.rglob("*") if path.is_file() and path.suffix in (".py", ".md")):
        path = ROOT / names.fill(str(source.relative_to(SCAFFOLD)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(names.fill(source.read_text()))
        yield path
    makefile = ROOT / "functions" / names.domain / "Makefile"
    if not makefile.exists():
        makefile.symlink_to(Path("..") / "Makefile")
        yield makefile


def write_blocks(names: Names) -> Iterator[Path]:
    template, stores = ROOT / "template.yaml", ROOT / "stores.yaml"
    functions = blocks.add_resources(template.read_text(), block("template", names), names)
    template.write_text(blocks.count_requests_of(blocks.let_accounts_call(functions, names.path), names.path))
    yield template
    tables = blocks.add_resources(stores.read_text(), block("stores", names), names)
    output = f"  {names.logical_id}: {{Value: !Ref {names.logical_id}}}"
    stores.write_text(blocks.add_output(tables, output, names))
    yield stores
    permissions = LAYER / "permissions.json"
    known = {name for group in json.loads(permissions.read_text())["groups"] for name in group["permissions"]}
    missing = [name for name in (f"{names.path}:read", f"{names.path}:write") if name not in known]
    if missing:
        permissions.write_text(blocks.add_group(permissions.read_text(), group_of(names, missing)))
        yield permissions
    grants = LAYER / "service-grants.json"
    grant = {"caller": "accounts", "callee": names.path, "permissions": []}
    if grant not in json.loads(grants.read_text()):
        grants.write_text(blocks.add_grant(grants.read_text(), f"  {json.dumps(grant)}"))
        yield grants


def write_lists(names: Names) -> Iterator[Path]:
    """What is kept of all capabilities at once, and held against them by a test."""
    tenancy = ROOT / "tests" / "kit" / "tenancy.py"
    tenancy.write_text(blocks.add_maker(tenancy.read_text(), names))
    yield tenancy
    # In a process of its own, which sees the capability as it stands now.
    subprocess.run(
        [sys.executable, "-m", "tools.permissions", "--routes"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    yield from (ROOT / "docs" / "permissions.md", ROOT / "tests" / "contract" / "route_requirements.txt")


def block(template: str, names: Names) -> str:
    return names.fill((SCAFFOLD / f"{template}.yaml").read_text())


def group_of(names: Names, permissions: list[str]) -> str:
    """What everybody may do with what is their own, in the form of `permissions.json`."""
    cells = dict.fromkeys(("user", "support", "moderator", "admin", "owner"), "yes")
    lines = [
        f'      "title": "own {names.words}",',
        f'      "permissions": {json.dumps(permissions)},',
        f'      "cells": {json.dumps(cells)},',
        '      "service": "no"',
    ]
    return "\n".join(["    {", *lines, "    }"])


def arrange(paths: list[Path]) -> None:
    """Names of another length break lines elsewhere."""
    for command in (["check", "-q", "--select", "I", "--fix"], ["format", "-q"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *map(str, paths)], cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
