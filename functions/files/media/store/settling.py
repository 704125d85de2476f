"""Outputs: had by one worker at a time, and settled once, in step with the counts of their job."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.bus import Event
from tessera.problems import Busy
from tessera.tables import ConditionFailed
from tessera.transact import Step, transact, updating

from ..events import JobDone, JobFailed
from ..rules.codes import Code
from ..rules.jobs import DONE, FAILED, LEASE, RUNNING, WAITING, Job, Outcome, Seen, state_after
from ..rules.outputs import Spec
from .jobs import JobStore, Moved, moved
from .rows import DEAD, META, JobRow, OutputRow, job_pk, output_sk

MAX_TRIES = 16


class LeaseLost(Exception):
    """Another worker has this output, or it was settled already."""


class Settling:
    def __init__(self, jobs: JobStore) -> None:
        self.jobs, self.table = jobs, jobs.table

    def claim(self, job: Job, spec: Spec, token: str) -> bool:
        """Have this output for two minutes; False when somebody else has it, or it is settled. 1 unit."""
        state, until = Path("state"), Path("lease_until")
        is_idle = until <= _seconds()
        only_if = Path("pk").does_not_exist() | (Path("etag") != job.etag) | (state == WAITING) | is_idle
        changes = [
            state.set(RUNNING),
            Path("etag").set(job.etag),
            Path("lease_by").set(token),
            until.set(_seconds(LEASE)),
            Path("attempts").add(1),
            Path("error").remove(),
        ]
        try:
            self.table.update(OutputRow, job_pk(job.id), output_sk(spec), *changes, only_if=only_if, upsert=True)
        except ConditionFailed:
            return False
        return True

    def keep(self, job: Job, spec: Spec, token: str) -> None:
        """Have it for two minutes more. 1 unit. Raises `LeaseLost`."""
        self._held(job, spec, token, Path("lease_until").set(_seconds(LEASE)))

    def release(self, job: Job, spec: Spec, token: str) -> None:
        """Let it wait again. 1 unit; nothing happens when it is another's by now."""
        try:
            self._held(job, spec, token, Path("state").set(WAITING), Path("lease_until").remove())
        except LeaseLost:
            pass

    def settle(self, job: Job, outcomes: Sequence[Outcome], token: str, seen: Seen) -> Job:
        """Write how these came out, and count them. 1 request: 2 units for each and 2 for the job.

        Each counts once, because its lease ends with it and the counts are those that were read. Raises `LeaseLost`,
        and `Moved` for a job that was cancelled or moved on to another version.
        """
        known = job
        for _ in range(MAX_TRIES):
            try:
                transact(*self._steps(known, outcomes, token, seen))
            except Moved as found:
                if found.now is None or found.now.etag != job.etag or found.now.state != RUNNING:
                    raise
                known = found.now
                continue
            return _after(known, outcomes, seen)
        raise Busy

    def _steps(self, job: Job, outcomes: Sequence[Outcome], token: str, seen: Seen) -> list[Step]:
        after = _after(job, outcomes, seen)
        turn = (Path("state") == RUNNING) & (Path("etag") == job.etag)
        turn &= (Path("done") == job.done) & (Path("failed") == job.failed)
        changes: list[Any] = [
            Path("done").set(after.done),
            Path("failed").set(after.failed),
            Path("state").set(after.state),
            Path("updated_at").set(clock.rfc3339(clock.now())),
        ]
        if seen.source is not None and job.source is None:
            changes.append(Path("source").set(_text(seen.source)))
        if seen.blurhash is not None and job.blurhash != seen.blurhash:
            changes.append(Path("blurhash").set(seen.blurhash))
        if after.failed and not after.is_open:
            changes += [Path("gs2_pk").set(DEAD), Path("gs2_sk").set(f"{clock.rfc3339(clock.now())}#{job.id}")]
        pk = job_pk(job.id)
        event = None if after.is_open else _event(after, outcomes)
        steps = [self._outcome(job, outcome, token) for outcome in outcomes]
        steps.append(updating(self.table, JobRow, pk, META, *changes, only_if=turn, event=event, refused=moved))
        if not after.is_open:
            steps.append(self.jobs.link_state(job, after.state))
        return steps

    def _outcome(self, job: Job, outcome: Outcome, token: str) -> Step:
        changes: list[Any] = [Path("state").set(DONE if outcome.code is None else FAILED), Path("lease_until").remove()]
        if outcome.code is not None:
            changes.append(Path("error").set(outcome.code.value))
        else:
            told = {"key": outcome.key, "w": outcome.width, "h": outcome.height, "bytes": outcome.size}
            changes += [Path(name).set(value) for name, value in told.items()]
        pk, sk = job_pk(job.id), output_sk(outcome.spec)
        return updating(self.table, OutputRow, pk, sk, *changes, only_if=_is_held(token), refused=_lost)

    def _held(self, job: Job, spec: Spec, token: str, *changes: Any) -> None:
        try:
            self.table.update(OutputRow, job_pk(job.id), output_sk(spec), *changes, only_if=_is_held(token))
        except ConditionFailed:
            raise LeaseLost from None


def _is_held(token: str) -> Condition:
    # A token is of one try at one version, and is given up with the lease.
    return (Path("lease_by") == token) & (Path("state") == RUNNING)  # type: ignore[no-any-return]


def _lost(old: object) -> LeaseLost:
    return LeaseLost()


def _after(job: Job, outcomes: Sequence[Outcome], seen: Seen) -> Job:
    failed = sum(outcome.code is not None for outcome in outcomes)
    done, failed = job.done + len(outcomes) - failed, job.failed + failed
    return replace(
        job,
        done=done,
        failed=failed,
        state=state_after(job.total, done, failed),
        source=seen.source or job.source,
        blurhash=seen.blurhash or job.blurhash,
    )


def _event(job: Job, outcomes: Sequence[Outcome]) -> Event:
    about: dict[str, Any] = {"job_id": job.id, "file_id": job.file_id, "owner_id": job.owner_id, "n": job.n}
    if job.state == FAILED:
        codes = [outcome.code.value for outcome in outcomes if outcome.code is not None]
        return JobFailed(**about, code=codes[-1] if codes else Code.UNAVAILABLE.value)
    return JobDone(**about, done=job.done, failed=job.failed)


def _seconds(more: timedelta = timedelta(0)) -> int:
    return int((clock.now() + more).timestamp())


def _text(source: dict[str, Any]) -> str:
    return json.dumps(source, separators=(",", ":"))
