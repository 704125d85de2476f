"""Somebody's own posts as one file: gathered a page at a time, joined, and kept for a day."""

import json
import tempfile
import zipfile
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.jobs import Job, JobState
from tessera.listing import read
from tessera.problems import NotFound
from tessera.transact import transact

from ..ports import Ports
from ..rules import archive
from ..rules.arriving import MAX_ITEMS
from ..rules.comments import Comment
from ..rules.posts import Post
from ..rules.remarks import MAX_REMARKS
from ..store.objects import export_key, part_key
from ..store.places import drafts_of, of_author, trash_of
from .access import beginning, person

EXPORT = "export"
LIFE = timedelta(hours=20)
LINK_SECONDS = 900
AT_ONCE = 50
# What one worker packs in its time and memory, and what an import takes back.
MOST_BYTES = 40 * 1024 * 1024
# Comments make a page of posts as large as they like: what is gathered at once ends here.
PART_BYTES = 4 * 1024 * 1024
SHELVES = (of_author, drafts_of, trash_of)


@dataclass(frozen=True)
class Step:
    """The next page of an export: for whom, which list, from where on, and how much there is already."""

    owner_id: str
    job_id: str
    person_id: str = ""
    moderates: bool = False
    shelf: int = 0
    after: str | None = None
    part: int = 0
    posts: int = 0
    comments: int = 0
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.posts >= MAX_ITEMS or self.comments >= MAX_REMARKS or self.bytes >= MOST_BYTES


def start(ports: Ports, *, by: Principal) -> Job:
    """1 transaction, 1 message. Raises `Gone` for somebody who is erased."""
    job, keeping = ports.jobs.starting(by.owner_id, EXPORT, cancellable=True)
    transact(*beginning(ports, job, keeping, by))
    _send(ports, Step(by.owner_id, job.id, person(by), by.can("blog:moderate")))
    return job


def link(ports: Ports, job_id: str, *, by: Principal) -> tuple[Job, str, datetime]:
    """A finished export, a link to it, and until when that is good. 1 read. Raises `NotFound`."""
    job = ports.jobs.get(by.owner_id, job_id)
    if job.kind != EXPORT or job.state not in (JobState.DONE, JobState.PARTIAL) or job.result is None:
        raise NotFound("There is no such export, or it is not finished. Look at its job.")
    left = int((clock.parse(str(job.result["expires_at"])) - clock.now()).total_seconds())
    if left < 1:
        raise NotFound("This export has expired. Ask for another one.")
    seconds = min(left, LINK_SECONDS)
    url = ports.objects.download(export_key(by.owner_id, job_id), f"blog-{job_id}.zip", seconds)
    return job, url, clock.now() + timedelta(seconds=seconds)


def work(ports: Ports, step: Step) -> None:
    """Keep one page and send the rest on. Every step may be done twice, and keeps the same."""
    job = ports.jobs.find(step.owner_id, step.job_id)
    if job is None or job.state.is_over:
        return
    if step.shelf == len(SHELVES) or step.is_full:
        _join(ports, job, step)
        return
    further = _packed(ports, step)
    job = ports.jobs.progress(job, further.posts)
    ports.progress.tell(job)
    if not job.state.is_over:
        _send(ports, further)


def _packed(ports: Ports, step: Step) -> Step:
    """Keep a page of posts with their comments, or as many of them as one part may hold; the step after it."""
    name = SHELVES[step.shelf](step.owner_id)
    pointers = read(ports.posts.table, name, limit=AT_ONCE, after=step.after, consistent=True)
    wholes = {post.id: (post, body) for post, body in ports.posts.wholes(one.id for one in pointers)}
    records: list[str] = []
    done, comments, size = 0, 0, 0
    for one in pointers:
        done += 1
        post, body = wholes.get(one.id, (None, None))
        if post is None or body is None or post.author_id != step.owner_id:
            continue
        said = _comments(ports, post, step, MAX_REMARKS - step.comments - comments)
        records.append(json.dumps(archive.record_of(post, body, said), ensure_ascii=False))
        comments, size = comments + len(said), size + len(records[-1].encode())
        if size >= PART_BYTES or step.comments + comments >= MAX_REMARKS:
            break
    ports.objects.put(part_key(step.owner_id, step.job_id, step.part), f"[{','.join(records)}]".encode())
    further = replace(
        step,
        part=step.part + 1,
        posts=step.posts + len(records),
        comments=step.comments + comments,
        bytes=step.bytes + size,
    )
    if done == len(pointers) < AT_ONCE:
        return replace(further, shelf=step.shelf + 1, after=None)
    return replace(further, after=pointers[done - 1].sk)


def _comments(ports: Ports, post: Post, step: Step, most: int) -> list[dict[str, object]]:
    """The comments of a post as whoever exports it may see them. Some 2 requests, for many of them more."""
    found = [one for one in ports.comments.all_of(post.id, most) if one.state.is_in_thread or _is_whole(one, step)]
    authors = ports.authors.many(list(dict.fromkeys(one.author_id for one in found if one.author_id)))
    names = {author.id: author.name or author.username for author in authors.values()}
    return [archive.comment_of(one, names.get(one.author_id or ""), whole=_is_whole(one, step)) for one in found]


def _is_whole(comment: Comment, step: Step) -> bool:
    return step.moderates or (comment.author_id is not None and comment.author_id == step.person_id)


def _join(ports: Ports, job: Job, step: Step) -> None:
    entries: dict[str, dict[str, object]] = {}
    now = clock.now()
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for part in range(step.part):
                text = ports.objects.get(part_key(step.owner_id, step.job_id, part))
                for record in json.loads(text or b"[]"):
                    # A post that changed its list meanwhile was met twice.
                    if record["id"] not in entries and len(entries) < MAX_ITEMS:
                        entries[record["id"]] = archive.add(packed, record)
            archive.finish(packed, list(entries.values()), clock.rfc3339(now))
        size = file.tell()
        file.seek(0)
        ports.objects.put(export_key(step.owner_id, step.job_id), file)
    result = {
        "posts": len(entries),
        "comments": step.comments,
        "size_bytes": size,
        "download": f"/blog/exports/{job.id}",
        "expires_at": clock.rfc3339(now + LIFE),
    }
    told = "There is more than one file may hold: the newest posts are in it, published ones first."
    is_cut = step.shelf < len(SHELVES) or step.comments >= MAX_REMARKS
    errors = [{"code": "too-many", "detail": told}] if is_cut else []
    ports.progress.tell(ports.jobs.finish(job, result=result, errors=errors))


def _send(ports: Ports, step: Step) -> None:
    queues.send(ports.queue, EXPORT, asdict(step))
