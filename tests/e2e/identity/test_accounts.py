"""Accounts from outside: through the front door only."""

import re
from typing import Any

import pytest

from tests.kit.people import Mailbox, People, Person, eventually

NEW = "another evening in town"


@pytest.fixture
def ann(people: People) -> Person:
    """Somebody of this test's own, because it changes the account itself."""
    return people.new(name="Ann")


def test_somebody_signs_up_with_the_code_from_their_mail(ann: Person):
    me = ann.get("/accounts/me")

    assert me.status_code == 200
    assert me.json()["email"] == ann.email
    assert me.json()["roles"] == ["user"]


def test_the_link_of_the_mail_works_with_the_password(people: People, mailbox: Mailbox):
    http = people.client()
    email, password = "link-" + people.new().email, "kite over the harbour wall"
    http.post("/accounts/sign-up", json={"email": email, "password": password})
    token = mailbox.latest(email).token

    stolen = http.post("/accounts/sign-up/verify", json={"token": token, "password": "what somebody else chose"})
    made = http.post("/accounts/sign-up/verify", json={"token": token, "password": password})

    assert (stolen.status_code, made.status_code) == (400, 201)


def test_signing_up_again_looks_the_same_and_mails_the_owner(people: People, ann: Person, mailbox: Mailbox):
    http = people.client()
    seen = len(mailbox.all(ann.email))

    known = http.post("/accounts/sign-up", json={"email": ann.email, "password": NEW})
    unknown = http.post("/accounts/sign-up", json={"email": f"no-{ann.email}", "password": NEW})

    assert known.status_code == unknown.status_code == 202
    assert known.json().keys() == unknown.json().keys()
    assert "already" in mailbox.latest(ann.email, after=seen, within=30).subject


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "nobody"}, "/email"),
        ({"password": "short"}, "/password"),
        ({"password": "passworgregles62"}, "/password"),
        ({"admin": True}, "/admin"),
    ],
    ids=["address", "short", "common", "unknown field"],
)
def test_a_wrong_sign_up_says_where(people: People, body: dict[str, Any], pointer: str):
    asked = {"email": "somebody@example.com", "password": NEW, **body}

    answer = people.client().post("/accounts/sign-up", json=asked)

    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nobody(people: People, ann: Person):
    http = people.client()

    wrong = http.post("/accounts/login", json={"email": ann.email, "password": NEW})
    unknown = http.post("/accounts/login", json={"email": f"no-{ann.email}", "password": NEW})

    assert wrong.status_code == unknown.status_code == 401
    kept = [{name: value for name, value in answer.json().items() if name != "trace_id"} for answer in (wrong, unknown)]
    assert kept[0] == kept[1]


