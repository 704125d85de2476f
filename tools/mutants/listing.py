"""The sites of a capability, numbered as the plugin numbers them."""

from pathlib import Path

from tools.mutants.sites import Site, instrumented


def sites_of(package: Path) -> list[Site]:
    found: list[Site] = []
    for path in sorted(package.rglob("*.py")):
        found += instrumented(path, len(found) + 1)[1]
    return found
