"""What reaches `search` other than HTTP: what happened to documents elsewhere, and the work it sends itself.

An event carries its document, or says which one to ask for. That is done from a queue which keeps the work on each
document in order, when its turn comes: an event that comes late, or twice, changes nothing.
"""

from typing import Any

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.searchable import SearchDoc
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import renew, take, upkeep
from .ports import Ports
from .store.rows import EPOCH

POSTS = ("published", "updated", "unpublished", "deleted")
TASKS = ("created", "updated", "completed", "deleted")
MESSAGES = ("created", "edited", "deleted")
FILES = ("clean", "changed", "infected", "deleted")


class Told(Model):
    """An event that carries its document. What is wrong with one is found when it is read."""

    search_doc: dict[str, Any]


class TaskTouched(Model):
    task_id: str
    owner_id: str


class MessageTouched(Model):
    room_id: str
    message_id: str


class MessagesTrimmed(Model):
    message_ids: list[str]


class RoomPurged(Model):
    room_id: str


class FileTouched(Model):
    file_id: str
    owner_id: str


class Resolve(Model):
    capability: str
    doc: str
    asked: dict[str, str]


class Renew(Model):
    doc: str


class Drop(Model):
    scope: str


class RecountAll(Model):
    shard: int
    after: str | None


class Recount(Model):
    scope: str
    beginning: str | None
    after: str | None


class Reweigh(Model):
    epoch: int
    type: str
    shard: int
    after: str | None


class Reindex(Model):
    job_id: str
    by: str
    type: str
    owner_id: str | None
    shard: int
    after: str | None
    done: int


def told(found: Told, received: Envelope, bindings: Bindings) -> None:
    take.tell(bindings.get(Ports), SearchDoc.model_validate(found.search_doc), once=received.id)


def task(touched: TaskTouched, received: Envelope, bindings: Bindings) -> None:
    asked = {"owner_id": touched.owner_id, "id": touched.task_id}
    take.ask(bindings.get(Ports), "tasks", touched.task_id, asked, once=received.id)


def message(touched: MessageTouched, received: Envelope, bindings: Bindings) -> None:
    asked = {"room_id": touched.room_id, "id": touched.message_id}
    take.ask(bindings.get(Ports), "chat", touched.message_id, asked, once=received.id)


def trimmed(gone: MessagesTrimmed, received: Envelope, bindings: Bindings) -> None:
    for message_id in gone.message_ids:
        take.tell_gone(bindings.get(Ports), message_id, once=received.id)


def purged(room: RoomPurged, received: Envelope, bindings: Bindings) -> None:
    take.drop(bindings.get(Ports), f"room:{room.room_id}")


def file(touched: FileTouched, received: Envelope, bindings: Bindings) -> None:
    asked = {"owner_id": touched.owner_id, "id": touched.file_id}
    take.ask(bindings.get(Ports), "files", touched.file_id, asked, once=received.id)


def put(found: SearchDoc, received: Envelope, bindings: Bindings) -> None:
    take.put(bindings.get(Ports), found)


def resolve(work: Resolve, received: Envelope, bindings: Bindings) -> None:
    take.resolve(bindings.get(Ports), work.capability, work.doc, work.asked)


def renew_one(work: Renew, received: Envelope, bindings: Bindings) -> None:
    take.renew(bindings.get(Ports), work.doc)


def reindex(work: Reindex, received: Envelope, bindings: Bindings) -> None:
    data: dict[str, Any] = work.model_dump()
    renew.go_on(bindings.get(Ports), data, work.type, work.owner_id)


def drop(gone: Drop, received: Envelope, bindings: Bindings) -> None:
    take.drop(bindings.get(Ports), gone.scope)


def recount_all(work: RecountAll, received: Envelope, bindings: Bindings) -> None:
    upkeep.recount_all(bindings.get(Ports), work.shard, work.after)


def recount(work: Recount, received: Envelope, bindings: Bindings) -> None:
    upkeep.recount(bindings.get(Ports), work.scope, work.beginning, work.after)


def reweigh(work: Reweigh, received: Envelope, bindings: Bindings) -> None:
    upkeep.reweigh(bindings.get(Ports), work.epoch, work.type, work.shard, work.after)


def come_due(item: DueItem, bindings: Bindings) -> None:
    ports = bindings.get(Ports)
    if item.pk == EPOCH:
        upkeep.tell_epoch(ports, item)
    else:
        ports.indexing.resume(item)


def weekly(bindings: Bindings) -> None:
    upkeep.start_recount(bindings.get(Ports))


def daily(bindings: Bindings) -> None:
    upkeep.keep_epoch(bindings.get(Ports))


ENTRIES = Entries(
    events=[
        *(On(f"blog.post.{verb}.v1", Told, told) for verb in POSTS),
        *(On(f"tasks.task.{verb}.v1", TaskTouched, task) for verb in TASKS),
        *(On(f"chat.message.{verb}.v1", MessageTouched, message) for verb in MESSAGES),
        On("chat.messages.trimmed.v1", MessagesTrimmed, trimmed),
        On("chat.room.purged.v1", RoomPurged, purged),
        *(On(f"files.file.{verb}.v1", FileTouched, file) for verb in FILES),
    ],
    jobs=[
        On(take.PUT, SearchDoc, put),
        On(take.RESOLVE, Resolve, resolve),
        On(take.RENEW, Renew, renew_one),
        On(take.DROP, Drop, drop),
        On(renew.REINDEX, Reindex, reindex),
        On(upkeep.RECOUNT_ALL, RecountAll, recount_all),
        On(upkeep.RECOUNT, Recount, recount),
        On(upkeep.REWEIGH, Reweigh, reweigh),
    ],
    due=come_due,
    schedules={"recount": weekly, "epoch": daily},
)
