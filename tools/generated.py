"""What is made from the tree before it is built or tested: the merged document, the list of common passwords.

In a process of its own, because it imports every capability, and under a lock, because `make test` runs beside
`make run`.
"""

import fcntl
import hashlib
import subprocess
from contextlib import ExitStack

from tools.paths import DEV, ROOT, STATE
from tools.say import Failure

MADE_BY = ("tools.common_passwords", "tools.openapi")
MADE = ("functions/identity/accounts/common_passwords.prints", "functions/platform/openapi/document.json")
FOLDERS = ("functions", "layers/shared", "tools")
PATTERNS = ("*.py", "README.md", "*.js", "*.css", "permissions.json")


def make() -> None:
    """Make what is not there or was made from other sources.

    Raises `Failure` with what the tool that failed said last.
    """
    log = STATE / "logs" / "generated.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (STATE / "generated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, sources = STATE / "generated.stamp", _sources()
        is_there = all((ROOT / name).exists() for name in MADE)
        if is_there and stamp.exists() and stamp.read_text() == sources:
            return
        # From here on they may be half written, whatever the sources will be the next time.
        stamp.unlink(missing_ok=True)
        with log.open("w") as out, ExitStack() as stopping:
            making = {}
            # At the same time: neither needs what the other makes.
            for module in MADE_BY:
                command = [str(DEV / "python"), "-m", module]
                making[module] = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
                # Whoever is told to stop leaves neither behind.
                stopping.callback(making[module].kill)
            failed = [module for module, child in making.items() if child.wait() != 0]
        if failed:
            raise Failure(f"`python -m {failed[0]}` failed.", log=log)
        stamp.write_text(sources)


def _sources() -> str:
    """What the generated files are made from, and not they themselves."""
    files = [path for folder in FOLDERS for pattern in PATTERNS for path in (ROOT / folder).rglob(pattern)]
    digest = hashlib.sha256()
    for path in sorted(path for path in files if "built" not in path.parts):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
