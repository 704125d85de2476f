"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.audit import shortened
from tessera.auth.custom_roles import CustomRoles
from tessera.auth.internal import Internal
from tessera.auth.keyring import KeyRing
from tessera.auth.mac import Mac
from tessera.jobs import Jobs
from tessera.limits import Limits
from tessera.settings import Bindings

from .config import AccountSettings
from .cookie_sessions import CookieSessions
from .invitations import Invitations
from .memberships import Memberships
from .pace import Pace
from .passwords import Passwords
from .relying_party import RelyingParty
from .signing import SigningKeys
from .store import (
    ActivityStore,
    AddressStore,
    DeviceStore,
    ExportStore,
    FactorStore,
    LifeStore,
    OwnerStore,
    PasskeyStore,
    RealmStore,
    SessionStore,
    SignUpStore,
    UserStore,
)


@dataclass(frozen=True)
class Ports:
    settings: AccountSettings
    users: UserStore
    sessions: SessionStore
    devices: DeviceStore
    sign_ups: SignUpStore
    passwords: Passwords
    signing: SigningKeys
    limits: Limits
    pace: Pace
    mac: Mac
    custom_roles: CustomRoles
    memberships: Memberships
    owners: OwnerStore
    factors: FactorStore
    passkeys: PasskeyStore
    relying_party: RelyingParty
    addresses: AddressStore
    lives: LifeStore
    realm: RealmStore
    activity: ActivityStore
    exports: ExportStore
    jobs: Jobs
    keys: KeyRing
    internal: Internal
    cookie_sessions: CookieSessions
    invitations: Invitations

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            settings=bindings.settings(AccountSettings),
            users=bindings.get(UserStore),
            sessions=bindings.get(SessionStore),
            devices=bindings.get(DeviceStore),
            sign_ups=bindings.get(SignUpStore),
            passwords=bindings.get(Passwords),
            signing=bindings.get(SigningKeys),
            limits=bindings.get(Limits),
            pace=bindings.get(Pace),
            mac=bindings.get(Mac),
            custom_roles=bindings.get(CustomRoles),
            memberships=bindings.get(Memberships),
            owners=bindings.get(OwnerStore),
            factors=bindings.get(FactorStore),
            passkeys=bindings.get(PasskeyStore),
            relying_party=bindings.get(RelyingParty),
            addresses=bindings.get(AddressStore),
            lives=bindings.get(LifeStore),
            realm=bindings.get(RealmStore),
            activity=bindings.get(ActivityStore),
            exports=bindings.get(ExportStore),
            jobs=bindings.get(Jobs),
            keys=bindings.get(KeyRing),
            internal=bindings.get(Internal),
            cookie_sessions=bindings.get(CookieSessions),
            invitations=bindings.get(Invitations),
        )

    def digest(self, purpose: str, secret: str) -> str:
        return self.mac.hash_lookup(purpose, secret)


@dataclass(frozen=True)
class Client:
    """Where a request comes from, and what it calls itself."""

    address: str = ""
    client_id: str = "web"
    device_name: str | None = None
    device_token: str = ""

    @property
    def network(self) -> str | None:
        """The address cut to what may be shown and kept."""
        return shortened(self.address)
