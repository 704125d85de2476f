"""The whole API against its own document, by schemathesis: nothing undocumented, nothing unguarded, no 5xx."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests.kit.contract import DOCUMENT, ROOT
from tests.kit.people import People

CONFIG = ROOT / "schemathesis.toml"
WITHIN_SECONDS = 420
AT_MOST = 10
# Policies that a run of thousands of requests by two people would meet first.
LIFTED = ("user:write", "user:read", "user:expensive", "anon:read", "anon:write", "todo-backend:ip")


@pytest.fixture(scope="module")
def base_url() -> str:
    found = os.environ.get("BASE_URL", "")
    if not found:
        pytest.skip("BASE_URL is not set: there is no stack to try.")
    return found


@pytest.fixture(scope="module")
def unlimited() -> Iterator[None]:
    """No limits for as long as this runs, by the overrides that an operator would use."""
    endpoint, stack = os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("STACK")
    if not endpoint or not stack:
        yield
        return
    table = botocore.session.Session().create_client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    keys = [{"pk": {"S": f"POLICY#{name}"}, "sk": {"S": "V"}} for name in LIFTED]
    numbers: dict[str, Any] = {"limit": {"N": "1000000"}, "period_seconds": {"N": "60"}, "burst": {"N": "1000000"}}
    for key in keys:
        table.put_item(TableName=f"{stack}-ratelimit", Item={**key, **numbers, "version": {"N": "1"}})
    yield
    for key in keys:
        table.delete_item(TableName=f"{stack}-ratelimit", Key=key)


def test_the_api_keeps_to_its_document(base_url: str, unlimited: None, tmp_path: Path) -> None:
    people = People(base_url, os.environ.get("AWS_ENDPOINT_URL", ""))
    asking, spare = people.new(), people.new()
    # Another seed each day, the same one all day: the years cover more, and SEED has a failure again.
    seed = os.environ.get("SEED") or datetime.now(UTC).strftime("%Y%m%d")
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG, "run", DOCUMENT]
    command += ["--url", base_url, "--seed", seed, "--no-color"]

    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TESSERA_TOKEN": asking.tokens["access_token"],
            "TESSERA_SPARE_TOKEN": spare.tokens["access_token"],
        },
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
    )

    report = ROOT / ".tessera" / "logs" / "schemathesis.log"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(done.stdout + done.stderr)
    assert done.returncode == 0, f"{report.relative_to(ROOT)}:\n{done.stdout[-6000:]}{done.stderr[-2000:]}"


def test_what_is_suppressed_is_counted() -> None:
    config = tomllib.loads(CONFIG.read_text())
    suppressed = [entry for entry in config["operations"] if "checks" in entry or entry.get("enabled") is False]
    switched_off = [check for check in config["checks"].values() if check.get("enabled") is False]

    assert len(suppressed) + len(switched_off) <= AT_MOST
