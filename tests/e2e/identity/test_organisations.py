"""Organisations from outside: through the front door, with the mails they send."""

import secrets
from typing import Any

import pytest

from tests.kit.internal import invoke
from tests.kit.people import Mail, Mailbox, People, Person, eventually
from tests.kit.tenancy import Tenant

ACCEPT = "/organisations/invitations/accept"


def slug_of(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def new_slug() -> str:
    return f"atelier-{secrets.token_hex(6)}"


@pytest.fixture
def ann(people: People) -> Person:
    return people.new(name="Ann")


@pytest.fixture
def atelier(ann: Person) -> str:
    """The id of an organisation that Ann has made."""
    made = ann.post("/organisations", json={"name": "Atelier", "slug": new_slug()})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture
def path(atelier: str) -> str:
    return f"/organisations/{atelier}"


def mail_of(mailbox: Mailbox, email: str, *, after: int = 0) -> Mail:
    return mailbox.latest(email, subject="invited", after=after)


def joined(people: People, mailbox: Mailbox, by: Person, path: str, role: str = "member") -> Person:
    """Somebody new who has accepted the invitation that was mailed to them."""
    somebody = people.new()
    made = by.post(f"{path}/invitations", json={"email": somebody.email, "role": role})
    assert made.status_code == 201, made.text
    answer = somebody.post(ACCEPT, json={"token": mail_of(mailbox, somebody.email).token})
    assert (answer.status_code, answer.json()["role"]) == (200, role), answer.text
    return somebody


def acting(person: Person, organisation_id: str) -> Tenant:
    """The same person in another session, that acts for the organisation."""
    tenant = Tenant(person.email, person, organisation_id)
    tenant.sign_in()
    return tenant


def test_whoever_makes_an_organisation_owns_it_and_nobody_else_sees_it(people: People, ann: Person, path: str):
    assert ann.get(path).json()["role"] == "owner"
    assert [item["role"] for item in ann.get("/organisations").json()["items"]] == ["owner"]

    stranger = people.pooled()
    for method, rest in (("GET", ""), ("GET", "/members"), ("PATCH", ""), ("DELETE", ""), ("POST", "/leave")):
        answer = stranger.request(
            method, f"{path}{rest}", json={} if method == "PATCH" else None, headers={"if-match": "*"}
        )
        assert (answer.status_code, slug_of(answer)) == (404, "not-found"), rest


def test_a_slug_that_looks_like_another_is_taken(people: People, ann: Person):
    slug = f"oslo-{secrets.token_hex(6)}"
    ann.post("/organisations", json={"name": "Oslo", "slug": slug})

    answer = people.pooled().post("/organisations", json={"name": "0slo", "slug": slug.replace("oslo", "0s1o")})

    assert (answer.status_code, slug_of(answer)) == (409, "slug-taken")


def test_an_invitation_comes_by_mail_and_its_link_makes_a_member(
    people: People, mailbox: Mailbox, ann: Person, path: str
):
    bob, eve = people.new(), people.pooled()
    ann.post(f"{path}/invitations", json={"email": bob.email, "role": "viewer"})
    mail = mail_of(mailbox, bob.email)

    assert "Atelier" in mail.text and ann.email not in mail.text
    stolen = eve.post(ACCEPT, json={"token": mail.token})
    accepted = bob.post(ACCEPT, json={"token": mail.token})
    again = bob.post(ACCEPT, json={"token": mail.token})

    assert (stolen.status_code, slug_of(stolen)) == (403, "other-address")
    assert (accepted.status_code, accepted.json()["role"]) == (200, "viewer")
    assert (again.status_code, slug_of(again)) == (409, "invitation-used")
    assert {member["role"] for member in bob.get(f"{path}/members").json()["items"]} == {"owner", "viewer"}


def test_somebody_without_an_account_is_invited_and_signs_up(people: People, mailbox: Mailbox, ann: Person, path: str):
    email = f"new-{secrets.token_hex(6)}@example.com"
    made = ann.post(f"{path}/invitations", json={"email": email})
    assert made.status_code == 201
    token = mail_of(mailbox, email).token
    seen = len(mailbox.all(email))

    http = people.client()
    password = f"kite-{secrets.token_urlsafe(12)}"
    sign_up = http.post("/accounts/sign-up", json={"email": email, "password": password}).json()["sign_up_id"]
    code = mailbox.latest(email, after=seen).code
    tokens = http.post("/accounts/sign-up/verify", json={"sign_up_id": sign_up, "code": code}).json()

    somebody = Person(email, password, tokens.pop("user"), tokens, http)
    assert somebody.post(ACCEPT, json={"token": token}).status_code == 200


def test_sending_again_ends_the_older_link(people: People, mailbox: Mailbox, ann: Person, path: str):
    bob = people.new()
    made = ann.post(f"{path}/invitations", json={"email": bob.email})
    old = mail_of(mailbox, bob.email).token

    assert ann.post(f"{made.headers['location']}/resend").status_code == 202
    new = mail_of(mailbox, bob.email, after=1).token

    assert slug_of(bob.post(ACCEPT, json={"token": old})) == "invitation-expired"
    assert bob.post(ACCEPT, json={"token": new}).status_code == 200


def test_what_is_made_for_an_organisation_is_its_members_and_nobody_elses(
    people: People, mailbox: Mailbox, ann: Person, atelier: str, path: str
):
    bob = joined(people, mailbox, ann, path)
    for_it, his = acting(ann, atelier), acting(bob, atelier)

    task = for_it.create("/tasks", {"title": "Stretch the canvas"})

    assert his.ask("GET", f"/tasks/{task['id']}").json()["title"] == "Stretch the canvas"
    for outside in (ann, bob):
        assert outside.get(f"/tasks/{task['id']}").status_code == 404
        assert task["id"] not in outside.get("/tasks").text
    mine = ann.post("/tasks", json={"title": "Buy milk"}).json()["id"]
    assert for_it.ask("GET", f"/tasks/{mine}").status_code == 404


def test_a_viewer_reads_what_is_the_organisations_and_changes_nothing(
    people: People, mailbox: Mailbox, ann: Person, atelier: str, path: str
):
    task = acting(ann, atelier).create("/tasks", {"title": "Stretch the canvas"})
    viewer = acting(joined(people, mailbox, ann, path, "viewer"), atelier)

    assert viewer.ask("GET", f"/tasks/{task['id']}").status_code == 200
    for answer in (viewer.ask("POST", "/tasks", json={"title": "X"}), viewer.ask("DELETE", f"/tasks/{task['id']}")):
        assert (answer.status_code, slug_of(answer)) == (403, "insufficient-scope")


def test_a_role_of_its_own_permits_what_it_says(people: People, mailbox: Mailbox, ann: Person, atelier: str, path: str):
    made = ann.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read", "tasks:write"]})
    assert made.status_code == 201
    clerk = acting(joined(people, mailbox, ann, path, "clerk"), atelier)

    assert clerk.ask("POST", "/tasks", json={"title": "File it"}).status_code == 201
    assert clerk.ask("GET", f"{path}/members").status_code == 403
    refused = ann.put(f"{path}/roles/boss", json={"permissions": ["backups:restore"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/permissions/0")


def test_whoever_is_removed_is_out_within_15_seconds(
    people: People, mailbox: Mailbox, ann: Person, atelier: str, path: str
):
    bob = joined(people, mailbox, ann, path)
    his = acting(bob, atelier).person
    assert his.get("/tasks").status_code == 200

    assert ann.delete(f"{path}/members/{bob.id}").status_code == 204

    eventually(lambda: his.get("/tasks").status_code == 401 or None, within=15, what="the end of the membership")
    refused = his.refresh()
    assert (refused.status_code, slug_of(refused)) == (403, "membership-ended")
    assert bob.get("/tasks").status_code == 200


def test_whoever_becomes_a_viewer_writes_no_more_within_15_seconds(
    people: People, mailbox: Mailbox, ann: Person, atelier: str, path: str
):
    bob = joined(people, mailbox, ann, path)
    his = acting(bob, atelier).person
    assert his.post("/tasks", json={"title": "X"}).status_code == 201

    ann.patch(f"{path}/members/{bob.id}", json={"role": "viewer"}, headers={"if-match": "*"})

    stale = lambda: slug_of(answer) if (answer := his.get("/tasks")).status_code == 401 else None  # noqa: E731
    assert eventually(stale, within=15, what="the end of the old role") == "token-stale"
    assert his.refresh().status_code == 200
    assert (his.get("/tasks").status_code, his.post("/tasks", json={"title": "X"}).status_code) == (200, 403)


def test_there_is_always_an_owner(people: People, mailbox: Mailbox, ann: Person, path: str):
    refused = ann.post(f"{path}/leave")
    assert (refused.status_code, slug_of(refused)) == (409, "last-owner")
    bob = joined(people, mailbox, ann, path)

    assert ann.post(f"{path}/transfer", json={"user_id": bob.id}).status_code == 200

    assert (ann.get(path).json()["role"], bob.get(path).json()["role"]) == ("admin", "owner")
    assert ann.post(f"{path}/leave").status_code == 204
    assert ann.get(path).status_code == 404


def test_a_proven_domain_lets_its_people_in(people: People, ann: Person, atelier: str, path: str):
    domain = f"atelier-{secrets.token_hex(6)}.test"
    named = ann.put(f"{path}/domains/{domain}", json={"join": "role", "role": "member"})
    assert (named.status_code, named.json()["record"]["name"]) == (201, f"_tessera.{domain}")
    bob = people.new(email=f"bob@{domain}")
    assert bob.get("/organisations/joinable").json()["items"] == []

    assert ann.post(f"{path}/domains/{domain}/verify").json()["state"] == "verified"

    assert [one["organisation_id"] for one in bob.get("/organisations/joinable").json()["items"]] == [atelier]
    assert bob.post(f"{path}/join").json()["role"] == "member"
    assert people.pooled().post(f"{path}/join").status_code == 404


def test_a_domain_without_its_record_is_not_proven(ann: Person, path: str):
    domain = f"unproven-{secrets.token_hex(6)}.test"
    ann.put(f"{path}/domains/{domain}", json={})

    answer = ann.post(f"{path}/domains/{domain}/verify")

    assert (answer.status_code, slug_of(answer)) == (409, "domain-unproven")


def test_a_domain_is_one_organisations(people: People, ann: Person, path: str):
    domain = f"atelier-{secrets.token_hex(6)}.test"
    ann.put(f"{path}/domains/{domain}", json={})
    ann.post(f"{path}/domains/{domain}/verify")
    bob = people.new()
    other = bob.post("/organisations", json={"name": "Other", "slug": new_slug()}).headers["location"]

    answer = bob.put(f"{other}/domains/{domain}", json={})

    assert (answer.status_code, slug_of(answer)) == (409, "domain-claimed")


def test_the_last_seat_is_the_last(people: People, mailbox: Mailbox, ann: Person, atelier: str, path: str):
    seats = {"organisation_id": atelier, "seats": 2}
    assert invoke("subscriptions", "POST", "/organisations/internal/seats", seats)[0] < 300
    joined(people, mailbox, ann, path)
    late = people.new()
    ann.post(f"{path}/invitations", json={"email": late.email})

    answer = late.post(ACCEPT, json={"token": mail_of(mailbox, late.email).token})

    assert (answer.status_code, slug_of(answer)) == (409, "seats-exhausted")
    assert ann.get(f"{path}/seats").json() == {"used": 2, "limit": 2, "invited": 1}


def test_a_deleted_organisation_is_gone_for_its_members_and_can_be_restored(
    people: People, mailbox: Mailbox, ann: Person, atelier: str, path: str
):
    bob = joined(people, mailbox, ann, path)
    his = acting(bob, atelier).person
    his.get("/tasks")

    deleted = ann.delete(path)

    assert (deleted.status_code, deleted.json()["status"]) == (200, "deleting")
    assert bob.get(path).status_code == 404
    eventually(lambda: his.get("/tasks").status_code == 401 or None, within=15, what="the end of its tokens")
    assert ann.post(f"{path}/restore").json()["status"] == "active"
    assert acting(bob, atelier).ask("GET", "/tasks").status_code == 200


def test_the_audit_trail_is_for_its_administrators(people: People, mailbox: Mailbox, ann: Person, path: str):
    bob = joined(people, mailbox, ann, path)

    entries = ann.get(f"{path}/audit").json()["items"]

    assert [entry["action"] for entry in entries] == ["member-joined", "invited", "created"]
    assert entries[0]["actor"] == bob.id
    assert slug_of(bob.get(f"{path}/audit")) == "role-too-low"


def test_a_token_for_one_organisation_reaches_no_other(ann: Person, atelier: str):
    other = ann.post("/organisations", json={"name": "Other", "slug": new_slug()}).headers["location"]

    answer = acting(ann, atelier).ask("GET", other)

    assert (answer.status_code, slug_of(answer)) == (404, "not-found")


def test_a_stranger_does_not_switch_to_it(people: People, atelier: str):
    stranger = people.new()

    answer = stranger.http.post(
        "/accounts/token/switch",
        json={"refresh_token": stranger.tokens["refresh_token"], "organisation_id": atelier},
    )

    assert (answer.status_code, slug_of(answer)) == (403, "membership-ended")


def test_internal_routes_are_not_there_from_outside(ann: Person, atelier: str):
    for rest, body in (
        ("membership", {"organisation_id": atelier, "user_id": ann.id}),
        ("seats", {"organisation_id": atelier, "seats": 9}),
        ("erase", {"owner_id": atelier}),
    ):
        assert ann.post(f"/organisations/internal/{rest}", json=body).status_code == 404
