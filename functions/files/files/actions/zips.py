"""Several files as one: a job that reads them and writes an archive, piece by piece, as a file of the caller's."""

import zipfile
from collections.abc import Sequence
from typing import IO, cast

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.jobs import Job
from tessera.problems import FieldError, InvalidRequest, PayloadTooLarge, Problem
from tessera.transact import transact

from ..events import FileClean
from ..ports import Ports
from ..rules import kinds
from ..rules.files import MIB, Content, File, State, Way, check_readable, key_of, serves
from ..rules.names import numbered
from ..rules.problems import QuotaExceeded
from ..store.objects import ObjectChanged
from .access import actor, gone

ZIP = "files.zip"
MAX_FILES, MAX_BYTES = 500, 512 * MIB


def ask(ports: Ports, file_ids: Sequence[str], name: str, *, by: Principal) -> Job:
    """Begin an archive. 1 request per 100 files, 1 for the job and 1 message. Raises `NotFound`, `PayloadTooLarge`,
    `InvalidRequest`, `QuotaExceeded`."""
    wanted = list(dict.fromkeys(file_ids))
    found = {file.id: file for file in _readable(ports, wanted, by.owner_id)}
    missing = [position for position, file_id in enumerate(wanted) if file_id not in found]
    if missing:
        raise InvalidRequest(
            "Some of these files cannot be had.",
            errors=[FieldError(f"/ids/{position}", "There is no such file.") for position in missing[:20]],
        )
    for file in found.values():
        check_readable(file)
    size = sum(file.size for file in found.values())
    if size > MAX_BYTES:
        raise PayloadTooLarge(f"An archive takes {MAX_BYTES} bytes of files; these have {size}.")
    if ports.files.usage.get(by.owner_id).left < size:
        raise QuotaExceeded(f"The archive would take {size} bytes more. Delete something first.")
    job, keeping = ports.jobs.starting(by.owner_id, ZIP, total=len(wanted), cancellable=True)
    transact(keeping)
    said = {"owner_id": by.owner_id, "by": actor(by), "job_id": job.id, "file_ids": wanted, "name": name}
    queues.send(ports.settings.queue, ZIP, said)
    return job


def make(ports: Ports, owner_id: str, job_id: str, file_ids: Sequence[str], *, name: str, by: str) -> None:
    """Write the archive. Done twice it is written once: its id is that of the job."""
    job = ports.jobs.find(owner_id, job_id)
    if job is None or job.state.is_over:
        return
    try:
        file = _written(ports, job, file_ids, name=name, by=by)
    except (Problem, ObjectChanged) as error:
        ports.jobs.fail(job, error if isinstance(error, Problem) else gone())
        return
    if file is not None:
        ports.jobs.finish(job, result={"file_id": file.id, "size": file.size})


def _written(ports: Ports, job: Job, file_ids: Sequence[str], *, name: str, by: str) -> File | None:
    now, key = clock.now(), key_of(job.owner_id, job.id, 1)
    writer = ports.objects.writer(key, kinds.ZIP)
    try:
        taken: set[str] = set()
        with zipfile.ZipFile(cast("IO[bytes]", writer), "w", zipfile.ZIP_STORED) as archive:
            for done, file in enumerate(_readable(ports, file_ids, job.owner_id), 1):
                _add(ports, archive, file, numbered(file.name, taken))
                if done % 20 == 0 and ports.jobs.progress(job, done).state.is_over:
                    writer.abandon()
                    return None
        etag = writer.close()
    except BaseException:
        writer.abandon()
        raise
    content = Content(
        file_id=job.id,
        owner_id=job.owner_id,
        n=1,
        key=key,
        type=kinds.ZIP,
        way=Way.NONE,
        created_at=now,
        created_by=by,
        state=State.CLEAN,
        size=writer.size,
        etag=etag,
        charged=writer.size,
    )
    file = File(
        id=job.id,
        owner_id=job.owner_id,
        name=name,
        folder_id=None,
        type=kinds.ZIP,
        state=State.CLEAN,
        created_at=now,
        updated_at=now,
        created_by=by,
    )
    file = serves(file, content)
    told = FileClean(file_id=file.id, owner_id=file.owner_id, n=1, media_type=file.type, size=file.size, etag=etag)
    try:
        made, _ = ports.files.create(file, content, Intent(job.id, job.id), event=told)
    except QuotaExceeded:
        ports.objects.delete(key)
        raise
    return made


def _add(ports: Ports, archive: zipfile.ZipFile, file: File, name: str) -> None:
    check_readable(file)
    assert file.key is not None and file.etag is not None
    entry = zipfile.ZipInfo(name, date_time=file.created_at.timetuple()[:6])
    entry.file_size = file.size
    with archive.open(entry, "w") as into:
        for piece in ports.objects.read(file.key, f'"{file.etag}"', clean=True):
            into.write(piece)


def _readable(ports: Ports, file_ids: Sequence[str], owner_id: str) -> list[File]:
    found = [file for file in ports.files.many(file_ids) if file.trashed_at is None and not file.purging]
    others = [file.id for file in found if file.owner_id != owner_id]
    roles = ports.shares.roles(others, owner_id)
    return [file for file in found if file.owner_id == owner_id or file.id in roles]
