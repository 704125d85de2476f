"""Looking at users, making them, and what staff do to whom."""

from datetime import timedelta

import pytest

from tessera import aws, clock, ids
from tessera.auth.internal import Internal
from tests.kit.capacity import CapacityMeter
from tests.kit.races import outcomes, together
from tests.unit.identity.admin.world import NOBODY


def etag(user) -> dict[str, str]:
    return {"if-match": f'"v{user["version"]}"'}


def slug(answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def fill(world, user, times: int) -> None:
    """Users like this one, put there directly: through the door each would be a transaction."""
    table = world.tables["Accounts"].name
    key = {"pk": {"S": f"U#{user['id']}"}, "sk": {"S": "MAIN"}}
    item = aws.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    for _ in range(times):
        user_id = ids.new()
        changed = {"pk": {"S": f"U#{user_id}"}, "user_id": {"S": user_id}, "gs1_sk": {"S": user_id}}
        aws.client("dynamodb").put_item(TableName=table, Item={**item, **changed})


# -- looking ------------------------------------------------------------------


def test_a_user_is_found_by_the_beginning_of_the_address_and_seen_whole(world, boss):
    ann = world.user("support", email="ann@example.com")
    world.user(email="bob@example.com")

    listed = boss.get("/admin/users?email_prefix=an").json()["items"]
    seen = boss.get(f"/admin/users/{ann['id']}")

    assert [user["email"] for user in listed] == ["ann@example.com"]
    assert seen.headers["etag"] == f'"v{ann["version"]}"'
    body = seen.json()
    assert body["roles"] == ["support", "user"] and body["has_password"] is False
    assert body["sessions"][0]["device"] == "Firefox" and body["identities"][0]["provider"] == "google"
    assert body["keys"][0]["name"] == "backup" and body["unavailable"] == []
    assert body["last_activity_at"] == "2030-03-14T08:00:00.000Z"


def test_a_service_that_does_not_answer_is_named_and_the_rest_is_shown(world, boss):
    ann = world.user()
    world.away |= {"oauth", "apikeys"}

    body = boss.get(f"/admin/users/{ann['id']}").json()

    assert body["unavailable"] == ["oauth", "apikeys"] and len(body["sessions"]) == 1


def test_users_come_newest_first_and_the_cursor_goes_on_where_the_page_ended(world, boss, frozen):
    made = []
    for number in range(5):
        frozen.advance(seconds=1)
        made.append(world.user(email=f"u{number}@example.com")["id"])

    seen, cursor = [], ""
    for _ in range(10):
        page = boss.get(f"/admin/users?limit=2{cursor}").json()
        seen += [user["id"] for user in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert seen[:5] == made[::-1] and boss.id in seen


def test_a_cursor_is_of_no_use_to_anybody_else(world, boss):
    for _ in range(3):
        world.user()
    cursor = boss.get("/admin/users?limit=1").json()["next"]

    assert boss.get(f"/admin/users?limit=1&role=admin&cursor={cursor}").status_code == 400
    assert world.somebody("admin").get(f"/admin/users?limit=1&cursor={cursor}").status_code == 400


@pytest.mark.parametrize(
    "query", ["status=gone", "email_prefix=a", "created_month=2030-13", "limit=0", "limit=101", "color=red", "role=A"]
)
def test_a_filter_that_is_none_is_refused(boss, query):
    assert boss.get(f"/admin/users?{query}").status_code == 422


def test_one_filter_finds_and_the_others_leave_out(world, boss):
    locked = world.user(email="al@example.com")
    world.user(email="alf@example.com")
    assert boss.post(f"/admin/users/{locked['id']}/lock", {"reason": "spam"}).status_code == 200

    found = boss.get("/admin/users?email_prefix=al&status=locked").json()["items"]

    assert [user["id"] for user in found] == [locked["id"]]


@pytest.mark.asvs("8.2.3")
def test_support_masked_email(world, boss):
    ann = world.user(email="ann@example.com")
    support = world.somebody("support")

    listed = support.get("/admin/users?email_prefix=an").json()["items"]
    seen = support.get(f"/admin/users/{ann['id']}").json()
    changed = support.post(f"/admin/users/{ann['id']}/revoke-sessions").json()

    assert {listed[0]["email"], seen["email"], changed["email"]} == {"a***@e***.com"}
    assert boss.get(f"/admin/users/{ann['id']}").json()["email"] == "ann@example.com"


def test_whoever_may_look_by_a_role_defined_here_sees_no_addresses(world, owner):
    assert owner.post("/admin/roles", {"name": "greeter", "permissions": ["accounts:read_private"]}).status_code == 201
    greeter = world.somebody("greeter")

    emails = [user["email"] for user in greeter.get("/admin/users").json()["items"]]

    assert emails and all("***" in email for email in emails)


def test_that_staff_looked_is_on_record(world, boss):
    ann = world.user()

    boss.get("/admin/users?role=user")
    boss.get(f"/admin/users/{ann['id']}")

    (listed,), (viewed,) = world.entries("admin.users-listed"), world.entries("admin.user-viewed")
    assert listed["detail"]["filters"] == "role" and listed["actor"]["id"] == boss.id
    assert viewed["target"] == {"type": "user", "id": ann["id"]} and viewed["actor"]["via"] == "bearer"


@pytest.mark.parametrize("others", [3, 600], ids=["few", "many"])
def test_list_cost_flat(world, boss, others):
    fill(world, world.user(), others)
    boss.get("/admin/users?limit=5")

    with CapacityMeter() as meter:
        page = boss.get("/admin/users?limit=5").json()

    assert len(page["items"]) == 5
    users, mine = meter.of(world.tables["Accounts"].name), meter.of(world.tables["Admin"].name)
    # One query finds the page; one write says that staff looked.
    assert users.operations == ["Query"] and users.read_units <= 2
    assert mine.operations == ["TransactWriteItems"]


# -- making -------------------------------------------------------------------


@pytest.mark.asvs("6.4.1")
def test_staff_make_an_account_and_a_mail_lets_its_owner_choose_a_password(world, boss):
    made = boss.post("/admin/users", {"email": "new@example.com", "name": "New", "roles": ["support"]})

    assert made.status_code == 201 and made.headers["location"] == f"/admin/users/{made.json()['id']}"
    assert made.json()["roles"] == ["support", "user"]
    assert [mail["to"] for mail in world.mails("password-reset")] == ["new@example.com"]
    assert world.events("admin.role.assigned.v1")[0].data["by"] == boss.id


def test_an_account_made_with_a_password_gets_no_mail(world, boss):
    made = boss.post("/admin/users", {"email": "new@example.com", "password": "a quiet morning at sea"})

    assert made.json()["has_password"] is True and world.mails("password-reset") == []


def test_an_address_that_is_taken_and_a_password_that_is_weak_are_named(world, boss):
    world.user(email="ann@example.com")

    taken = boss.post("/admin/users", {"email": "Ann@Example.com"})
    weak = boss.post("/admin/users", {"email": "bob@example.com", "password": "password1234"})

    assert (taken.status_code, slug(taken)) == (409, "email-taken")
    assert (weak.status_code, slug(weak)) == (422, "weak-password") and weak.json()["errors"]


@pytest.mark.parametrize("role", ["admin", "owner", "librarian"])
def test_nobody_makes_an_account_more_powerful_than_their_own(world, boss, role):
    refused = boss.post("/admin/users", {"email": "new@example.com", "roles": [role]})

    assert (refused.status_code, slug(refused)) == (403, "escalation-refused")
    assert boss.get("/admin/users?email=new@example.com").json()["items"] == []


@pytest.mark.parametrize("key", [ids.new(), "order 66"], ids=["with a time", "without"])
def test_an_account_asked_for_twice_is_made_once(world, boss, key):
    headers = {"idempotency-key": key}
    body = {"email": "new@example.com"}

    first = boss.post("/admin/users", body, headers=headers)
    again = boss.post("/admin/users", body, headers=headers)
    other = boss.post("/admin/users", {"email": "other@example.com"}, headers=headers)

    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    assert again.json()["id"] == first.json()["id"]
    assert (other.status_code, slug(other)) == (422, "idempotency-mismatch")


@pytest.mark.parametrize("seconds", [160, 320])
def test_an_account_asked_for_twice_by_a_clock_that_is_ahead_is_made_once(boss, frozen, seconds):
    headers = {"idempotency-key": ids.at(clock.millis() + seconds * 1_000, b"0123456789")}
    first = boss.post("/admin/users", {"email": "new@example.com"}, headers=headers)
    frozen.advance(seconds=30)

    again = boss.post("/admin/users", {"email": "new@example.com"}, headers=headers)

    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    assert again.json()["id"] == first.json()["id"]


def test_a_create_cut_off_after_the_account_was_made_finds_it_again(world, boss, monkeypatch):
    headers = {"idempotency-key": ids.new()}
    store = world.ports.replays
    monkeypatch.setattr(type(store), "finish", lambda *_: (_ for _ in ()).throw(RuntimeError("cut off")))
    assert boss.post("/admin/users", {"email": "new@example.com"}, headers=headers).status_code == 500
    monkeypatch.undo()

    again = boss.post("/admin/users", {"email": "new@example.com"}, headers=headers)

    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")


def test_a_create_whose_answer_was_lost_is_one_create(world, boss):
    world.unheard.append("/accounts/internal/users")

    made = boss.post("/admin/users", {"email": "new@example.com"}, headers={"idempotency-key": ids.new()})

    assert (made.status_code, world.state_of(made.json()["id"])["email"]) == (201, "new@example.com")
    assert [mail["to"] for mail in world.mails("password-reset")] == ["new@example.com"]


def test_who_signed_up_in_between_is_not_taken_for_the_account_that_was_to_be_made(world, boss):
    headers, body = {"idempotency-key": ids.new()}, {"email": "new@example.com"}
    world.away.add("accounts")
    assert boss.post("/admin/users", body, headers=headers).status_code == 503
    world.away.clear()
    world.user(email="new@example.com")

    again = boss.post("/admin/users", body, headers=headers)

    assert (again.status_code, slug(again)) == (409, "email-taken")


# -- changing -----------------------------------------------------------------


def test_an_address_is_changed_by_who_read_it(world, boss):
    ann = world.user(email="ann@example.com")
    path = f"/admin/users/{ann['id']}"

    without = boss.request("PATCH", path, json={"email": "anna@example.com"})
    changed = boss.request("PATCH", path, json={"email": "anna@example.com"}, headers=etag(ann))
    stale = boss.request("PATCH", path, json={"email": "annie@example.com"}, headers=etag(ann))

    assert without.status_code == 428
    assert (changed.status_code, changed.json()["email"]) == (200, "anna@example.com")
    assert (stale.status_code, slug(stale)) == (412, "version-mismatch")


def test_whoever_is_locked_is_out_and_comes_back_unlocked(world, boss):
    ann = world.somebody()

    locked = boss.post(f"/admin/users/{ann.id}/lock", {"reason": "spam"})
    again = boss.post(f"/admin/users/{ann.id}/lock", {"reason": "spam"})

    assert locked.json()["status"] == "locked" and again.status_code == 200
    (entry,) = world.entries("accounts.locked", "Accounts")
    assert (entry["reason"], entry["actor"]["id"], entry["actor"]["via"]) == ("spam", boss.id, "service:admin")
    assert boss.post(f"/admin/users/{ann.id}/unlock").json()["status"] == "active"


def test_a_lock_is_in_force_everywhere_within_15_seconds(world, boss, frozen):
    support = world.somebody("support")
    assert support.get("/admin/users").status_code == 200

    boss.post(f"/admin/users/{support.id}/lock", {"reason": "left"})
    frozen.advance(seconds=15)

    assert support.get("/admin/users").status_code == 401


def test_a_lock_ends_in_the_future(world, boss):
    ann = world.user()
    past = clock.rfc3339(clock.now() - timedelta(seconds=1))
    later = clock.rfc3339(clock.now() + timedelta(days=2))

    refused = boss.post(f"/admin/users/{ann['id']}/lock", {"reason": "spam", "until": past})
    taken = boss.post(f"/admin/users/{ann['id']}/lock", {"reason": "spam", "until": later})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/until")
    assert taken.status_code == 200


def test_several_are_locked_at_once_each_for_itself(world, boss):
    ann, peer = world.user(), world.user("admin")

    answer = boss.post("/admin/users/lock", {"reason": "spam", "user_ids": [ann["id"], NOBODY, peer["id"], ann["id"]]})

    items = {item["id"]: item for item in answer.json()["items"]}
    assert [items[one]["status"] for one in (ann["id"], NOBODY, peer["id"])] == [200, 404, 403]
    assert items[peer["id"]]["problem"]["type"] == "/problems/rank-too-low" and len(items) == 3


def test_a_forced_reset_takes_the_password_and_sends_a_link(world, boss):
    made = boss.post("/admin/users", {"email": "ann@example.com", "password": "a quiet morning at sea"}).json()

    reset = boss.post(f"/admin/users/{made['id']}/force-reset")

    assert reset.json()["has_password"] is False and len(world.mails("password-reset")) == 1


@pytest.mark.asvs("7.4.5")
def test_sessions_are_ended_and_the_user_may_sign_in_again(world, frozen):
    ann, support = world.somebody("moderator"), world.somebody("admin")
    assert ann.get("/admin/permissions").status_code == 200

    assert support.post(f"/admin/users/{ann.id}/revoke-sessions").status_code == 200
    frozen.advance(seconds=15)

    assert ann.get("/admin/permissions").status_code == 401
    assert world.sign_in({"id": ann.id, "email": ann.email}).get("/admin/permissions").status_code == 200


@pytest.mark.asvs("6.4.4")
def test_factors_are_taken_only_by_who_has_just_shown_who_they_are(world):
    ann = world.user()

    late = world.somebody("admin", ago=301).post(f"/admin/users/{ann['id']}/reset-mfa")
    done = world.somebody("admin", ago=10).post(f"/admin/users/{ann['id']}/reset-mfa")

    assert (late.status_code, slug(late)) == (401, "step-up-required") and done.status_code == 200


def test_a_deleted_account_waits_out_its_grace_and_only_an_owner_skips_it(world, boss, owner):
    ann, bob = world.user(), world.user()

    assert boss.delete(f"/admin/users/{ann['id']}").status_code == 204
    assert world.state_of(ann["id"])["status"] == "deleting"
    refused = boss.delete(f"/admin/users/{bob['id']}?now=true")
    assert (refused.status_code, slug(refused)) == (403, "insufficient-scope")
    assert owner.delete(f"/admin/users/{bob['id']}?now=true").status_code == 204


@pytest.mark.parametrize("verb", ["lock", "unlock", "force-reset", "revoke-sessions", "reset-mfa"])
def test_staff_do_nothing_to_those_who_are_not_below_them(world, verb):
    boss, peer = world.somebody("admin"), world.user("admin")
    body = {"reason": "why"} if verb == "lock" else None

    refused = boss.post(f"/admin/users/{peer['id']}/{verb}", body)

    assert (refused.status_code, slug(refused)) == (403, "rank-too-low")


@pytest.mark.parametrize("verb", ["lock", "force-reset", "revoke-sessions", "reset-mfa"])
def test_nobody_does_it_to_themselves(owner, verb):
    body = {"reason": "why"} if verb == "lock" else None

    refused = owner.post(f"/admin/users/{owner.id}/{verb}", body)

    assert (refused.status_code, slug(refused)) == (403, "own-account")


def test_nobody_deletes_themselves_or_gives_themselves_roles(world, owner):
    me = world.state_of(owner.id)

    assert slug(owner.delete(f"/admin/users/{owner.id}")) == "own-account"
    assert slug(owner.put(f"/admin/users/{owner.id}/roles", {"roles": ["admin"]}, headers=etag(me))) == "own-account"


# -- roles --------------------------------------------------------------------


def test_somebody_gets_exactly_the_roles_named(world, boss):
    ann = world.user("support")

    changed = boss.put(f"/admin/users/{ann['id']}/roles", {"roles": ["moderator"]}, headers=etag(ann))

    assert changed.json()["roles"] == ["moderator", "user"]
    assert changed.headers["etag"] == f'"v{world.state_of(ann["id"])["version"]}"'
    assert world.events("admin.role.assigned.v1")[0].data["roles"] == ["moderator", "user"]


@pytest.mark.parametrize("roles", [["emperor"], ["guest"], ["Admin"]], ids=str)
def test_a_role_that_nobody_has_is_refused(world, boss, roles):
    ann = world.user()

    assert boss.put(f"/admin/users/{ann['id']}/roles", {"roles": roles}, headers=etag(ann)).status_code == 422


def test_roles_are_given_to_the_version_that_was_read(world, boss):
    ann = world.user()
    path = f"/admin/users/{ann['id']}/roles"

    without = boss.put(path, {"roles": ["support"]})
    assert boss.put(path, {"roles": ["support"]}, headers=etag(ann)).status_code == 200
    stale = boss.put(path, {"roles": ["moderator"]}, headers=etag(ann))

    assert (without.status_code, slug(without)) == (428, "version-required")
    assert (stale.status_code, slug(stale)) == (412, "version-mismatch")


def test_an_admin_makes_no_admins_and_an_owner_does(world, boss, owner):
    ann = world.user()
    path = f"/admin/users/{ann['id']}/roles"

    assert slug(boss.put(path, {"roles": ["admin"]}, headers=etag(ann))) == "escalation-refused"
    assert owner.put(path, {"roles": ["admin"]}, headers=etag(ann)).status_code == 200


def test_a_lock_and_a_change_of_roles_at_once_are_one_too_many(world, boss):
    ann = world.user()
    assert boss.post(f"/admin/users/{ann['id']}/lock", {"reason": "spam"}).status_code == 200

    late = boss.put(f"/admin/users/{ann['id']}/roles", {"roles": ["support"]}, headers=etag(ann))

    assert (late.status_code, slug(late)) == (412, "version-mismatch")


def test_two_changes_of_roles_at_once_leave_one(world):
    ann = world.user()
    path = f"/admin/users/{ann['id']}/roles"
    bosses = [world.somebody("admin") for _ in range(4)]

    def give(boss, role):
        return lambda: boss.put(path, {"roles": [role]}, headers=etag(ann)).status_code

    roles = ["support", "moderator"] * 2
    done = together(*(give(boss, role) for boss, role in zip(bosses, roles, strict=True)))

    codes = sorted(result.value for result in done)
    assert codes.count(200) == 1 and set(codes) <= {200, 412, 503}


def test_last_owner_race(world):
    first, second = world.somebody("owner"), world.somebody("owner")

    def demote(actor, other):
        def do():
            them = world.state_of(other.id)
            answer = actor.put(f"/admin/users/{other.id}/roles", {"roles": ["admin"]}, headers=etag(them))
            if answer.status_code != 200:
                raise AssertionError(slug(answer))

        return do

    results = together(demote(first, second), demote(second, first))

    owners = [one for one in (first, second) if "owner" in world.state_of(one.id)["roles"]]
    assert outcomes(results)["ok"] == 1 and len(owners) == 1


@pytest.mark.parametrize("how", ["roles", "lock", "delete"])
def test_the_last_owner_stays(world, how):
    """An owner who was just demoted still holds a token, and another could be locked by it."""
    last, former = world.user("owner"), world.somebody("owner")
    # The feed of revocations has just been read, so what follows is not known for some seconds.
    assert former.get("/admin/users").status_code == 200
    world.ask_accounts("POST", f"/accounts/internal/users/{former.id}/roles", {"roles": ["admin"]})
    path = f"/admin/users/{last['id']}"

    answer = {
        "roles": lambda: former.put(f"{path}/roles", {"roles": []}, headers=etag(last)),
        "lock": lambda: former.post(f"{path}/lock", {"reason": "coup"}),
        "delete": lambda: former.delete(path),
    }[how]()

    assert (answer.status_code, slug(answer)) == (409, "last-owner")


def test_when_accounts_does_not_answer_nothing_is_done_and_it_says_so(world, boss):
    ann = world.user()
    world.away.add("accounts")

    for answer in (boss.get("/admin/users"), boss.post(f"/admin/users/{ann['id']}/unlock")):
        assert (answer.status_code, slug(answer)) == (503, "unavailable")


# -- who was promoted meanwhile, and what is refused ---------------------------


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("lock", {"reason": "spam"}),
        ("unlock", None),
        ("force-reset", None),
        ("revoke-sessions", None),
        ("reset-mfa", None),
    ],
)
def test_nobody_acts_on_somebody_who_has_risen_above_them_in_between(world, boss, verb, body):
    """The rank that counts is the one they have when it is done."""
    ann = world.user()
    _promoted_before(world, ann, f"/{verb}")

    refused = boss.post(f"/admin/users/{ann['id']}/{verb}", body)

    assert (refused.status_code, slug(refused)) == (412, "version-mismatch")
    assert world.state_of(ann["id"])["status"] == "active"


