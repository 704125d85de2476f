"""What each file of a capability and each module of the layer may import."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.sources import nodes
from tests.kit.templates import ROOT

LAYER = ROOT / "layers/shared/python/tessera"
FUNCTIONS = ROOT / "functions"

# Each group may import itself and the groups before it, never one behind it.
GROUPS = [
    "ids clock money types settings log",
    "aws backoff batches problems strictness etags cursors recent ordering words recurrence rrule cron pricing csvio "
    "sealed icalendar namespaces emails",
    "outbox expressions tables link_passwords transact due jobs idempotency listing belongings ledger",
    "auth limits gcra windows quotas tallies policies overrides buckets decisions leases sampling",
    "bus queues triggers live job_news seqlog fanout saga",
    "markup safehttp upstream uploads objects providers resolver searchable fileinfo",
    "entry",
]
RANK = {module: rank for rank, group in enumerate(GROUPS) for module in group.split()}

NEVER = {
    "rules": ("fastapi", "pynamodb", "pydantic", "boto3", "botocore", "tessera.clock", "tessera.aws", "tessera.tables"),
    "schemas": ("fastapi", "pynamodb", ".store", ".actions"),
    "factor_schemas": ("fastapi", "pynamodb", ".store", ".actions"),
    "events": ("fastapi", "pynamodb", "botocore", ".store", ".actions", ".schemas"),
    "store": ("fastapi", ".schemas", "tessera.entry", "tessera.queues", "tessera.triggers", "tessera.live"),
    "actions": ("fastapi", ".schemas", "tessera.entry"),
    "routes": ("pynamodb", "boto3", "botocore", "tessera.tables", "tessera.aws"),
    "triggers": ("fastapi", "tessera.entry", ".routes", ".schemas"),
}


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports at its top, relative ones resolved to the package: `.store.rows`."""
    package = path.parent
    for node in nodes(path.read_text()):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield node.module or ""
                yield from (f"{node.module}.{name.name}" for name in node.names)
            else:
                base = package
                for _ in range(node.level - 1):
                    base = base.parent
                inside = base.relative_to(FUNCTIONS).parts[2:]
                head = ".".join(["", *inside, *(node.module or "").split(".")]).rstrip(".")
                yield head or "."
                yield from (f"{head}.{name.name}" for name in node.names)


def capability_files() -> list[Path]:
    return sorted(path for path in FUNCTIONS.glob("*/*/**/*.py") if "__pycache__" not in path.parts)


def part_of(path: Path) -> str:
    """Which file of the capability this is: `store/rows.py` is part of `store`."""
    inside = path.relative_to(FUNCTIONS).parts[2:]
    return inside[0].removesuffix(".py")


@pytest.mark.parametrize("path", capability_files(), ids=lambda path: str(path.relative_to(FUNCTIONS)))
def test_a_capability_file_imports_only_what_its_place_allows(path):
    forbidden = NEVER.get(part_of(path), ())
    found = {name for name in imported(path) for never in forbidden if name == never or name.startswith(f"{never}.")}

    assert not found, f"{path.relative_to(ROOT)} imports {', '.join(sorted(found))}"


@pytest.mark.parametrize("path", capability_files(), ids=lambda path: str(path.relative_to(FUNCTIONS)))
def test_no_capability_imports_another_or_reaches_aws_by_itself(path):
    found = {name for name in imported(path) if name.split(".")[0] in ("functions", "boto3", "botocore")}

    assert not found, f"{path.relative_to(ROOT)} imports {', '.join(sorted(found))}"


def layer_files() -> list[Path]:
    return sorted(path for path in LAYER.rglob("*.py") if path.name != "__init__.py" or path.parent != LAYER)


def module_of(path: Path) -> str:
    return path.relative_to(LAYER).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", layer_files(), ids=lambda path: str(path.relative_to(LAYER)))
def test_a_layer_module_imports_only_what_is_left_of_it(path):
    mine = module_of(path)
    assert mine in RANK, f"Say in GROUPS where {mine} belongs."

    behind = {
        name for name in imported(path) if name.startswith("tessera.") and RANK.get(name.split(".")[1], -1) > RANK[mine]
    }

    assert not behind, f"{mine} imports {', '.join(sorted(behind))}"


@pytest.mark.parametrize("path", layer_files(), ids=lambda path: str(path.relative_to(LAYER)))
def test_only_one_module_reaches_aws(path):
    if module_of(path) == "aws":
        return
    found = {name for name in imported(path) if name.split(".")[0] in ("boto3", "botocore")}

    assert not found, f"{path.relative_to(LAYER)} imports {', '.join(sorted(found))}"


@pytest.mark.parametrize("path", layer_files(), ids=lambda path: str(path.relative_to(LAYER)))
def test_a_layer_module_stays_small(path):
    assert len(path.read_text().splitlines()) <= 250


@pytest.mark.parametrize("path", capability_files(), ids=lambda path: str(path.relative_to(FUNCTIONS)))
def test_a_capability_module_stays_readable(path):
    assert len(path.read_text().splitlines()) <= 400


def test_a_capability_is_not_named_like_a_page_of_the_front_door():
    names = {path.parent.name for path in FUNCTIONS.glob("*/*/__init__.py")}

    assert not names & {
        "todo",
        "mailbox",
        "traces",
        "assets",
        "live",
        "demo",
        "docs",
        "problems",
        "ready",
        "metrics",
        "s",
    }


def test_a_capability_is_not_named_like_something_python_imports():
    names = {path.parent.name for path in FUNCTIONS.glob("*/*/__init__.py")}

    taken = names & (set(sys.stdlib_module_names) | {"fastapi", "graphql", "pydantic", "tessera", "mangum"})

    assert not taken
