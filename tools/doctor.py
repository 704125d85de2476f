"""`make doctor`: what this machine has and lacks, each finding with its remedy."""

import resource
import shutil
import sys
from collections.abc import Callable

import psutil

from tools import ports
from tools.paths import ROOT, RUN, SAM
from tools.say import Failure
from tools.stack import answers, read_facts

Finding = tuple[str, str]
OK, WARN, BAD = "ok", "warn", "bad"


def memory() -> Finding:
    total, free = (number / 1e9 for number in (psutil.virtual_memory().total, psutil.virtual_memory().available))
    said = f"{total:.1f} GB of memory, {free:.1f} GB free"
    if free < 1:
        return BAD, f"{said}. `make run` needs about 1 GB: close something."
    return (
        (OK, said)
        if total >= 8
        else (WARN, f"{said}. Below 8 GB the front door lets 2 requests per capability through at once.")
    )


def disk() -> Finding:
    free = shutil.disk_usage(ROOT).free / 1e9
    return (
        (OK, f"{free:.0f} GB of disk free")
        if free > 3
        else (BAD, f"{free:.1f} GB of disk free; 3 GB are needed. `make clean` removes what was built.")
    )


def port() -> Finding:
    try:
        wanted = ports.wanted(8000)
    except Failure as failure:
        return BAD, f"{failure.what} {failure.remedy}"
    facts = read_facts(RUN)
    if facts and facts.pid and facts.door_port == wanted and answers(f"{facts.base_url}/health"):
        return OK, f"Tessera is running at {facts.base_url}"
    if reason := ports.refusal(wanted):
        return BAD, f"port {wanted} {reason}. Choose another: make run PORT={ports.any_free()}"
    return OK, f"port {wanted} is free"


def tools() -> Finding:
    missing = [name for name in ("make", "tar") if shutil.which(name) is None]
    return (
        (BAD, f"missing: {', '.join(missing)}. Install them with your system's packages.")
        if missing
        else (OK, "make and tar are there")
    )


def sam() -> Finding:
    return (
        (OK, "the SAM CLI is there") if SAM.exists() else (WARN, "the SAM CLI is not installed yet; `make run` does it")
    )


def docker() -> Finding:
    if shutil.which("docker"):
        return OK, "docker is there, for `make sam-local` and `make localstack`"
    return OK, "no docker: only `make sam-local` and `make localstack` need it"


def open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        (OK, f"{soft} open files allowed")
        if soft >= 1024
        else (WARN, f"only {soft} open files allowed. Raise it: ulimit -n {min(4096, hard)}")
    )


CHECKS: tuple[Callable[[], Finding], ...] = (memory, disk, port, tools, sam, docker, open_files)


def main() -> int:
    findings = [check() for check in CHECKS]
    for verdict, said in findings:
        print(f"  {verdict:<5} {said}")
    return 1 if any(verdict == BAD for verdict, _ in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
