"""Organisations: made, renamed, deleted, restored."""

from collections.abc import Mapping
from datetime import datetime

from tessera import clock
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import StepUpRequired
from tessera.due import due_keys
from tessera.idempotency import Intent
from tessera.outbox import Event
from tessera.transact import Step, transact

from ..events import OrganisationCreated, OrganisationDeleted, OrganisationRestored, OrganisationUpdated
from ..ports import Ports
from ..rules.organisation import (
    GRACE,
    MANAGERS,
    OWNER,
    OWNERS,
    Organisation,
    OrganisationDeleting,
    OrganisationQuota,
    Status,
)
from ..rules.slugs import check_slug, skeleton
from ..store.organisations import Moved, free_slot
from ..store.rows import OrganisationRow, organisation_of
from .access import Standing, as_oneself, enter, person, settled


def create(ports: Ports, name: str, slug: str, *, by: Principal, call: Call, intent: Intent) -> tuple[Standing, bool]:
    """A new organisation, owned by who makes it; whether the same request had made it before. 2 requests.

    Raises `SlugTaken`, `OrganisationQuota`, what `idempotency.create` raises, and `NotFound` for who made it with the
    same request and is not in it any more.
    """
    user_id = as_oneself(by)
    check_slug(slug)
    made, replayed = settled(
        lambda: free_slot(ports.organisations.slots(user_id)),
        lambda slot: _created(ports, name, slug, user_id, slot, by=by, call=call, intent=intent),
    )
    # A repetition is answered with what they are there by now, which may be nothing.
    standing = enter(ports, by, made.id, also_deleting=True) if replayed else Standing(made, OWNER, None)
    return standing, replayed


def _created(
    ports: Ports, name: str, slug: str, user_id: str, slot: int | None, *, by: Principal, call: Call, intent: Intent
) -> tuple[Organisation, bool]:
    new = Organisation(
        id=intent.id,
        name=name,
        slug=slug,
        status=Status.ACTIVE,
        owners=1,
        members=1,
        seats=ports.settings.seats,
        epoch=1,
        invitations=0,
        created_at=clock.now(),
        version=1,
        quota_of=user_id,
        quota_slot=slot,
    )
    created = ports.organisations.create(
        new,
        intent,
        ports.organisations.taking_slot(user_id, slot, new.id),
        ports.organisations.claiming_slug(new.id, slug),
        # No event of its own: whoever makes an organisation is in it.
        ports.members.adding(new.id, user_id, OWNER, None),
        ports.trail.noting(new.id, "created", f"organisation:{new.id}", by=by, call=call, slug=slug),
        event=OrganisationCreated(organisation_id=new.id, by=user_id),
    )
    return organisation_of(created.row), created.replayed


def listed(
    ports: Ports, caller: Principal, limit: int, after: str | None
) -> tuple[list[tuple[Organisation, str]], str | None]:
    """Where somebody belongs, with their role, and where the next page starts. 2 requests.

    Whose organisation is being deleted sees it only as an owner, who can restore it. A key of an
    organisation's own sees that one.
    """
    if caller.kind == "api_key" and caller.org is not None:
        standing = enter(ports, caller, caller.org)
        return [(standing.organisation, standing.role)], None
    members, following = ports.members.memberships(person(caller), limit, after)
    roles = {member.organisation_id: member.role for member in members}
    found = ports.organisations.many(list(roles))
    return [(one, roles[one.id]) for one in found if _shows(one, roles[one.id])], following


def _shows(one: Organisation, role: str) -> bool:
    return one.status is Status.ACTIVE or (one.status is Status.DELETING and role == OWNER)


def change(
    ports: Ports,
    organisation_id: str,
    changes: Mapping[str, str],
    expect: int | None,
    *,
    by: Principal,
    call: Call,
) -> Standing:
    """Another name or slug. 3 requests. Raises `SlugTaken`, `StaleVersion`, and what `enter` raises."""
    settled(
        lambda: enter(ports, by, organisation_id, MANAGERS).organisation,
        lambda seen: _change(ports, seen, changes, expect, by=by, call=call),
    )
    return enter(ports, by, organisation_id)


def _change(
    ports: Ports,
    seen: Organisation,
    changes: Mapping[str, str],
    expect: int | None,
    *,
    by: Principal,
    call: Call,
) -> None:
    wanted = {name: value for name, value in changes.items() if getattr(seen, name) != value}
    slug = wanted.get("slug", seen.slug)
    steps: list[Step] = []
    if slug != seen.slug:
        check_slug(slug)
        if skeleton(slug) != skeleton(seen.slug):
            steps.append(ports.organisations.claiming_slug(seen.id, slug))
            steps.append(ports.organisations.leaving_slug(seen.id, seen.slug))
    event: Event | None = None
    if wanted:
        event = OrganisationUpdated(organisation_id=seen.id, by=person(by), changed=tuple(sorted(wanted)))
        steps.append(
            ports.trail.noting(seen.id, "updated", f"organisation:{seen.id}", by=by, call=call, **_told(seen, wanted))
        )
    changing = ports.organisations.changing(
        seen,
        OrganisationRow.name.set(wanted.get("name", seen.name)),
        OrganisationRow.slug.set(slug),
        # Who renames without a version gives up the slug that it has, not one that somebody else gave up before.
        also=OrganisationRow.slug == seen.slug,
        expect=expect,
        event=event,
        bump=bool(wanted),
    )
    transact(changing, *steps)


