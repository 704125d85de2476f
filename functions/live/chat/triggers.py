"""What reaches `chat` other than HTTP: its own events, the work it sends itself, files that are no more, and time."""

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import cards, commit, exporting, marks, thumbs, upkeep
from .ports import Ports
from .rules.messages import Place


class MessageTouched(Model):
    room_id: str
    n: int
    thread_n: int


class MessageSaid(MessageTouched):
    message_id: str
    author_id: str
    mentions: list[str]


class MembersCame(Model):
    room_id: str
    by: str
    members: list[str]


class MembersMoved(MembersCame):
    change: str


class FileTold(Model):
    file_id: str


class FileWork(FileTold):
    is_there: bool
    after: str | None = None


class ThumbWork(FileTold):
    after: str | None = None


class RoomActive(Model):
    room_id: str
    minute: int


class CardsWork(MessageTouched):
    tries: int


class RoomWork(Model):
    room_id: str


class ExportWork(RoomWork):
    owner_id: str
    job_id: str


class ReadToTell(RoomWork):
    user_id: str


def follow(touched: MessageTouched, received: Envelope, bindings: Bindings) -> None:
    # No record of seen events: what is derived comes from the message as it is now, not from the event.
    upkeep.follow(bindings.get(Ports), touched.room_id, Place(touched.n, touched.thread_n))


def said(message: MessageSaid, received: Envelope, bindings: Bindings) -> None:
    follow(message, received, bindings)
    data = {"kind": "chat.mention", "room_id": message.room_id, "message_id": message.message_id, "n": message.n}
    upkeep.tell_people(bindings.get(Ports), message.mentions, {**data, "by": message.author_id}, received)


def came(members: MembersCame, received: Envelope, bindings: Bindings) -> None:
    data = {"kind": "chat.room_added", "room_id": members.room_id, "by": members.by}
    others = [one for one in members.members if one != members.by]
    upkeep.tell_people(bindings.get(Ports), others, data, received)


def moved(members: MembersMoved, received: Envelope, bindings: Bindings) -> None:
    if members.change == "invited":
        came(members, received, bindings)


def file_gone(file: FileTold, received: Envelope, bindings: Bindings) -> None:
    upkeep.show_file(bindings.get(Ports), file.file_id, None, is_there=False)


def file_back(file: FileTold, received: Envelope, bindings: Bindings) -> None:
    # It is told again when a file comes out of the trash; of a new one nothing is attached yet.
    upkeep.show_file(bindings.get(Ports), file.file_id, None, is_there=True)


def show_file(file: FileWork, received: Envelope, bindings: Bindings) -> None:
    upkeep.show_file(bindings.get(Ports), file.file_id, file.after, is_there=file.is_there)


def show_cards(message: CardsWork, received: Envelope, bindings: Bindings) -> None:
    cards.show(bindings.get(Ports), message.room_id, Place(message.n, message.thread_n), message.tries)


def thumb_made(file: ThumbWork, received: Envelope, bindings: Bindings) -> None:
    # What is shown is what there is now, so that being told twice, or of an older version, changes nothing.
    thumbs.show_everywhere(bindings.get(Ports), file.file_id, file.after)


def show_thumbs(message: MessageTouched, received: Envelope, bindings: Bindings) -> None:
    thumbs.show_in(bindings.get(Ports), message.room_id, Place(message.n, message.thread_n))


def move_up(room: RoomActive, received: Envelope, bindings: Bindings) -> None:
    upkeep.move_up(bindings.get(Ports), room.room_id, room.minute)


def tell_read(mark: ReadToTell, received: Envelope, bindings: Bindings) -> None:
    marks.tell_last_read(bindings.get(Ports), mark.room_id, mark.user_id)


def trim(room: RoomWork, received: Envelope, bindings: Bindings) -> None:
    upkeep.trim(bindings.get(Ports), room.room_id)


def purge(room: RoomWork, received: Envelope, bindings: Bindings) -> None:
    upkeep.purge(bindings.get(Ports), room.room_id)


def export(work: ExportWork, received: Envelope, bindings: Bindings) -> None:
    exporting.work(bindings.get(Ports), work.room_id, work.owner_id, work.job_id)


def come_due(item: DueItem, bindings: Bindings) -> None:
    upkeep.come_due(bindings.get(Ports), item)


ENTRIES = Entries(
    events=[
        On("chat.message.created.v1", MessageSaid, said),
        On("chat.message.edited.v1", MessageSaid, said),
        On("chat.message.deleted.v1", MessageTouched, follow),
        On("chat.room.created.v1", MembersCame, came),
        On("chat.members.changed.v1", MembersMoved, moved),
        On("files.file.infected.v1", FileTold, file_gone),
        On("files.file.deleted.v1", FileTold, file_gone),
        On("files.file.clean.v1", FileTold, file_back),
        On("media.job.done.v1", ThumbWork, thumb_made),
    ],
    jobs=[
        On(commit.ACTIVE, RoomActive, move_up),
        On(marks.TELL_READ, ReadToTell, tell_read),
        On(upkeep.TRIM, RoomWork, trim),
        On(upkeep.PURGE, RoomWork, purge),
        On(upkeep.SHOW_FILE, FileWork, show_file),
        On(cards.CARDS, CardsWork, show_cards),
        On(thumbs.OF_FILE, ThumbWork, thumb_made),
        On(thumbs.OF_MESSAGE, MessageTouched, show_thumbs),
        On(exporting.EXPORT, ExportWork, export),
    ],
    due=come_due,
)
