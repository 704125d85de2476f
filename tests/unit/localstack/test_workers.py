"""Workers of functions as the local cloud makes them: forked, and for the rest what the emulator would have started."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from localstack.nursery import SHARED
from localstack.workers import Nurseries, Nursery, Worker, said_by, shared_packages

forked = pytest.mark.skipif(sys.platform != "linux", reason="Workers are forked on Linux alone.")

# As the emulator's script: prints go to stderr, answers to stdout.
SCRIPT = """
import json, os, random, sys
answers, sys.stdout = sys.stdout, sys.stderr
print("said aloud")
for line in sys.stdin:
    asked = json.loads(line)
    if asked == "end":
        sys.exit()
    found = {
        "echo": asked, "folder": os.getcwd(), "environment": dict(os.environ), "arguments": sys.argv,
        "path": sys.path[:2], "imported": "shared_by_all" in sys.modules, "chance": random.random(),
    }
    answers.write(json.dumps(found) + "\\n")
    answers.flush()
"""


@pytest.fixture
def packages(tmp_path: Path) -> str:
    """A folder of shared packages, all of them empty but for one import."""
    folder = tmp_path / "packages"
    for name in SHARED:
        module = folder / f"{name.replace('.', '/')}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.touch()
    (folder / "tessera" / "entry.py").write_text("import shared_by_all\n")
    (folder / "shared_by_all.py").touch()
    return str(folder)


@pytest.fixture
def nursery(packages: str) -> Iterator[Nursery]:
    made = Nursery([packages])
    yield made
    made.end()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "_worker.py"
    path.parent.mkdir()
    path.write_text(SCRIPT)
    return path


def born(nursery: Nursery, script: Path, **environment: str) -> Worker:
    return nursery.bear(str(script), str(script.parent), environment)


def ask(worker, question):
    worker.stdin.write(json.dumps(question) + "\n")
    return json.loads(worker.stdout.readline())


@forked
def test_a_worker_is_what_the_emulator_would_have_started(nursery, script, packages):
    worker = born(nursery, script, AWS_LAMBDA_FUNCTION_NAME="t-tasks", TABLE="tasks")

    answer = ask(worker, "öffne")

    assert worker.stderr.readline() == "said aloud\n"
    assert (answer["echo"], answer["folder"]) == ("öffne", str(script.parent))
    assert answer["environment"] == {"AWS_LAMBDA_FUNCTION_NAME": "t-tasks", "TABLE": "tasks"}
    assert (answer["arguments"], answer["path"]) == ([str(script)], [str(script.parent), packages])
    assert answer["imported"]
    assert Path(f"/proc/{worker.pid}/comm").read_text() == "t-tasks\n"


@forked
def test_workers_share_nothing_that_changes(nursery, script):
    one, two = born(nursery, script, A="1"), born(nursery, script, B="2")

    first, second = ask(one, 1), ask(two, 2)

    assert one.pid != two.pid
    assert (first["environment"], second["environment"]) == ({"A": "1"}, {"B": "2"})
    assert first["chance"] != second["chance"]


@forked
def test_the_emulator_sees_when_a_worker_ends_and_can_end_it(nursery, script):
    leaves, asked, forced = (born(nursery, script) for _ in range(3))
    assert leaves.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        leaves.wait(timeout=0.01)

    leaves.stdin.write('"end"\n')
    asked.terminate()
    forced.kill()

    for worker in (leaves, asked, forced):
        assert worker.wait(timeout=10) is not None
        assert worker.poll() is not None
        assert worker.stdout.readline() == ""
        # To end what has ended is no error: its number may be another's by now.
        worker.kill()


@forked
def test_a_worker_ends_when_nobody_can_ask_it_any_more(nursery, script):
    worker = born(nursery, script)

    worker.stdin.close()

    assert worker.wait(timeout=10) is not None


@forked
def test_workers_outlive_their_nursery(packages, script):
    nursery = Nursery([packages])
    worker = born(nursery, script)

    nursery.end()

    assert ask(worker, 1)["echo"] == 1
    with pytest.raises(OSError):
        born(nursery, script)
    worker.kill()


def layer(folder: Path, name: str, points_to: str) -> str:
    site = folder / "python" / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (site / name).write_text(f'import sys; sys.path.insert(0, "{points_to}")\n')
    return str(folder)


@pytest.fixture
def layers(tmp_path: Path, packages: str) -> str:
    shared = layer(tmp_path / "layer_1", "shared.pth", packages)
    return os.pathsep.join([layer(tmp_path / "layer_0", "Dependencies.pth", "/nowhere"), shared])


def started(nurseries: Nurseries, script: Path, layers: str) -> object:
    return nurseries.start(
        [sys.executable, str(script)],
        cwd=str(script.parent),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={"_LAMBDA_LAYERS_DIRS": layers},
    )


@forked
def test_only_a_function_with_both_layers_is_forked(script, layers, tmp_path):
    nurseries = Nurseries()
    imaging = layer(tmp_path / "layer_2", "Imaging.pth", "/elsewhere")
    dependencies = layers.split(os.pathsep)[0]

    workers = [started(nurseries, script, given) for given in ("", dependencies, layers, layers + os.pathsep + imaging)]

    assert [type(worker) for worker in workers] == [subprocess.Popen, subprocess.Popen, Worker, Worker]
    assert [ask(worker, 1)["imported"] for worker in workers] == [False, False, True, True]
    for worker in workers:
        worker.kill()
        worker.wait(timeout=10)
    nurseries.end()


@forked
def test_a_worker_comes_without_the_nursery_when_that_is_gone_and_the_next_with_another(script, layers):
    nurseries = Nurseries()
    gone = nurseries.of(shared_packages({"_LAMBDA_LAYERS_DIRS": layers}))
    gone._process.kill()
    gone._process.wait()

    without, with_another = (started(nurseries, script, layers) for _ in range(2))

    assert (type(without), type(with_another)) == (subprocess.Popen, Worker)
    assert ask(without, 1)["echo"] == ask(with_another, 1)["echo"] == 1
    for worker in (without, with_another):
        worker.kill()
        worker.wait(timeout=10)
    nurseries.end()


@forked
def test_there_are_no_more_nurseries_than_two_deployments_need(packages):
    nurseries = Nurseries()
    first = nurseries.of((packages, "/1"))
    assert nurseries.of((packages, "/1")) is first

    nurseries.of((packages, "/2"))
    nurseries.of((packages, "/3"))

    assert first._process.poll() is not None
    assert nurseries.of((packages, "/1")) is not first
    nurseries.end()


def test_what_a_worker_said_is_all_there_when_it_has_answered():
    lines = Queue()
    threading.Timer(0.01, lambda: [lines.put(line) for line in ("first", "second", "third")]).start()

    assert said_by(lines) == "first\nsecond\nthird"
    assert said_by(lines) == ""
