"""What somebody is told of where they are signed in, and that nothing of it is left."""

from functions.identity.sessions.app import handler
from tests.kit.privacy import told_then_gone


def test_everything_of_a_user_is_told_and_then_gone(served, ports, ann, accounts, signed_in):
    bob = accounts.add("bob@example.com")
    first, _, other = signed_in(ann), signed_in(ann), signed_in(bob)
    first.post("/sessions/refresh")

    told = told_then_gone(
        "sessions", handler, served.table, ann.id, unsaid={"U#{user}|HEAD": "which sessions are open"}
    )

    assert len(told["session"]) == 2 and told["session"][0]["signed_in_at"] < told["session"][0]["expires_at"]
    assert other.get("/sessions/current").status_code == 200
