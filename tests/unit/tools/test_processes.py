"""Children end with everything they started."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.kit.people import until
from tools import processes
from tools.say import Failure

FAMILY = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "time.sleep(60)"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


def child(tmp_path: Path, code: str) -> processes.Child:
    return processes.Child("child", [sys.executable, "-c", code], environment=dict(os.environ), log=tmp_path / "log")


def test_a_child_takes_its_own_children_with_it(tmp_path: Path) -> None:
    parent = child(tmp_path, FAMILY)
    parent.wait_until(lambda: bool(psutil.Process(parent.pid).children()), seconds=10)
    family = psutil.Process(parent.pid).children(recursive=True)

    assert parent.stop()

    assert not any(member.is_running() for member in family)


def test_a_child_that_has_ended_before_was_not_ended_now(tmp_path: Path) -> None:
    gone = child(tmp_path, "pass")
    until(lambda: psutil.Process(gone.pid).status(), lambda status: status == psutil.STATUS_ZOMBIE)

    assert not gone.stop()


def test_a_child_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    deaf = child(tmp_path, DEAF)
    deaf.wait_until(lambda: "ready" in (tmp_path / "log").read_text(), seconds=10)

    assert not deaf.stop(seconds=0.2)

    assert not deaf.is_alive


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a class of processes for idle time")
def test_who_gives_way_does_so_with_all_that_it_starts(tmp_path: Path) -> None:
    waiting = "import subprocess, sys; input(); subprocess.run([sys.executable, '-c', 'input()'])"
    parent = subprocess.Popen([sys.executable, "-c", waiting], stdin=subprocess.PIPE)
    assert parent.stdin is not None

    processes.give_way(parent.pid)

    parent.stdin.write(b"\n")
    parent.stdin.flush()
    until(psutil.Process(parent.pid).children, bool)
    (child,) = psutil.Process(parent.pid).children()
    assert {os.sched_getscheduler(pid) for pid in (parent.pid, child.pid)} == {os.SCHED_IDLE}
    processes.end(parent.pid, processes.started(parent.pid))


def test_another_process_with_the_number_is_left_alone() -> None:
    me = psutil.Process()

    processes.end(me.pid, me.create_time() - 100)

    assert me.is_running()


def test_a_child_that_ends_before_it_is_ready_is_reported_with_its_log(tmp_path: Path) -> None:
    hasty = child(tmp_path, "print('no such port'); raise SystemExit(3)")

    with pytest.raises(Failure, match="ended with code 3") as failure:
        hasty.wait_until(lambda: False, seconds=10)

    assert failure.value.log == tmp_path / "log"
