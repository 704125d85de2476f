"""The RealWorld suite (Bruno's collection of it) against the facade of `blog`, unmodified, through the front door.

Each run comes through a relay of its own, whose requests come from an address of its own, as those of different
people would: limits count by address.
"""

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tessera import ids
from tests.peers.npm import installed
from tests.peers.relays import relayed

REQUESTS = 154
PACKAGES = {"@usebruno/cli": "4.1.0"}
SECONDS = 600


@pytest.fixture(scope="module")
def collection() -> Path:
    peers = os.environ.get("PEERS", "")
    folder = Path(peers) / "realworld" / "specs" / "api" / "bruno"
    if not peers or not folder.is_dir():
        pytest.skip("PEERS is not set or has no realworld: the suite is not part of this project.")
    return folder


@pytest.fixture(scope="module")
def bruno() -> Path:
    return installed(PACKAGES) / "node_modules" / ".bin" / "bru"


def run(bruno: Path, collection: Path, base_url: str, folder: Path, source: str) -> dict[str, Any]:
    """One run of the whole suite under names of its own; what Bruno reports of it."""
    # The runner wants its collection in a place that it may write to.
    place = folder / "collection"
    shutil.copytree(collection, place)
    report = folder / "report.json"
    with relayed(base_url, {"Host": urlsplit(base_url).netloc}, source=source) as address:
        command = [str(bruno), "run", "-r", "--env", "local", "--env-var", f"host={address}/blog/realworld"]
        command += ["--env-var", f"uid={ids.new().lower()}", "--reporter-json", str(report)]
        # Its other sandbox is an interpreter of its own, in which a run takes ten times the processor time.
        command += ["--sandbox", "developer"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(report.read_text())
    return found[0]


def failures(report: dict[str, Any]) -> list[str]:
    """What failed, by request."""
    found = []
    for one in report["results"]:
        wrong = [*one.get("assertionResults", []), *one.get("testResults", [])]
        said = [str(check.get("error")) for check in wrong if check["status"] != "pass"]
        if one.get("error") or said:
            found.append(f"{one['test']['filename']}: {one.get('error')} {said} {one['response'].get('data')}")
    return found


def hold(report: dict[str, Any]) -> None:
    summary = report["summary"]
    passed = (summary["totalRequests"], summary["passedRequests"], summary["failedRequests"])
    assert (passed, failures(report)) == ((REQUESTS, REQUESTS, 0), [])


def test_realworld_bruno_unmodified(bruno: Path, collection: Path, base_url: str, tmp_path: Path) -> None:
    hold(run(bruno, collection, base_url, tmp_path, "127.0.4.1"))


def test_realworld_passes_again_on_the_same_stack(bruno: Path, collection: Path, base_url: str, tmp_path: Path) -> None:
    hold(run(bruno, collection, base_url, tmp_path, "127.0.4.2"))


def test_four_runs_of_realworld_at_once_pass(bruno: Path, collection: Path, base_url: str, tmp_path: Path) -> None:
    places = [tmp_path / str(number) for number in range(4)]
    for place in places:
        place.mkdir()
    with ThreadPoolExecutor(4) as pool:
        work = [
            pool.submit(run, bruno, collection, base_url, place, f"127.0.4.{10 + number}")
            for number, place in enumerate(places)
        ]
        reports = [one.result() for one in work]

    for report in reports:
        hold(report)
