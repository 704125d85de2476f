"""The items of the table, and how they become what `rules` knows."""

import json
from typing import Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.settings import Bindings
from tessera.tables import Row, Table

from ..config import OrganisationSettings
from ..rules.organisation import Domain, Entry, Invitation, Join, Member, Organisation, Role, Status

META, CLAIM = "META", "CLAIM"


def organisation_pk(organisation_id: str) -> str:
    return f"ORG#{organisation_id}"


def user_pk(user_id: str) -> str:
    return f"U#{user_id}"


def member_sk(user_id: str) -> str:
    return f"M#{user_id}"


def slot_sk(slot: int) -> str:
    return f"SLOT#{slot:02d}"


class OrganisationRow(DueRow):
    """`quota_of` is who made it or restored it, and holds the slot of this number for it."""

    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    status = UnicodeAttribute(default=Status.ACTIVE.value)
    owners = NumberAttribute(default=1)
    members = NumberAttribute(default=1)
    seats = NumberAttribute()
    epoch = NumberAttribute(default=1)
    invitations = NumberAttribute(default=0)
    domains = NumberAttribute(default=0)
    roles = NumberAttribute(default=0)
    delete_at = UnicodeAttribute(null=True)
    quota_of = UnicodeAttribute(null=True)
    quota_slot = NumberAttribute(null=True)
    created_at = UnicodeAttribute()


class MemberRow(Row):
    role = UnicodeAttribute()
    joined_at = UnicodeAttribute()
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


class EitherRow(OrganisationRow, MemberRow):
    """An organisation or a member of it: both come with one request."""


class SlotRow(Row):
    """One of the organisations that somebody has made."""

    organisation_id = UnicodeAttribute()


class ClaimRow(Row):
    """Whose a slug or a proven domain is."""

    organisation_id = UnicodeAttribute()


class InvitationRow(DueRow):
    email = UnicodeAttribute()
    address = UnicodeAttribute()
    role = UnicodeAttribute()
    sends = NumberAttribute(default=1)
    mailed = NumberAttribute(default=0)
    invited_by = UnicodeAttribute()
    created_at = UnicodeAttribute()
    expires_at = UnicodeAttribute()


class ClosedRow(Row):
    """What is left of an invitation: enough to tell its link why it does nothing. The address is gone."""

    state = UnicodeAttribute()
    address = UnicodeAttribute()


class AddressRow(Row):
    """The open invitation of an address."""

    invitation_id = UnicodeAttribute()


class DomainRow(Row):
    value = UnicodeAttribute()
    join = UnicodeAttribute()
    role = UnicodeAttribute()
    created_at = UnicodeAttribute()
    verified_at = UnicodeAttribute(null=True)


class RoleRow(Row):
    permissions = UnicodeSetAttribute(null=True)
    assigned = NumberAttribute(default=0)


class EntryRow(Row):
    at = UnicodeAttribute()
    action = UnicodeAttribute()
    target = UnicodeAttribute()
    actor = UnicodeAttribute()
    actor_kind = UnicodeAttribute()
    on_behalf_of = UnicodeAttribute(null=True)
    detail = UnicodeAttribute(null=True)


class Stored:
    """A part of the one table of `organisations`."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(OrganisationSettings).table))


def organisation_of(row: OrganisationRow) -> Organisation:
    return Organisation(
        id=row.pk.partition("#")[2],
        name=row.name,
        slug=row.slug,
        status=Status(row.status),
        owners=int(row.owners),
        members=int(row.members),
        seats=int(row.seats),
        epoch=int(row.epoch),
        invitations=int(row.invitations),
        created_at=clock.parse(row.created_at),
        version=int(row.version),
        delete_at=clock.parse(row.delete_at) if row.delete_at else None,
        quota_of=row.quota_of,
        quota_slot=None if row.quota_slot is None else int(row.quota_slot),
    )


def member_of(row: MemberRow) -> Member:
    return Member(
        organisation_id=row.pk.partition("#")[2],
        user_id=row.sk.partition("#")[2],
        role=row.role,
        joined_at=clock.parse(row.joined_at),
        version=int(row.version),
    )


def invitation_of(row: InvitationRow) -> Invitation:
    return Invitation(
        id=row.sk.partition("#")[2],
        organisation_id=row.pk.partition("#")[2],
        email=row.email,
        address=row.address,
        role=row.role,
        sends=int(row.sends),
        mailed=int(row.mailed),
        invited_by=row.invited_by,
        created_at=clock.parse(row.created_at),
        expires_at=clock.parse(row.expires_at),
        version=int(row.version),
    )


def domain_of(row: DomainRow) -> Domain:
    return Domain(
        organisation_id=row.pk.partition("#")[2],
        name=row.sk.partition("#")[2],
        value=row.value,
        join=Join(row.join),
        role=row.role,
        created_at=clock.parse(row.created_at),
        version=int(row.version),
        verified_at=clock.parse(row.verified_at) if row.verified_at else None,
    )


def role_of(row: RoleRow) -> Role:
    held = frozenset(str(permission) for permission in row.permissions or ())
    return Role(row.sk.partition("#")[2], held, int(row.assigned), int(row.version))


def entry_of(row: EntryRow) -> Entry:
    return Entry(
        id=row.sk.partition("#")[2],
        at=clock.parse(row.at),
        action=row.action,
        target=row.target,
        actor=row.actor,
        actor_kind=row.actor_kind,
        on_behalf_of=row.on_behalf_of,
        detail=json.loads(row.detail) if row.detail else {},
    )
