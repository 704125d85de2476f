"""`blog` through the front door: who signed up at the facade makes a full account of it."""

import secrets

from tests.kit.blogging import API, article, member


def test_a_member_of_the_facade_becomes_a_full_account_and_keeps_what_is_theirs(anonymous, mailbox):
    name, headers = member(anonymous)
    mine, email, password = article(anonymous, headers), f"{name}@example.com", f"kite-{secrets.token_urlsafe(12)}"
    bearer = {"authorization": headers["authorization"].replace("Token", "Bearer")}

    asked = anonymous.post("/accounts/me/upgrade", json={"email": email, "password": password}, headers=bearer)
    assert asked.status_code == 202, asked.text
    sent = {"sign_up_id": asked.json()["sign_up_id"], "code": mailbox.latest(email).code}
    made = anonymous.post("/accounts/sign-up/verify", json=sent)

    assert made.status_code == 201, made.text
    full = {"authorization": f"Bearer {made.json()['access_token']}"}
    found = anonymous.get(f"/blog/by-slug/{mine['slug']}", headers=full).json()
    assert found["author_id"] == made.json()["user"]["id"] and found["author"]["username"] == name
    edited = anonymous.patch(
        f"/blog/posts/{found['id']}", json={"title": "Still mine"}, headers={**full, "if-match": "*"}
    )
    assert edited.status_code == 200, edited.text
    login = {"user": {"email": email, "password": password}}
    assert anonymous.post(f"{API}/users/login", json=login).json()["user"]["username"] == name
    weak = {"user": {"email": email, "password": "password123"}}
    assert anonymous.post(f"{API}/users/login", json=weak).status_code == 401
