"""The items of the table, and how they become what `rules` knows."""

import json
from collections.abc import Iterable, Sequence

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.tables import Row

from ..rules.jobs import Job, JobView, Output
from ..rules.metas import Meta
from ..rules.outputs import Spec, job_key, specs_of, text_of

META, MAIN, TEXT, PRESETS, DEAD = "META", "-", "TEXT", "PRESETS", "DEAD"
SHARDS = 4


def job_pk(job_id: str) -> str:
    return f"J#{job_id}"


def output_sk(spec: Spec) -> str:
    return f"O#{spec.hash}"


def link_pk(file_id: str, etag: str, specs: Iterable[Spec]) -> str:
    return f"K#{job_key(file_id, etag, specs)}"


def meta_pk(file_id: str) -> str:
    return f"M#{file_id}"


def file_pk(file_id: str) -> str:
    return f"F#{file_id}"


def owned(owner_id: str) -> str:
    return f"O#{owner_id}"


def in_state(owner_id: str, state: str) -> str:
    return f"ST#{owner_id}#{state}"


def place(n: int, preset: str, job_id: str) -> str:
    """Where a job stands among those of its file: by version, and those of presets above the others."""
    return f"{n:09d}#{int(bool(preset))}#{job_id}"


def shard_pk(shard: int) -> str:
    return f"SRC#{shard}"


class JobRow(Row):
    """Without an index while all is well, because it is written for each output; `gs2` only while something failed."""

    owner_id = UnicodeAttribute()
    file_id = UnicodeAttribute()
    n = NumberAttribute()
    etag = UnicodeAttribute()
    specs = UnicodeAttribute()
    preset = UnicodeAttribute(null=True)
    state = UnicodeAttribute()
    total = NumberAttribute()
    done = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    attempts = NumberAttribute(default=0)
    heavy = NumberAttribute(null=True)
    source = UnicodeAttribute(null=True)
    blurhash = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)


class OutputRow(Row):
    """One output of a job, of the version of the file that `etag` names."""

    state = UnicodeAttribute()
    etag = UnicodeAttribute()
    lease_by = UnicodeAttribute(null=True)
    lease_until = NumberAttribute(null=True)
    attempts = NumberAttribute(default=0)
    key = UnicodeAttribute(null=True)
    w = NumberAttribute(null=True)
    h = NumberAttribute(null=True)
    bytes = NumberAttribute(null=True)
    error = UnicodeAttribute(null=True)


class PartRow(JobRow):
    """Any item of a job's partition, as one query reads them all: the job itself and its outputs."""

    lease_until = NumberAttribute(null=True)
    key = UnicodeAttribute(null=True)
    w = NumberAttribute(null=True)
    h = NumberAttribute(null=True)
    bytes = NumberAttribute(null=True)
    error = UnicodeAttribute(null=True)


class LinkRow(Row):
    """The one job of a version and a set of outputs; and how jobs are listed, for it changes only with their state."""

    job_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    file_id = UnicodeAttribute()
    state = UnicodeAttribute()
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()
    gs2_pk = UnicodeAttribute()
    gs2_sk = UnicodeAttribute()
    gs3_pk = UnicodeAttribute()
    gs3_sk = UnicodeAttribute()


class MetaRow(Row):
    """What is known of a file's latest version. `gs1` is all there are, for backfills; `gs3` an owner's."""

    owner_id = UnicodeAttribute()
    n = NumberAttribute()
    etag = UnicodeAttribute()
    media_type = UnicodeAttribute()
    size = NumberAttribute()
    state = UnicodeAttribute()
    code = UnicodeAttribute(null=True)
    facts = UnicodeAttribute(null=True)
    attempts = NumberAttribute(default=0)
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()
    gs3_pk = UnicodeAttribute()
    gs3_sk = UnicodeAttribute()


class TextRow(Row):
    """The text of a document, apart because most readers do without."""

    etag = UnicodeAttribute()
    text = UnicodeAttribute()


class PresetRow(Row):
    specs = UnicodeAttribute()
    updated_at = UnicodeAttribute()


def job_row(job: Job) -> JobRow:
    return JobRow(
        pk=job_pk(job.id),
        sk=META,
        owner_id=job.owner_id,
        file_id=job.file_id,
        n=job.n,
        etag=job.etag,
        specs=text_of(job.specs),
        preset=job.preset or None,
        state=job.state,
        total=job.total,
        heavy=1 if job.is_heavy else None,
        created_at=clock.rfc3339(job.created_at),
        updated_at=clock.rfc3339(job.updated_at),
    )


def link_row(job: Job) -> LinkRow:
    return LinkRow(
        pk=link_pk(job.file_id, job.etag, job.specs),
        sk=MAIN,
        job_id=job.id,
        owner_id=job.owner_id,
        file_id=job.file_id,
        state=job.state,
        gs1_pk=file_pk(job.file_id),
        gs1_sk=place(job.n, job.preset, job.id),
        gs2_pk=in_state(job.owner_id, job.state),
        gs2_sk=job.id,
        gs3_pk=owned(job.owner_id),
        gs3_sk=job.id,
    )


def job_of(row: JobRow) -> Job:
    return Job(
        id=row.pk.partition("#")[2],
        owner_id=row.owner_id,
        file_id=row.file_id,
        n=int(row.n),
        etag=row.etag,
        specs=specs_of(row.specs),
        created_at=clock.parse(row.created_at),
        updated_at=clock.parse(row.updated_at),
        preset=row.preset or "",
        state=row.state,
        done=int(row.done),
        failed=int(row.failed),
        attempts=int(row.attempts),
        is_heavy=bool(row.heavy),
        source=json.loads(row.source) if row.source else None,
        blurhash=row.blurhash,
        version=int(row.version),
    )


def view_of(rows: Sequence[PartRow]) -> JobView | None:
    """A job with its outputs. What a version before has left is as if it were not there."""
    found = next((row for row in rows if row.sk == META), None)
    if found is None:
        return None
    job = job_of(found)
    known = {row.sk: row for row in rows if row.etag == job.etag}
    return JobView(job, tuple(_output(spec, known.get(output_sk(spec))) for spec in job.specs))


def _output(spec: Spec, row: PartRow | None) -> Output:
    if row is None:
        return Output(spec)
    until = row.lease_until
    return Output(
        spec=spec,
        state=row.state,
        etag=row.etag,
        lease_until=clock.from_millis(int(until) * 1000) if until else None,
        attempts=int(row.attempts),
        key=row.key,
        width=_number(row.w),
        height=_number(row.h),
        size=_number(row.bytes),
        error=row.error,
    )


def meta_of(row: MetaRow) -> Meta:
    return Meta(
        file_id=row.pk.partition("#")[2],
        owner_id=row.owner_id,
        n=int(row.n),
        etag=row.etag,
        media_type=row.media_type,
        size=int(row.size),
        state=row.state,
        code=row.code,
        facts=json.loads(row.facts) if row.facts else {},
        attempts=int(row.attempts),
    )


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
