"""`make mutants C=tasks`: leave out one condition at a time; a unit test must notice each.

First the tests run as they are, which tells how long each takes and which conditions it passes. Then each mutant meets
the tests that come by, in a fork, until one fails. A test that runs into its limit has noticed nothing: its mutant is
judged again at the end, alone and with more time, and what hangs even then is told apart. C may name several, by
commas; `limits` are the limiter's in the layer.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.sites import Site, sites_of
from tools.mutants.subjects import Subject, subject_of
from tools.mutants.task import Task
from tools.paths import DEV, ROOT, shown
from tools.say import Failure, explain, last_lines

DEFAULT = "tasks,accounts,sessions,oauth,admin,apikeys,ratelimit,organisations,limits"
NOTICED, HUNG = "noticed", "hung"


@dataclass(frozen=True)
class Verdict:
    """What came out for one condition: noticed, waived, hung, or why it survives."""

    site: Site
    said: str

    @property
    def is_noticed(self) -> bool:
        return self.said == NOTICED

    @property
    def is_hung(self) -> bool:
        return self.said.startswith(HUNG)


def main() -> int:
    named = (os.environ.get("C") or DEFAULT).split(",")
    try:
        left = [verdict for name in named for verdict in try_all(subject_of(name)) if not verdict.is_noticed]
    except Failure as failure:
        explain("mutants", failure)
        return 1
    return 1 if left else 0


def try_all(subject: Subject, *, patience_seconds: float = 30) -> list[Verdict]:
    """Each condition's verdict, but for those that are waived.

    Raises `Failure` when the tests fail as they are.
    """
    began, sites = time.monotonic(), sites_of(subject.files)
    print(f"\n{subject.name}: {len(sites)} conditions", flush=True)
    said = _judged(subject, patience_seconds)
    verdicts = [Verdict(site, said[str(site.number)]) for site in sites if str(site.number) in said]
    survivors = [verdict for verdict in verdicts if not (verdict.is_noticed or verdict.is_hung)]
    hung = [verdict for verdict in verdicts if verdict.is_hung]
    for verdict in [*survivors, *hung]:
        print(f"  {shown(verdict.site.path)}:{verdict.site.line}: {verdict.site.text}\n      {verdict.said}")
    for site in sites:
        if site.waived:
            print(f"  waived, {shown(site.path)}:{site.line}: {site.waived}")
    noticed = len(verdicts) - len(survivors) - len(hung)
    apart = f", {len(hung)} hung" if hung else ""
    print(f"  {noticed} of {len(verdicts)} noticed{apart}, {time.monotonic() - began:.0f} s", flush=True)
    return verdicts


def _judged(subject: Subject, patience_seconds: float) -> dict[str, str]:
    """What was said of each condition, by its number."""
    with tempfile.TemporaryDirectory() as folder:
        task = Task(subject.name, subject.root, subject.files, Path(folder, "answer.json"), patience_seconds)
        task.write(Path(folder, "task.json"))
        environment = {
            **os.environ,
            "MUTANT_TASK": str(Path(folder, "task.json")),
            "PYTHONPATH": os.pathsep.join([str(subject.home), str(ROOT)]),
            # None of the plugins that are installed has a part in unit tests, and loading them takes seconds.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        # Uncaptured: forks would write into one file that all of them read from.
        command = [str(DEV / "python"), "-m", "pytest", "-q", "-s", "-p", "tools.mutants.plugin"]
        command += ["-p", "no:cacheprovider", *map(str, subject.tests)]
        with Path(folder, "log").open("w") as log:
            done = subprocess.run(
                command, cwd=subject.home, env=environment, stdin=subprocess.DEVNULL, stdout=log, check=False
            )
        if done.returncode != 0:
            raise Failure(
                f"The unit tests of {subject.name} cannot be run.",
                lines=last_lines(Path(folder, "log")),
                remedy=f"pytest {' '.join(map(shown, subject.tests))}",
            )
        answer = json.loads(task.answer.read_text())
    if answer["broken"]:
        raise Failure(
            f"The unit tests of {subject.name} fail as they are.",
            lines="\n".join(f"    {test}" for test in answer["broken"]),
            remedy=f"pytest {' '.join(map(shown, subject.tests))}",
        )
    verdicts: dict[str, str] = answer["verdicts"]
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
