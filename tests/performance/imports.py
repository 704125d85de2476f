"""How long each entry of the tree takes to import in a fresh interpreter with the layers alone, and what it loads.

python -m tests.performance.imports        prints every entry as a ratio to the bare stack, of the same run
"""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools import layers, templates
from tools.paths import EMULATOR, ROOT

# What every function needs, with nothing of ours; the one route makes FastAPI load the rest of itself.
BARE = """
import fastapi, mangum, pynamodb.models
from aws_lambda_powertools import Logger

async def read(task_id: str) -> dict[str, str]:
    return {}

app = fastapi.FastAPI(openapi_url=None)
app.get("/tasks/{task_id}")(read)
handler = mangum.Mangum(app, lifespan="off")
"""
PROGRAM = """
import json, sys, time
began = time.perf_counter()
{statement}
took = time.perf_counter() - began
print(json.dumps([took, sorted({{name.partition(".")[0] for name in sys.modules}}), sorted(sys.modules)]))
"""
TARGET = 1.35


@dataclass(frozen=True)
class Loaded:
    seconds: float
    packages: frozenset[str]
    modules: frozenset[str]


@cache
def search_path() -> str:
    """What a function finds its imports on: the packages as the layers have them, the shared layer, our code."""
    packages = map(layers.packages, layers.FAMILIES)
    return os.pathsep.join(map(str, (*packages, ROOT / "layers/shared/python", ROOT)))


@cache
def entries() -> dict[str, str]:
    """Every module that a function of ours starts with, by its name."""
    functions = templates.resources("template", "AWS::Serverless::Function").values()
    found = {}
    for function in functions:
        properties = function["Properties"]
        module, _, _ = properties["Handler"].rpartition(".")
        found[module] = f"{properties['CodeUri'].replace('/', '.')}.{module}"
    return found


def load(statement: str, bytecode: Path) -> Loaded:
    """Run one statement in a fresh interpreter whose bytecode is looked for, and kept, in this folder alone."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {
        **kept,
        "PYTHONPATH": search_path(),
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "STAGE": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    done = subprocess.run(
        # Without `site`, so that nothing installed for the tools is found.
        [str(EMULATOR / "python"), "-S", "-c", PROGRAM.format(statement=statement)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, packages, modules = json.loads(done.stdout.splitlines()[-1])
    return Loaded(seconds, frozenset(packages), frozenset(modules))


def best(statements: dict[str, str], bytecode: Path, *, rounds: int) -> dict[str, float]:
    """The shortest of some rounds, taken in turns, so that a busy moment of the machine strikes all alike."""
    taken: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            taken[name].append(load(statement, bytecode).seconds)
    return {name: min(seconds) for name, seconds in taken.items()}


def report(*, rounds: int = 5) -> str:
    statements = {"bare": BARE, **{name: f"import {module}" for name, module in entries().items()}}
    with tempfile.TemporaryDirectory() as kept:
        best(statements, Path(kept), rounds=1)
        valid = best(statements, Path(kept), rounds=rounds)
    none: dict[str, float] = {}
    for name, statement in statements.items():
        with tempfile.TemporaryDirectory() as empty:
            none[name] = load(statement, Path(empty)).seconds
    lines = [f"  {'':<22} with bytecode        without"]
    for name in statements:
        ratio = valid[name] / valid["bare"]
        over = f"  over {TARGET}" if ratio > TARGET else ""
        lines.append(
            f"  {name:<22} {valid[name] * 1000:>5.0f} ms {ratio:>5.2f} x {none[name] * 1000:>7.0f} ms "
            f"{none[name] / none['bare']:>5.2f} x{over}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(report())
