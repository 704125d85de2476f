"""Invitations to a role: by mail, once, for the owner of the address."""

import pytest

from functions.identity.accounts.app import handler as accounts_handler
from tessera import ids, sealed
from tessera.auth.internal import Internal
from tests.kit.races import together
from tests.kit.stores import everything_in
from tests.unit.identity.admin.world import NOBODY, apart

ANN = {"email": "ann@example.com", "roles": ["moderator"]}


def slug(answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def token_of(world, number: int = -1) -> str:
    mail = world.mails("staff-invitation")[number]
    opened = sealed.unseal(world.admin.environment["MAIL_KEY"], "mail", mail["secret"])
    return str(opened["link"]).partition("#invite=")[2]


def test_whoever_is_invited_gets_a_mail_and_with_its_link_the_roles(world, boss):
    made = boss.post("/admin/invitations", ANN)
    ann = world.somebody(email="Ann@Example.com")

    accepted = ann.post("/admin/invitations/accept", {"token": token_of(world)})

    assert (made.status_code, made.json()["state"]) == (201, "open")
    assert world.mails("staff-invitation")[0]["data"]["roles"] == "moderator, user"
    assert accepted.json() == {"invitation_id": made.json()["id"], "roles": ["moderator", "user"]}
    assert world.state_of(ann.id)["roles"] == ["moderator", "user"]
    (listed,) = boss.get("/admin/invitations").json()["items"]
    assert (listed["state"], listed["accepted_at"]) == ("accepted", "2030-03-14T09:26:53.000Z")


def test_an_invitation_is_told_of_when_it_is_made_and_when_it_is_accepted(world, boss):
    boss.post("/admin/invitations", ANN)
    (created,) = world.events("admin.invitation.created.v1")
    assert (created.data["roles"], created.data["by"]) == (["moderator", "user"], boss.id)
    assert world.entries("admin.invited")[0]["changes"][0]["new"] == ["moderator", "user"]

    ann = world.somebody(email="ann@example.com")
    ann.post("/admin/invitations/accept", {"token": token_of(world)})
    (accepted,) = world.events("admin.invitation.accepted.v1")
    assert (accepted.data["roles"], accepted.data["user_id"]) == (["moderator", "user"], ann.id)
    assert world.entries("admin.invitation-accepted")[0]["actor"]["id"] == ann.id


def test_the_token_is_kept_nowhere_and_goes_by_mail_alone(world, boss):
    made = boss.post("/admin/invitations", ANN)
    token = token_of(world)

    kept = repr([everything_in(table) for table in world.tables.values()])

    assert token not in kept and token not in made.text and token not in boss.get("/admin/invitations").text


def test_an_invitation_works_once(world, boss):
    boss.post("/admin/invitations", ANN)
    ann = world.somebody(email="ann@example.com")
    token = token_of(world)
    assert ann.post("/admin/invitations/accept", {"token": token}).status_code == 200

    again = ann.post("/admin/invitations/accept", {"token": token})

    assert (again.status_code, slug(again)) == (409, "invitation-used")


def test_an_invitation_accepted_many_times_at_once_is_accepted_once(world, boss):
    boss.post("/admin/invitations", ANN)
    ann = world.user(email="ann@example.com")
    token, sessions = token_of(world), [world.sign_in(ann) for _ in range(6)]

    done = together(
        *(lambda one=one: one.post("/admin/invitations/accept", {"token": token}).status_code for one in sessions)
    )

    codes = [result.value for result in done]
    assert codes.count(200) == 1 and set(codes) <= {200, 409, 412, 503}
    assert world.state_of(ann["id"])["roles"] == ["moderator", "user"]
    assert len(world.events("admin.invitation.accepted.v1")) == 1


def test_an_invitation_is_for_its_address_alone(world, boss):
    boss.post("/admin/invitations", ANN)
    token = token_of(world)

    with_account = world.user(email="ann@example.com")
    other = world.somebody(email="mallory@example.com").post("/admin/invitations/accept", {"token": token})

    assert (other.status_code, slug(other)) == (403, "other-address")
    assert world.sign_in(with_account).post("/admin/invitations/accept", {"token": token}).status_code == 200


@pytest.mark.parametrize("token", ["tin_" + "x" * 40, "x" * 20])
def test_a_token_that_is_none_is_not_found(world, token):
    assert world.somebody().post("/admin/invitations/accept", {"token": token}).status_code == 404


def test_an_invitation_expires(world, boss, frozen):
    boss.post("/admin/invitations", ANN)
    token = token_of(world)
    frozen.advance(days=7, seconds=1)
    ann = world.somebody(email="ann@example.com")

    late = ann.post("/admin/invitations/accept", {"token": token})

    assert (late.status_code, slug(late)) == (410, "invitation-expired")
    assert world.somebody("admin").get("/admin/invitations").json()["items"][0]["state"] == "expired"


def test_an_invitation_that_was_withdrawn_is_not_found(world, boss):
    made = boss.post("/admin/invitations", ANN).json()
    path = f"/admin/invitations/{made['id']}"

    assert boss.delete(path).status_code == 204
    assert slug(boss.delete(path)) == "invitation-used"
    ann = world.somebody(email="ann@example.com")
    assert ann.post("/admin/invitations/accept", {"token": token_of(world)}).status_code == 404
    assert boss.delete(f"/admin/invitations/{NOBODY}").status_code == 404


@pytest.mark.parametrize("fall", ["demoted", "locked"])
def test_what_somebody_may_not_give_any_more_is_not_given(world, boss, fall):
    boss.post("/admin/invitations", ANN)
    ann = world.somebody(email="ann@example.com")
    change = {"demoted": ("roles", {"roles": []}), "locked": ("lock", {})}[fall]
    world.ask_accounts("POST", f"/accounts/internal/users/{boss.id}/{change[0]}", change[1])

    refused = ann.post("/admin/invitations/accept", {"token": token_of(world)})

    assert (refused.status_code, slug(refused)) == (409, "invitation-void")
    assert world.state_of(ann.id)["roles"] == ["user"]


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_nobody_invites_to_more_than_they_may_give(boss, role):
    refused = boss.post("/admin/invitations", {**ANN, "roles": [role]})

    assert (refused.status_code, slug(refused)) == (403, "escalation-refused")


def test_an_invitation_never_takes_roles_away(world, boss):
    boss.post("/admin/invitations", ANN)
    ann = world.somebody("support", email="ann@example.com")

    accepted = ann.post("/admin/invitations/accept", {"token": token_of(world)})

    assert accepted.json()["roles"] == ["moderator", "support", "user"]


@pytest.mark.parametrize("key", [ids.new(), "order 66"], ids=["with a time", "without"])
def test_an_invitation_asked_for_twice_is_sent_once(world, boss, key):
    headers = {"idempotency-key": key}

    first, again = (boss.post("/admin/invitations", ANN, headers=headers) for _ in range(2))

    assert first.json()["id"] == again.json()["id"] and again.headers["idempotent-replay"] == "true"
    assert len(world.mails("staff-invitation")) == 1


def test_without_its_mail_there_is_no_invitation(world, boss, monkeypatch):
    def no_mail(function, sent, timeout):
        if sent["rawPath"].endswith("/mail"):
            return {"statusCode": 503, "body": ""}
        return apart(accounts_handler, sent)

    monkeypatch.setattr(world.ports.accounts, "_internal", Internal("admin", world.admin, no_mail))

    assert boss.post("/admin/invitations", ANN).status_code == 503
    assert boss.get("/admin/invitations").json()["items"][0]["state"] == "cancelled"


def test_an_acceptance_cut_off_is_taken_up_again_by_the_same_person(world, boss):
    boss.post("/admin/invitations", ANN)
    ann, token = world.somebody(email="ann@example.com"), token_of(world)
    world.ports.invitations.claim(token, ann.id)

    assert ann.post("/admin/invitations/accept", {"token": token}).status_code == 200


def test_invitations_are_listed_newest_first_page_by_page(world, boss, frozen):
    made = []
    for number in range(3):
        frozen.advance(seconds=1)
        made.append(boss.post("/admin/invitations", {**ANN, "email": f"a{number}@example.com"}).json()["id"])

    first = boss.get("/admin/invitations?limit=2").json()
    rest = boss.get(f"/admin/invitations?limit=2&cursor={first['next']}").json()

    assert [one["id"] for one in first["items"] + rest["items"]] == made[::-1] and rest["next"] is None


def test_accounts_asks_whether_somebody_may_sign_up_by_an_invitation(world, boss, frozen):
    boss.post("/admin/invitations", ANN)
    token = token_of(world)

    def invited(token: str, email: str) -> bool:
        status, said = world.ask_admin(
            "POST", "/admin/internal/invited", {"token": token, "email": email}, caller="accounts"
        )
        assert status == 200
        return bool(said["invited"])

    assert invited(token, "Ann@Example.com")
    assert not invited(token, "eve@example.com") and not invited("tin_made-up", "ann@example.com")
    frozen.advance(days=8)
    assert not invited(token, "ann@example.com")
