"""What is made from the tree before it is built or tested: the merged document, the filter of common passwords.

In a process of its own, because it imports every capability, and under a lock, because `make test` runs beside
`make run`.
"""

import fcntl
import subprocess

from tools.paths import DEV, ROOT, STATE
from tools.say import Failure

MADE_BY = ("tools.common_passwords", "tools.openapi")


def make() -> None:
    """Raises `Failure` with what the tool that failed said last."""
    log = STATE / "logs" / "generated.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (STATE / "generated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with log.open("w") as out:
            for module in MADE_BY:
                command = [str(DEV / "python"), "-m", module]
                done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False)
                if done.returncode != 0:
                    raise Failure(f"`python -m {module}` failed.", log=log)
