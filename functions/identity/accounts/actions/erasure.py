"""Erasing everything an owner has, in every capability, and keeping the proof.

Every capability is asked by a message of its own, again until it answers that nothing is left; one that does
not answer is asked again when the erasure's item becomes due. Everything here may happen twice.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tessera import clock, log, queues
from tessera.auth.audit import audit
from tessera.auth.principal import Principal
from tessera.due import DueItem
from tessera.outbox import Event
from tessera.problems import NotFound, Problem

from ..events import DataErased, UserDeleted
from ..ports import Ports
from ..store import UserRow
from ..store.life_rows import ErasureRow
from ..store.lives import erasure_row
from ..store.users import Changed
from . import exports, guests, staff
from .erasable import BY_ADDRESS, OURSELVES, addresses_of, capabilities

ERASE = "erase"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=1)
CALL_SECONDS = 2.0
AT_ONCE = 200
# What the internal routes for erasures take.
MAX_ADDRESSES = 10
SYSTEM = Principal(kind="service", id=OURSELVES, credential="iam")


@dataclass(frozen=True)
class Work:
    """What a message asks for: one capability's part of one erasure."""

    owner_id: str
    capability: str


def come_due(ports: Ports, item: DueItem) -> None:
    """A user's time has come, a lock has run out, a guest was not here for long, an erasure has to be tried again."""
    if item.pk.startswith("ERASED#"):
        _try_again(ports, item)
        return
    try:
        user = ports.users.get(item.pk.partition("#")[2])
    except NotFound:
        return
    if user.due_pk != item.due_pk or user.due_sk != item.due_sk:
        return
    if user.status == "deleting":
        _begin(ports, user, "guest" if user.is_guest else "user")
    elif user.status == "locked" and user.locked_until is not None:
        staff.unlock(ports, user.user_id, caller=SYSTEM)
    elif user.is_guest and not guests.is_used(ports, user, item):
        _begin(ports, user, "guest")


def begin_for(ports: Ports, owner_id: str, kind: str) -> None:
    """Erase everything of an owner that is no user, such as an organisation."""
    now = clock.now()
    left = set(capabilities())
    row = erasure_row(owner_id, kind, asked=clock.millis(), left=left, until=now + FIRST_PAUSE)
    ports.lives.open(row)
    _ask_all(ports, owner_id, left)


def _begin(ports: Ports, user: UserRow, kind: str) -> None:
    left = set(capabilities())
    asked = int(user.erase_at or clock.millis())
    row = erasure_row(user.user_id, kind, asked=asked, left=left, until=clock.now() + FIRST_PAUSE)
    try:
        ports.lives.begin(user, row)
    except Changed:
        # It was called off, or another delivery has begun it.
        return
    _ask_all(ports, user.user_id, left)


def _try_again(ports: Ports, item: DueItem) -> None:
    row = ports.lives.erasure(item.pk.partition("#")[2])
    if row is None or row.finished is not None:
        return
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(int(row.tries), 10))
    try:
        row = ports.lives.again_at(row, item, clock.now() + pause)
    except Changed:
        return
    if row.waiting:
        _ask_all(ports, row.owner_id, set(row.waiting))
    else:
        _finish(ports, row)


def _ask_all(ports: Ports, owner_id: str, left: set[str]) -> None:
    bodies = [queues.message(ERASE, {"owner_id": owner_id, "capability": one}) for one in sorted(left)]
    queues.send_bodies(ports.settings.queue, bodies)


def work(ports: Ports, work: Work) -> None:
    """Ask one capability once. When it has more to erase it is asked again at once, when it fails at its due time."""
    row = ports.lives.erasure(work.owner_id)
    if row is not None and work.capability == OURSELVES and not row.waiting and row.finished is None:
        _finish(ports, row)
        return
    if row is None or work.capability not in row.waiting:
        return
    body: dict[str, Any] = {"owner_id": work.owner_id}
    if work.capability in BY_ADDRESS:
        body["addresses"] = _addresses(ports, row)
    path = f"/{work.capability}/internal/erase"
    try:
        answer = ports.internal.call(work.capability, "POST", path, json=body, timeout=CALL_SECONDS)
    except Problem as problem:
        _failed(work, problem.slug)
        return
    if not answer.ok:
        _failed(work, f"status {answer.status}")
        return
    said = answer.json()
    if not said.get("done"):
        _ask_all(ports, work.owner_id, {work.capability})
        return
    after = ports.lives.answered(work.owner_id, work.capability, int(said.get("erased") or 0))
    if after is not None and not after.waiting:
        _finish(ports, after)


def _addresses(ports: Ports, row: ErasureRow) -> list[str]:
    if row.kind == "organisation":
        return []
    try:
        present = addresses_of(ports.users.get(row.owner_id))
    except NotFound:
        return []
    # Whoever has one of them by now, mails to it are theirs.
    former = [
        link.email for link in ports.addresses.former(row.owner_id) if ports.users.claim_of(link.email_norm) is None
    ]
    return list(dict.fromkeys([*present, *former]))[:MAX_ADDRESSES]


def _failed(work: Work, cause: str) -> None:
    """One capability that fails must not stop the others: the erasure's own due time brings it back."""
    log.line("erasure", source=work.capability, outcome="failed", cause=cause)


def _finish(ports: Ports, row: ErasureRow) -> None:
    """Our own part, which comes last: until then we have to know who it is about."""
    owner_id = row.owner_id
    told: list[Event] = [DataErased(owner_id=owner_id, capability=OURSELVES)]
    of_user = row.kind != "organisation"
    if of_user:
        try:
            user = ports.users.get(owner_id)
        except NotFound:
            return
        if not _forget(ports, user):
            _ask_all(ports, owner_id, {OURSELVES})
            return
        told.insert(0, UserDeleted(user_id=owner_id))
    told.append(audit("accounts.erased", f"erasure:{owner_id}", by=SYSTEM))
    try:
        ports.lives.finish(row, told=told, user_id=owner_id if of_user else None)
    except Changed:
        return


def _forget(ports: Ports, user: UserRow) -> bool:
    exports.forget(ports, user.user_id)
    for erased, (pk, sk, shared) in enumerate(ports.lives.belongings(user)):
        if erased == AT_ONCE:
            return False
        ports.lives.forget(user.user_id, pk, sk, shared=shared)
    return True
