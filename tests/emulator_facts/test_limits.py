"""The limiter in processes of their own, on one item of a table that is really shared."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tessera import ids
from tests.emulator_facts.conftest import Stack
from tools import cloud
from tools.paths import ROOT

PROCESSES, EACH, BURST = 8, 25, 50
_PROGRAM = """
import json, sys, threading, time
from tessera.buckets import Buckets
from tessera.gcra import Window
from tessera.policies import Policy
from tests.kit.buckets import limiter

table, subject, at, each, burst = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
limits = limiter(Buckets(table, 20_000), budget_ms=20_000)
policy = Policy("fifty", (Window(60, 3_600, burst),))
limits.decide(policy, "warm:" + subject)
decisions = []

def ask():
    # All processes begin at one moment.
    time.sleep(max(0, at - time.time()))
    decisions.append(limits.decide(policy, subject))

threads = [threading.Thread(target=ask) for _ in range(each)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({"passed": sum(one.allowed for one in decisions), "writes": [one.writes for one in decisions],
                  "degraded": sum(one.degraded for one in decisions)}))
"""


def test_exactly_burst_under_200_parallel(stack: Stack, tmp_path: Path) -> None:
    """Eight processes, 25 requests at once in each: exactly as many pass as the burst holds, by two writes at most."""
    layer = ROOT / "layers" / "shared" / "python"
    environment = {**os.environ, **cloud.environment(stack.endpoint), "PYTHONPATH": f"{ROOT}{os.pathsep}{layer}"}
    subject, start = f"user:{ids.new()}", str(time.time() + 8)
    given = [f"{stack.name}-ratelimit", subject, start, str(EACH), str(BURST)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *given], cwd=tmp_path, env=environment, stdout=subprocess.PIPE
        )
        for _ in range(PROCESSES)
    ]

    answers = [process.communicate(timeout=120)[0] for process in running]

    assert [process.returncode for process in running] == [0] * PROCESSES
    found = [json.loads(answer.splitlines()[-1]) for answer in answers]
    assert sum(one["passed"] for one in found) == BURST
    assert max(writes for one in found for writes in one["writes"]) <= 2
    assert sum(one["degraded"] for one in found) == 0