def test_nor_deletes_their_account(world, boss):
    ann = world.user()
    _promoted_before(world, ann, "/delete")

    assert slug(boss.delete(f"/admin/users/{ann['id']}")) == "version-mismatch"
    assert world.state_of(ann["id"])["status"] == "active"


def test_nor_moves_it_to_another_address(world, boss):
    ann = world.user()
    _promoted_before(world, ann, "/email")

    moved = boss.request("PATCH", f"/admin/users/{ann['id']}", json={"email": "x@example.com"}, headers=etag(ann))

    assert slug(moved) == "version-mismatch" and world.state_of(ann["id"])["email"] == ann["email"]


def test_what_rank_refuses_is_on_record(world, boss):
    peer, ann = world.user("admin"), world.user()

    boss.post(f"/admin/users/{peer['id']}/lock", {"reason": "why not"})
    boss.put(f"/admin/users/{ann['id']}/roles", {"roles": ["owner"]}, headers=etag(ann))
    boss.post("/admin/invitations", {"email": "eve@example.com", "roles": ["owner"]})
    boss.post("/admin/impersonations", {"user_id": peer["id"], "reason": "curious"})

    entries = world.entries("admin.refused")
    told = sorted((one["target"]["type"], one["target"]["id"], one["detail"]["problem"]) for one in entries)
    assert told == sorted(
        [
            ("user", peer["id"], "rank-too-low"),
            ("user", ann["id"], "escalation-refused"),
            ("invitation", "", "escalation-refused"),
            ("user", peer["id"], "rank-too-low"),
        ]
    )
    assert {(one["actor"]["id"], one["outcome"]) for one in entries} == {(boss.id, "denied")}


def _promoted_before(world, user, path: str) -> None:
    """Somebody makes the user an admin after the caller's rank was compared with theirs."""
    carry = world.carry

    def promoted_first(function, sent, timeout_seconds):
        if sent["rawPath"].endswith(path):
            world.ask_accounts("POST", f"/accounts/internal/users/{user['id']}/roles", {"roles": ["admin"]})
        return carry(function, sent, timeout_seconds)

    world.admin.replace(Internal, Internal("admin", world.admin, promoted_first))
