"""`make test`: what needs nothing first, then one deployed stack and everything that runs against it.

`python -m tools.test [SUITE...]`; `C=tasks` narrows every suite to one capability.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools import cloud, generated, ports, processes, registry
from tools.paths import ROOT, STATE
from tools.say import Failure, explain
from tools.stack import AlreadyRunning, LocalStack

FOLDER = STATE / "test"
ALONE = ("contract", "unit", "performance")
AGAINST_A_STACK = ("emulator_facts", "e2e", "peers")
# These harm the stack they run against, so they get one of their own, and only when they are named.
ON_REQUEST = ("chaos",)
SUITES = (*ALONE, *AGAINST_A_STACK, *ON_REQUEST)
# These run beside others: they count what is done and what it costs, and none of them times it.
BESIDE = ("contract", "performance")
# Two cores are what everyone has. Black-box tests wait for much of their time, so there is room for more of them.
WORKERS = {"unit": 2, "e2e": 6, "peers": 2}


@dataclass(frozen=True)
class Outcome:
    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()


def main(arguments: Sequence[str]) -> int:
    wanted, only = list(arguments), os.environ.get("C", "")
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        print(f"There is no suite {unknown[0]}. There are: {', '.join(SUITES)}.", file=sys.stderr)
        return 2
    if only and not any(targets(suite, only) for suite in wanted or SUITES):
        print(
            f"There are no tests of `{only}` in {', '.join(wanted or SUITES)}. C names a capability.", file=sys.stderr
        )
        return 2
    if not os.environ.get("BASE_URL"):
        cloud.leave_accounts()
    outcomes: list[Outcome] = []
    try:
        with processes.stopping_on_signals():
            generated.make()
            alone = [suite for suite in ALONE if _is_wanted(suite, wanted, only)]
            deployed = [suite for suite in AGAINST_A_STACK if _is_wanted(suite, wanted, only)]
            deployed += [suite for suite in ON_REQUEST if suite in wanted]
            if deployed:
                outcomes += side_by_side([suite for suite in alone if suite not in BESIDE], only)
                outcomes += run_deployed(deployed, only, beside=[suite for suite in alone if suite in BESIDE])
            else:
                outcomes += side_by_side(alone, only)
    except Failure as failure:
        explain("generated files", failure)
        return 1
    except KeyboardInterrupt:
        print("\n  interrupted; nothing is left running")
        return 130
    return summarise(outcomes)


def run_deployed(suites: Sequence[str], only: str, *, beside: Sequence[str]) -> list[Outcome]:
    """One after the other; those `beside` have what time these leave, which wait for much of theirs."""
    with ExitStack() as after:
        meanwhile = [after.enter_context(Running(suite, only, {}, quietly=True, idly=True)) for suite in beside]
        outcomes = _against_a_stack(suites, only)
        return outcomes + [running.outcome() for running in meanwhile]


def _against_a_stack(suites: Sequence[str], only: str) -> list[Outcome]:
    """Against the stack BASE_URL names, else against one that is deployed for this run and taken away after it."""
    if os.environ.get("BASE_URL"):
        # The facts are about the emulator, and what BASE_URL names may be AWS.
        return [run(suite, only, {}) for suite in suites if suite not in ("emulator_facts", *ON_REQUEST)]
    with ExitStack() as after:
        print("\n== a stack for the tests", flush=True)
        try:
            stack = after.enter_context(LocalStack(FOLDER, door_port=ports.any_free()))
        except AlreadyRunning:
            explain("a stack for the tests", Failure("Another `make test` is running here.", remedy="Wait for it."))
            return [Outcome("stack", failed=1)]
        except Failure:
            return [Outcome("stack", failed=1)]
        variables = {**stack.facts.for_tests(), "EMULATOR_PID": str(stack.emulator_pid)}
        return [run(suite, only, variables) for suite in suites]


def side_by_side(suites: Sequence[str], only: str) -> list[Outcome]:
    """All at once. One is seen as it goes on, each of the others when it has ended."""
    shown = next((suite for suite in suites if suite not in BESIDE), suites[0] if suites else "")
    with ExitStack() as after:
        running = {suite: after.enter_context(Running(suite, only, {}, quietly=suite != shown)) for suite in suites}
        ended = {suite: running[suite].outcome() for suite in sorted(suites, key=lambda suite: suite == shown)}
        return [ended[suite] for suite in suites]


def run(suite: str, only: str, variables: Mapping[str, str]) -> Outcome:
    if not targets(suite, only):
        return Outcome(suite)
    with Running(suite, only, variables) as running:
        return running.outcome()


class Running:
    """One suite in a process of its own.

    `quietly` keeps what it says until it has ended; `idly` leaves the processor to all others.
    """

    def __init__(
        self, suite: str, only: str, variables: Mapping[str, str], *, quietly: bool = False, idly: bool = False
    ) -> None:
        self._suite, self._report = suite, STATE / "logs" / f"{suite}.xml"
        self._report.parent.mkdir(parents=True, exist_ok=True)
        self._report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={self._report}"]
        command += map(str, targets(suite, only))
        if suite in WORKERS:
            # By itself pytest-xdist begins with the files of most tests; ours say which of them take long.
            command += ["-n", str(WORKERS[suite]), "--dist", "loadfile", "--no-loadscope-reorder"]
        self._said = self._report.with_suffix(".log") if quietly else None
        if not quietly:
            print(f"\n== {suite}", flush=True)
        self._began = time.monotonic()
        with self._said.open("wb") if self._said else nullcontext() as sink:
            self._child = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        if idly:
            processes.give_way(self._child.pid)
        self._started = processes.started(self._child.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        processes.end(self._child.pid, self._started)

    def outcome(self) -> Outcome:
        code = self._child.wait()
        seconds = time.monotonic() - self._began
        if self._said:
            print(f"\n\n== {self._suite}\n{self._said.read_text(errors='replace')}", flush=True)
        return _read(self._suite, self._report, code, seconds)


def targets(suite: str, only: str) -> list[Path]:
    """What to hand to pytest: the suite's folder, or the part of it that belongs to one capability."""
    folder = ROOT / "tests" / suite
    if not only:
        return [folder] if any(folder.rglob("test_*.py")) else []
    package = only.replace("-", "_")
    found = [folder / part / package for part in ("", *sorted(_domains()))]
    found += [folder / part / f"test_{package}.py" for part in ("", *sorted(_domains()))]
    return [path for path in found if path.exists()]


