"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.jobs import Jobs
from tessera.settings import Bindings

from .accounts import Accounts
from .config import AdminSettings
from .store import (
    ErasureStore,
    ImpersonationStore,
    InvitationStore,
    Objects,
    RoleStore,
    SealStore,
    SetupStore,
    Trail,
)
from .store.imports import ImportStore
from .store.replays import ReplayStore


@dataclass(frozen=True)
class Ports:
    settings: AdminSettings
    accounts: Accounts
    roles: RoleStore
    invitations: InvitationStore
    impersonations: ImpersonationStore
    trail: Trail
    seals: SealStore
    erasures: ErasureStore
    setup: SetupStore
    imports: ImportStore
    replays: ReplayStore
    objects: Objects
    jobs: Jobs

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            settings=bindings.settings(AdminSettings),
            accounts=bindings.get(Accounts),
            roles=bindings.get(RoleStore),
            invitations=bindings.get(InvitationStore),
            impersonations=bindings.get(ImpersonationStore),
            trail=bindings.get(Trail),
            seals=bindings.get(SealStore),
            erasures=bindings.get(ErasureStore),
            setup=bindings.get(SetupStore),
            imports=bindings.get(ImportStore),
            replays=bindings.get(ReplayStore),
            objects=bindings.get(Objects),
            jobs=bindings.get(Jobs),
        )
