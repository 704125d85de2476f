"""Everything the actions stand on, bound once for an app."""

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from tessera.auth.feed import Feed
from tessera.auth.mac import Mac
from tessera.limits import Limits
from tessera.policies import Policy
from tessera.resolver import DNS
from tessera.settings import Bindings

from .config import OrganisationSettings
from .people import People
from .rules.tokens import Link
from .store.domains import DomainStore
from .store.erasure import Eraser
from .store.invitations import InvitationStore
from .store.members import MemberStore, RoleStore
from .store.organisations import OrganisationStore
from .store.trail import Trail

ADDRESS, INVITATION = "organisation-address", "organisation-invitation"


@dataclass(frozen=True)
class Ports:
    settings: OrganisationSettings
    organisations: OrganisationStore
    members: MemberStore
    roles: RoleStore
    invitations: InvitationStore
    domains: DomainStore
    trail: Trail
    eraser: Eraser
    people: People
    dns: DNS
    feed: Feed
    limits: Limits
    mac: Mac

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            settings=bindings.settings(OrganisationSettings),
            organisations=bindings.get(OrganisationStore),
            members=bindings.get(MemberStore),
            roles=bindings.get(RoleStore),
            invitations=bindings.get(InvitationStore),
            domains=bindings.get(DomainStore),
            trail=bindings.get(Trail),
            eraser=bindings.get(Eraser),
            people=bindings.get(People),
            dns=bindings.get(DNS),
            feed=bindings.get(Feed),
            limits=bindings.get(Limits),
            mac=bindings.get(Mac),
        )

    def charge(self, policy: Policy, subject: str) -> None:
        """1 write to the limiter. Raises `RateLimited`."""
        decision = self.limits.decide(policy, subject)
        if not decision.allowed:
            raise decision.problem()

    def address_key(self, address: str) -> str:
        """What stands for an address: the same for the same address, telling nothing about it."""
        return self.mac.hash_lookup(ADDRESS, address)

    def is_address(self, key: str, address: str) -> bool:
        """Whether the key stands for this address, also when it was made with an older MAC key."""
        try:
            code = base64.urlsafe_b64decode(key)
        except binascii.Error:
            return False
        return self.mac(ADDRESS).verify(address.encode("utf-8", "surrogatepass"), code)

    def sign_link(self, link: Link) -> str:
        return link.text(self.mac(INVITATION).sign(link.message))

    def is_ours(self, link: Link, code: bytes) -> bool:
        return self.mac(INVITATION).verify(link.message, code)
