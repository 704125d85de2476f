"""The whole API against its own document, by schemathesis: nothing undocumented, nothing unguarded, no 5xx."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests.kit.contract import DOCUMENT, ROOT
from tests.kit.exclusive import alone_with
from tests.kit.people import People

pytestmark = pytest.mark.long

CONFIG = ROOT / "schemathesis.toml"
WITHIN_SECONDS = 1_500
# Processes side by side, of which one always waits. The threads of one would meet the interpreter's own fault in
# `ast.parse` (gh-106905). None takes as long as an access token lives.
AT_ONCE = 4
# The longest first.
NAMED = {
    "talk": "chat|realtime|notifications",
    "staff": "admin|apikeys|organisations",
    "texts": "blog|search",
    "people": "accounts|sessions",
    "plans": "reminders|tasks(?!/todo-backend)",
    "things": "files|media",
    "todos": "tasks/todo-backend",
}
PARTS = {name: f"^/({prefixes})" for name, prefixes in NAMED.items()} | {"rest": f"^/(?!{'|'.join(NAMED.values())})"}
AT_MOST = 10
EXAMPLES = ("--max-examples", os.environ["EXAMPLES"]) if os.environ.get("EXAMPLES") else ()
# Policies that a run of thousands of requests by two people would meet first.
LIFTED = ("user:write", "user:read", "user:expensive", "anon:read", "anon:write", "key:default", "todo-backend:ip")


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


@pytest.fixture(scope="module")
def findings(base_url: str, unlimited: None) -> dict[str, str]:
    """What each part has found, and what was found for a program with a key."""
    people = People(base_url, os.environ.get("AWS_ENDPOINT_URL", ""))

    def as_person(part: str) -> str:
        asking, spare = (people.new().tokens["access_token"] for _ in range(2))
        only = ("--include-path-regex", PARTS[part], *EXAMPLES)
        # Anyone may empty the public todos, and another suite asks for its own there.
        with alone_with("public-todos") if part == "todos" else nullcontext():
            return _findings(base_url, asking, spare, *only, report=f"schemathesis-{part}.log")

    def as_program() -> str:
        """What differs from a person is who is let in: a part of the document and few examples of each are enough."""
        scopes = ["accounts:read", "tasks:read", "tasks:write"]
        made = people.new().post("/apikeys", json={"name": "schemathesis", "scopes": scopes}).raise_for_status().json()
        only = ("--include-tag", "apikeys", "--include-tag", "tasks", "--phases", "fuzzing", "--max-examples", "4")
        return _findings(base_url, made["key"], made["key"], *only, report="schemathesis-key.log")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {part: pool.submit(as_person, part) for part in PARTS} | {"key": pool.submit(as_program)}
        return {part: done.result() for part, done in running.items()}


def test_the_api_keeps_to_its_document(findings: dict[str, str]) -> None:
    found = [findings[part] for part in PARTS if findings[part]]

    assert not found, "\n".join(found)


def test_a_program_with_a_key_is_answered_by_the_document_too(findings: dict[str, str]) -> None:
    assert not findings["key"], findings["key"]


def _findings(base_url: str, token: str, spare: str, *more: str, report: str) -> str:
    """What a run has found, or nothing when all is well."""
    # One seed, so that a change is refused for what it did. The nightly run takes another each time.
    seed = os.environ.get("SEED") or "20261122"
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG, "run", DOCUMENT]
    command += ["--url", base_url, "--seed", seed, "--no-color", *more]

    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TESSERA_TOKEN": token,
            "TESSERA_SPARE_TOKEN": spare,
        },
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
    )

    log = ROOT / ".tessera" / "logs" / report
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout + done.stderr)
    return "" if done.returncode == 0 else f"{log.relative_to(ROOT)}:\n{done.stdout[-6000:]}{done.stderr[-2000:]}"


def test_what_is_suppressed_is_counted() -> None:
    config = tomllib.loads(CONFIG.read_text())
    suppressed = [entry for entry in config["operations"] if "checks" in entry or entry.get("enabled") is False]
    switched_off = [check for check in config["checks"].values() if check.get("enabled") is False]

    assert len(suppressed) + len(switched_off) <= AT_MOST
