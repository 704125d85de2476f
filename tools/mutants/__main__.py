"""`make mutants C=tasks`: leave out one condition at a time; a unit test of the capability must notice each.

One run notes which tests pass which condition; then each mutant meets only those. C may name several, by commas.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.sites import Site
from tools.paths import DEV, ROOT, shown
from tools.say import Failure, explain

DEFAULT = "tasks,accounts,sessions,oauth,admin,apikeys,ratelimit,organisations"
SECONDS_EACH = 180
AT_ONCE = 2


@dataclass(frozen=True)
class Verdict:
    site: Site
    survived: str = ""


def main() -> int:
    named = (os.environ.get("C") or DEFAULT).split(",")
    try:
        survivors = [verdict for name in named for verdict in try_all(package_of(name))]
    except Failure as failure:
        explain("mutants", failure)
        return 1
    return 1 if survivors else 0


def package_of(name: str) -> Path:
    found = [path for path in (ROOT / "functions").glob(f"*/{name.replace('-', '_')}") if path.is_dir()]
    if not found:
        raise Failure(f"There is no capability {name}.", remedy="Name one: make mutants C=tasks")
    return found[0]


def try_all(package: Path) -> list[Verdict]:
    """The mutants that no test noticed."""
    from tools.mutants.listing import sites_of

    began, sites = time.monotonic(), sites_of(package)
    print(f"\n{package.name}: {len(sites)} conditions", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        done = _pytest(package, [str(tests_of(package))], hits=folder, workers=AT_ONCE)
        if done != 0:
            raise Failure(f"The unit tests of {package.name} fail as they are.", remedy=f"make unit C={package.name}")
        passing = _passing(Path(folder))
    tried = [site for site in sites if not site.waived and -site.number not in passing]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = list(pool.map(lambda site: _judge(package, site, passing.get(site.number, [])), tried))
    survivors = [verdict for verdict in verdicts if verdict.survived]
    for verdict in survivors:
        print(f"  {shown(verdict.site.path)}:{verdict.site.line}: {verdict.site.text}\n      {verdict.survived}")
    for site in sites:
        if site.waived:
            print(f"  waived, {shown(site.path)}:{site.line}: {site.waived}")
    killed = len(tried) - len(survivors)
    print(f"  {killed} of {len(tried)} noticed, {time.monotonic() - began:.0f} s", flush=True)
    return survivors


def tests_of(package: Path) -> Path:
    return ROOT / "tests" / "unit" / package.parent.name / package.name


def _judge(package: Path, site: Site, tests: list[str]) -> Verdict:
    if not tests:
        return Verdict(site, "No unit test comes by here.")
    outcome = _pytest(package, ["-x", *tests], mutant=site.number)
    return Verdict(site, "" if outcome == 1 else f"{len(tests)} tests came by and none failed ({outcome}).")


def _passing(folder: Path) -> dict[int, list[str]]:
    """The tests that come by each condition. Those that pass the fewest come first: they were written for them."""
    passed: dict[str, list[int]] = {}
    for notes in folder.glob("*.json"):
        passed.update(json.loads(notes.read_text()))
    found: dict[int, list[str]] = {}
    for test in sorted(passed, key=lambda name: len(passed[name])):
        for number in passed[test]:
            found.setdefault(number, []).append(test)
    return found


def _pytest(package: Path, tests: list[str], *, mutant: int = 0, hits: str = "", workers: int = 0) -> int:
    environment = {
        **os.environ,
        "MUTANT_PACKAGE": str(package),
        "MUTANT": str(mutant),
        "MUTANT_HITS": hits,
        "PYTHONPATH": str(ROOT),
    }
    command = [str(DEV / "python"), "-m", "pytest", "-q", "-p", "tools.mutants.plugin", "-p", "no:cacheprovider"]
    command += ["-n", str(workers)]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS_EACH * (4 if workers else 1),
            check=False,
        )
    except subprocess.TimeoutExpired:
        # A test that waits for ever without its condition has noticed.
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
