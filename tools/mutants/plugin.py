"""A pytest plugin: loads what is judged with its switches, and judges its mutants once its tests are collected.

`MUTANT_TASK` names a file that says what to do, and where to write what came out.
"""

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tools.mutants import switches
from tools.mutants.judge import Judge, TheyFail
from tools.mutants.sites import PART, SIDES, WHOLE, modules_of
from tools.mutants.task import Task


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, files: Sequence[Path], root: Path) -> None:
        self.modules = modules_of(files)
        self._names = {
            ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
            for path in self.modules
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
        exec(compile(self.modules[path][0], str(path), "exec"), module.__dict__)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    if session.testsfailed:
        raise session.Interrupted("The tests cannot be collected.")
    judge = Judge(_task, session, [site for _, sites in _finder.modules.values() for site in sites])
    verdicts: dict[int, str] = {}
    broken: list[str] = []
    try:
        verdicts = judge.verdicts()
    except TheyFail as failure:
        broken = failure.tests
    _task.answer.write_text(json.dumps({"verdicts": verdicts, "broken": broken}))
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    switches.note_report(report)


_task = Task.read(Path(os.environ["MUTANT_TASK"]))
_finder = _Finder(_task.files, _task.root)
setattr(builtins, WHOLE, switches.whole)
setattr(builtins, SIDES, switches.sides)
setattr(builtins, PART, switches.part)
sys.meta_path.insert(0, _finder)
