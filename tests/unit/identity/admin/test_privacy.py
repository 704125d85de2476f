"""What somebody of the staff is told of themselves, and that nothing but the audit log is left."""

from functions.identity.admin.app import handler
from tests.kit.privacy import told_then_gone


def test_everything_of_somebody_is_told_and_then_gone(world, owner):
    owner.post("/admin/audit/export", {})
    world.work()

    told = told_then_gone("admin", handler, world.ports.jobs.table, owner.id)

    assert [one["work"] for one in told["job"]] == ["audit-export"]
