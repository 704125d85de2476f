"""What somebody of the staff is told of themselves, and that nothing but the audit log is left."""

from functions.identity.admin.app import handler
from tests.kit.privacy import told_then_gone


def test_invitations_go_with_the_address_they_were_sent_to(world, owner):
    """Whoever is forgotten may have been invited and never have come, in another spelling too."""
    ann = world.user(email="ann@example.com")
    for address in ("ann@example.com", "Ann@Example.com", "bob@example.com"):
        assert owner.post("/admin/invitations", {"email": address, "roles": ["support"]}).status_code == 201

    told = told_then_gone("admin", handler, world.ports.jobs.table, ann["id"], address=ann["email"])

    assert [one["state"] for one in told["invitation"]] == ["open", "open"]
    left = owner.get("/admin/invitations").json()["items"]
    assert [one["email"] for one in left] == ["bob@example.com"]


def test_everything_of_somebody_is_told_and_then_gone(world, owner):
    owner.post("/admin/audit/export", {})
    world.work()

    told = told_then_gone("admin", handler, world.ports.jobs.table, owner.id)

    assert [one["work"] for one in told["job"]] == ["audit-export"]