def test_the_eleventh_guess_within_the_hour_is_refused(people: People, ann: Person):
    http = people.client()

    answers = [http.post("/accounts/login", json={"email": ann.email, "password": NEW}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    device = {"x-device-token": ann.tokens["device_token"]}
    body = {"email": ann.email, "password": ann.password}
    assert http.post("/accounts/login", json=body, headers=device).status_code == 200


def test_a_refresh_token_is_good_again_for_a_lost_answer(ann: Person):
    body = {"refresh_token": ann.tokens["refresh_token"]}

    first, second = (ann.http.post("/accounts/token/refresh", json=body) for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert first.json()["refresh_token"] == second.json()["refresh_token"]


def test_a_copied_refresh_token_ends_the_session(ann: Person, mailbox: Mailbox):
    stolen = {"refresh_token": ann.tokens["refresh_token"]}
    assert ann.refresh().status_code == 200
    assert ann.refresh().status_code == 200

    answer = ann.http.post("/accounts/token/refresh", json=stolen)

    assert answer.json()["type"] == "/problems/refresh-reused"
    assert ann.refresh().json()["type"] == "/problems/refresh-invalid"
    eventually(lambda: ann.get("/accounts/me").status_code == 401 or None, within=15, what="the end of the session")
    assert mailbox.latest(ann.email, subject="signed a device out")


def test_signing_out_is_in_force_in_another_capability_within_15_seconds(ann: Person):
    assert ann.get("/tasks").status_code == 200

    assert ann.post("/accounts/me/logout").status_code == 204

    eventually(lambda: ann.get("/tasks").status_code == 401 or None, within=15, what="the end of the session")


def test_signing_out_everywhere_ends_the_other_session(ann: Person):
    other = ann.sign_in().json()

    assert ann.post("/accounts/me/logout-all").status_code == 204

    answer = ann.http.post("/accounts/token/refresh", json={"refresh_token": other["refresh_token"]})
    assert answer.json()["type"] == "/problems/refresh-invalid"


def test_sessions_are_listed_and_ended_one_by_one(ann: Person):
    other = ann.sign_in(device_name="a blue phone").json()

    listed = ann.get("/accounts/me/sessions").json()["items"]
    assert {session["device_name"] for session in listed} == {"test", "a blue phone"}
    assert [session["id"] for session in listed if session["current"]] == [ann.tokens["session_id"]]

    assert ann.delete(f"/accounts/me/sessions/{other['session_id']}").status_code == 204
    assert len(ann.get("/accounts/me/sessions").json()["items"]) == 1


def test_a_new_device_is_told_by_mail(ann: Person, mailbox: Mailbox):
    ann.sign_in(device_name="a blue phone")

    assert "a blue phone" in mailbox.latest(ann.email, subject="new device").text


def test_a_forgotten_password_is_replaced_by_mail(ann: Person, mailbox: Mailbox):
    assert ann.http.post("/accounts/password/forgot", json={"email": ann.email}).status_code == 202
    mail = mailbox.latest(ann.email, subject="new password")

    done = ann.http.post("/accounts/password/reset", json={"token": mail.token, "password": NEW})
    again = ann.http.post("/accounts/password/reset", json={"token": mail.token, "password": NEW})

    assert (done.status_code, again.status_code) == (200, 400)
    assert ann.sign_in().status_code == 401
    assert ann.sign_in(NEW).status_code == 200


def test_a_password_is_changed_after_proving_the_old_one(ann: Person, mailbox: Mailbox):
    wrong = ann.post("/accounts/me/password", json={"current": NEW, "new": NEW})
    changed = ann.post("/accounts/me/password", json={"current": ann.password, "new": NEW})

    assert (wrong.status_code, changed.status_code) == (401, 200)
    assert ann.sign_in(NEW).status_code == 200
    assert mailbox.latest(ann.email, subject="password was changed")


def test_proving_the_password_again_gives_a_token(ann: Person):
    answer = ann.post("/accounts/me/reauthenticate", json={"password": ann.password})

    assert answer.status_code == 200
    ann.tokens["access_token"] = answer.json()["access_token"]
    assert ann.get("/accounts/me").status_code == 200


def test_a_profile_is_changed_with_its_etag(ann: Person):
    etag = ann.get("/accounts/me").headers["etag"]

    changed = ann.patch("/accounts/me", json={"name": "Ann Lee"}, headers={"if-match": etag})
    stale = ann.patch("/accounts/me", json={"name": "Ann"}, headers={"if-match": etag})

    assert (changed.status_code, stale.status_code) == (200, 412)
    public = ann.get(f"/accounts/users/{ann.id}").json()
    assert public["name"] == "Ann Lee"
    assert "email" not in public


@pytest.mark.parametrize("path", ["/accounts/me", "/accounts/me/sessions", "/accounts/users/batch"])
def test_without_a_token_there_is_a_challenge(anonymous: Any, path: str):
    answer = anonymous.get(path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="tessera"'


def test_internal_routes_are_not_there_from_outside(ann: Person):
    for path in ("roles", "lock", "unlock"):
        answer = ann.post(f"/accounts/internal/users/{ann.id}/{path}", json={"roles": ["owner"]})
        assert answer.status_code == 404


def test_the_keys_are_public(anonymous: Any):
    answer = anonymous.get("/accounts/.well-known/jwks.json")

    assert answer.status_code == 200
    assert all(key["crv"] == "P-256" and "d" not in key for key in answer.json()["keys"])
    assert anonymous.get("/accounts/.well-known/openid-configuration").json()["jwks_uri"].endswith("jwks.json")


def test_others_verify_our_tokens_with_the_published_keys(ann: Person):
    jwt = pytest.importorskip("joserfc.jwt")
    jwk = pytest.importorskip("joserfc.jwk")
    keys = jwk.KeySet.import_key_set(ann.get("/accounts/.well-known/jwks.json").json())

    found = jwt.decode(ann.tokens["access_token"], keys, ["ES256"])

    assert found.claims["sub"] == ann.id
    assert re.fullmatch(r"[0-9A-Z]{26}", found.claims["sid"])
