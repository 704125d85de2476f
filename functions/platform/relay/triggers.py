"""Streams in, bus out. Relay is the only reader of streams and does nothing but send."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tessera import aws, bus, clock, log, queues
from tessera.fanout import Fanout
from tessera.outbox import Envelope
from tessera.settings import Bindings, Settings
from tessera.triggers import Entries, On, worker
from tessera.types import Model


class RelaySettings(Settings):
    bus: str
    stack: str
    retry_queue: str
    dead_queue: str


class Undelivered(Model):
    """An event that the bus has not taken yet."""

    capability: str
    envelope: str


class BusRefused(Exception):
    """The bus did not take the event again: the queue tries once more, then keeps it for a person."""


def forward(records: Sequence[dict[str, Any]], bindings: Bindings) -> None:
    """Send the events of these stream records; what the bus does not take goes to the retry queue.

    Never a partial response: a record that cannot be sent must not hold up its shard. What waits for its retry may
    so be overtaken by what comes after it, which consumers are made for.
    """
    settings = bindings.settings(RelaySettings)
    waiting: dict[str, list[Envelope]] = defaultdict(list)
    for record in records:
        image = record["dynamodb"].get("NewImage", {})
        if "poke" in image:
            _poke(bindings.get(Fanout), image)
        if "event" not in image:
            continue
        capability, text = capability_of(record["eventSourceARN"], settings.stack), image["event"]["S"]
        try:
            envelope = Envelope.parse(text)
        except ValueError:
            queues.send_bodies(settings.dead_queue, [_body(capability, text)])
            log.line("unreadable event", source=capability, outcome="kept")
            continue
        if bus.may_emit(capability, envelope.type):
            waiting[capability].append(envelope)
        else:
            _keep(settings.dead_queue, capability, [envelope], outcome="not its own event")
    for capability, envelopes in waiting.items():
        _send(settings, capability, envelopes)


def resend(message: Undelivered, received: Envelope, bindings: Bindings) -> None:
    settings = bindings.settings(RelaySettings)
    envelope = Envelope.parse(message.envelope)
    if bus.put(settings.bus, message.capability, [envelope]):
        raise BusRefused(envelope.id)
    _told(message.capability, envelope, "sent")


def capability_of(stream_arn: str, stack: str) -> str:
    """`arn:…:table/<stack>-gift-cards/stream/…` is the stream of `gift-cards`."""
    table = stream_arn.split(":table/", 1)[1].split("/", 1)[0]
    return table.removeprefix(f"{stack}-")


def _poke(fanout: Fanout, image: dict[str, Any]) -> None:
    """Wake the delivery of a log's entry once more: whoever wrote it may have died before doing so.

    A second poke of the same entry is dropped by the queue. One that fails is not tried again: what is appended
    next delivers it too, and a client that asks reads it in the log.
    """
    topic = image["pk"]["S"].removeprefix("LOG#")
    try:
        fanout.poke(topic, int(image["sk"]["S"].removeprefix("E#")), int(image["poke"]["S"]))
    except (aws.ClientError, aws.BotoCoreError) as error:
        log.unexpected("poke", error)


def _send(settings: RelaySettings, capability: str, envelopes: list[Envelope]) -> None:
    try:
        refused = bus.put(settings.bus, capability, envelopes)
    except (aws.ClientError, aws.BotoCoreError):
        refused = envelopes
    aws.fault_point("relay.sent")
    refused_ids = {envelope.id for envelope in refused}
    for envelope in envelopes:
        if envelope.id not in refused_ids:
            _told(capability, envelope, "sent")
    _keep(settings.retry_queue, capability, refused, outcome="waiting")


def _keep(queue_url: str, capability: str, envelopes: Sequence[Envelope], *, outcome: str) -> None:
    queues.send_bodies(queue_url, [_body(capability, envelope.text()) for envelope in envelopes])
    for envelope in envelopes:
        _told(capability, envelope, outcome)


def _body(capability: str, envelope: str) -> str:
    return queues.message("relay", Undelivered(capability=capability, envelope=envelope).model_dump())


def _told(capability: str, envelope: Envelope, outcome: str) -> None:
    known = log.parse_traceparent(envelope.trace)
    age = round((clock.now() - clock.parse(envelope.time)).total_seconds() * 1000)
    log.line(
        "relayed",
        source=capability,
        event_type=envelope.type,
        event_id=envelope.id,
        outcome=outcome,
        oldest_age_ms=age,
        **({"trace_id": known[0], "parent_id": known[1]} if known else {}),
    )


ENTRIES = Entries(jobs=(On("relay", Undelivered, resend),), stream=forward)
handler = worker("relay", ENTRIES)
