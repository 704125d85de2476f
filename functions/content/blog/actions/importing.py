"""Posts from a file: of another blog of ours, of Ghost or of WordPress; each item for itself."""

import hashlib
import html
from dataclasses import dataclass, replace

from tessera import clock, ids, queues
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.idempotency import Intent
from tessera.jobs import Job, JobState
from tessera.markup import TooComplex, TooLong, render
from tessera.problems import Busy, Gone, InvalidRequest, NotFound, PayloadTooLarge, Problem
from tessera.transact import AlreadySeen, Step, transact
from tessera.uploads import Signed

from ..ports import Ports
from ..rules.arriving import MAX_FILE_BYTES, Item, Line
from ..rules.comments import Comment
from ..rules.imports import read
from ..rules.posts import MAX_TAGS, Post, Status, distinct
from ..rules.problems import UploadMissing
from ..rules.remarks import SALT_BYTES, Brought, brought
from ..rules.slugs import slug_of
from ..store.comment_arrivals import ARRIVING_AT_ONCE, NumberInUse, arrive
from ..store.imports import Import, Running
from ..store.objects import upload_key
from . import posts
from .access import beginning, hold_publisher, person
from .picturing import left_out

IMPORT = "import"
# One run of the worker; the rest goes back to the queue.
SECONDS, AT_ONCE, TOLD_EVERY = 12.0, 100, 20
TRIES, MAX_NOTES = 6, 20


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

    Raises `UploadMissing`, `PayloadTooLarge`, `Unreadable`: what is wrong with the file as a whole; and `Gone` for
    somebody who is erased.
    """
    hold_publisher(ports, by)
    running = ports.imports.get(by.owner_id, upload_id)
    if running is None:
        items = _read(ports, by.owner_id, upload_id)
        job, keeping = ports.jobs.starting(by.owner_id, IMPORT, total=len(items), cancellable=True)
        try:
            begun = Import(by.owner_id, upload_id, job.id, by.snapshot())
            ports.imports.start(begun, *beginning(ports, job, keeping, by))
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
    job = ports.jobs.find(owner_id, made.job_id)
    if job is None or job.state.is_over:
        return
    try:
        items = _read(ports, owner_id, upload_id)
    except Problem as problem:
        ports.progress.tell(ports.jobs.fail(job, problem))
        return
    try:
        made, job = _some(ports, made, job, items)
    finally:
        # Also when something did not answer: what is done is kept, and the next delivery may go on at once.
        ports.imports.release(made)
    if job.state.is_over:
        ports.progress.tell(job)
        return
    if made.offset < len(items):
        ports.progress.tell(job)
        _send(ports, owner_id, upload_id)
        return
    _finish(ports, made, job)
    ports.objects.delete(upload_key(owner_id, upload_id))


def _finish(ports: Ports, made: Import, job: Job) -> None:
    result = {name: getattr(made, name) for name in ("created", "skipped", "refused", "comments")}
    refused = ports.imports.refusals(made.owner_id, made.upload_id) if made.refused else []
    faults = [{"item": one.number, "title": one.title, "detail": " ".join(one.notes)} for one in refused]
    done = ports.jobs.finish(job, result={**result, "report": f"/blog/imports/{made.upload_id}"}, errors=faults)
    ports.progress.tell(done)


def _some(ports: Ports, made: Import, job: Job, items: list[Item]) -> tuple[Import, Job]:
    by = Principal.of_snapshot(made.by)
    started = clock.monotonic()
    for item in items[made.offset : made.offset + AT_ONCE]:
        with_it = _comments(made, item, by)
        while made.offset < item.number:
            made = _follow(ports, made, item, with_it) if made.inside else _take(ports, made, item, with_it, by)
            job = _noted(ports, job, made.offset)
            if job.state.is_over or clock.monotonic() - started > SECONDS:
                return made, job
        if made.offset % TOLD_EVERY == 0:
            ports.progress.tell(job)
    return made, job


def _noted(ports: Ports, job: Job, done: int) -> Job:
    try:
        return ports.jobs.progress(job, done)
    except NotFound:
        # It went with whoever asked for it.
        raise AlreadySeen() from None


def _take(ports: Ports, made: Import, item: Item, with_it: Brought, by: Principal) -> Import:
    """The import once it is known what becomes of an item. What does not answer is no fault of it, and is raised."""
    if item.skipped or item.fault:
        outcome = "skipped" if item.skipped else "refused"
        return _settle(ports, made, Line(item.number, item.title, outcome, notes=(item.skipped or item.fault,)))
    try:
        draft, notes = _draft(ports, made, item)
    except TooComplex as problem:
        return _settle(ports, made, Line(item.number, item.title, "refused", notes=(problem.detail[:300],)))

    def line(post: Post) -> Line:
        told = (*notes, *_renamed(item, post), *with_it.notes)[:MAX_NOTES]
        return Line(item.number, item.title, "created", post.id, post.slug, told, len(with_it.comments))

    def also(post: Post) -> list[Step]:
        return ports.imports.advancing(made, _settled(made, line(post)), line(post))

    try:
        post, replayed = posts.create(ports, draft, by=by, intent=_intent(made, item), also=also)
    except (InvalidRequest, TooLong, TooComplex, InsufficientScope, Gone) as problem:
        said = next((error.detail for error in problem.errors), problem.detail)
        return _settle(ports, made, Line(item.number, item.title, "refused", notes=(said[:300],)))
    return _settle(ports, made, line(post)) if replayed else _settled(made, line(post))


def _settle(ports: Ports, made: Import, line: Line) -> Import:
    after = _settled(made, line)
    transact(*ports.imports.advancing(made, after, line))
    return after


def _settled(made: Import, line: Line) -> Import:
    return made.settled(line, comments_follow=line.comments > 0)


def _comments(made: Import, item: Item, by: Principal) -> Brought:
    """The same whenever it is asked: a later delivery goes on where this one ends."""
    sent_at = ids.timestamp_ms(made.upload_id)
    since = next((at for at in (item.at, item.created_at) if at is not None), sent_at)
    salt = _digest(made, item)[-SALT_BYTES:]
    return brought(item.remarks, _intent(made, item).id, by=person(by), salt=salt, now=sent_at, since=since)


def _follow(ports: Ports, made: Import, item: Item, with_it: Brought) -> Import:
    """The import once a further part of the comments of a post is there, or left out because the post is not."""
    first = (made.inside - 1) * ARRIVING_AT_ONCE
    some = with_it.comments[first : first + ARRIVING_AT_ONCE]
    after = made.followed(len(some), more=first + ARRIVING_AT_ONCE < len(with_it.comments))
    shown = [_shown(one) for one in some]
    also = ports.imports.advancing(made, after)
    for shift in range(TRIES):
        numbered = [replace(one, number=one.number + shift) for one in shown]
        try:
            arrive(ports.comments.table, _intent(made, item).id, numbered, *also)
        except NumberInUse:
            continue
        except NotFound:
            break
        return after
    else:
        raise Busy()
    rest = made.followed(0, more=False)
    transact(*ports.imports.advancing(made, rest))
    return rest


def _shown(comment: Comment) -> Comment:
    if comment.body is None:
        return comment
    try:
        return replace(comment, html=render(comment.body, "comment").html)
    except TooComplex:
        return replace(comment, html=f"<p>{html.escape(comment.body)}</p>")


def _draft(ports: Ports, made: Import, item: Item) -> tuple[posts.Draft, list[str]]:
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
    without = left_out(ports, made.owner_id, item.body, item.cover_media_id)
    if without:
        notes.append(f"Pictures that are left out: {len(without)}. They are no pictures of yours here.")
    draft = posts.Draft(
        title=item.title,
        body=item.body,
        slug=slug_of(item.slug or item.title),
        yields=True,
        excerpt=item.excerpt,
        tags=distinct([*item.tags, *others])[:MAX_TAGS],
        category=category,
        cover_media_id=None if item.cover_media_id in without else item.cover_media_id,
        without=frozenset(without),
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
    return Intent(ids.derived(ids.timestamp_ms(made.upload_id), _digest(made, item)), f"import {made.upload_id}")


def _digest(made: Import, item: Item) -> bytes:
    return hashlib.sha256(f"{made.owner_id}\n{made.upload_id}\n{item.number}".encode()).digest()


def _read(ports: Ports, owner_id: str, upload_id: str) -> list[Item]:
    body = ports.objects.get(upload_key(owner_id, upload_id), at_most=MAX_FILE_BYTES)
    if body is None:
        raise UploadMissing("Send it with the form that POST /blog/import/uploads gives, then ask again.")
    if len(body) > MAX_FILE_BYTES:
        raise PayloadTooLarge(f"The file may hold {MAX_FILE_BYTES:,} bytes.")
    return read(body)


def _send(ports: Ports, owner_id: str, upload_id: str) -> None:
    queues.send(ports.queue, IMPORT, {"owner_id": owner_id, "upload_id": upload_id})
