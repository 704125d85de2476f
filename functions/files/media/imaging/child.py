"""The process that reads somebody's bytes: started for one source, told on standard input what to make of it.

It answers with lines of JSON as it goes: `source`, `facts`, one `output` for each, `refused`, and `end`. What stands in
no line did not happen: its parent judges by how it ended.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

from ..rules.codes import Code, Refused
from ..rules.kinds import Kind
from . import limits


def main() -> None:
    task = json.load(sys.stdin)
    # Before anything is imported that could have a fault for those bytes to use.
    filtered = limits.hold(int(task["memory_bytes"]), int(task["cpu_seconds"]))
    try:
        _work(task)
    except Refused as refused:
        _say({"refused": refused.code})
    except MemoryError:
        _say({"refused": Code.TOO_MUCH_MEMORY})
    # Whatever a decoder raises for bytes that make no sense, they will make none the next time.
    except Exception as error:  # noqa: BLE001
        _say({"refused": _code_of(error), "cause": type(error).__name__})
    _say({"end": {"rss_bytes": _most_memory(), "cpu_seconds": _cpu_seconds(), "filtered": filtered}})


def _work(task: dict[str, Any]) -> None:
    path, kind = Path(task["path"]), Kind(task["kind"])
    if kind in (Kind.IMAGE, Kind.PDF):
        from .pictures import work

        work(task, path, kind, _say)
        return
    _say({"facts": _facts(kind, path)})


def _facts(kind: Kind, path: Path) -> dict[str, Any]:
    """Each kind has imports of its own, which the others need not pay for."""
    if kind is Kind.OFFICE:
        from .office import facts_of
    elif kind is Kind.TEXT:
        from .texts import facts_of
    else:
        from .containers import facts_of
    return facts_of(path)


def _code_of(error: Exception) -> Code:
    is_bomb = type(error).__name__.startswith("DecompressionBomb")
    return Code.TOO_MANY_PIXELS if is_bomb else Code.CORRUPT


def _say(line: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n")
    sys.stdout.buffer.flush()


def _most_memory() -> int:
    """The most it ever had: of this program alone, where the kernel's own figure begins with its parent's."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round(used.ru_utime + used.ru_stime, 3)
