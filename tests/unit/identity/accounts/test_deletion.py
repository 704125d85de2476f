"""Leaving: a month in which a sign-in brings the account back, then nothing of it anywhere, and the proof."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.identity.accounts.actions import deletion, erasure, staff
from functions.identity.accounts.actions.erasable import capabilities
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import LastOwner, NotActive
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.life_rows import ErasureRow, erased_pk
from functions.identity.accounts.store.rows import MAIN, user_pk
from tessera import aws, ids, queues
from tessera.auth.call import Call
from tessera.auth.feed import Feed
from tessera.auth.principal import Principal
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.faults import contention, failing
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person
from .deliveries import Deliveries
from .neighbours import Neighbours

MakePerson = Callable[..., Person]
STAFF = Principal(kind="user", id="01J00000000000000000000000", user_id="01J00000000000000000000000")


def leave(http: AppClient, who: Person) -> Any:
    return http.delete("/accounts/me", headers=who.bearer)


def login(http: AppClient, email: str = "ann@example.com", **more: Any) -> Any:
    return http.post("/accounts/login", json={"email": email, "password": PASSWORD, **more})


def proof_of(table: Table, owner_id: str) -> ErasureRow | None:
    return table.get(ErasureRow, erased_pk(owner_id), MAIN)


def told(table: Table) -> list[tuple[str, dict[str, Any]]]:
    found = [Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item]
    return [(envelope.type, envelope.data) for envelope in sorted(found, key=lambda one: one.id)]


def left_of(table: Table, who: Person) -> list[str]:
    """The items that still name somebody, the proof and the events that are on their way apart."""
    kept = ("ERASED#", "OUT#")
    named = [item for item in everything_in(table) if not item["pk"]["S"].startswith(kept)]
    return [f"{item['pk']['S']} {item['sk']['S']}" for item in named if who.id in json.dumps(item)]


@pytest.fixture
def ann(person: MakePerson) -> Person:
    return person()


@pytest.fixture
def gone(http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries) -> Person:
    """Somebody whose month is over and whose erasure has run."""
    assert leave(http, ann).status_code == 200
    frozen.advance(days=30, seconds=1)
    deliveries.sweep()
    return ann


@pytest.mark.asvs("7.4.2")
def test_leaving_ends_every_session_and_names_the_day(http: AppClient, ann: Person, frozen: FakeClock):
    other = login(http).json()

    answer = leave(http, ann)

    assert (answer.status_code, answer.json()["status"]) == (200, "deleting")
    assert answer.json()["erased_after"].startswith("2030-04-13T09:26:53")
    frozen.advance(seconds=9)
    assert http.get("/accounts/me", headers=ann.bearer).status_code == 401
    for token in (ann.refresh_token, other["refresh_token"]):
        assert http.post("/accounts/token/refresh", json={"refresh_token": token}).status_code == 401


def test_leaving_is_told_by_mail_with_the_way_back(http: AppClient, ann: Person, mailbox: Mailbox):
    leave(http, ann)

    assert mailbox.latest(ann.email, "account-deleting")["data"]["until"].startswith("2030-04-13")


def test_for_the_others_the_account_is_locked_meanwhile(http: AppClient, ann: Person, table: Table):
    leave(http, ann)

    assert ("accounts.user.locked.v1", {"user_id": ann.id}) in told(table)


def test_leaving_needs_a_fresh_sign_in(http: AppClient, ann: Person, frozen: FakeClock):
    frozen.advance(seconds=301)

    answer = leave(http, ann)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/step-up-required")


def test_leaving_twice_changes_nothing(http: AppClient, ann: Person, ports: Ports, call: Call):
    leave(http, ann)

    with pytest.raises(NotActive):
        deletion.leave(ports, ann.id, caller=STAFF, call=call)


def test_a_sign_in_within_the_month_keeps_the_account(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, mailbox: Mailbox
):
    leave(http, ann)
    frozen.advance(days=29)

    back = login(http)

    assert back.status_code == 200
    assert back.json()["user"]["status"] == "active"
    assert (
        http.get("/accounts/me", headers={"authorization": f"Bearer {back.json()['access_token']}"}).status_code == 200
    )
    assert mailbox.latest(ann.email, "account-kept")
    frozen.advance(days=400)
    assert deliveries.sweep() == 0
    assert login(http).status_code == 200


def test_coming_back_is_told_to_the_others_and_noted(
    http: AppClient, ann: Person, table: Table, ports: Ports, call: Call
):
    leave(http, ann)

    deletion.kept(ports, ports.users.get(ann.id), call=call)

    assert ("accounts.user.unlocked.v1", {"user_id": ann.id}) in told(table)
    headers = {"authorization": f"Bearer {login(http).json()['access_token']}"}
    seen = http.get("/accounts/me/activity", headers=headers).json()
    assert {"deletion-asked", "deletion-cancelled"} <= {entry["action"] for entry in seen["items"]}


def test_a_wrong_password_does_not_keep_the_account(http: AppClient, ann: Person, ports: Ports):
    leave(http, ann)

    answer = http.post("/accounts/login", json={"email": ann.email, "password": "not the right one at all"})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/login-failed")
    assert ports.users.get(ann.id).status == "deleting"


def test_somebody_whom_staff_delete_does_not_come_back_by_signing_in(
    http: AppClient, ann: Person, ports: Ports, call: Call, mailbox: Mailbox
):
    deletion.remove(ports, ann.id, now=False, caller=STAFF, call=call)

    assert login(http).status_code == 401
    assert ports.users.get(ann.id).status == "deleting"
    assert "account-deleting" not in [mail["template"] for mail in mailbox.all(ann.email)]


def test_staff_can_do_without_the_month_and_still_no_request_on_its_way_comes_after_the_erasure(
    ann: Person, ports: Ports, call: Call, frozen: FakeClock, deliveries: Deliveries, table: Table
):
    deletion.remove(ports, ann.id, now=True, caller=STAFF, call=call)

    # A token is refused everywhere after 15 seconds, and what was asked for before lasts at most 29.
    frozen.advance(seconds=44)
    deliveries.sweep()
    assert proof_of(table, ann.id) is None
    frozen.advance(seconds=7)
    deliveries.sweep()

    assert table.get(UserRow, user_pk(ann.id), MAIN) is None


def test_nor_does_it_where_there_is_no_month(
    ann: Person, ports: Ports, call: Call, frozen: FakeClock, deliveries: Deliveries, table: Table
):
    hasty = replace(ports, settings=ports.settings.model_copy(update={"deletion_grace_days": 0}))
    deletion.leave(hasty, ann.id, caller=STAFF, call=call)

    frozen.advance(seconds=44)
    deliveries.sweep()

    assert proof_of(table, ann.id) is None


def test_the_last_owner_stays(http: AppClient, person: MakePerson, ports: Ports):
    boss = person("boss@example.com")

    answer = leave(http, boss)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last-owner")
    assert ports.users.get(boss.id).status == "active"
    assert ports.owners.count() == 1


def test_an_owner_who_leaves_no_longer_counts_until_they_come_back(
    http: AppClient, person: MakePerson, ports: Ports, internal: Callable[..., Any]
):
    boss, ann = person("boss@example.com"), person()
    internal("POST", f"/accounts/internal/users/{ann.id}/roles", {"roles": ["owner"]})
    assert ports.owners.count() == 2

    assert leave(http, Person(ann.email, PASSWORD, login(http).json())).status_code == 200
    assert ports.owners.count() == 1
    assert leave(http, boss).json()["type"] == "/problems/last-owner"
    login(http)

    assert ports.owners.count() == 2


def test_two_owners_who_leave_at_once_leave_one_behind(
    person: MakePerson, ports: Ports, internal: Callable[..., Any], call: Call
):
    boss, ann = person("boss@example.com"), person()
    internal("POST", f"/accounts/internal/users/{ann.id}/roles", {"roles": ["owner"]})

    results = together(*(lambda who=who: deletion.leave(ports, who.id, caller=STAFF, call=call) for who in (boss, ann)))

    assert outcomes(results) == {"ok": 1, LastOwner.slug: 1}
    assert ports.owners.count() == 1


def test_erase_fanout_asks_every_capability(http: AppClient, gone: Person, neighbours: Neighbours, table: Table):
    asked = [(path, body) for path, body, _ in neighbours.asked if path.endswith("/internal/erase")]

    assert sorted(path for path, _ in asked) == sorted(f"/{name}/internal/erase" for name in capabilities())
    assert {body["owner_id"] for _, body in asked} == {gone.id}
    told = {path.split("/")[1]: body["addresses"] for path, body in asked if "addresses" in body}
    assert told == {name: [gone.email] for name in ("admin", "notifications", "outbox")}


def test_nothing_of_the_account_is_left(gone: Person, table: Table, http: AppClient):
    assert left_of(table, gone) == []
    assert login(http, gone.email).status_code == 401


def test_handles_left_behind_lead_to_nobody(
    http: AppClient, ann: Person, table: Table, frozen: FakeClock, deliveries: Deliveries
):
    for handle in ("first", "second", "third"):
        etag = http.get("/accounts/me", headers=ann.bearer).headers["etag"]
        changed = http.patch("/accounts/me", json={"handle": handle}, headers={**ann.bearer, "if-match": etag})
        assert changed.status_code == 200, changed.text
    assert leave(http, ann).status_code == 200
    frozen.advance(days=30, seconds=1)

    # DynamoDB takes its time with what has run out.
    deliveries.sweep()

    assert left_of(table, ann) == []


def test_a_sign_up_with_their_address_does_not_name_them_any_more(
    http: AppClient, ann: Person, table: Table, frozen: FakeClock, deliveries: Deliveries, mailbox: Mailbox
):
    leave(http, ann)
    frozen.advance(days=30, seconds=1)
    asked = http.post("/accounts/sign-up", json={"email": ann.email, "password": PASSWORD})
    assert mailbox.latest(ann.email, "already-registered")

    deliveries.sweep()

    assert left_of(table, ann) == []
    mails = len(mailbox.all(ann.email))
    resent = http.post("/accounts/sign-up/resend", json={"sign_up_id": asked.json()["sign_up_id"]})
    assert (resent.status_code, len(mailbox.all(ann.email)), left_of(table, ann)) == (202, mails, [])


def test_an_upgrade_that_a_guest_has_asked_for_goes_with_them(
    http: AppClient, ann: Person, table: Table, frozen: FakeClock, deliveries: Deliveries
):
    guest = Person("", "", http.post("/accounts/guest", json={}).json())
    upgrade = {"email": "guest@example.com", "password": PASSWORD}
    assert http.post("/accounts/me/upgrade", json=upgrade, headers=guest.bearer).status_code == 202
    assert login(http, guest_token=guest.refresh_token).status_code == 200
    frozen.advance(days=1, seconds=1)

    deliveries.sweep()

    # Into whom a guest went over is Ann's to know.
    assert [one for one in left_of(table, guest) if not one.startswith(f"U#{ann.id}")] == []


def test_what_went_to_an_address_left_behind_is_erased_unless_somebody_has_it_now(
    http: AppClient,
    ann: Person,
    person: MakePerson,
    internal: Callable[..., Any],
    neighbours: Neighbours,
    frozen: FakeClock,
    deliveries: Deliveries,
):
    first = ann.email
    for number in range(2):
        frozen.advance(seconds=1)
        body = {"email": f"ann-{number}@example.com"}
        status, said = internal("POST", f"/accounts/internal/users/{ann.id}/email", body, caller="admin")
        assert status == 200, said
    person(first)
    internal("POST", f"/accounts/internal/users/{ann.id}/delete", {"now": True}, caller="admin")
    frozen.advance(minutes=2)
    deliveries.sweep()

    asked = [body for path, body, _ in neighbours.asked if path == "/outbox/internal/erase"]

    assert [body["addresses"] for body in asked] == [["ann-1@example.com", "ann-0@example.com"]]


def test_everything_an_account_can_have_is_erased(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, table: Table, bucket: str
):
    headers = {**ann.bearer, "if-match": http.get("/accounts/me", headers=ann.bearer).headers["etag"]}
    http.patch("/accounts/me", json={"handle": "ann_lee", "bio": "x"}, headers=headers)
    login(http, device_name="a blue phone")
    http.post("/accounts/password/forgot", json={"email": ann.email})
    http.post("/accounts/me/email", json={"email": "new@example.org"}, headers=ann.bearer)
    http.post("/accounts/me/export", headers=ann.bearer)
    deliveries.work()
    assert leave(http, ann).status_code == 200

    # Not the months that would let the rest expire by itself.
    row = table.get(UserRow, user_pk(ann.id), MAIN)
    assert row is not None
    item = erasure.DueItem(row.pk, row.sk, str(row.due_pk), str(row.due_sk))
    deliveries.give(queues.message("due", vars(item)))
    deliveries.work()

    assert left_of(table, ann) == []
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"accounts/exports/{ann.id}/")


def test_the_proof_says_who_answered_when_and_names_nobody(gone: Person, table: Table, frozen: FakeClock):
    proof = proof_of(table, gone.id)

    assert proof is not None
    assert (proof.kind, proof.owner_id, proof.waiting, proof.due_pk) == ("user", gone.id, frozenset(), None)
    assert sorted(note.split()[0] for note in proof.done or ()) == capabilities()
    assert proof.finished is not None and int(proof.asked) <= int(proof.begun) <= int(proof.finished)
    (item,) = [item for item in everything_in(table) if item["pk"]["S"] == erased_pk(gone.id)]
    assert gone.email not in json.dumps(item)


def test_the_end_is_told_once_to_those_who_must_let_go(gone: Person, table: Table):
    types = [kind for kind, _ in told(table)]

    assert types.count("accounts.user.deleted.v1") == 1
    assert ("accounts.user.deleted.v1", {"user_id": gone.id}) in told(table)
    assert ("privacy.data.erased.v1", {"owner_id": gone.id, "capability": "accounts"}) in told(table)
    (entry,) = [data for kind, data in told(table) if kind.startswith("audit.") and data["action"] == "accounts.erased"]
    assert (entry["target"], entry["actor"]["kind"]) == ({"type": "erasure", "id": gone.id}, "service")


@pytest.mark.asvs("10.3.3")
def test_no_token_of_an_erased_user_is_good_again(gone: Person, bindings: Bindings, frozen: FakeClock):
    frozen.advance(seconds=9)

    assert bindings.get(Feed).lowest_epoch(gone.id) is None


def test_the_address_and_the_handle_are_free_again(http: AppClient, gone: Person, person: MakePerson):
    assert person(gone.email).id != gone.id


@pytest.mark.parametrize("reply", [None, (500, {}), (503, {}), (404, {})], ids=["no answer", "broken", "busy", "none"])
def test_a_capability_that_fails_is_asked_again_until_it_is_done(
    http: AppClient,
    ann: Person,
    frozen: FakeClock,
    deliveries: Deliveries,
    neighbours: Neighbours,
    table: Table,
    reply: Any,
):
    neighbours.answers["/tasks/internal/erase"] = reply
    leave(http, ann)
    frozen.advance(days=30, seconds=1)
    deliveries.sweep()

    proof = proof_of(table, ann.id)
    assert proof is not None and proof.waiting == {"tasks"}
    assert table.get(UserRow, user_pk(ann.id), MAIN) is not None
    assert login(http).status_code == 401

    for _ in range(3):
        frozen.advance(hours=1)
        assert deliveries.sweep() == 1
    neighbours.answers["/tasks/internal/erase"] = (200, {"done": True, "erased": 7})
    frozen.advance(hours=1)
    deliveries.sweep()

    proof = proof_of(table, ann.id)
    assert proof is not None and proof.finished is not None
    assert [note.split()[2] for note in proof.done or () if note.startswith("tasks ")] == ["7"]
    assert table.get(UserRow, user_pk(ann.id), MAIN) is None
    # Who had answered was not asked again.
    assert neighbours.paths().count("/outbox/internal/erase") == 1


def test_retries_come_further_and_further_apart_up_to_an_hour(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, neighbours: Neighbours, table: Table
):
    neighbours.answers["/tasks/internal/erase"] = None
    leave(http, ann)
    frozen.advance(days=30, seconds=1)
    deliveries.sweep()

    pauses = []
    for _ in range(8):
        waiting = proof_of(table, ann.id)
        assert waiting is not None
        at = erasure.DueItem(waiting.pk, waiting.sk, str(waiting.due_pk), str(waiting.due_sk)).due
        pauses.append((at - frozen.now()).total_seconds() / 60)
        frozen.set(at)
        deliveries.sweep()

    assert pauses == [2, 2, 4, 8, 16, 32, 60, 60]


def test_a_capability_with_much_to_erase_is_asked_until_it_is_done(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, neighbours: Neighbours, table: Table
):
    replies = [(200, {"done": False, "erased": 250})] * 4 + [(200, {"done": True, "erased": 3})]
    neighbours.answers["/tasks/internal/erase"] = lambda body: replies.pop(0)
    leave(http, ann)
    frozen.advance(days=30, seconds=1)

    deliveries.sweep()

    assert replies == []
    assert table.get(UserRow, user_pk(ann.id), MAIN) is None


def test_an_account_with_more_items_than_one_message_takes_is_erased_whole(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, table: Table, monkeypatch: Any
):
    monkeypatch.setattr(erasure, "AT_ONCE", 3)
    for _ in range(5):
        login(http)
    leave(http, ann)
    frozen.advance(days=30, seconds=1)

    deliveries.sweep()

    assert left_of(table, ann) == []


def test_a_process_that_dies_between_the_decision_and_the_messages_is_got_over(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, ports: Ports, table: Table
):
    leave(http, ann)
    frozen.advance(days=30, seconds=1)
    (item,) = deliveries.due()
    with failing("sqs", "SendMessageBatch", code="InternalError", times=1), pytest.raises(aws.ClientError):
        erasure.come_due(ports, item)

    assert deliveries.sweep() == 0
    frozen.advance(minutes=3)
    assert deliveries.sweep() == 1

    assert left_of(table, ann) == []


def test_a_process_that_dies_in_the_middle_of_our_own_part_is_got_over(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, ports: Ports, table: Table
):
    leave(http, ann)
    frozen.advance(days=30, seconds=1)
    (item,) = deliveries.due()
    erasure.come_due(ports, item)
    names = capabilities()
    for name in names[:-1]:
        erasure.work(ports, erasure.Work(ann.id, name))
    with failing("dynamodb", "DeleteItem", code="InternalError", times=1), pytest.raises(aws.ClientError):
        erasure.work(ports, erasure.Work(ann.id, names[-1]))
    assert left_of(table, ann) != []

    frozen.advance(minutes=3)
    deliveries.sweep()

    assert left_of(table, ann) == []
    proof = proof_of(table, ann.id)
    assert proof is not None and proof.finished is not None


def test_a_month_that_ends_while_somebody_signs_in_ends_one_way(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, ports: Ports, call: Call
):
    """Either the account is kept, and nothing is erased, or it is erased, and the sign-in is refused."""
    leave(http, ann)
    frozen.advance(days=30, seconds=1)
    (item,) = deliveries.due()
    user = ports.users.get(ann.id)

    results = together(lambda: erasure.come_due(ports, item), lambda: deletion.kept(ports, user, call=call))

    erased, kept = results
    assert erased.name == "ok"
    after = ports.users.get(ann.id)
    if kept.name == "ok":
        assert (after.status, after.erasing) == ("active", None)
        assert ports.lives.erasure(ann.id) is None
    else:
        assert kept.name == "login-failed"
        assert after.erasing is not None


def test_messages_that_come_twice_erase_once(
    http: AppClient, ann: Person, frozen: FakeClock, deliveries: Deliveries, ports: Ports, table: Table
):
    leave(http, ann)
    frozen.advance(days=30, seconds=1)
    (item,) = deliveries.due()
    together(lambda: erasure.come_due(ports, item), times=3)
    for name in capabilities():
        results = together(lambda name=name: erasure.work(ports, erasure.Work(ann.id, name)), times=3)
        assert outcomes(results) == {"ok": 3}
    deliveries.work()

    assert [kind for kind, _ in told(table)].count("accounts.user.deleted.v1") == 1


def test_leaving_under_contention_happens_once(http: AppClient, ann: Person, table: Table):
    with contention(0.5, seed=5):
        assert leave(http, ann).status_code == 200

    assert [kind for kind, _ in told(table)].count("accounts.user.locked.v1") == 1


def test_an_owner_that_is_no_user_is_erased_the_same_way(
    ports: Ports, deliveries: Deliveries, neighbours: Neighbours, table: Table
):
    organisation_id = ids.new()

    erasure.begin_for(ports, organisation_id, "organisation")
    erasure.begin_for(ports, organisation_id, "organisation")
    deliveries.work()

    proof = proof_of(table, organisation_id)
    assert proof is not None and proof.finished is not None
    assert "accounts.user.deleted.v1" not in [kind for kind, _ in told(table)]
    assert neighbours.paths().count("/tasks/internal/erase") == 1


def test_messages_about_nobody_are_done_with(deliveries: Deliveries, neighbours: Neighbours):
    gone = {
        "pk": f"U#{ids.new()}",
        "sk": "MAIN",
        "due_pk": "DUE#203003140926#0",
        "due_sk": "2030-03-14T09:26:53.000Z#x",
    }

    deliveries.give(
        queues.message("due", gone),
        queues.message("due", {**gone, "pk": f"ERASED#{ids.new()}"}),
        queues.message("erase", {"owner_id": ids.new(), "capability": "tasks"}),
        queues.message("erase", {"owner_id": ids.new(), "capability": "accounts"}),
        queues.message("export", {"user_id": ids.new(), "job_id": ids.new()}),
    )

    assert neighbours.asked == []


def test_a_due_time_that_was_changed_meanwhile_is_passed_over(
    http: AppClient, ann: Person, ports: Ports, deliveries: Deliveries
):
    leave(http, ann)
    row = ports.users.get(ann.id)

    erasure.come_due(ports, erasure.DueItem(row.pk, row.sk, "DUE#203001010000#0", "2030-01-01T00:00:00.000Z#x"))

    assert ports.users.get(ann.id).erasing is None


def test_a_lock_with_an_end_opens_by_itself(
    http: AppClient, ann: Person, ports: Ports, call: Call, frozen: FakeClock, deliveries: Deliveries
):
    staff.lock(ports, ann.id, reason=None, until=frozen.now() + timedelta(hours=1), caller=STAFF, call=call)
    frozen.advance(minutes=59)
    assert deliveries.sweep() == 0
    assert login(http).status_code == 401

    frozen.advance(minutes=1)
    assert deliveries.sweep() == 1

    assert login(http).status_code == 200
    assert ports.users.get(ann.id).locked_until is None


def test_a_lock_without_an_end_stays(
    http: AppClient, ann: Person, ports: Ports, call: Call, frozen: FakeClock, deliveries: Deliveries
):
    staff.lock(ports, ann.id, reason=None, until=frozen.now() + timedelta(hours=1), caller=STAFF, call=call)
    staff.unlock(ports, ann.id, caller=STAFF, call=call)
    staff.lock(ports, ann.id, reason=None, caller=STAFF, call=call)
    frozen.advance(days=400)

    assert deliveries.sweep() == 0
    assert login(http).status_code == 401


def test_whoever_is_locked_on_their_way_out_does_not_come_back(
    http: AppClient, ann: Person, ports: Ports, call: Call, frozen: FakeClock, deliveries: Deliveries, table: Table
):
    leave(http, ann)
    staff.lock(ports, ann.id, reason="a report", caller=STAFF, call=call)

    assert login(http).status_code == 401
    frozen.advance(days=30, seconds=1)
    deliveries.sweep()
    assert table.get(UserRow, user_pk(ann.id), MAIN) is None


def outside(internal: Callable[..., Any], who: Person) -> tuple[int, Any]:
    """A provider vouches for somebody, as `oauth` says it."""
    body = {"user_id": who.id, "amr": ["fed"], "aal": 1, "auth_time": 1_900_000_000, "client_id": "web"}
    return internal("POST", "/accounts/internal/tokens", body, caller="oauth")  # type: ignore[no-any-return]


def test_a_sign_in_at_a_provider_keeps_the_account_too(
    http: AppClient, ann: Person, internal: Callable[..., Any], ports: Ports
):
    leave(http, ann)

    status, said = outside(internal, ann)

    assert (status, said["user"]["status"]) == (200, "active")
    assert ports.users.get(ann.id).status == "active"


def test_a_provider_brings_nobody_back_whom_staff_have_deleted(
    ann: Person, internal: Callable[..., Any], ports: Ports, call: Call
):
    deletion.remove(ports, ann.id, now=False, caller=STAFF, call=call)

    status, problem = outside(internal, ann)

    assert (status, problem["type"]) == (401, "/problems/login-failed")
    assert ports.users.get(ann.id).status == "deleting"
