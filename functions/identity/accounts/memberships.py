"""Whose organisations somebody may act for: asked when a token is made."""

from tessera.auth import memberships
from tessera.auth.memberships import Membership as Membership

from .rules import MembershipEnded


class Memberships(memberships.Memberships):
    def of(self, organisation_id: str, user_id: str) -> Membership:
        """1 internal call. Raises `MembershipEnded` for who is no member, `Unavailable`."""
        found = self.find(organisation_id, user_id)
        if found is None:
            raise MembershipEnded()
        return found
