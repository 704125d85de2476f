"""The items of the table. Times are milliseconds since 1970 unless an attribute says otherwise."""

from datetime import timedelta

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock, emails
from tessera.due import DueRow
from tessera.tables import Row

MAIN, VALUE = "MAIN", "V"
INVITATIONS = "IV"
OPEN_ERASURES, DONE_ERASURES = "ER#open", "ER#done"


def role_pk(name: str) -> str:
    return f"R#{name}"


def invitation_pk(mac: str) -> str:
    return f"IV#{mac}"


def invited_pk(address: str) -> str:
    """Every spelling of an address is one."""
    return f"IVA#{emails.parse(address).key}"


def impersonation_pk(impersonation_id: str) -> str:
    return f"IM#{impersonation_id}"


def day_pk(day: str) -> str:
    return f"AUD#{day}"


def seal_pk(day: str) -> str:
    return f"SEAL#{day}"


def erasure_pk(user_id: str) -> str:
    return f"ER#{user_id}"


def expires_in(life: timedelta) -> int:
    """A `ttl`: seconds since 1970."""
    return int((clock.now() + life).timestamp())


class RoleRow(Row):
    """What a role gives lies in `authfeed`, where tokens are made from it; here, what is only for people.

    `assigned` counts those who hold it, or are about to; `touched` says when it last grew. A deleted role leaves
    its item behind, so that nobody is given it in the same moment.
    """

    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    assigned = NumberAttribute(default=0)
    touched = NumberAttribute(default=0)
    updated = NumberAttribute(default=0)
    deleted = NumberAttribute(null=True)


class InvitationRow(Row):
    """`open`, then `accepting` by the one who claimed it, then `accepted`; or `cancelled`."""

    invitation_id = UnicodeAttribute()
    email = UnicodeAttribute()
    roles = UnicodeSetAttribute()
    state = UnicodeAttribute(default="open")
    by = UnicodeAttribute()
    created = NumberAttribute()
    expires = NumberAttribute()
    claimed_by = UnicodeAttribute(null=True)
    accepted_at = NumberAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    # By the address, for whoever is told what we have of them and is then forgotten.
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)


class ImpersonationRow(DueRow):
    """Due when its token runs out."""

    impersonation_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    actor_id = UnicodeAttribute()
    actor_sid = UnicodeAttribute()
    reason = UnicodeAttribute()
    may_write = NumberAttribute(default=0)
    state = UnicodeAttribute(default="active")
    started = NumberAttribute()
    ends = NumberAttribute()
    ended_at = NumberAttribute(null=True)


class AuditRow(Row):
    """An entry, never changed again: the role of the function denies it. No `ttl`, for the same reason."""

    entry = UnicodeAttribute()
    recorded_at = UnicodeAttribute()
    action = UnicodeAttribute()
    outcome = UnicodeAttribute()
    # Absent where nobody known has done it.
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    gs2_pk = UnicodeAttribute()
    gs2_sk = UnicodeAttribute()


class SealRow(Row):
    """The root over a day's entries, chained to the day before and signed."""

    day = UnicodeAttribute()
    count = NumberAttribute()
    root = UnicodeAttribute()
    previous = UnicodeAttribute()
    signature = UnicodeAttribute()
    key_id = UnicodeAttribute()
    sealed_at = UnicodeAttribute()
    object_key = UnicodeAttribute()


class SealedRow(Row):
    """The last day that was sealed."""

    day = UnicodeAttribute()


class ErasureRow(Row):
    """Which capabilities have yet to erase somebody, and when the others said they had."""

    user_id = UnicodeAttribute()
    requested_at = UnicodeAttribute()
    waiting = UnicodeSetAttribute(null=True)
    done = JSONAttribute(null=True)
    finished_at = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


class SetupRow(Row):
    """The one setup token: a newer one overwrites it."""

    mac = UnicodeAttribute()
    exp = NumberAttribute()
