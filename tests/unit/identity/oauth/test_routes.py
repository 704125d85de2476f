"""HTTP: statuses, headers, and who is refused."""

import pytest

from functions.identity.oauth.app import app, handler
from tessera import ids
from tests.kit.apps import invocation, serving


@pytest.fixture
def served(cloud):
    with serving(app, "Oauth") as found:
        yield found


@pytest.fixture
def alice(served):
    return served.person()


def test_an_item_is_created_with_its_location_and_deleted_for_good(alice):
    made = alice.post("/oauth", json={"name": "First"})

    assert made.status_code == 201
    location = made.headers["location"]
    assert alice.get(location).json() == made.json()
    assert alice.delete(location).status_code == 204
    assert alice.get(location).status_code == 404


@pytest.mark.parametrize("carries_time", [True, False])
def test_a_create_asked_twice_makes_one_item(alice, carries_time):
    headers = {"idempotency-key": ids.new() if carries_time else "order 66"}

    first = alice.post("/oauth", json={"name": "First"}, headers=headers)
    second = alice.post("/oauth", json={"name": "First"}, headers=headers)
    other = alice.post("/oauth", json={"name": "Second"}, headers=headers)

    assert (second.status_code, second.headers["idempotent-replay"]) == (201, "true")
    assert first.json() == second.json()
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


def test_the_cursor_of_a_list_is_good_for_its_owner_alone(served, alice):
    for name in ("First", "Second", "Third"):
        alice.post("/oauth", json={"name": name})

    page = alice.get("/oauth?limit=2").json()
    rest = alice.get(f"/oauth?limit=2&cursor={page['next']}").json()

    assert [item["name"] for item in page["items"] + rest["items"]] == ["Third", "Second", "First"]
    assert rest["next"] is None
    assert served.person().get(f"/oauth?limit=2&cursor={page['next']}").status_code == 400


@pytest.mark.parametrize("name", ["", "   ", "a" * 121, "a\u0000b", 5], ids=repr)
def test_a_name_that_is_none_is_pointed_at(alice, name):
    answer = alice.post("/oauth", json={"name": name})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/name"]


def test_nobody_gets_in_without_a_token(served):
    assert served.client.get("/oauth").status_code == 401


def test_only_accounts_may_erase(served, alice):
    made = alice.post("/oauth", json={"name": "First"})
    body = {"owner_id": alice.id}

    assert alice.post("/oauth/internal/erase", json=body).status_code == 404
    assert handler(invocation("/oauth/internal/erase", body, caller="relay"), None)["statusCode"] == 403
    assert handler(invocation("/oauth/internal/erase", body), None)["statusCode"] == 200
    assert alice.get(made.headers["location"]).status_code == 404
