"""What happens to keys when something happens to their owners, and who is written to."""

from functools import partial
from typing import Any

import pytest

from functions.identity.apikeys.triggers import ENTRIES, OWNER_CHANGED
from functions.live.outbox.templates import check
from tessera import aws, ids
from tessera.auth.api_keys import AGAIN_MS
from tessera.auth.internal import NoAnswer
from tessera.auth.key_text import name_of
from tests.kit.faults import failing, meanwhile
from tests.kit.templates import resources
from tests.kit.worlds import DONE


def test_a_demoted_owners_key_loses_the_permission_under_15s(world: Any, frozen: Any) -> None:
    boss = world.person("support")
    made = world.key(boss, scopes=["tasks:read", "health:read"])
    assert world.myself(made["key"]).json()["permissions"] == ["health:read", "tasks:read"]

    world.change_epoch(boss.id, 2, roles=["user"])
    assert world.receive("accounts.user.updated.v1", user_id=boss.id, roles=["user"]) == DONE
    frozen.advance(seconds=14)

    assert world.myself(made["key"]).json()["permissions"] == ["tasks:read"]


def test_until_the_key_knows_the_new_epoch_it_is_refused(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice)
    world.use(made["key"])
    world.change_epoch(alice.id, 2)
    frozen.advance(seconds=9)
    assert world.use(made["key"]).status_code == 401

    world.receive("accounts.user.password_changed.v1", user_id=alice.id, kept_session_id=None)
    frozen.advance(milliseconds=AGAIN_MS)

    assert world.use(made["key"]).status_code == 200


def test_a_key_rests_while_its_owner_is_locked(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice)
    world.use(made["key"])
    world.change_epoch(alice.id, 2, status="locked")
    world.receive("accounts.user.locked.v1", user_id=alice.id)
    frozen.advance(seconds=14)

    assert world.use(made["key"]).status_code == 401
    assert world.ports.keys.get(made["id"]).status == "suspended"
    # The entry of the feed is gone after a quarter of an hour; the item is what counts then.
    frozen.advance(minutes=20)
    assert world.use(made["key"]).status_code == 401

    world.change_epoch(alice.id, 3, status="active")
    world.receive("accounts.user.unlocked.v1", user_id=alice.id)
    frozen.advance(seconds=14)
    assert world.use(made["key"]).status_code == 200


def test_who_is_unlocked_while_the_lock_is_noted_has_keys_that_work(world: Any, alice: Any) -> None:
    made = world.key(alice)
    world.accounts.says(alice.id, status="locked", epoch=2)

    def unlocked() -> None:
        world.accounts.says(alice.id, status="active")
        world.receive("accounts.user.unlocked.v1", user_id=alice.id)

    with meanwhile("UpdateItem", unlocked, key="K#"):
        world.receive("accounts.user.locked.v1", user_id=alice.id)

    assert world.ports.keys.get(made["id"]).status == "active"


def test_a_suspended_key_is_shown_as_such_and_can_be_revoked(world: Any, alice: Any) -> None:
    made = world.key(alice)
    world.accounts.says(alice.id, status="locked", epoch=2)
    world.receive("accounts.user.locked.v1", user_id=alice.id)
    admin = world.person("admin")

    assert admin.get(f"/apikeys/admin/keys/{made['id']}").json()["status"] == "suspended"
    assert admin.post("/apikeys/admin/revoke-all", json={"owner_id": alice.id}).json() == {"revoked": 1}


def test_who_is_locked_while_the_key_is_being_made_has_no_key_that_works(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice)
    # The event of the lock came before the key was there.
    world.accounts.says(alice.id, status="locked", epoch=2)

    world.deliver_own()

    assert world.ports.keys.get(made["id"]).status == "suspended"


def test_keys_of_who_is_gone_are_revoked_without_a_mail(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice)
    world.use(made["key"])
    world.accounts.says(alice.id, status="gone")

    assert world.receive("accounts.user.deleted.v1", user_id=alice.id) == DONE
    frozen.advance(seconds=14)

    assert world.use(made["key"]).status_code == 401
    [event] = world.events("apikeys.key.revoked.v1")
    assert event["reason"] == "owner_gone"
    assert world.receive("apikeys.key.revoked.v1", **event) == DONE
    assert world.accounts.mails == []


