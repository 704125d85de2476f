"""What each condition of the store is for: it fails for whoever decided on something that is not so any more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.identity.admin.events import ImpersonationEnded, InvitationAccepted, RoleDefined
from functions.identity.admin.ports import Ports
from functions.identity.admin.rules import (
    ImpersonationOver,
    InvitationUsed,
    RoleAssigned,
    RoleExists,
    SetupTokenInvalid,
)
from functions.identity.admin.store import Impersonation, Role
from functions.identity.admin.store.imports import Import
from tessera import clock, ids
from tessera.auth.audit import audit
from tessera.auth.principal import ANONYMOUS
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.tables import ConditionFailed
from tessera.transact import transact
from tests.kit.faults import meanwhile
from tests.kit.stores import everything_in

TOLD = audit("admin.tested", "test:1", by=ANONYMOUS)
HELD = frozenset(["library:manage"])


@pytest.fixture
def ports(world: Any) -> Ports:
    found: Ports = world.ports
    return found


# -- roles --------------------------------------------------------------------


def keep(ports: Ports, role: Role, *, expect: int | None = None) -> Role:
    """Define it on the definitions as they are now, so that only the role itself can have moved."""
    definitions, at = ports.roles.definitions()
    event = RoleDefined(role=role.name, permissions=sorted(role.permissions))
    return ports.roles.define(role, definitions, at, expect=expect, event=event, also=[])


def drop(ports: Ports, role: Role) -> None:
    definitions, at = ports.roles.definitions()
    event = RoleDefined(role=role.name, permissions=[], deleted=True)
    ports.roles.delete(role, definitions, at, event=event, also=[])


def test_a_role_defined_by_two_at_once_is_the_firsts(ports: Ports) -> None:
    keep(ports, Role("clerk", HELD, "the first"))

    with pytest.raises(RoleExists):
        keep(ports, Role("clerk", HELD, "the second"))

    assert ports.roles.get("clerk").description == "the first"


def test_a_role_that_was_deleted_can_be_defined_anew(ports: Ports) -> None:
    keep(ports, Role("clerk", HELD))
    drop(ports, ports.roles.get("clerk"))

    assert keep(ports, Role("clerk", HELD, "again")).description == "again"


def test_a_role_is_changed_only_in_the_version_that_was_read(ports: Ports) -> None:
    first = keep(ports, Role("clerk", HELD))
    keep(ports, replace(first, description="another"), expect=first.version)

    with pytest.raises(StaleVersion):
        keep(ports, replace(first, description="mine"), expect=first.version)

    assert ports.roles.get("clerk").description == "another"


def test_a_role_that_was_deleted_is_not_brought_back_by_a_change(ports: Ports) -> None:
    role = keep(ports, Role("clerk", HELD))
    drop(ports, role)

    with pytest.raises(StaleVersion):
        keep(ports, role, expect=role.version + 1)


def test_a_role_that_was_changed_meanwhile_is_not_deleted(ports: Ports) -> None:
    first = keep(ports, Role("clerk", HELD))
    keep(ports, replace(first, description="another"), expect=first.version)

    with pytest.raises(StaleVersion):
        drop(ports, first)

    assert ports.roles.get("clerk").description == "another"


def test_a_role_that_somebody_was_given_meanwhile_is_not_deleted(ports: Ports) -> None:
    role = keep(ports, Role("clerk", HELD))
    ports.roles.reserve(["clerk"])

    with pytest.raises(RoleAssigned):
        drop(ports, role)

    assert ports.roles.get("clerk").assigned == 1


# -- invitations --------------------------------------------------------------


@pytest.fixture
def invited(ports: Ports) -> str:
    """The token of an open invitation."""
    ports.invitations.create(
        "tin_x", "ada@example.com", frozenset(["support"]), by=ids.new(), intent=Intent(ids.new(), "x"), events=[TOLD]
    )
    return "tin_x"


def accepted(ports: Ports, token: str, user_id: str) -> None:
    event = InvitationAccepted(invitation_id=ids.new(), user_id=user_id, roles=["support"])
    ports.invitations.finish(token, user_id, event)


def test_an_invitation_that_somebody_is_accepting_is_not_anothers(ports: Ports, invited: str) -> None:
    ann, bob = ids.new(), ids.new()
    ports.invitations.claim(invited, ann)

    with pytest.raises(InvitationUsed):
        ports.invitations.claim(invited, bob)
    with pytest.raises(InvitationUsed):
        accepted(ports, invited, bob)

    ports.invitations.claim(invited, ann)
    accepted(ports, invited, ann)
    assert ports.invitations.by_token(invited).state == "accepted"


def test_an_invitation_is_accepted_once_and_only_by_who_has_claimed_it(ports: Ports, invited: str) -> None:
    ann = ids.new()
    with pytest.raises(InvitationUsed):
        accepted(ports, invited, ann)
    ports.invitations.claim(invited, ann)
    accepted(ports, invited, ann)

    with pytest.raises(InvitationUsed):
        accepted(ports, invited, ann)


# -- impersonations -----------------------------------------------------------


def acting(ports: Ports) -> Impersonation:
    now = clock.now()
    made = Impersonation(
        id=ids.new(),
        user_id=ids.new(),
        actor_id=ids.new(),
        actor_sid="s",
        reason="a report",
        may_write=False,
        state="active",
        started_at=now,
        ends_at=now + timedelta(minutes=15),
    )
    ports.impersonations.start(made, [TOLD])
    return made


def over(made: Impersonation) -> ImpersonationEnded:
    return ImpersonationEnded(impersonation_id=made.id, user_id=made.user_id, actor_id=made.actor_id)


def test_who_acts_for_whom_is_never_written_over(ports: Ports) -> None:
    made = acting(ports)

    with pytest.raises(ConditionFailed):
        ports.impersonations.start(replace(made, reason="another"), [TOLD])

    assert ports.impersonations.get(made.id).reason == "a report"


def test_who_was_woken_for_another_time_ends_nothing(world: Any, ports: Ports) -> None:
    made = acting(ports)
    (due_pk,) = [item["due_pk"]["S"] for item in everything_in(world.tables["Admin"]) if "due_pk" in item]

    with pytest.raises(ImpersonationOver):
        ports.impersonations.end(made.id, [over(made)], due_pk="DUE#203001010000#1")
    ports.impersonations.end(made.id, [over(made)], due_pk=due_pk)

    with pytest.raises(ImpersonationOver):
        ports.impersonations.end(made.id, [over(made)], due_pk=due_pk)


# -- the rest -----------------------------------------------------------------


def test_an_import_is_never_written_over(ports: Ports) -> None:
    job, keeping = ports.jobs.starting(ids.new(), "user-import", total=1, cancellable=True)
    transact(ports.imports.starting(Import(job.id, "a-file", "csv", {})), keeping)
    _, another = ports.jobs.starting(ids.new(), "user-import", total=1, cancellable=True)

    with pytest.raises(ConditionFailed):
        transact(ports.imports.starting(Import(job.id, "another-file", "csv", {})), another)

    assert ports.imports.lease(job.id).object_key == "a-file"


def test_a_setup_token_that_was_replaced_is_not_used_up_for_the_new_one(ports: Ports) -> None:
    """It was good when it was looked at."""
    ports.setup.keep("tsu_old", TOLD)
    ports.setup.check("tsu_old")
    ports.setup.keep("tsu_new", TOLD)

    with pytest.raises(SetupTokenInvalid):
        ports.setup.consume("tsu_old", TOLD)

    ports.setup.check("tsu_new")


def test_a_report_of_erasure_that_comes_between_the_read_and_the_write_counts_too(ports: Ports) -> None:
    user_id, at = ids.new(), clock.rfc3339(clock.now())
    expected = {"tasks", "files", "notes"}

    def report(capability: str) -> None:
        ports.erasures.report(user_id, capability, at, expected=expected)

    with meanwhile("PutItem", lambda: report("tasks"), key="ER#"):
        report("files")
    with meanwhile("PutItem", lambda: report("notes"), key="ER#"):
        report("boards")

    found, _ = ports.erasures.page(open_ones=False, limit=10, after=None)
    assert set(found[0].done) == {*expected, "boards"} and not found[0].waiting
