"""Every mutant meets the tests that come by its condition, in a fork of a process that has collected them all."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.mutants.forks import OUT_OF_TIME, in_forks, limit
from tools.mutants.progress import Progress
from tools.mutants.sites import Site
from tools.mutants.switches import state
from tools.mutants.task import Task

# Two cores are common, and tests wait for each other's locks.
AT_ONCE = 2
PARTS = 16
SURVIVED, NOTICED = 0, 1
WORD_NOTICED, WORD_HUNG = "noticed", "hung"


class TheyFail(Exception):
    def __init__(self, tests: list[str]) -> None:
        super().__init__()
        self.tests = tests


@dataclass(frozen=True)
class Run:
    """`number` is the switch's, or below zero when the tests run as they are."""

    number: int
    tests: list[str]


@dataclass
class Notes:
    """What the tests do as they are."""

    hits: dict[str, list[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def tests_by(self, number: int) -> list[str]:
        """The tests that come by, the best hope for each second first.

        Those that pass few conditions were likely written for one of them.
        """
        found = [test for test, numbers in self.hits.items() if number in numbers]
        return sorted(found, key=lambda test: len(self.hits[test]) * self.seconds.get(test, 0))


class Judge:
    def __init__(self, task: Task, session: pytest.Session, sites: Sequence[Site]) -> None:
        self._task, self._session, self._sites = task, session, sites
        self._items = {item.nodeid: item for item in session.items}
        self._progress = Progress(task.name)

    def verdicts(self) -> dict[int, str]:
        """What came out for each condition: noticed, or why not. What is no condition, or is waived, is left out.

        Raises `TheyFail` when a test fails as it is.
        """
        with tempfile.TemporaryDirectory() as folder:
            self._folder = Path(folder)
            notes = self._as_they_are()
            passed = {number for numbers in notes.hits.values() for number in numbers}
            tried = [site.number for site in self._sites if not site.waived and -site.number not in passed]
            return self._judged([Run(number, notes.tests_by(number)) for number in tried], notes)

    def _as_they_are(self) -> Notes:
        tests, notes, broken, done = list(self._items), Notes(), list[str](), 0
        size = max(1, -(-len(tests) // PARTS))
        parts = [Run(-1 - start, tests[start : start + size]) for start in range(0, len(tests), size)]

        def work(part: Run) -> int:
            failed = self._run(part, dict.fromkeys(part.tests, self._task.seconds_unknown), to_the_end=True)
            hits = {test: sorted(numbers) for test, numbers in state.hits.items() if test}
            said = {"hits": hits, "seconds": state.seconds, "failed": state.failed}
            self._file(part, "notes").write_text(json.dumps(said))
            return failed

        for part, outcome in in_forks(parts, work, at_once=AT_ONCE, meanwhile=self._progress.tick):
            done += len(part.tests)
            self._progress.now = f"{done} of {len(tests)} tests run as they are"
            if outcome not in (SURVIVED, NOTICED):
                broken.append(f"{self._where(part)} ({outcome})")
                continue
            said = json.loads(self._file(part, "notes").read_text())
            notes.hits.update(said["hits"])
            notes.seconds.update(said["seconds"])
            broken += said["failed"]
        if broken:
            raise TheyFail(broken)
        return notes

    def _judged(self, mutants: Sequence[Run], notes: Notes) -> dict[int, str]:
        found = {mutant.number: "No unit test comes by here." for mutant in mutants if not mutant.tests}
        again: list[Run] = []
        for mutant, outcome in self._met([mutant for mutant in mutants if mutant.tests], notes, at_once=AT_ONCE):
            if outcome == OUT_OF_TIME:
                # The machine may have been busy; and another test may notice where this one waits, so it comes last.
                again.append(Run(mutant.number, sorted(mutant.tests, key=self._where(mutant).__eq__)))
            else:
                found[mutant.number] = self._told(mutant, outcome)
                if outcome != NOTICED:
                    self._progress.say(f"not noticed: {self._place(mutant)}")
            left = sum(said != WORD_NOTICED for said in found.values())
            self._progress.now = f"{len(found)} of {len(mutants)} judged, {left} not noticed, {len(again)} for later"
        for mutant, outcome in self._met(again, notes, at_once=1):
            found[mutant.number] = self._told(mutant, outcome)
        return found

    def _met(self, mutants: Sequence[Run], notes: Notes, *, at_once: int) -> Iterator[tuple[Run, int]]:
        def work(mutant: Run) -> int:
            normal = {test: notes.seconds.get(test, 0) for test in mutant.tests}
            limits = {test: self._task.seconds_for(normal[test], is_alone=at_once == 1) for test in normal}
            return self._run(mutant, limits, to_the_end=False)

        return in_forks(mutants, work, at_once=at_once, meanwhile=self._progress.tick)

    def _run(self, run: Run, limits: dict[str, float], *, to_the_end: bool) -> int:
        """In a fork: whether a test failed. The clock begins anew with each test."""
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(self._file(run, "files"))
        self._file(run, "files").mkdir(exist_ok=True)
        state.active = max(0, run.number)
        items = [self._items[test] for test in run.tests]
        for item, following in zip(items, [*items[1:], None], strict=True):
            state.test = item.nodeid
            self._file(run, "at").write_text(item.nodeid)
            limit(limits[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._session.testsfailed and not to_the_end:
                break
        return NOTICED if self._session.testsfailed else SURVIVED

    def _told(self, mutant: Run, outcome: int) -> str:
        if outcome == NOTICED:
            return WORD_NOTICED
        if outcome == SURVIVED:
            return f"{len(mutant.tests)} tests came by and none failed."
        if outcome == OUT_OF_TIME:
            return f"{WORD_HUNG} in {self._where(mutant)}"
        return f"The run broke off ({outcome}) in {self._where(mutant)}."

    def _place(self, mutant: Run) -> str:
        site = next(site for site in self._sites if site.number == mutant.number)
        return f"{site.path.name}:{site.line}: {site.text}"

    def _where(self, run: Run) -> str:
        """The test in which a run ended that did not come to its end."""
        at = self._file(run, "at")
        return at.read_text() if at.exists() else "the beginning"

    def _file(self, run: Run, what: str) -> Path:
        return self._folder / f"{run.number}.{what}"