def _told(seen: Organisation, wanted: Mapping[str, str]) -> dict[str, str]:
    """A slug before and after. A name is free text, of which the trail says only that it changed."""
    told = {"changed": ",".join(sorted(wanted))}
    return told | ({"slug": wanted["slug"], "slug_before": seen.slug} if "slug" in wanted else {})


def delete(ports: Ports, organisation_id: str, expect: int | None, *, by: Principal, call: Call) -> Standing:
    """Gone for its members at once, and for good after 30 days. 1 internal call, 3 requests.

    Raises `StepUpRequired` for who has a second factor and did not use it, and what `enter` raises.
    """

    def decide(seen: Organisation) -> None:
        if seen.status is Status.DELETING:
            return
        try:
            transact(*deleting(ports, seen, clock.now() + GRACE, expect=expect, by=by, call=call))
        except OrganisationDeleting:
            # Another owner was first, which is what was asked for.
            raise Moved() from None

    def look() -> Organisation:
        return enter(ports, by, organisation_id, OWNERS, also_deleting=True).organisation

    seen = look()
    if by.aal < 2 and ports.people.has_second_factor(person(by), call):
        raise StepUpRequired(aal=2)
    settled(look, decide, seen=seen)
    return enter(ports, by, organisation_id, also_deleting=True)


def deleting(
    ports: Ports,
    seen: Organisation,
    delete_at: datetime,
    *,
    by: Principal,
    call: Call | None,
    expect: int | None = None,
    owners: int = 0,
    members: int = 0,
) -> list[Step]:
    """The steps that end an organisation for everybody in it. `owners` and `members` are added to its counts."""
    due_pk, due_sk = due_keys(delete_at, seen.id)
    at = clock.rfc3339(delete_at)
    return [
        ports.organisations.changing(
            seen,
            OrganisationRow.status.set(Status.DELETING.value),
            OrganisationRow.delete_at.set(at),
            OrganisationRow.due_pk.set(due_pk),
            OrganisationRow.due_sk.set(due_sk),
            OrganisationRow.epoch.set(seen.epoch + 1),
            OrganisationRow.owners.add(owners),
            OrganisationRow.members.add(members),
            expect=expect,
            event=OrganisationDeleted(organisation_id=seen.id, by=person(by), delete_at=delete_at),
            bump=True,
        ),
        # With an epoch, so that who restores the organisation can act for it again at once.
        ports.feed.revoke("m", f"{seen.id}#", min_ep=seen.epoch + 1),
        *ports.organisations.freeing_slot(seen),
        ports.trail.noting(seen.id, "deleted", f"organisation:{seen.id}", by=by, call=call, delete_at=at),
    ]


def restore(ports: Ports, organisation_id: str, *, by: Principal, call: Call) -> Standing:
    """Take a deletion back, within its 30 days. It counts as made by who restores it. 4 requests.

    Raises `OrganisationQuota`, and what `enter` raises.
    """

    def look() -> Organisation:
        return enter(ports, by, organisation_id, OWNERS, also_deleting=True).organisation

    settled(look, lambda seen: _restore(ports, seen, by=by, call=call))
    return enter(ports, by, organisation_id, also_deleting=True)


def _restore(ports: Ports, seen: Organisation, *, by: Principal, call: Call) -> None:
    if seen.status is Status.ACTIVE:
        return
    user_id = person(by)
    slot = free_slot(ports.organisations.slots(user_id))
    if slot is None:
        raise OrganisationQuota()
    transact(
        ports.organisations.changing(
            seen,
            OrganisationRow.status.set(Status.ACTIVE.value),
            OrganisationRow.delete_at.remove(),
            OrganisationRow.due_pk.remove(),
            OrganisationRow.due_sk.remove(),
            OrganisationRow.quota_of.set(user_id),
            OrganisationRow.quota_slot.set(slot),
            event=OrganisationRestored(organisation_id=seen.id, by=user_id),
            from_status=Status.DELETING,
            bump=True,
        ),
        ports.organisations.taking_slot(user_id, slot, seen.id),
        ports.trail.noting(seen.id, "restored", f"organisation:{seen.id}", by=by, call=call),
    )
