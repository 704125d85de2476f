"""A worker's part: read one source in a process of its own, and settle every output as it comes."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tessera import aws, clock, ids, log
from tessera.problems import Problem

from .. import sandbox
from ..ports import Ports
from ..rules.codes import MAX_SOURCE_BYTES, Code
from ..rules.jobs import DONE, FAILED, MAX_LOOKS, Job, JobView, Outcome, Seen, output_key, pause_after, prefix_of
from ..rules.kinds import kind_of
from ..rules.metas import Meta
from ..rules.outputs import Spec, text_of
from ..sources import Source, SourceChanged
from ..store.jobs import Moved
from ..store.settling import LeaseLost
from . import ask, purge, queue

# What passes: a service that did not answer, a process that was killed from outside.
PASSING = (Problem, aws.ClientError, aws.BotoCoreError, sandbox.Lost)


def work(ports: Ports, job_id: str, looks: int) -> None:
    """Do what is left of a job. A message that comes twice finds nothing to do, or somebody at it."""
    view = ports.jobs.view(job_id)
    if view is None or not view.job.is_open:
        return
    source = ports.sources.find(view.job.file_id, view.job.owner_id)
    if source is None:
        # Deleted, or in the trash; what was made of it goes too.
        purge.file(ports, view.job.file_id)
        return
    if source.etag != view.job.etag:
        ask.restart(ports, view.job, source)
        return
    token = ids.new()
    claimed = [output.spec for output in view.unsettled if ports.settling.claim(view.job, output.spec, token)]
    if len(claimed) < len(view.unsettled):
        _look_again(ports, view, looks)
    if claimed:
        _Run(ports, view.job, source, token, claimed).go()


def _look_again(ports: Ports, view: JobView, looks: int) -> None:
    """Come back when the other's lease has run out: should it have died, its outputs would wait for its message."""
    if looks >= MAX_LOOKS:
        return
    until = [output.lease_until for output in view.unsettled if output.lease_until is not None]
    left = (max(until) - clock.now()).total_seconds() if until else 0
    queue.send_job(ports, view.job, delay_seconds=max(5, int(left) + 1), looks=looks + 1)


