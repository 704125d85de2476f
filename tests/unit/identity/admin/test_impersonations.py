"""Acting in somebody's place."""

import pytest

from functions.identity.admin.triggers import ENTRIES
from tessera import queues
from tessera.auth.feed import Feed
from tessera.auth.internal import Internal
from tessera.auth.roles import held_by
from tessera.due import DueItem
from tessera.problems import Unavailable
from tessera.triggers import dispatch
from tests.kit.stores import everything_in
from tests.unit.identity.admin.world import NOBODY, Somebody

WHY = "Ticket 4711: cannot see the order"


def slug(answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def start(by, user_id: str, **more):
    return by.post("/admin/impersonations", {"user_id": user_id, "reason": WHY, **more})


def in_place_of(world, answer) -> Somebody:
    return Somebody(world, answer.json()["user_id"], "", answer.json()["access_token"])


def test_staff_act_in_a_users_place_for_a_quarter_of_an_hour(world):
    support, ann = world.somebody("support"), world.user()

    started = start(support, ann["id"])
    mine = in_place_of(world, started).get("/admin/whoami")

    assert started.status_code == 201 and started.json()["expires_in"] == 900
    assert mine.json()["id"] == ann["id"] and mine.json()["actor"] == support.id
    assert mine.headers["tessera-impersonated-by"] == support.id
    assert "refresh_token" not in started.json()


def test_that_somebody_acts_for_somebody_is_on_record_with_its_reason(world):
    support, ann = world.somebody("support"), world.user()

    started = start(support, ann["id"])

    (event,) = world.events("admin.impersonation.started.v1")
    assert event.data["user_id"] == ann["id"] and event.data["actor_id"] == support.id and event.data["write"] is False
    (entry,) = world.entries("admin.impersonation-started")
    assert (entry["reason"], entry["target"]["id"]) == (WHY, ann["id"])
    in_place_of(world, started).get("/admin/whoami")
    (request,) = world.entries("admin.impersonated-request")
    assert (request["actor"]["id"], request["actor"]["via"]) == (support.id, "impersonation")
    assert request["on_behalf_of"] == ann["id"]


@pytest.mark.parametrize(
    ("role", "target", "write", "problem"),
    [
        ("support", "support", False, "rank-too-low"),
        ("admin", "moderator", False, "rank-too-low"),
        ("admin", "", True, "insufficient-scope"),
        ("owner", "owner", False, "rank-too-low"),
        ("owner", "support", True, "rank-too-low"),
        ("moderator", "", False, "insufficient-scope"),
    ],
)
def test_who_may_not_act_in_whose_place(world, role, target, write, problem):
    refused = start(world.somebody(role), world.user(*filter(None, [target]))["id"], write=write)

    assert (refused.status_code, slug(refused)) == (403, problem)


@pytest.mark.parametrize(
    ("role", "target", "write"), [("owner", "admin", False), ("owner", "", True), ("admin", "", False)]
)
def test_who_may(world, role, target, write):
    assert start(world.somebody(role), world.user(*filter(None, [target]))["id"], write=write).status_code == 201


def test_it_takes_a_reason_a_user_that_is_there_and_a_fresh_sign_in(world):
    support, ann = world.somebody("support"), world.user()
    late = start(world.somebody("support", ago=301), ann["id"])

    assert support.post("/admin/impersonations", {"user_id": ann["id"]}).status_code == 422
    assert support.post("/admin/impersonations", {"user_id": ann["id"], "reason": "  "}).status_code == 422
    assert start(support, NOBODY).status_code == 404
    assert (late.status_code, slug(late)) == (401, "step-up-required")


def test_nobody_acts_for_somebody_who_is_locked(world, boss):
    ann = world.user()
    boss.post(f"/admin/users/{ann['id']}/lock", {"reason": "spam"})

    refused = start(boss, ann["id"])

    assert (refused.status_code, slug(refused)) == (409, "not-active")
    assert world.events("admin.impersonation.started.v1") == []


@pytest.mark.parametrize("write", [False, True], ids=["reading", "writing"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/admin/impersonations", {"user_id": NOBODY, "reason": WHY}),
        ("POST", "/admin/invitations/accept", {"token": "x" * 30}),
        ("POST", "/admin/check", {"permission": "blog:read"}),
    ],
)
def test_impersonation_denied_actions(world, owner, write, method, path, body):
    acting = in_place_of(world, start(owner, world.user()["id"], write=write))

    refused = acting.request(method, path, json=body)

    assert refused.status_code == 403
    assert slug(refused) in ("impersonation-forbidden", "insufficient-scope")


def test_nobody_acts_for_somebody_through_somebody(world, owner):
    """An owner in an admin's place reads what that admin could, and starts nothing further."""
    acting = in_place_of(world, start(owner, world.user("admin")["id"]))

    refused = start(acting, world.user()["id"])

    assert refused.status_code in (401, 403)
    assert len(world.events("admin.impersonation.started.v1")) == 1


def test_it_ends_at_once(world, frozen):
    support, ann = world.somebody("support"), world.user()
    started = start(support, ann["id"])
    acting = in_place_of(world, started)
    assert acting.get("/admin/whoami").status_code == 200

    path = f"/admin/impersonations/{started.json()['id']}"
    assert support.delete(path).status_code == 204
    frozen.advance(seconds=9)

    refused = acting.get("/admin/whoami")
    assert (refused.status_code, slug(refused)) == (401, "session-revoked")
    assert slug(support.delete(path)) == "impersonation-over"
    assert support.delete(f"/admin/impersonations/{NOBODY}").status_code == 404


def test_the_user_is_told_afterwards_and_once(world):
    support, ann = world.somebody("support"), world.user(email="ann@example.com")
    started = start(support, ann["id"])
    assert world.mails("impersonated") == []

    support.delete(f"/admin/impersonations/{started.json()['id']}")
    (ended,) = world.events("admin.impersonation.ended.v1")
    assert world.deliver(ended, ended, source="tessera.admin") == []

    (mail,) = world.mails("impersonated")
    assert (mail["to"], mail["data"]["how"]) == ("ann@example.com", "read")
    assert support.id not in str(mail) and WHY not in str(mail)


def test_the_mail_can_be_turned_off(make_world):
    world = make_world(TELL_OF_IMPERSONATION="false")
    support = world.somebody("support")
    started = start(support, world.user()["id"])
    support.delete(f"/admin/impersonations/{started.json()['id']}")

    assert world.deliver(*world.events("admin.impersonation.ended.v1"), source="tessera.admin") == []

    assert world.mails("impersonated") == []


def due(world) -> DueItem:
    (item,) = [item for item in everything_in(world.tables["Admin"]) if "due_pk" in item]
    return DueItem(**{name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})


def wake(world, item: DueItem) -> None:
    record = {"messageId": "m", "eventSource": "aws:sqs", "body": queues.message("due", vars(item))}
    assert dispatch(ENTRIES, {"Records": [record]}, world.admin) == {"batchItemFailures": []}


def test_what_nobody_ends_ends_by_itself(world, frozen):
    support, ann = world.somebody("support"), world.user()
    start(support, ann["id"])
    item = due(world)
    frozen.advance(minutes=15)

    wake(world, item)
    wake(world, item)

    assert len(world.events("admin.impersonation.ended.v1")) == 1
    (entry,) = world.entries("admin.impersonation-ended")
    assert entry["actor"] == {**entry["actor"], "kind": "service", "id": "admin"}


def test_an_impersonation_that_was_ended_is_not_ended_by_its_due_time(world, frozen):
    support = world.somebody("support")
    started = start(support, world.user()["id"])
    item = due(world)
    support.delete(f"/admin/impersonations/{started.json()['id']}")
    frozen.advance(minutes=15)

    wake(world, item)

    assert len(world.entries("admin.impersonation-ended")) == 1


def test_without_a_token_there_is_no_impersonation(world, boss, monkeypatch, frozen):
    """It is on record before there is a token, and taken back when there is none."""

    def refuse(*_):
        raise Unavailable()

    monkeypatch.setattr(type(world.ports.accounts), "impersonate", refuse)

    assert start(boss, world.user()["id"]).status_code == 503
    rows = [item for item in everything_in(world.tables["Admin"]) if item["pk"]["S"].startswith("IM#")]
    assert [row["state"]["S"] for row in rows] == ["ended"] and "due_pk" not in rows[0]
    frozen.advance(seconds=9)
    assert world.admin.get(Feed).is_revoked("s", rows[0]["impersonation_id"]["S"])


def test_nobody_gains_by_acting_for_somebody_whose_role_gives_more(world, owner):
    """What a role defined here lets somebody read, and support does not, support does not read in their place."""
    owner.post("/admin/roles", {"name": "bookkeeper", "permissions": ["payments:ledger", "inventory:read"]})
    ann, support = world.user("bookkeeper"), world.somebody("support")
    held = frozenset(support.get("/admin/whoami").json()["permissions"])

    acting = in_place_of(world, start(support, ann["id"]))
    gained = frozenset(acting.get("/admin/whoami").json()["permissions"]) - held - held_by("user")
    whole = in_place_of(world, start(owner, ann["id"])).get("/admin/whoami").json()["permissions"]

    assert "payments:ledger" in whole and not gained


def test_nobody_acts_for_somebody_who_was_made_staff_in_between(world, boss, owner):
    ann = world.user()
    carry = world.carry

    def promoted_first(function, sent, timeout_seconds):
        if sent["rawPath"].endswith("/impersonate"):
            world.ask_accounts("POST", f"/accounts/internal/users/{ann['id']}/roles", {"roles": ["admin"]})
        return carry(function, sent, timeout_seconds)

    world.admin.replace(Internal, Internal("admin", world.admin, promoted_first))
    refused = start(boss, ann["id"])

    assert (refused.status_code, slug(refused)) == (412, "version-mismatch")
    assert len(world.entries("admin.impersonation-ended")) == 1
