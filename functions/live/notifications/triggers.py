"""The ways in other than HTTP: the bus, the queues of each channel, what the sweeper brings, and alarms."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, create_model

from tessera import ids
from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On, UnknownMessage
from tessera.types import Model

from .actions import deliver, digests, expand, feed, reported, send
from .mappings import WIRED, Mapped, fill
from .ports import Ports
from .store.rows import INBOX

STAFF_TOPIC = "staff.alarms"
# What is read of events besides texts.
NUMBERS, LISTS, PARTS = frozenset(["days"]), frozenset(["mentions"]), frozenset(["notify"])
MAYBE_ABSENT = frozenset([("tasks.reminder.due.v1", "due"), ("reminders.reminder.fired.v1", "notify")])


class PlanBatch(Model):
    batch_id: str


class ExpandPage(Model):
    batch_id: str
    page: int


class Deliver(Model):
    id: str
    channel: str


class ReadAll(Model):
    user_id: str
    before_id: str


class MailTold(Model):
    mail_id: str


class MailDied(Model):
    mail_id: str
    reason: str


class AddressComplained(Model):
    address_hash: str


def tell(mapped: Mapped, said: dict[str, Any], notice_id: str, ports: Ports) -> None:
    """What an event says becomes a notification, once however often the event comes."""
    if mapped.only and not said.get(mapped.only):
        return
    wanted = send.Wanted(
        type=mapped.type,
        users=() if mapped.topic else mapped.users(said),
        topic=mapped.topic,
        data=mapped.filled(said),
        priority=mapped.priority,
        dedupe_key=fill(mapped.key, said),
        actor_id=str(said.get(mapped.actor) or "") if mapped.actor else "",
    )
    send.send_once(ports, wanted, notice_id)


def told_by(mappings: Sequence[Mapped]) -> list[On[Any]]:
    """The handlers of the rows of the table, each with a model of the fields it reads."""
    seen: Counter[str] = Counter()
    made = []
    for mapped in mappings:
        made.append(_handler(mapped, seen[mapped.event]))
        seen[mapped.event] += 1
    return made


def _handler(mapped: Mapped, place: int) -> On[Any]:
    def do(event: BaseModel, received: Envelope, bindings: Bindings) -> None:
        tell(mapped, event.model_dump(mode="json"), _notice_id(received.id, place), bindings.get(Ports))

    return On(mapped.event, _model_of(mapped), do)


def _notice_id(event_id: str, place: int) -> str:
    """Each row that reads an event has a notification of its own: the first under the event's id."""
    if place == 0:
        return event_id
    return ids.derived(ids.timestamp_ms(event_id), hashlib.sha256(f"{event_id}\n{place}".encode()).digest())


def _model_of(mapped: Mapped) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name in sorted(mapped.reads):
        kind: Any = int if name in NUMBERS else list[str] if name in LISTS else str
        kind = dict[str, Any] if name in PARTS else kind
        absent = (mapped.event, name) in MAYBE_ABSENT
        fields[name] = (kind | None, None) if absent else (kind, ...)
    return create_model("Told", **fields)


def _job(do: Callable[[Ports, Any], None]) -> Callable[[Any, Envelope, Bindings], None]:
    def handle(job: Any, received: Envelope, bindings: Bindings) -> None:
        do(bindings.get(Ports), job)

    return handle


def _expand(ports: Ports, job: ExpandPage) -> None:
    expand.expand(ports, job.batch_id, job.page)


def _plan(ports: Ports, job: PlanBatch) -> None:
    expand.plan(ports, job.batch_id)


def _deliver(ports: Ports, job: Deliver) -> None:
    deliver.deliver(ports, job.id, job.channel)


def _read_all(ports: Ports, job: ReadAll) -> None:
    feed.read_all(ports, job.user_id, job.before_id)


def _arrived(ports: Ports, told: MailTold) -> None:
    reported.arrived(ports, told.mail_id, "email")


def _bounced(ports: Ports, told: MailTold) -> None:
    reported.lost(ports, told.mail_id, "email", "bounced")


def _died(ports: Ports, told: MailDied) -> None:
    reported.lost(ports, told.mail_id, "email", told.reason)


def _complained(ports: Ports, told: AddressComplained) -> None:
    reported.complained(ports, told.address_hash)


def come_due(item: DueItem, bindings: Bindings) -> None:
    """What waited for its time. Each looks for itself whether anything is still to be done."""
    ports = bindings.get(Ports)
    kind, _, rest = item.pk.partition("#")
    if kind == "D":
        deliver.wake(ports, *rest.split("#", 1))
    elif kind == "DIG":
        digests.close(ports, item.pk)
    elif kind == "B":
        expand.start(ports, rest)
    elif kind == "U" and item.sk.startswith(INBOX):
        feed.expire(ports, rest, item.sk.removeprefix(INBOX))


def alarmed(body: str, bindings: Bindings) -> None:
    """An alarm of CloudWatch's, as SNS hands it over: for those who run the service."""
    try:
        said = json.loads(body)
        said = json.loads(said["Message"]) if isinstance(said.get("Message"), str) else said
        name, state = str(said["AlarmName"]), str(said["NewStateValue"])
        mark = f"{name}:{state}:{said['StateChangeTime']}"
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnknownMessage("This is neither a message of ours nor an alarm.") from None
    if state == "ALARM":
        send.alarm(bindings.get(Ports), STAFF_TOPIC, name, str(said.get("NewStateReason", "")), mark=mark)


ENTRIES = Entries(
    events=[
        *told_by(WIRED),
        On("outbox.email.delivered.v1", MailTold, _job(_arrived)),
        On("outbox.email.bounced.v1", MailTold, _job(_bounced)),
        On("outbox.email.dead.v1", MailDied, _job(_died)),
        On("outbox.address.complained.v1", AddressComplained, _job(_complained)),
    ],
    jobs=[
        On("plan", PlanBatch, _job(_plan)),
        On("expand", ExpandPage, _job(_expand)),
        On("deliver", Deliver, _job(_deliver)),
        On("read-all", ReadAll, _job(_read_all)),
    ],
    due=come_due,
    raw=alarmed,
)
