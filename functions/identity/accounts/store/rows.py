"""The items of the table. Times are milliseconds since 1970 unless an attribute says otherwise."""

from datetime import timedelta

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.tables import Row

from ..passwords import Kept
from ..rules import HANDLE_KEPT, Family

MAIN, CLAIM, RESET = "MAIN", "CLAIM", "OT#reset"
# What has run out lies about for some days until DynamoDB deletes it.
FORGOTTEN_AFTER_SECONDS = 30 * 86_400


def user_pk(user_id: str) -> str:
    return f"U#{user_id}"


def claim_pk(email_key: str) -> str:
    return f"E#{email_key}"


def handle_pk(handle: str) -> str:
    return f"H#{handle.casefold()}"


def sign_up_pk(sign_up_id: str) -> str:
    return f"SU#{sign_up_id}"


def family_sk(family_id: str) -> str:
    return f"F#{family_id}"


def device_sk(device_id: str) -> str:
    return f"D#{device_id}"


def expires_in(life: timedelta) -> int:
    """A `ttl`: seconds since 1970."""
    return int((clock.now() + life).timestamp())


class UserRow(DueRow):
    """`version` is the profile's; signing in leaves it alone. `fails` counts attempts since the last good one."""

    user_id = UnicodeAttribute()
    status = UnicodeAttribute(default="active")
    # A guest has no address.
    email = UnicodeAttribute(null=True)
    email_norm = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    handle = UnicodeAttribute(null=True)
    locale = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    avatar_file_id = UnicodeAttribute(null=True)
    bio = UnicodeAttribute(null=True)
    metadata = JSONAttribute(null=True)
    app_metadata = JSONAttribute(null=True)
    roles = UnicodeSetAttribute()
    ep = NumberAttribute(default=1)
    pw = UnicodeAttribute(null=True)
    pw_pv = NumberAttribute(null=True)
    pw_at = NumberAttribute(null=True)
    created = NumberAttribute()
    updated = NumberAttribute()
    fails = NumberAttribute(default=0)
    plan = UnicodeAttribute(default="user")
    # Set for accounts of another service's sign-up, which open nothing but that service.
    realm = UnicodeAttribute(null=True)
    # The second factors that are confirmed, by name.
    mfa = UnicodeSetAttribute(null=True)
    # How many there are, so that the last way to sign in is never removed.
    passkeys = NumberAttribute(null=True)
    # What authenticators know the user by.
    wa_handle = UnicodeAttribute(null=True)
    # When a lock ends by itself.
    locked_until = NumberAttribute(null=True)
    # When everything is erased, who asked for it, when that began, and into whom a guest went over.
    erase_at = NumberAttribute(null=True)
    erase_by = UnicodeAttribute(null=True)
    erasing = NumberAttribute(null=True)
    merged_into = UnicodeAttribute(null=True)
    # The sign-ins that can still be refreshed, so that all of them can be ended in one transaction.
    families = UnicodeSetAttribute(null=True)
    # When every session but the spared one was ended last.
    ended_at = NumberAttribute(null=True)
    spared = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)

    @property
    def kept(self) -> Kept | None:
        return Kept(self.pw, int(self.pw_pv)) if self.pw else None

    @property
    def may_sign_in(self) -> bool:
        """Active, or deleted by its own user and not being erased yet: a sign-in then keeps the account.

        An account of a realm signs in nowhere but there.
        """
        if self.realm is not None:
            return False
        is_leaving = self.status == "deleting" and self.erase_by == "user" and self.erasing is None
        return self.status == "active" or is_leaving

    @property
    def is_guest(self) -> bool:
        return "guest" in self.roles

    @property
    def may_become_full(self) -> bool:
        """Whether no address of theirs was ever confirmed: a guest has none, and a realm took what it was told."""
        return self.is_guest or self.realm is not None

    @property
    def open_families(self) -> frozenset[str]:
        return frozenset(self.families or ())

    def list_under(self, email_key: str) -> None:
        """Where lists find the user: by month, and by the beginning of the address."""
        month = clock.from_millis(int(self.created))
        self.gs1_pk, self.gs1_sk = f"UC#{month:%Y-%m}", self.user_id
        self.gs2_pk, self.gs2_sk = f"EP#{email_key[:2]}", email_key


def former_handle(user_id: str, handle: str) -> Row:
    """That a handle was a user's: whoever goes lets go of it.

    It stays beside them for longer than the claim, which DynamoDB may leave lying about for days.
    """
    return Row(pk=user_pk(user_id), sk=handle_pk(handle), ttl=expires_in(HANDLE_KEPT) + FORGOTTEN_AFTER_SECONDS)


class ClaimRow(Row):
    """Whose an address or a handle is. `email` is the spelling that mail goes to; `attempt` is under which name
    another service had the user made."""

    uid = UnicodeAttribute()
    email = UnicodeAttribute(null=True)
    attempt = UnicodeAttribute(null=True)


class SignUpRow(Row):
    """A sign-up that waits for its address to be confirmed. `kind` is `exists` when the address has an account."""

    kind = UnicodeAttribute()
    email = UnicodeAttribute()
    email_norm = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    locale = UnicodeAttribute(null=True)
    pw = UnicodeAttribute()
    pw_pv = NumberAttribute()
    code_mac = UnicodeAttribute()
    token_mac = UnicodeAttribute()
    left = NumberAttribute()
    # The guest, or the account of a realm, that becomes the user and keeps its id; and their epoch when they asked.
    guest = UnicodeAttribute(null=True)
    guest_ep = NumberAttribute(null=True)

    @property
    def kept(self) -> Kept:
        return Kept(self.pw, int(self.pw_pv))


def waiting_sign_up(row: SignUpRow) -> Row:
    """That a sign-up is a guest's, beside them, for longer than DynamoDB may leave it lying about."""
    return Row(pk=user_pk(row.guest), sk=row.pk, ttl=row.ttl + FORGOTTEN_AFTER_SECONDS)


class ResetRow(Row):
    """The one password reset of a user: a newer request overwrites it."""

    mac = UnicodeAttribute()
    exp = NumberAttribute()


class FamilyRow(Row):
    """A sign-in and everything refreshed from it: the one authority on whether it can go on."""

    family_id = UnicodeAttribute()
    status = UnicodeAttribute(default="active")
    ctr = NumberAttribute(default=0)
    # The count whose token we could not hand out; of no meaning once `ctr` has moved on.
    undelivered = NumberAttribute(null=True)
    rot_at = NumberAttribute()
    idle_exp = NumberAttribute()
    abs_exp = NumberAttribute()
    amr = UnicodeSetAttribute()
    aal = NumberAttribute(default=1)
    auth_time = NumberAttribute()
    device = UnicodeAttribute(null=True)
    device_id = UnicodeAttribute(null=True)
    ip_trunc = UnicodeAttribute(null=True)
    client_id = UnicodeAttribute()
    # The organisation that this sign-in acts for.
    org = UnicodeAttribute(null=True)
    created = NumberAttribute()

    def as_family(self) -> Family:
        return Family(
            counter=int(self.ctr),
            rotated_at=int(self.rot_at),
            is_active=self.status == "active",
            idle_until=int(self.idle_exp),
            ends_at=int(self.abs_exp),
            undelivered=None if self.undelivered is None else int(self.undelivered),
        )

    def is_open(self, now: int) -> bool:
        return self.status == "active" and now < min(int(self.idle_exp), int(self.abs_exp))


class DeviceRow(Row):
    device_id = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    last_seen = NumberAttribute()
