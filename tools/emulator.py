"""The local cloud's engine: started on loopback with IAM enforced, stopped so that it has time to save."""

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import ClientError

from tools import cloud
from tools.paths import EMULATOR, ROOT
from tools.ports import LOOPBACK
from tools.processes import Child

INHERITED = frozenset(["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"])


class Emulator:
    """One emulator with its own port, temporary folder and state; one that `saves` writes the state when it stops."""

    def __init__(self, folder: Path, port: int, *, saves: bool) -> None:
        self.folder, self.port, self.saves = folder, port, saves
        self.log = folder / "logs" / "emulator.log"
        self._child: Child | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def child(self) -> Child:
        assert self._child is not None, "the emulator was not started"
        return self._child

    def start(self) -> None:
        """Start the process, on what its state folder holds; `wait` says when it answers."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        for place in (self._temporary, self.state / "s3"):
            place.mkdir(parents=True, exist_ok=True)
        # Isolated: nothing of this folder is to be found by an import of the emulator's.
        command: list[str | Path] = [EMULATOR / "python", "-I", ROOT / "localstack" / "engine.py"]
        self._child = Child("emulator", command, environment=self._environment(), log=self.log)

    def forget(self) -> None:
        """Begin with nothing the next time."""
        shutil.rmtree(self.state, ignore_errors=True)

    def wait(self) -> None:
        self.child.wait_until(self.answers, seconds=60)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self, *, seconds: float = 20) -> bool:
        """End it; it has so long to save, and did so if this is true."""
        ended = self._child is not None and self._child.stop(seconds=seconds)
        self._child = None
        shutil.rmtree(self._temporary, ignore_errors=True)
        return ended

    @property
    def _temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def _environment(self) -> dict[str, str]:
        # Workers inherit this, so nothing of the caller's shell is in it that a function could take for its own.
        kept = {
            name: value for name, value in cloud.environment().items() if name in INHERITED or name.startswith("AWS_")
        }
        return {
            **kept,
            "GATEWAY_PORT": str(self.port),
            # By default it listens on every interface and takes any key.
            "BIND_HOST": LOOPBACK,
            "IOT_MTLS_ENABLED": "0",
            "AUTH": "true",
            "MINISTACK_REGION": cloud.REGION,
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": os.environ.get("EMULATOR_LOG", "WARNING"),
            # The level above is the emulator's; the functions' logger would take it for its own.
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "TMPDIR": str(self._temporary),
            # Athena reads the files of S3, so they are on disk in any case.
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state / "s3"),
            "STATE_DIR": str(self.state),
            "PERSIST_STATE": "1" if self.saves else "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def is_idle(endpoint: str) -> Callable[[], bool]:
    """A question: is no message waiting or being worked on?"""
    sqs = cloud.client("sqs", endpoint)
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def answer() -> bool:
        for url in sqs.list_queues().get("QueueUrls", []):
            # What lies in a dead-letter queue waits for a person, not for us.
            if url.endswith("-dead"):
                continue
            try:
                found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
            except ClientError:
                # A queue whose policy does not let us look cannot be waited for.
                continue
            if any(int(found[name]) for name in counts):
                return False
        return True

    return answer
