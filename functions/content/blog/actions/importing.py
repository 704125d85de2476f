"""Posts from a file: of another blog of ours, of Ghost or of WordPress; each item for itself."""

import hashlib
from dataclasses import dataclass

from tessera import clock, ids, queues
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.idempotency import Intent
from tessera.jobs import Job, JobState
from tessera.markup import TooComplex, TooLong
from tessera.problems import Gone, InvalidRequest, NotFound, PayloadTooLarge, Problem
from tessera.uploads import Signed

from ..ports import Ports
from ..rules.arriving import MAX_FILE_BYTES, Item, Line
from ..rules.imports import read
from ..rules.posts import MAX_TAGS, Post, Status, distinct
from ..rules.problems import UploadMissing
from ..rules.slugs import slug_of
from ..store.imports import Import, Running
from ..store.objects import upload_key
from . import posts
from .access import hold_publisher

IMPORT = "import"
# One run of the worker; the rest goes back to the queue.
SECONDS, AT_ONCE, NOTED_EVERY = 12.0, 100, 20


@dataclass(frozen=True)
class Lines:
    """What became of some items of an import; `rest` when there are more after them."""

    made: Import
    items: tuple[Line, ...]
    rest: bool


def upload(ports: Ports, *, by: Principal) -> tuple[str, Signed]:
    """Where to send a file, for a quarter of an hour. No request."""
    upload_id = ids.new()
    return upload_id, ports.objects.upload(by.owner_id, upload_id)


def start(ports: Ports, upload_id: str, *, by: Principal) -> Job:
    """Begin the import of a file that was sent; asked again, it is the same job. 1 transaction, 1 message.

    Raises `UploadMissing`, `PayloadTooLarge`, `Unreadable`: what is wrong with the file as a whole.
    """
    hold_publisher(ports, by)
    running = ports.imports.get(by.owner_id, upload_id)
    if running is None:
        items = _read(ports, by.owner_id, upload_id)
        job, keeping = ports.jobs.starting(by.owner_id, IMPORT, total=len(items), cancellable=True)
        try:
            ports.imports.start(Import(by.owner_id, upload_id, job.id, by.snapshot()), keeping)
        except Running:
            running = ports.imports.get(by.owner_id, upload_id)
    if running is not None:
        job = ports.jobs.get(by.owner_id, running.job_id)
    # Also for one that was begun before: a crash between its writing and its message is got over this way.
    if job.state is JobState.QUEUED:
        _send(ports, by.owner_id, upload_id)
    return job


def report(ports: Ports, upload_id: str, *, limit: int, after: int, by: Principal) -> Lines:
    """2 reads. Raises `NotFound`."""
    made = ports.imports.get(by.owner_id, upload_id)
    if made is None:
        raise NotFound("There is no such import.")
    found = ports.imports.lines(by.owner_id, upload_id, limit, after)
    return Lines(made, tuple(found[:limit]), len(found) > limit)


def work(ports: Ports, owner_id: str, upload_id: str) -> None:
    """Some items, then the rest goes back to the queue. Raises `AlreadySeen` when another delivery is at it."""
    made = ports.imports.lease(owner_id, upload_id)
    try:
        job = ports.jobs.get(owner_id, made.job_id)
    except NotFound:
        return
    if job.state.is_over:
        return
    try:
        items = _read(ports, owner_id, upload_id)
    except Problem as problem:
        ports.jobs.fail(job, problem)
        return
    try:
        job = _some(ports, made, job, items)
    finally:
        # Also when something did not answer: what is done is kept, and the next delivery may go on at once.
        ports.imports.note(made, release=True)
    if job.state.is_over:
        return
    if made.offset < len(items):
        _send(ports, owner_id, upload_id)
        return
    result = {"created": made.created, "skipped": made.skipped, "refused": made.refused}
    ports.jobs.finish(job, result={**result, "report": f"/blog/imports/{upload_id}"}, errors=made.faults)
    ports.objects.delete(upload_key(owner_id, upload_id))


