"""What reaches `blog` other than HTTP: its own events, what accounts say of people, its own work, and time."""

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import exporting, feeding, importing, posts, shelving, teaching, upkeep
from .ports import Ports


class PostTouched(Model):
    post_id: str
    author_id: str
    tags: tuple[str, ...]
    tags_left: tuple[str, ...] = ()


class CommentTold(Model):
    post_id: str
    comment_id: str
    status: str


class UserTold(Model):
    user_id: str


class FileGone(Model):
    file_id: str
    forever: bool


class PostWork(Model):
    post_id: str
    after: str | None = None


class TrimWork(Model):
    post_id: str
    oldest_kept: int


class FeedWork(Model):
    key: str


class MoveWork(Model):
    list: str
    field: str
    old: str
    new: str


class TeachWork(Model):
    comment_id: str
    is_spam: bool
    tries: int


class ImportWork(Model):
    owner_id: str
    upload_id: str


class ExportWork(Model):
    owner_id: str
    job_id: str
    person_id: str = ""
    moderates: bool = False
    shelf: int
    after: str | None
    part: int
    posts: int
    comments: int = 0
    bytes: int


def follow(post: PostTouched, received: Envelope, bindings: Bindings) -> None:
    # No record of seen events: what is derived comes from the posts as they are now, not from the event.
    upkeep.follow_post(bindings.get(Ports), post.post_id, post.author_id, post.tags, post.tags_left)


def leave(post: PostTouched, received: Envelope, bindings: Bindings) -> None:
    everything = (*post.tags, *post.tags_left)
    upkeep.follow_post(bindings.get(Ports), post.post_id, post.author_id, (), everything)


def tell_comment(comment: CommentTold, received: Envelope, bindings: Bindings) -> None:
    # What waits for a moderator is nobody's to hear of.
    if comment.status in ("approved", "deleted", "hidden"):
        kind = received.type.split(".")[2]
        upkeep.tell_comment(bindings.get(Ports), comment.post_id, comment.comment_id, kind, received)


def know_again(user: UserTold, received: Envelope, bindings: Bindings) -> None:
    upkeep.know_again(bindings.get(Ports), user.user_id, received.time)


def forget_picture(file: FileGone, received: Envelope, bindings: Bindings) -> None:
    # What is in the trash may come back; nobody is shown it meanwhile.
    if file.forever:
        upkeep.forget_picture(bindings.get(Ports), file.file_id)


def trim(work: TrimWork, received: Envelope, bindings: Bindings) -> None:
    bindings.get(Ports).posts.trim(work.post_id, work.oldest_kept)


def purge(work: PostWork, received: Envelope, bindings: Bindings) -> None:
    upkeep.purge(bindings.get(Ports), work.post_id)


def relist(work: PostWork, received: Envelope, bindings: Bindings) -> None:
    upkeep.relist(bindings.get(Ports), work.post_id, work.after)


def rebuild(work: FeedWork, received: Envelope, bindings: Bindings) -> None:
    feeding.rebuild(bindings.get(Ports), work.key)


def move(work: MoveWork, received: Envelope, bindings: Bindings) -> None:
    shelving.move_some(bindings.get(Ports), work.list, work.field, work.old, work.new)


def export(work: ExportWork, received: Envelope, bindings: Bindings) -> None:
    exporting.work(bindings.get(Ports), exporting.Step(**work.model_dump()))


def take_in(work: ImportWork, received: Envelope, bindings: Bindings) -> None:
    importing.work(bindings.get(Ports), work.owner_id, work.upload_id)


def teach(work: TeachWork, received: Envelope, bindings: Bindings) -> None:
    teaching.teach(bindings.get(Ports), work.comment_id, is_spam=work.is_spam, tries=work.tries)


def come_due(item: DueItem, bindings: Bindings) -> None:
    upkeep.come_due(bindings.get(Ports), item)


ENTRIES = Entries(
    events=[
        On("blog.post.published.v1", PostTouched, follow),
        On("blog.post.updated.v1", PostTouched, follow),
        On("blog.post.unpublished.v1", PostTouched, leave),
        On("blog.post.deleted.v1", PostTouched, leave),
        On("blog.comment.created.v1", CommentTold, tell_comment),
        On("blog.comment.approved.v1", CommentTold, tell_comment),
        On("blog.comment.deleted.v1", CommentTold, tell_comment),
        On("accounts.user.updated.v1", UserTold, know_again),
        On("accounts.user.locked.v1", UserTold, know_again),
        On("accounts.user.password_changed.v1", UserTold, know_again),
        On("files.file.deleted.v1", FileGone, forget_picture),
    ],
    jobs=[
        On(posts.TRIM, TrimWork, trim),
        On(upkeep.PURGE, PostWork, purge),
        On(upkeep.RELIST, PostWork, relist),
        On(feeding.REBUILD, FeedWork, rebuild),
        On(shelving.MOVE, MoveWork, move),
        On(exporting.EXPORT, ExportWork, export),
        On(importing.IMPORT, ImportWork, take_in),
        On(teaching.TEACH, TeachWork, teach),
    ],
    due=come_due,
)
