"""The end of files: what was never finished, what was in the trash long enough, what is to go at once.

A file that goes is marked first, so that nothing is added to it, and then taken apart version by version; each step
gives back what it held. A crash leaves a marked file, which the sweeper brings again.
"""

from dataclasses import replace

from tessera import clock
from tessera.due import DueItem
from tessera.problems import Busy

from ..events import FileDeleted
from ..ports import Ports
from ..rules.files import AWAITED, UPLOAD_LIFE, Content, File, State, Way
from ..store.files import Changed, Move
from ..store.rows import META
from . import settle

PURGE, ABORTED, MAX_TRIES = "files.purge", "aborted", 6
NO_VERDICT = "no-verdict"


def purge(ports: Ports, file_id: str) -> bool:
    """Delete a file for good, whatever state it is in. False when there is none. About 4 requests a version."""
    file = mark(ports, file_id)
    if file is None:
        return False
    after: str | None = None
    while True:
        contents, after = ports.files.contents(file.id, 25, after)
        for content in contents:
            _drop(ports, content)
        if after is None:
            break
    ports.shares.delete_of_file(file.id)
    told = FileDeleted(file_id=file.id, owner_id=file.owner_id, n=file.n, forever=True)
    try:
        ports.files.bury(file, told)
    except Changed:
        # Another run was here at the same time, and has told it.
        return False
    return True


def mark(ports: Ports, file_id: str) -> File | None:
    """From here on nobody sees the file, and nothing is added to it. None when there is none. 2 requests."""
    for _ in range(MAX_TRIES):
        file = ports.files.find(file_id)
        if file is None or file.purging:
            return file
        try:
            return ports.files.change(file, replace(file, purging=True, updated_at=clock.now()))
        except Changed:
            continue
    raise Busy


def give_up(ports: Ports, content: Content, reason: str) -> None:
    """End an upload. A file that never had anything else goes with it."""
    settle.fail(ports, content.file_id, content.n, reason)
    file = ports.files.find(content.file_id)
    if file is not None and file.last == 1 and file.state is State.FAILED:
        purge(ports, file.id)


def come_due(ports: Ports, item: DueItem) -> None:
    """What the sweeper brings: an upload or a scan that is late, a trashed file whose time is over, bytes to delete."""
    kind, _, rest = item.pk.partition("#")
    if kind == "X":
        ports.objects.delete(rest)
        ports.files.deleted(rest)
    elif item.sk == META:
        _file_due(ports, rest)
    elif item.sk.startswith("V#"):
        content = ports.files.content(rest, int(item.sk.removeprefix("V#")))
        if content is not None and ports.files.is_as_seen(item, content):
            _content_due(ports, content)


def _file_due(ports: Ports, file_id: str) -> None:
    file, now = ports.files.find(file_id), clock.now()
    if file is None:
        return
    if file.purging or (file.trashed_at is not None and file.is_trash_over(now)):
        purge(ports, file_id)


def _content_due(ports: Ports, content: Content) -> None:
    now = clock.now()
    if content.state is State.PENDING:
        if settle.charge(ports, content.file_id, content.n) is not None:
            # The event was lost, the bytes were not.
            settle.scan(ports, content.file_id, content.n)
        elif now >= content.created_at + UPLOAD_LIFE:
            give_up(ports, content, settle.ABSENT)
        else:
            _look_again(ports, content)
    elif content.state in (State.UPLOADED, State.SCANNING):
        if now >= content.created_at + UPLOAD_LIFE + 2 * AWAITED:
            settle.fail(ports, content.file_id, content.n, NO_VERDICT)
        else:
            settle.scan(ports, content.file_id, content.n, again=True)


def _look_again(ports: Ports, content: Content) -> None:
    """At the end of its life, and no sooner: a client that is slow is still at it."""
    known = ports.files.content(content.file_id, content.n)
    if known is None or known.state is not State.PENDING:
        return
    try:
        ports.files.commit(Move(content=(known, replace(known, due_at=known.created_at + UPLOAD_LIFE))))
    except Changed:
        return


def _drop(ports: Ports, content: Content) -> None:
    for _ in range(MAX_TRIES):
        going = ports.files.letting_go(content)
        try:
            ports.files.commit(Move(content=(content, None)), also=going.steps)
        except Changed:
            known = ports.files.content(content.file_id, content.n)
            if known is None:
                return
            content = known
            continue
        if content.way is Way.MULTIPART and content.state is State.PENDING:
            ports.objects.abort(content)
        if going.key is not None:
            ports.objects.delete(going.key)
            ports.files.deleted(going.key)
        return
    raise Busy
