"""A job: one version of a file, and what is to be made of it. What counts is what was settled, each output once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .codes import Code
from .outputs import Spec

LEASE = timedelta(minutes=2)
# How long after a try that failed for no fault of the file the next one comes.
BACKOFF_SECONDS = (10, 60, 600)
MAX_ATTEMPTS = len(BACKOFF_SECONDS) + 1
# How often a message comes back to see whether another worker's lease has run out.
MAX_LOOKS = 3

QUEUED, RUNNING, PARTIAL, DONE, FAILED, CANCELLED = "queued", "running", "partial", "done", "failed", "cancelled"
OPEN = (QUEUED, RUNNING)
WAITING = "waiting"


@dataclass(frozen=True)
class Output:
    """What has become of one spec. `lease_until` is until when a worker has it for itself."""

    spec: Spec
    state: str = WAITING
    etag: str = ""
    lease_until: datetime | None = None
    attempts: int = 0
    key: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Job:
    id: str
    owner_id: str
    file_id: str
    n: int
    etag: str
    specs: tuple[Spec, ...]
    created_at: datetime
    updated_at: datetime
    preset: str = ""
    state: str = QUEUED
    done: int = 0
    failed: int = 0
    attempts: int = 0
    is_heavy: bool = False
    source: dict[str, Any] | None = None
    blurhash: str | None = None
    version: int = 1

    @property
    def total(self) -> int:
        return len(self.specs)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True)
class JobView:
    """A job with its outputs, in the order they were asked for."""

    job: Job
    outputs: tuple[Output, ...]

    @property
    def unsettled(self) -> tuple[Output, ...]:
        return tuple(output for output in self.outputs if output.state not in (DONE, FAILED))


@dataclass(frozen=True)
class Outcome:
    """How one output came out: `code` is None for one that is done."""

    spec: Spec
    code: Code | None = None
    key: str | None = None
    width: int = 0
    height: int = 0
    size: int = 0


@dataclass(frozen=True)
class Seen:
    """What was learnt of the source on the way."""

    source: dict[str, Any] | None = None
    blurhash: str | None = None


@dataclass(frozen=True)
class Wanted:
    """A job to be made."""

    owner_id: str
    file_id: str
    n: int
    etag: str
    size: int
    specs: tuple[Spec, ...]
    preset: str = ""
    listeners: tuple[str, ...] = field(default=())


def state_after(total: int, done: int, failed: int) -> str:
    """The state of a job of which so many outputs were settled."""
    if done + failed < total:
        return RUNNING
    if not failed:
        return DONE
    return PARTIAL if done else FAILED


def pause_after(attempts: int) -> int | None:
    """Seconds until the next try, or None when there is none."""
    return BACKOFF_SECONDS[attempts - 1] if 1 <= attempts < MAX_ATTEMPTS else None


def output_key(file_id: str, etag: str, spec: Spec) -> str:
    """Where an output stands: the same for the same content and spec, so that a repeated run changes nothing."""
    return f"{prefix_of(file_id)}{etag}/{spec.filename}"


def prefix_of(file_id: str) -> str:
    return f"thumbs/{file_id}/"