@dataclass
class _Run:
    """One try at the outputs that this worker has."""

    ports: Ports
    job: Job
    source: Source
    token: str
    claimed: list[Spec]
    seen: Seen = field(default_factory=Seen)

    def go(self) -> None:
        aws.fault_point("media.claimed")
        try:
            self.job = self.ports.jobs.begin(self.job)
            self._made()
        except (Moved, LeaseLost):
            # Cancelled, moved on to another version, another worker's by now, or deleted.
            self._release()
            if self.ports.jobs.find(self.job.id) is None:
                self.ports.erasure.job(self.job.id)
                self.ports.objects.drop(prefix_of(self.job.file_id))
        except SourceChanged:
            self._release()
            self._changed()
        except PASSING as error:
            log.line("media job", outcome="postponed", cause=type(error).__name__)
            self._postpone()

    def _made(self) -> None:
        if not self.source.is_clean:
            self._settle(self._all(Code.GONE))
            return
        if self.source.size > MAX_SOURCE_BYTES:
            self._settle(self._all(Code.TOO_LARGE))
            self._facts(None, Code.TOO_LARGE)
            return
        with tempfile.TemporaryDirectory() as folder:
            path, into = Path(folder, "source"), Path(folder, "out")
            into.mkdir()
            self.ports.sources.fetch(self.source, path)
            self._read(path, into)

    def _read(self, path: Path, into: Path) -> None:
        kind = kind_of(self.source.media_type)
        meta = self._meta()
        if kind is None:
            self._settle(self._all(Code.UNSUPPORTED))
            return
        task = sandbox.Task(path, into, kind, text_of(self.claimed), wants_facts=meta is not None)
        for line in sandbox.run(task, self._keep):
            self._take(line, into, meta)
        if self.claimed:
            # It came to its end and left these out, which it does not do by chance.
            self._settle(self._all(Code.CORRUPT))

    def _take(self, line: dict[str, Any], into: Path, meta: Meta | None) -> None:
        if "source" in line:
            self.seen = Seen(line["source"], self.seen.blurhash)
        elif "seen" in line:
            self.seen = Seen(self.seen.source, str(line["seen"]))
        elif "facts" in line and meta is not None:
            self.ports.metas.learnt(meta, line["facts"])
        elif "output" in line:
            self._output(line["output"], into)
        elif "refused" in line:
            code = Code(line["refused"])
            self._facts(meta, code)
            self._settle(self._all(code))
        elif "end" in line:
            end = line["end"]
            log.line("media child", rss_bytes=end["rss_bytes"], duration_ms=round(1000 * end["cpu_seconds"]))

    def _output(self, told: dict[str, Any], into: Path) -> None:
        spec = next(spec for spec in self.claimed if spec.hash == told["hash"])
        if "error" in told:
            self._settle([Outcome(spec, Code(told["error"]))])
            return
        key = output_key(self.job.file_id, self.job.etag, spec)
        self.ports.objects.put(key, into / spec.filename, spec.format)
        aws.fault_point("media.put")
        self._settle([Outcome(spec, None, key, told["w"], told["h"], told["bytes"])])

    def _settle(self, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        self.job = self.ports.settling.settle(self.job, outcomes, self.token, self.seen)
        settled = {outcome.spec for outcome in outcomes}
        self.claimed = [spec for spec in self.claimed if spec not in settled]
        self.ports.progress.tell(self.job, outcomes)
        aws.fault_point("media.settled")

    def _all(self, code: Code) -> list[Outcome]:
        return [Outcome(spec, code) for spec in self.claimed]

    def _keep(self) -> None:
        for spec in self.claimed:
            self.ports.settling.keep(self.job, spec, self.token)

    def _release(self) -> None:
        for spec in self.claimed:
            self.ports.settling.release(self.job, spec, self.token)

    def _meta(self) -> Meta | None:
        """What is to be found out besides: nothing when it was before."""
        meta = self.ports.metas.find(self.job.file_id)
        return meta if meta is not None and meta.etag == self.job.etag and meta.state not in (DONE, FAILED) else None

    def _facts(self, meta: Meta | None, code: Code) -> None:
        meta = meta or self._meta()
        if meta is not None:
            self.ports.metas.failed(meta, code)

    def _changed(self) -> None:
        """The bytes are other ones than a moment ago: ask what the file is now."""
        source = self.ports.sources.find(self.job.file_id, self.job.owner_id)
        if source is not None and source.etag != self.job.etag:
            ask.restart(self.ports, self.job, source)
        else:
            self._postpone()

    def _postpone(self) -> None:
        """Try again in a while; give up what is left after the last time."""
        pause = pause_after(self.job.attempts)
        if pause is None:
            self._settle(self._all(Code.UNAVAILABLE))
            return
        self._release()
        queue.send_job(self.ports, self.job, delay_seconds=pause)


def look(ports: Ports, file_id: str, owner_id: str) -> None:
    """Find out what there is to know of a file, without making anything of it."""
    meta = ports.metas.find(file_id)
    if meta is None or meta.state in (DONE, FAILED):
        return
    try:
        source = ports.sources.find(file_id, owner_id)
        if source is None:
            purge.file(ports, file_id)
            return
        if source.etag != meta.etag:
            # The message that the later version is clean is on its way.
            return
        _look(ports, meta, source)
    except (SourceChanged, *PASSING) as error:
        log.line("media look", outcome="postponed", cause=type(error).__name__)
        pause = pause_after(ports.metas.tried(meta))
        if pause is None:
            ports.metas.failed(meta, Code.UNAVAILABLE)
        else:
            queue.send_look(ports, file_id, owner_id, meta.size, delay_seconds=pause)


def _look(ports: Ports, meta: Meta, source: Source) -> None:
    kind = kind_of(source.media_type)
    if not source.is_clean or kind is None:
        ports.metas.failed(meta, Code.GONE if kind else Code.UNSUPPORTED)
        return
    if source.size > MAX_SOURCE_BYTES:
        ports.metas.failed(meta, Code.TOO_LARGE)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "source")
        ports.sources.fetch(source, path)
        for line in sandbox.run(sandbox.Task(path, Path(folder), kind, wants_facts=True)):
            if "facts" in line:
                ports.metas.learnt(meta, line["facts"])
                return
            if "refused" in line:
                ports.metas.failed(meta, Code(line["refused"]))
                return
    ports.metas.failed(meta, Code.CORRUPT)
