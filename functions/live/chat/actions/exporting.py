"""A room as one file: lines of JSON, gathered a step at a time, kept for 20 hours behind a link for its owner."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from tessera import aws, clock, queues
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.jobs import Job, JobState
from tessera.problems import NotFound
from tessera.transact import telling, transact

from .. import lines
from ..ports import Ports
from ..rules.exports import LINES_AT_ONCE, Export, ExportLost, ExportRunning, Stage, taken
from ..rules.messages import Place
from ..rules.rooms import check_owner
from ..store.exports import ExportTaken
from ..store.objects import PART_BYTES
from ..store.rows import place_in, place_key
from .access import enter, person

EXPORT = "room.export"
LIFE = timedelta(hours=20)
LINK_SECONDS = 900
NAMED_AT_ONCE = 100


def start(ports: Ports, room_id: str, *, by: Principal, call: Call) -> Job:
    """Begin to export what one may read of a room; asked again meanwhile, it is the same job. 3 requests.

    Raises `NotAllowed`, `ExportRunning`, and what `enter` raises.
    """
    user_id = person(by)
    inside = enter(ports, room_id, user_id)
    check_owner(inside.member)
    first_n, last_n = inside.first_visible, inside.room.msg_n
    job, keeping = ports.jobs.starting(user_id, EXPORT, total=max(0, last_n - first_n + 1), cancellable=True)
    export = Export(room_id, job.id, user_id, first_n, last_n)
    asked = audit("chat.room-exported", f"room:{room_id}", by=by, call=call)
    try:
        transact(
            keeping,
            ports.exports.opening(export),
            ports.rooms.owning(room_id, user_id),
            telling(ports.rooms.table, asked),
            *ports.progress.opening(job.id, [user_id]),
        )
    except ExportTaken as there:
        job = _running(ports, there.export, user_id)
    # Also when it was begun before: a crash between its writing and its message is got over this way.
    if job.state is JobState.QUEUED:
        _send(ports, export.room_id, job)
    return job


def _running(ports: Ports, export: Export, user_id: str) -> Job:
    job = ports.jobs.find(export.owner_id, export.job_id)
    if job is None or job.state.is_over:
        _let_go(ports, export)
        raise ExportRunning("The last export has just ended. Ask again.")
    if export.owner_id != user_id:
        raise ExportRunning("Another owner has asked for it. Ask again when it is done.")
    return job


def link(ports: Ports, room_id: str, job_id: str, *, by: Principal) -> tuple[Job, str, datetime]:
    """A finished export, a link to it, and until when that is good. 2 requests.

    For who has asked, while they own the room. Raises `NotFound`, `NotAllowed`, and what `enter` raises.
    """
    user_id = person(by)
    check_owner(enter(ports, room_id, user_id).member)
    job = ports.jobs.get(user_id, job_id)
    if job.kind != EXPORT or job.result is None or job.result["room_id"] != room_id:
        raise NotFound("There is no such export, or it is not finished. Look at its job.")
    left = int((clock.parse(str(job.result["expires_at"])) - clock.now()).total_seconds())
    if left < 1:
        raise NotFound("This export has expired. Ask for another one.")
    seconds = min(left, LINK_SECONDS)
    url = ports.objects.link(user_id, job_id, name=f"room-{room_id}.jsonl", seconds=seconds)
    return job, url, clock.now() + timedelta(seconds=seconds)


def work(ports: Ports, room_id: str, owner_id: str, job_id: str) -> None:
    """Write some lines and send the rest on. Delivered twice, or after a crash, it goes on from what was kept."""
    job = ports.jobs.find(owner_id, job_id)
    drawn = ports.exports.draw(room_id, job_id)
    if job is None or job.state.is_over:
        if drawn is not None:
            _let_go(ports, drawn[0])
        return
    if drawn is None:
        ports.jobs.fail(job, ExportLost("The room is gone, or another export of it was begun since. Ask again."))
        return
    before, number = drawn
    if before.stage is not Stage.WRITTEN:
        after = _step(ports, before, number)
        if after is None:
            return
        aws.fault_point("export.kept")
        ports.objects.drop(before)
        job = _reached(ports, job, after)
        if job.state.is_over or after.stage is not Stage.WRITTEN:
            _send(ports, room_id, job)
            return
        before = after
    _finish(ports, before, job)


def _step(ports: Ports, before: Export, number: int) -> Export | None:
    """What is kept after one step; None when it was done by somebody else meanwhile."""
    buffer = bytearray(ports.objects.waiting(before))
    after, had, read = before, len(buffer), 0
    for reached, line, weight in _lines(ports, before):
        buffer += line
        after, read = reached, read + weight
        if len(buffer) >= PART_BYTES or read >= LINES_AT_ONCE:
            break
    after = replace(after, waiting=None, size_bytes=before.size_bytes + len(buffer) - had)
    if len(buffer) >= PART_BYTES or after.stage is Stage.WRITTEN:
        after = replace(after, upload_id=before.upload_id or ports.objects.begin(before))
        etag = ports.objects.add(after, number, bytes(buffer))
        after = replace(after, parts=(*before.parts, (number, etag)))
    else:
        ports.objects.wait(after, number, bytes(buffer))
        after = replace(after, waiting=number)
    if ports.exports.keep(after):
        return replace(after, step=before.step + 1)
    ports.objects.abandon(after if before.upload_id is None else replace(after, upload_id=None))
    return None


def _lines(ports: Ports, export: Export) -> Iterator[tuple[Export, bytes, int]]:
    """What is left to write, each line with how far it is then and what it took to read."""
    if export.stage is Stage.MEMBERS:
        if export.after is None:
            room = ports.rooms.room(export.room_id, fresh=True)
            yield export, lines.written(lines.room_line(room, export)), 1
        while True:
            members, after = ports.rooms.members_page(export.room_id, NAMED_AT_ONCE, export.after)
            names = ports.people.names([one.user_id for one in members])
            for member in members:
                counts = replace(export.counts, members=export.counts.members + 1)
                export = replace(export, counts=counts, after=member.user_id)
                yield export, lines.written(lines.member_line(member, names.get(member.user_id))), 1
            if after is None:
                break
        export = replace(export, stage=Stage.MESSAGES, after=place_key(Place(export.first_n)))
    start = place_in(export.after or "")
    for message, reactions in ports.whole.said(export.room_id, start, export.last_n):
        place = message.place
        export = replace(taken(export, place), after=place_key(Place(place.n, place.tn + 1)))
        line = lines.written(lines.message_line(message, reactions))
        yield export, line, 1 + sum(map(len, reactions.values()))
    yield replace(export, stage=Stage.WRITTEN, after=None), lines.written(lines.end_line(export)), 1


def _reached(ports: Ports, job: Job, export: Export) -> Job:
    n = place_in(export.after).n if export.stage is Stage.MESSAGES and export.after else export.first_n
    done = export.total if export.stage is Stage.WRITTEN else min(export.total, n - export.first_n)
    try:
        job = ports.jobs.progress(job, done)
    except NotFound:
        return replace(job, state=JobState.CANCELLED)
    ports.progress.tell(job, export.room_id)
    return job


def _finish(ports: Ports, export: Export, job: Job) -> None:
    if not ports.objects.complete(export):
        ports.jobs.fail(job, ExportLost("What was written of it is not there any more. Ask again."))
        ports.exports.end(export)
        return
    result = {
        "room_id": export.room_id,
        **vars(export.counts),
        "size_bytes": export.size_bytes,
        "download": f"/chat/rooms/{export.room_id}/exports/{job.id}",
        "expires_at": clock.rfc3339(clock.now() + LIFE),
    }
    aws.fault_point("export.completed")
    try:
        ended = ports.jobs.finish(job, result=result)
    except NotFound:
        ended = replace(job, state=JobState.CANCELLED)
    if ended.state is not JobState.DONE:
        # It was cancelled at the last moment, or whoever asked is gone: nobody is to have it.
        ports.objects.delete(export.owner_id, [export.job_id])
    ports.exports.end(export)
    ports.progress.tell(ended, export.room_id)


def _let_go(ports: Ports, export: Export) -> None:
    ports.objects.abandon(export)
    ports.exports.end(export)


def _send(ports: Ports, room_id: str, job: Job) -> None:
    queues.send(ports.queue, EXPORT, {"room_id": room_id, "owner_id": job.owner_id, "job_id": job.id})
