"""A pytest plugin: loads one capability with its switches, and notes which tests pass which of them.

`MUTANT_PACKAGE` is the capability's folder, `MUTANT` the active switch, `MUTANT_HITS` a folder for the notes.
"""

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pynamodb.expressions.condition import Condition

from tools.mutants.sites import SIDES, WHOLE, Site, instrumented

_active = int(os.environ.get("MUTANT") or 0)
_hits: defaultdict[str, set[int]] = defaultdict(set)
_running = ""


def sites_of(package: Path) -> dict[Path, tuple[Any, list[Site]]]:
    """Every module of the capability, in the order that numbers its sites."""
    found: dict[Path, tuple[Any, list[Site]]] = {}
    number = 1
    for path in sorted(package.rglob("*.py")):
        tree, sites = instrumented(path, number)
        number += len(sites)
        found[path] = tree, sites
    return found


def whole(number: int, value: Callable[[], Any]) -> Any:
    _hits[_running].add(number)
    return None if number == _active else value()


def sides(left_number: int, right_number: int, left: Callable[[], Any], right: Callable[[], Any]) -> Any:
    first = left()
    if not isinstance(first, Condition):
        # Two sets, say. A number below zero tells that this is no condition at all.
        _hits[_running].update((-left_number, -right_number))
        return first & right()
    _hits[_running].update((left_number, right_number))
    if right_number == _active:
        return first
    return right() if left_number == _active else first & right()


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, package: Path, root: Path) -> None:
        self._modules = sites_of(package)
        self._names = {
            ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
            for path in self._modules
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        found = self._names.get(name)
        if found is None:
            return None
        inside = [str(found.parent)] if found.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(name, found, loader=self, submodule_search_locations=inside)

    def exec_module(self, module: ModuleType) -> None:
        path = Path(str(module.__file__))
        exec(compile(self._modules[path][0], str(path), "exec"), module.__dict__)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    global _running
    _running = item.nodeid
    yield


def pytest_sessionfinish() -> None:
    folder = os.environ.get("MUTANT_HITS")
    if folder and _hits:
        notes = {test: sorted(numbers) for test, numbers in _hits.items() if test}
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(notes))


setattr(builtins, WHOLE, whole)
setattr(builtins, SIDES, sides)
sys.meta_path.insert(0, _Finder(Path(os.environ["MUTANT_PACKAGE"]), Path.cwd()))
