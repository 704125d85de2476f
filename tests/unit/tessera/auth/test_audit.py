"""Entries of the audit trail."""

from tessera import bus
from tessera.auth.audit import audit
from tessera.auth.principal import Actor, Principal
from tests.kit.clocks import FakeClock

ANN = Principal(kind="user", id="ann", user_id="ann", session_id="s")


def test_an_entry_says_who_did_what_to_what_and_when(frozen: FakeClock):
    entry = audit("accounts.locked", "user:bob", by=ANN, reason="spam")

    assert (entry.actor, entry.actor_kind, entry.action, entry.target) == ("ann", "user", "accounts.locked", "user:bob")
    assert (entry.session_id, entry.detail, entry.at) == ("s", {"reason": "spam"}, "2030-03-14T09:26:53.000Z")


def test_an_entry_names_the_person_behind_an_impersonation_and_behind_a_service(frozen: FakeClock):
    acting = Principal(kind="user", id="ann", user_id="ann", actor=Actor("support", "t"))
    service = Principal(kind="service", id="admin", on_behalf_of=ANN)

    assert audit("a", "b", by=acting).impersonator == "support"
    assert audit("a", "b", by=service).on_behalf_of == "ann"


def test_every_capability_may_emit_it():
    assert bus.may_emit("accounts", audit("a", "b", by=ANN).type)
    assert bus.TYPE_PATTERN.match(audit("a", "b", by=ANN).type)
