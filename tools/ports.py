"""Ports of the loopback interface."""

import errno
import os
import socket

from tools.say import Failure

LOOPBACK = "127.0.0.1"
HIGHEST = 65_535


def wanted(usual: int) -> int:
    """The port that PORT names, or the usual one. Raises `Failure` when it names none."""
    said = os.environ.get("PORT") or str(usual)
    if not (said.isascii() and said.isdecimal() and 1 <= int(said) <= HIGHEST):
        raise Failure(
            f"PORT must be a number from 1 to {HIGHEST}; it is {said!r}.", remedy=f"The usual one is PORT={usual}."
        )
    return int(said)


def refusal(port: int) -> str:
    """Why nothing of ours can listen there; nothing when it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            is_taken = error.errno == errno.EADDRINUSE
            return "is taken by another program" if is_taken else f"cannot be used by you ({error.strerror})"
    return ""


def is_free(port: int) -> bool:
    return not refusal(port)


def any_free() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def free_or_any(preferred: int) -> int:
    """This port, or another one when somebody has it."""
    return preferred if is_free(preferred) else any_free()
