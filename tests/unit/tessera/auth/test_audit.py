"""Entries of the audit trail."""

from collections.abc import Callable

import pytest

from tessera import bus, log
from tessera.auth.audit import EntryRecorded, audit, shortened
from tessera.auth.call import Call
from tessera.auth.principal import Actor, Principal
from tests.kit.clocks import FakeClock

ANN = Principal(kind="user", id="ann", user_id="ann", session_id="s", credential="bearer")


@pytest.mark.asvs("16.2.1")
def test_an_entry_says_who_did_what_to_what_and_when(frozen: FakeClock):
    with log.scope("accounts", request_id="r-1") as here:
        entry = audit("accounts.locked", "user:bob", by=ANN, reason="spam", count=3)

    assert (entry.actor.kind, entry.actor.id, entry.actor.via, entry.actor.sid) == ("user", "ann", "bearer", "s")
    assert (entry.action, entry.target.type, entry.target.id) == ("accounts.locked", "user", "bob")
    assert (entry.capability, entry.outcome, entry.reason) == ("accounts", "success", "spam")
    assert (entry.occurred_at, entry.detail) == ("2030-03-14T09:26:53.000Z", {"count": 3})
    assert (entry.request_id, entry.trace_id) == ("r-1", here.trace_id)


def test_outside_a_request_the_action_names_the_capability(frozen: FakeClock):
    assert audit("tasks.list-cleared", "list:7", by=ANN).capability == "tasks"


def test_every_entry_has_an_id_of_its_own():
    assert audit("a.b", "c:d", by=ANN).id != audit("a.b", "c:d", by=ANN).id


def test_behind_an_impersonation_stands_the_member_of_staff():
    acting = Principal(kind="user", id="ann", user_id="ann", session_id="s", actor=Actor("support", "t"))

    entry = audit("a.b", "c:d", by=acting)

    assert (entry.actor.id, entry.actor.via, entry.actor.sid) == ("support", "impersonation", "t")
    assert entry.on_behalf_of == "ann"


def test_behind_a_service_stands_whoever_it_acts_for():
    entry = audit("a.b", "c:d", by=Principal(kind="service", id="admin", on_behalf_of=ANN))

    assert (entry.actor.kind, entry.actor.id, entry.actor.via, entry.on_behalf_of) == (
        "user",
        "ann",
        "service:admin",
        None,
    )


def test_a_service_that_acts_by_itself_is_the_actor():
    entry = audit("a.b", "c:d", by=Principal(kind="service", id="sweeper", credential="iam"))

    assert (entry.actor.kind, entry.actor.id, entry.actor.via) == ("service", "sweeper", "iam")


def test_an_entry_names_the_organisation_that_was_acted_for():
    assert audit("a.b", "c:d", by=Principal(kind="user", id="ann", user_id="ann", org="acme")).organisation == "acme"


@pytest.mark.asvs("16.2.1")
def test_an_entry_keeps_where_the_request_came_from(call: Callable[..., Call]):
    asked = call("POST", headers=(("user-agent", "curl/8" + "x" * 300),), source_ip="203.0.113.77")

    actor = audit("a.b", "c:d", by=ANN, call=asked).actor

    assert (actor.ip, actor.net) == ("203.0.113.77", "203.0.113.0/24")
    assert actor.ua is not None and actor.ua.startswith("curl/8x") and len(actor.ua) == 200


def test_behind_an_internal_call_stands_the_client_of_the_first_service(call: Callable[..., Call]):
    asked = call("POST", internal={"internal": True, "client": {"address": "2001:db8:1:2::9", "user_agent": "firefox"}})

    actor = audit("a.b", "c:d", by=ANN, call=asked).actor

    assert (actor.ip, actor.net, actor.ua) == ("2001:db8:1:2::9", "2001:db8:1::/48", "firefox")


@pytest.mark.parametrize(
    ("address", "network"),
    [("198.51.100.9", "198.51.100.0/24"), ("2001:db8::1", "2001:db8::/48"), ("testclient", None), ("", None)],
)
def test_a_shortened_address_is_a_network_or_nothing(address: str, network: str | None):
    assert shortened(address) == network


def test_changes_show_what_was_before_and_after_and_leave_out_what_stayed():
    entry = audit(
        "a.b", "c:d", by=ANN, changes={"roles": ({"user"}, {"user", "admin"}), "status": ("active", "active")}
    )

    assert [change.model_dump() for change in entry.changes] == [
        {"field": "roles", "old": ["user"], "new": ["admin", "user"]}
    ]


@pytest.mark.parametrize("field", ["password", "pw", "token", "name", "notes"])
@pytest.mark.asvs("16.2.5")
def test_a_field_that_is_not_listed_never_gets_into_an_entry(field: str):
    with pytest.raises(ValueError, match=field):
        audit("a.b", "c:d", by=ANN, changes={field: ("old", "new")})


def test_what_somebody_has_written_is_cut_to_a_length():
    entry = audit("a.b", "c:d", by=ANN, reason="x" * 900, changes={"status": (None, "y" * 900)})

    assert len(entry.reason or "") == 500 and len(str(entry.changes[0].new)) == 200


def test_what_is_sent_reads_back_as_the_same_entry(frozen: FakeClock):
    entry = audit("a.b", "c:d", by=ANN, outcome="denied", changes={"enabled": (False, True)}, why=None)

    assert EntryRecorded.model_validate(entry.model_dump(mode="json")) == entry


def test_every_capability_may_emit_it():
    assert bus.may_emit("accounts", audit("a", "b", by=ANN).type)
    assert bus.TYPE_PATTERN.match(audit("a", "b", by=ANN).type)
