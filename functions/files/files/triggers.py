"""What reaches `files` other than HTTP: objects that have come, verdicts from outside, jobs, and what is due."""

import json
from typing import Any
from urllib.parse import unquote_plus

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On, UnknownMessage, worker
from tessera.types import Model

from .actions import arrived, folders, purge, zips
from .ports import Ports
from .scanning.scanner import Verdict


class Zip(Model):
    owner_id: str
    by: str
    job_id: str
    file_ids: list[str]
    name: str


class Emptied(Model):
    owner_id: str
    folder_ids: list[str]
    job_id: str | None = None
    turn: int = 0


class Purged(Model):
    file_id: str


def _zip(work: Zip, received: Envelope, bindings: Bindings) -> None:
    zips.make(bindings.get(Ports), work.owner_id, work.job_id, work.file_ids, name=work.name, by=work.by)


def _empty(work: Emptied, received: Envelope, bindings: Bindings) -> None:
    folders.empty(bindings.get(Ports), work.owner_id, work.folder_ids, work.job_id, work.turn)


def _purge(work: Purged, received: Envelope, bindings: Bindings) -> None:
    purge.purge(bindings.get(Ports), work.file_id)


def _due(item: DueItem, bindings: Bindings) -> None:
    purge.come_due(bindings.get(Ports), item)


def _raw(body: str, bindings: Bindings) -> None:
    """A message of S3 itself, or what GuardDuty says of an object."""
    found = json.loads(body)
    if found.get("Event") == "s3:TestEvent":
        return
    ports = bindings.get(Ports)
    if str(found.get("source", "")) == "aws.guardduty":
        _verdict(ports, found["detail"])
        return
    if not isinstance(found.get("Records"), list):
        raise UnknownMessage("This is neither a message of S3 nor one of GuardDuty.")
    for record in found["Records"]:
        if str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:"):
            # A key comes as in a query: spaces as plus signs, everything else by its code.
            arrived.arrived(ports, unquote_plus(record["s3"]["object"]["key"]))


def _verdict(ports: Ports, detail: dict[str, Any]) -> None:
    said, result = detail["s3ObjectDetails"], detail["scanResultDetails"]
    if said["bucketName"] != ports.objects.quarantine:
        return
    status = str(result["scanResultStatus"])
    if status == "THREATS_FOUND":
        threats = ", ".join(str(threat.get("name")) for threat in result.get("threats") or [])
        arrived.judged(ports, said["objectKey"], said["eTag"], Verdict(threats[:200] or "unnamed"))
    elif status == "NO_THREATS_FOUND":
        arrived.judged(ports, said["objectKey"], said["eTag"], Verdict())
    else:
        arrived.not_judged(ports, said["objectKey"], status)


ENTRIES = Entries(
    jobs=[On(zips.ZIP, Zip, _zip), On(folders.EMPTY, Emptied, _empty), On(purge.PURGE, Purged, _purge)],
    due=_due,
    raw=_raw,
)
handler = worker("files", ENTRIES)
