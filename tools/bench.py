"""`make bench`: requests and units per operation, warm latency, import times, sizes, what limiting costs.

Requests per operation and forbidden imports are tests and can fail; times and sizes are only reported, because they are
the machine's as much as ours. `RECORD=1` writes the table of costs anew, `LARGE=1` adds 10^5 items,
`BUCKETS=1000000` has the limiter decide among so many, which take minutes to make.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools import cloud, layers, processes, registry
from tools.paths import ROOT, STATE
from tools.say import Failure, explain

COSTS = ROOT / "tests" / "performance" / "costs.json"
DEPENDENCIES_MB = 45


def main() -> int:
    cloud.leave_accounts()
    try:
        with processes.stopping_on_signals():
            code = run_tests()
            print(f"\n== what operations cost\n{costs()}", flush=True)
            print(f"\n== sizes\n{sizes()}", flush=True)
            print(f"\n== imports, in fresh interpreters\n{imports()}", flush=True)
            print(f"\n== who is asking\n{verification()}", flush=True)
            print(f"\n== who was revoked, read by a function that starts cold\n{cold_feed()}", flush=True)
            print(f"\n== warm, median, in one process against the local cloud\n{latency()}", flush=True)
            print(f"\n== a sign-in, median, in one process against the local cloud\n{login()}", flush=True)
            print(f"\n== a short link, median, in one process against the local cloud\n{redirects()}", flush=True)
            print(f"\n== the card of a link, median, in one process against the local cloud\n{previews()}", flush=True)
            print(f"\n== what limiting costs, on the local cloud\n{limiter()}", flush=True)
            print(f"\n== what is live, on a stack and in one process\n{live()}", flush=True)
    except Failure as failure:
        explain("bench", failure)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def run_tests() -> int:
    print("== requests and imports", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "tests/performance"]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"})


def costs() -> str:
    lines = [f"  {'':<34} requests  read units  write units  limiter"]
    for name, cost in json.loads(COSTS.read_text()).items():
        figures = f"{cost['requests']:>8} {cost['read_units']:>11} {cost['write_units']:>12} {cost['limiter']:>8}"
        lines.append(f"  {name:<34} {figures}")
    return "\n".join(lines)


def sizes() -> str:
    lines = [f"  {'':<34} unpacked   packed, about"]
    folders = {family: layers.packages(family) for family in layers.FAMILIES} | {"shared": layers.shared()}
    lines += [_row(f"layer {name}", _files(folder)) for name, folder in folders.items()]
    unpacked = sum(path.stat().st_size for path in _files(folders["dependencies"])) / 1e6
    if unpacked > DEPENDENCIES_MB:
        lines.append(f"  The dependencies are over {DEPENDENCIES_MB} MB.")
    for capability in registry.capabilities():
        lines.append(_row(capability.name, _files(capability.folder)))
    return "\n".join(lines)


def imports() -> str:
    from tests.performance import imports

    return imports.report()


def verification() -> str:
    from tests.performance import verification

    return verification.report()


def cold_feed() -> str:
    from tests.performance import cold_feed

    return cold_feed.report()


def latency() -> str:
    from tests.performance import latency

    return _on_the_cloud(latency.report)


def login() -> str:
    from tests.performance import login

    return _on_the_cloud(login.report)


def redirects() -> str:
    from tests.performance import redirects

    return _on_the_cloud(redirects.report)


def previews() -> str:
    from tests.performance import previews

    return _on_the_cloud(previews.report)


def limiter() -> str:
    from tests.performance import limiter

    return _on_the_cloud(limiter.report)


def live() -> str:
    from tests.performance import live

    return _on_the_cloud(live.report)


def _on_the_cloud(report: Callable[[Path], str]) -> str:
    folder = STATE / "bench"
    try:
        return report(folder)
    finally:
        shutil.rmtree(folder / "state", ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    """What is shipped, bytecode left out: it comes on top where the build has the runtime's interpreter."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc"]


def _row(name: str, files: Sequence[Path]) -> str:
    size = sum(path.stat().st_size for path in files)
    packed = sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)
    return f"  {name:<34} {_shown(size)} {_shown(packed)}"


def _shown(size: int) -> str:
    return f"{size / 1e6:>5.1f} MB" if size > 1e6 else f"{size / 1e3:>5.0f} kB"


if __name__ == "__main__":
    sys.exit(main())
