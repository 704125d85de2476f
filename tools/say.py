"""What the tools print: one line a step, with its time, and a failure that says what to do."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.paths import shown


class Failure(Exception):
    """A step went wrong. `remedy` says what to do; `log` is where the useful lines are."""

    def __init__(self, what: str, *, remedy: str = "", log: Path | None = None, lines: str = "") -> None:
        super().__init__(what)
        self.what, self.remedy, self.log, self.lines = what, remedy, log, lines


class Steps:
    """Prints each step when it is done; a quiet one prints failures only."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.started = time.monotonic()
        self.took: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        with self.check(name):
            yield
        self.took[name] = time.monotonic() - began
        if not self.quiet:
            print(f"  {self.took[name]:6.1f} s  {name}", flush=True)

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """A step that is silent unless it fails."""
        try:
            yield
        except Failure as failure:
            explain(name, failure)
            raise

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started


def explain(step: str, failure: Failure) -> None:
    out = [f"\n  failed: {step}", f"  {failure.what}"]
    tail = failure.lines or (last_lines(failure.log) if failure.log else "")
    if tail:
        out += [f"  The last lines{f' of {shown(failure.log)}' if failure.log else ''}:", tail]
    if failure.remedy:
        out.append(f"  {failure.remedy}")
    print("\n".join(out), file=sys.stderr, flush=True)


def last_lines(path: Path, count: int = 15) -> str:
    if not path.exists():
        return ""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-count:])
