"""What is known of mails to an address, and that nothing but its hash is left."""

from datetime import timedelta

import pytest

from functions.live.outbox.actions import manage
from functions.live.outbox.app import handler
from tessera import clock, ids
from tests.kit.faults import meanwhile
from tests.kit.privacy import told_then_gone
from tests.kit.stores import everything_in

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


@pytest.mark.parametrize("leaving", ["ann@example.com", "bob@example.com", "eve@example.com"])
def test_a_mail_to_many_goes_on_to_those_who_stay(ask, worker, store, provider, leaving):
    people = ["ann@example.com", "bob@example.com", "eve@example.com"]
    mail = ask(*people[:2], cc=("eve@example.com",), send_at=clock.now() + timedelta(hours=1))
    staying = [one for one in people if one != leaving]

    assert manage.erase(store, [leaving], ids.new())
    worker.later(hours=1, seconds=1)

    assert [[*one.to, *one.cc] for one in provider.letters] == [staying]
    assert not any(leaving in str(item) for item in everything_in(store.table))
    assert [store.listing.to_address(one, 5, None)[0] != [] for one in people] == [one in staying for one in people]
    assert store.mails.get(mail.id).recipients == tuple(staying)


def test_a_mail_that_goes_on_meanwhile_is_asked_for_again(ask, store):
    mail = ask("ann@example.com", "bob@example.com")

    with meanwhile("TransactWriteItems", lambda: store.mails.claim(mail.id, clock.now())):
        assert not store.listing.forget("bob@example.com", at_most=5)

    assert store.listing.forget("bob@example.com", at_most=5)
    assert store.mails.get(mail.id).recipients == ("ann@example.com",)


def test_however_much_was_told_of_a_recipient_it_goes(ask, worker, store):
    mail = ask("ann@example.com", "bob@example.com")
    worker.work()
    for number in range(120):
        worker.hear(mail.id, "soft-bounce", to=["bob@example.com"], feedback_id=str(number))

    assert manage.erase(store, ["bob@example.com"], ids.new())

    assert store.listing.timeline(mail.id)[1] == []
