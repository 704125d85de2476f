"""What a process that reads somebody's bytes may do: little, and not for long. It holds itself to it, before it reads.

Memory, processor time and the size of what it writes are limits of the kernel. On Linux it also gives up making
sockets and starting programs, by a filter of system calls; where the kernel takes none (another system, a sandbox that
has one already) what is left is that it has no credentials and no code that would open a connection.
"""

import ctypes
import platform
import resource
import struct
import sys

MEMORY_BYTES, CPU_SECONDS, FILE_BYTES, OPEN_FILES = 1024**3, 20, 64 * 1024**2, 64
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001
# By architecture: its number, and those of socket, socketpair, connect, execve, execveat and ptrace.
_CALLS = {
    "x86_64": (0xC000003E, (41, 53, 42, 59, 322, 101)),
    "aarch64": (0xC00000B7, (198, 199, 203, 221, 281, 117)),
}


def hold(memory_bytes: int = MEMORY_BYTES, cpu_seconds: int = CPU_SECONDS) -> bool:
    """Take every limit there is; whether the kernel also refuses sockets from now on."""
    for limit, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(limit, most, most)
    # The first is a signal that says why it ended; the second cannot be caught.
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 2)
    return _refuse_calls()


def _lower(limit: int, soft: int, hard: int) -> None:
    try:
        resource.setrlimit(limit, (soft, hard))
    except (ValueError, OSError):
        # macOS knows RLIMIT_AS and takes no value for it.
        if sys.platform.startswith("linux"):
            raise


def _refuse_calls() -> bool:
    known = _CALLS.get(platform.machine()) if sys.platform.startswith("linux") else None
    if known is None:
        return False
    architecture, calls = known
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, 0)]
    steps += [(_EQUAL, len(calls) - place, 0, number) for place, number in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))

    wanted = Filter(len(steps), ctypes.cast(program, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(wanted), 0, 0) == 0)
