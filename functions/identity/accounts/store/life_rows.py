"""The items of an account's life: changes of its address, what happened to it, its export, the proof of its end."""

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.tables import Row

EMAIL_CHANGE, EXPORT = "OT#email", "EXPORT"
REVERT, ACTIVITY = "OT#revert#", "A#"


def revert_sk(mac: str) -> str:
    return f"{REVERT}{mac}"


def activity_sk(event_id: str) -> str:
    return f"{ACTIVITY}{event_id}"


def erased_pk(owner_id: str) -> str:
    return f"ERASED#{owner_id}"


class EmailChangeRow(Row):
    """The one change of address that waits for its code. `kind` is `exists` when the address has an account."""

    kind = UnicodeAttribute()
    email = UnicodeAttribute()
    email_norm = UnicodeAttribute()
    code_mac = UnicodeAttribute()
    left = NumberAttribute()
    exp = NumberAttribute()


class RevertRow(Row):
    """An address that was left behind and can be taken back; its key holds the MAC of the link."""

    email = UnicodeAttribute()
    email_norm = UnicodeAttribute()
    created = NumberAttribute()
    exp = NumberAttribute()

    @property
    def is_open(self) -> bool:
        return clock.millis() < int(self.exp)


class ActivityRow(Row):
    """Something that happened to the account. `by` is `you`, `staff` or `system`; `place` the network, cut short."""

    action = UnicodeAttribute()
    at = UnicodeAttribute()
    by = UnicodeAttribute()
    place = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    detail = JSONAttribute(null=True)

    @property
    def entry_id(self) -> str:
        return self.sk.removeprefix(ACTIVITY)


class ExportRow(Row):
    """The last export: its job, and its object once that is there. Another one can be asked for when it expires."""

    job_id = UnicodeAttribute()
    object_key = UnicodeAttribute(null=True)
    exp = NumberAttribute()


class ErasureRow(DueRow):
    """How far an erasure has come, and afterwards the proof of it. It names an owner by id and nothing else.

    `left` are the capabilities that have not answered yet, `done` those that have: name, time, and how many items.
    """

    owner_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    asked = NumberAttribute()
    begun = NumberAttribute()
    finished = NumberAttribute(null=True)
    tries = NumberAttribute(default=0)
    left = UnicodeSetAttribute(null=True)
    done = UnicodeSetAttribute(null=True)

    @property
    def waiting(self) -> frozenset[str]:
        return frozenset(self.left or ())
