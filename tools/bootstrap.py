"""Makes the tool environments. Runs on the bare interpreter, so it needs nothing but the standard library.

It must also parse on interpreters that are too old for the rest, so that they get a sentence instead of a traceback.
"""

import argparse
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STATE = os.path.join(ROOT, ".tessera")
ENVIRONMENTS = os.path.join(STATE, "env")
OLDEST = (3, 11)
# What is made beside the state folder.
MADE_FOLDERS = (
    ".aws-sam",
    ".pytest_cache",
    ".ruff_cache",
    ".mypy_cache",
    ".hypothesis",
    ".schemathesis",
    "functions/platform/openapi/built",
)
MADE_FILES = ("functions/platform/openapi/document.*", "functions/identity/accounts/common_passwords.*")


class Refusal(Exception):
    """Something this machine lacks, said with its remedy."""


def main(arguments: "list[str]") -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--doctor", action="store_true")
    parser.add_argument("--clean", action="store_true")
    wanted = parser.parse_args(arguments)
    try:
        if wanted.clean:
            return clean()
        check_interpreter()
        if wanted.doctor:
            print("  ok    Python %d.%d at %s, with venv and pip" % (sys.version_info[:2] + (sys.executable,)))
        make_all(wanted.names)
    except Refusal as refusal:
        print("\n%s" % refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def check_interpreter() -> None:
    if sys.version_info[:2] < OLDEST:
        raise Refusal(
            "Python %d.%d or newer is needed; %s is %d.%d. "
            "Install a newer one, then say which: make PYTHON=python3.12 run"
            % (OLDEST + (sys.executable,) + sys.version_info[:2])
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Refusal(
            "This Python has no ensurepip, so it cannot make an environment. On Debian and Ubuntu: "
            "sudo apt-get install python%d.%d-venv. Or choose another interpreter: make PYTHON=... run"
            % sys.version_info[:2]
        ) from None


def make_all(names: "list[str]") -> None:
    """The first environment brings uv, which then makes the others side by side."""
    if not names:
        return
    with _alone():
        _make_all(names)


def _make_all(names: "list[str]") -> None:
    make("boot")
    refusals = []  # type: list[Refusal]

    def attempt(name: str) -> None:
        try:
            make(name)
        except Refusal as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=attempt, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refusals:
        raise refusals[0]


@contextmanager
def _alone() -> "Iterator[None]":
    """Two at once would each remove what the other is making."""
    import fcntl

    os.makedirs(STATE, exist_ok=True)
    with open(os.path.join(STATE, "env.lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("  waiting for another `make`, which makes the environments", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(name: str) -> None:
    """Make this environment anew if its lock or the interpreter has changed since it was made."""
    lock = os.path.join(ROOT, "requirements", name + ".txt")
    stamp = os.path.join(ENVIRONMENTS, name, ".made-from")
    fingerprint = _fingerprint(lock)
    if _read(stamp) == fingerprint:
        return
    started = time.monotonic()
    place = os.path.join(ENVIRONMENTS, name)
    shutil.rmtree(place, ignore_errors=True)
    log = os.path.join(STATE, "logs", "environment-%s.log" % name)
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "wb") as sink:
        for command in _commands(name, place, lock):
            if subprocess.call(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL) != 0:
                raise Refusal(_excuse(name, log))
    with open(stamp, "w") as file:
        file.write(fingerprint)
    print("  %6.1f s  environment `%s` made" % (time.monotonic() - started, name), flush=True)


def _commands(name: str, place: str, lock: str) -> "Iterator[list[str]]":
    if name == "boot":
        wheel = _pip_wheel()
        # pip runs from its wheel as it stands. To install it takes longer than what it is wanted for.
        yield [sys.executable, "-m", "venv"] + (["--without-pip"] if wheel else []) + [place]
        pip = [os.path.join(wheel, "pip")] if wheel else ["-m", "pip"]
        yield [python_of("boot")] + pip + ["install", "--no-user", "--disable-pip-version-check", "-q", "-r", lock]
    else:
        uv = os.path.join(ENVIRONMENTS, "boot", "bin", "uv")
        yield [uv, "venv", "-q", "--python", sys.executable, place]
        install = [uv, "pip", "install", "-q", "--require-hashes", "--python", python_of(name), "-r", lock]
        # The emulator starts many interpreters at once; they would all compile the same modules.
        yield install + (["--compile-bytecode"] if name == "emulator" else [])


def _pip_wheel() -> str:
    """The wheel from which `ensurepip` would install pip, or nothing where it is kept some other way."""
    import ensurepip
    import sysconfig

    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR"), os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")]
    wheels = [wheel for folder in folders if folder for wheel in glob.glob(os.path.join(folder, "pip-*.whl"))]
    return wheels[0] if wheels else ""


def python_of(name: str) -> str:
    return os.path.join(ENVIRONMENTS, name, "bin", "python")


def clean() -> int:
    for target in ("run", "test"):
        lock = os.path.join(STATE, target, "lock")
        if os.path.exists(lock) and _is_held(lock):
            raise Refusal("`make %s` is running here. Stop it with Ctrl-C, then clean." % target)
    for folder in (STATE,) + tuple(os.path.join(ROOT, name) for name in MADE_FOLDERS):
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in MADE_FILES:
        for path in glob.glob(os.path.join(glob.escape(ROOT), pattern)):
            os.remove(path)
    return 0


def _is_held(path: str) -> bool:
    import fcntl

    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _fingerprint(lock: str) -> str:
    with open(lock, "rb") as file:
        digest = hashlib.sha256(file.read())
    digest.update(
        repr((sys.version_info[:3], os.path.realpath(sys.executable), os.path.realpath(ENVIRONMENTS))).encode()
    )
    return digest.hexdigest()


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _excuse(name: str, log: str) -> str:
    lines = [line.strip() for line in _read(log).splitlines() if line.strip()]
    last = "\n".join("    " + line for line in lines[-12:])
    return (
        "The environment `%s` could not be made. The last lines of %s:\n%s\n\n"
        "Is the package index reachable? Then try again."
        % (
            name,
            os.path.relpath(log, ROOT),
            last,
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
