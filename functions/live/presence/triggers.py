"""What reaches `presence` other than HTTP: sockets and users that come and go, sessions to look at, and time."""

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import leave, people
from .ports import Ports


class ConnectionClosed(Model):
    user_id: str
    client: str


class UserTold(Model):
    user_id: str


class RoomWork(Model):
    doc: str


class SessionWork(RoomWork):
    session_id: str


class SocketWork(SessionWork):
    connection: str


def closed(told: ConnectionClosed, received: Envelope, bindings: Bindings) -> None:
    leave.closed(bindings.get(Ports), told.user_id, told.client)


def came(told: UserTold, received: Envelope, bindings: Bindings) -> None:
    people.connected(bindings.get(Ports), told.user_id, received.time, is_online=True)


def went(told: UserTold, received: Envelope, bindings: Bindings) -> None:
    people.connected(bindings.get(Ports), told.user_id, received.time, is_online=False)


def gone(work: SocketWork, received: Envelope, bindings: Bindings) -> None:
    leave.end_if_gone(bindings.get(Ports), work.doc, work.session_id, work.connection)


def look(work: SessionWork, received: Envelope, bindings: Bindings) -> None:
    leave.end_if_silent(bindings.get(Ports), work.doc, work.session_id)


def review(work: RoomWork, received: Envelope, bindings: Bindings) -> None:
    leave.review(bindings.get(Ports), work.doc)


def come_due(item: DueItem, bindings: Bindings) -> None:
    leave.come_due(bindings.get(Ports), item)


ENTRIES = Entries(
    events=[
        On("realtime.connection.closed.v1", ConnectionClosed, closed),
        On("realtime.user.online.v1", UserTold, came),
        On("realtime.user.offline.v1", UserTold, went),
    ],
    jobs=[
        On(leave.GONE, SocketWork, gone),
        On(leave.LOOK, SessionWork, look),
        On(leave.REVIEW, RoomWork, review),
    ],
    due=come_due,
)