def test_events_may_come_twice_and_in_any_order(world: Any, alice: Any) -> None:
    made = world.key(alice)
    world.accounts.says(alice.id, epoch=3, roles=["user", "support"])
    world.receive("accounts.user.updated.v1", user_id=alice.id, roles=["user", "support"])
    # One that was read from an older state, and comes late.
    world.accounts.says(alice.id, epoch=2, roles=["user"])
    world.receive("accounts.user.updated.v1", user_id=alice.id, roles=["user"])

    row = world.ports.keys.get(made["id"])
    assert (int(row.owner_ep), set(row.owner_roles), int(row.version)) == (3, {"user", "support"}, 1)


def test_who_has_no_keys_costs_one_request(world: Any, alice: Any) -> None:
    with aws.metered() as meter:
        assert (
            world.receive("accounts.session.revoked.v1", user_id=alice.id, session_id="s", reason="signed out") == DONE
        )

    assert meter.operations == ["Query"]
    assert world.accounts.asked == []


def test_while_accounts_does_not_answer_the_message_stays(world: Any, alice: Any) -> None:
    world.key(alice)

    def silent(function: str, event: Any, timeout_seconds: float) -> Any:
        raise NoAnswer("on order")

    world.ports.owners._internal._transport = silent

    assert len(world.receive("accounts.user.updated.v1", user_id=alice.id, roles=[])["batchItemFailures"]) == 1


@pytest.mark.parametrize("name", OWNER_CHANGED)
def test_every_reason_for_a_new_epoch_reaches_the_keys(world: Any, alice: Any, name: str) -> None:
    made = world.key(alice)
    world.accounts.says(alice.id, epoch=5)

    assert world.receive(name, user_id=alice.id) == DONE

    assert int(world.ports.keys.get(made["id"]).owner_ep) == 5


def test_what_is_read_is_what_the_rule_brings() -> None:
    pattern = resources("messages", "AWS::Events::Rule")["ApikeysEvents"]["Properties"]["EventPattern"]

    assert set(pattern["detail-type"]) == {on.name for on in ENTRIES.events}


def test_keys_of_an_organisation_do_not_follow_who_made_them(world: Any, frozen: Any) -> None:
    org = ids.new()
    boss = world.again(world.person().id, org=org, org_role="owner", org_ep=1)
    made = world.key(boss)
    world.use(made["key"])

    world.change_epoch(boss.id, 2, status="gone")
    world.receive("accounts.user.deleted.v1", user_id=boss.id)
    frozen.advance(seconds=14)

    assert world.use(made["key"]).status_code == 200


def test_keys_of_an_organisation_rest_while_it_is_deleted(world: Any, frozen: Any) -> None:
    org = ids.new()
    boss = world.again(world.person().id, org=org, org_role="owner", org_ep=1)
    made = world.key(boss)
    world.use(made["key"])
    told = {"organisation_id": org, "by": boss.id}

    world.receive("organisations.organisation.deleted.v1", **told, delete_at="2030-04-13T00:00:00.000Z")
    frozen.advance(seconds=14)
    during = world.use(made["key"]).status_code
    for _ in range(2):
        world.receive("organisations.organisation.restored.v1", **told)
    frozen.advance(seconds=14)

    assert (during, world.use(made["key"]).status_code) == (401, 200)


def test_a_key_that_is_changed_while_its_organisation_is_deleted_rests_all_the_same(world: Any, frozen: Any) -> None:
    org = ids.new()
    boss = world.again(world.person().id, org=org, org_role="owner", org_ep=1)
    made = world.key(boss)
    told = {"organisation_id": org, "by": boss.id, "delete_at": "2030-04-13T00:00:00.000Z"}

    def renamed_and_remembered() -> None:
        headers = {"if-match": made["etag"]}
        assert boss.patch(f"/apikeys/{made['id']}", json={"name": "Other"}, headers=headers).status_code == 200
        assert world.use(made["key"]).status_code == 200

    # Who remembers the key as it has just become would not hear that it rests, so the message has to come again.
    with meanwhile("TransactWriteItems", renamed_and_remembered):
        first = world.receive("organisations.organisation.deleted.v1", "1", **told)
    assert len(first["batchItemFailures"]) == 1
    assert world.receive("organisations.organisation.deleted.v1", "1", **told) == DONE
    frozen.advance(seconds=14)

    assert world.use(made["key"]).status_code == 401


