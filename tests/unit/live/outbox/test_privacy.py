"""What is known of mails to an address, and that nothing but its hash is left."""

from functions.live.outbox.app import handler
from tessera import ids
from tests.kit.privacy import told_then_gone

ADDRESS = "ann@example.com"


def test_everything_to_an_address_is_told_and_then_gone(ask, worker, store, client):
    ask(ADDRESS, subject="For Ann")
    ask("bob@example.com", ADDRESS, subject="For both")
    other = ask("bob@example.com", subject="For Bob")
    worker.work()
    bounced = ask(ADDRESS, subject="Bounced")
    worker.work()
    worker.hear(bounced.id, "bounce", to=[ADDRESS])

    told = told_then_gone(
        "outbox",
        handler,
        store.table,
        ids.new(),
        address=ADDRESS,
        unsaid={
            "M#*|BODY": "what a mail said, which they have got; it may hold what opens something",
            "M#*|E#*": "what the provider reported, of which the mail tells how it ended",
        },
    )

    assert sorted(one["subject"] for one in told["mail"]) == ["Bounced", "For Ann", "For both"]
    assert "bob@example.com" not in str(told)
    assert store.mails.get(other.id) is not None