def _some(ports: Ports, made: Import, job: Job, items: list[Item]) -> Job:
    by = Principal.of_snapshot(made.by)
    started = clock.monotonic()
    for item in items[made.offset : made.offset + AT_ONCE]:
        line = _one(ports, made, item, by)
        ports.imports.report(made, line)
        made.done(line)
        if made.offset % NOTED_EVERY == 0:
            ports.imports.note(made)
        job = ports.jobs.progress(job, made.offset)
        if job.state.is_over or clock.monotonic() - started > SECONDS:
            break
    return job


def _one(ports: Ports, made: Import, item: Item, by: Principal) -> Line:
    """What becomes of an item. What does not answer is no fault of the item, and is raised."""
    if item.skipped or item.fault:
        outcome = "skipped" if item.skipped else "refused"
        return Line(item.number, item.title, outcome, notes=(item.skipped or item.fault,))
    draft, notes = _draft(ports, item)
    try:
        post, _ = posts.create(ports, draft, by=by, intent=_intent(made, item))
    except (InvalidRequest, TooLong, TooComplex, InsufficientScope, Gone) as problem:
        said = next((error.detail for error in problem.errors), problem.detail)
        return Line(item.number, item.title, "refused", notes=(said[:300],))
    return Line(item.number, item.title, "created", post.id, post.slug, (*notes, *_renamed(item, post)))


def _draft(ports: Ports, item: Item) -> tuple[posts.Draft, list[str]]:
    status, notes, now = item.status, list(item.notes), clock.millis()
    if status is Status.PUBLISHED and item.at is not None and item.at > now:
        status = Status.SCHEDULED
        notes.append("Its date is in the future, so it is published then.")
    if status is Status.SCHEDULED and (item.at is None or item.at <= now):
        status = Status.DRAFT
        notes.append("The time it was to be published at is past, so it is a draft here.")
    known = [slug for slug, _ in item.shelves if slug and ports.shelves.category(slug) is not None]
    category = known[0] if known else None
    # A category that is not known here is a tag, if the file says how it is written.
    others = [name for slug, name in item.shelves if name and slug != category]
    if any(slug != category and not name for slug, name in item.shelves):
        notes.append("Its category is not known here.")
    draft = posts.Draft(
        title=item.title,
        body=item.body,
        slug=slug_of(item.slug or item.title),
        yields=True,
        excerpt=item.excerpt,
        tags=distinct([*item.tags, *others])[:MAX_TAGS],
        category=category,
        cover_media_id=item.cover_media_id,
        canonical_url=item.canonical_url,
        comment_policy=item.comment_policy,
        status=status,
        publish_at=None if status is Status.DRAFT else item.at,
        created_at=item.created_at,
        updated_at=item.updated_at or item.created_at,
    )
    return draft, notes


def _renamed(item: Item, post: Post) -> list[str]:
    if item.slug is None or item.slug == post.slug:
        return []
    return [f"Its slug was {item.slug[:100]} and is {post.slug} here."]


def _intent(made: Import, item: Item) -> Intent:
    """The same for the same item of the same upload, so that a second delivery meets the post of the first."""
    digest = hashlib.sha256(f"{made.owner_id}\n{made.upload_id}\n{item.number}".encode()).digest()
    return Intent(ids.derived(ids.timestamp_ms(made.upload_id), digest), f"import {made.upload_id}")


def _read(ports: Ports, owner_id: str, upload_id: str) -> list[Item]:
    body = ports.objects.get(upload_key(owner_id, upload_id), at_most=MAX_FILE_BYTES)
    if body is None:
        raise UploadMissing("Send it with the form that POST /blog/import/uploads gives, then ask again.")
    if len(body) > MAX_FILE_BYTES:
        raise PayloadTooLarge(f"The file may hold {MAX_FILE_BYTES:,} bytes.")
    return read(body)


def _send(ports: Ports, owner_id: str, upload_id: str) -> None:
    queues.send(ports.queue, IMPORT, {"owner_id": owner_id, "upload_id": upload_id})