def test_a_key_that_is_revoked_while_its_owner_is_looked_at_stays_revoked(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice)
    revoke = partial(alice.post, f"/apikeys/{made['id']}/revoke")

    with meanwhile("UpdateItem", revoke, key=name_of(made["id"])):
        assert world.receive("accounts.user.updated.v1", user_id=alice.id, roles=["user"]) == DONE

    assert world.ports.keys.get(made["id"]).status == "revoked"


def test_the_owner_hears_of_everything_that_happens_to_a_key(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice, name="CI", expires_in_days=14)
    alice.post(f"/apikeys/{made['id']}/rotate", json={})
    world.deliver_own()
    frozen.advance(days=11)
    world.sweep()
    world.deliver_own()
    frozen.advance(days=3)
    world.sweep()
    world.deliver_own()
    again = world.again(alice.id)
    leaked, revoked = (world.key(again, name=name) for name in ("Leaked", "Revoked"))
    world.deliver_own()
    world.served.client.post("/apikeys/revoke-leaked", json={"keys": [leaked["key"]]})
    alice.post(f"/apikeys/{revoked['id']}/revoke")
    world.deliver_own()

    sent = [(mail["template"], mail["data"]["name"]) for mail in world.accounts.mails]
    assert sorted(sent) == [
        ("api-key-created", "CI"),
        ("api-key-created", "Leaked"),
        ("api-key-created", "Revoked"),
        ("api-key-expired", "CI"),
        ("api-key-expiring", "CI"),
        ("api-key-leaked", "Leaked"),
        ("api-key-revoked", "Revoked"),
        ("api-key-rotated", "CI"),
    ]
    assert {mail["to"] for mail in world.accounts.mails} == {f"{alice.id.lower()}@example.com"}
    expiring = next(mail for mail in world.accounts.mails if mail["template"] == "api-key-expiring")
    assert expiring["data"] == {"name": "CI", "prefix": made["prefix"], "days": "3"}
    assert made["key"][26:] not in str(world.accounts.mails)


def test_every_mail_that_is_asked_for_has_a_template_and_its_values(world: Any, alice: Any, frozen: Any) -> None:
    test_the_owner_hears_of_everything_that_happens_to_a_key(world, alice, frozen)

    for mail in world.accounts.mails:
        check(mail["template"], {"at": "now", **mail["data"]}, sealed=False)


def test_a_mail_is_sent_once_for_an_event_that_comes_twice(world: Any, alice: Any) -> None:
    world.key(alice)
    [event] = world.events("apikeys.key.created.v1")
    event_id = ids.new()

    for _ in range(3):
        assert world.receive("apikeys.key.created.v1", event_id, **event) == DONE

    assert len(world.accounts.mails) == 1


def test_a_mail_that_could_not_be_asked_for_is_tried_again(world: Any, alice: Any) -> None:
    world.key(alice)
    [event] = world.events("apikeys.key.created.v1")
    event_id = ids.new()

    with failing("dynamodb", "GetItem", code="ThrottlingException", times=1):
        assert len(world.receive("apikeys.key.created.v1", event_id, **event)["batchItemFailures"]) == 1
    assert world.receive("apikeys.key.created.v1", event_id, **event) == DONE

    assert len(world.accounts.mails) == 1


def test_a_message_that_is_no_event_of_ours_is_left_for_a_person(world: Any) -> None:
    assert len(world.receive("apikeys.key.painted.v1", user_id="anna")["batchItemFailures"]) == 1
    assert len(world.receive("accounts.user.updated.v1", name="nobody")["batchItemFailures"]) == 1