def summarise(outcomes: Sequence[Outcome]) -> int:
    print("\n  suite            passed  failed  skipped    time")
    for outcome in outcomes:
        counts = f"{outcome.passed:>6}  {outcome.failed:>6}  {outcome.skipped:>7}"
        print(f"  {outcome.suite:<16} {counts} {outcome.seconds:>6.0f} s")
        for reason in outcome.reasons:
            print(f"    skipped: {reason}")
    passed, failed, skipped = (sum(getattr(o, name) for o in outcomes) for name in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0


def _is_wanted(suite: str, wanted: Sequence[str], only: str) -> bool:
    return (suite in wanted or not wanted) and bool(targets(suite, only))


def _domains() -> set[str]:
    return {capability.domain for capability in registry.capabilities()}


def _read(suite: str, report: Path, code: int, seconds: float) -> Outcome:
    """The counts of pytest's report. A run that ended before it could write one has failed."""
    if not report.exists():
        return Outcome(suite, failed=1, seconds=seconds)
    results = list(ET.parse(report).getroot().iter("testsuite"))
    total, errors, failures, skipped = (
        sum(int(result.get(name, 0)) for result in results) for name in ("tests", "errors", "failures", "skipped")
    )
    failed = errors + failures
    # Its own time: whoever waited for it may have had other things to wait for first.
    seconds = sum(float(result.get("time", 0)) for result in results) or seconds
    # Exit code 5 says that nothing was collected, which no count shows.
    failed = max(failed, 1) if code not in (0, 5) else failed
    reasons = {case.get("message", "") for result in results for case in result.iter("skipped")}
    return Outcome(suite, max(total - failed - skipped, 0), failed, skipped, seconds, tuple(sorted(reasons - {""})))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
