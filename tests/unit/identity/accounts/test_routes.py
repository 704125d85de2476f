"""The whole surface through the app, as a client sees it."""

from collections.abc import Callable

from tests.kit.clocks import FakeClock
from tests.kit.web import AppClient

from .conftest import PASSWORD, Person

MakePerson = Callable[..., Person]


def test_somebody_signs_up_confirms_and_reads_their_account(http: AppClient, person: MakePerson):
    ann = person("ann@example.com", name="Ann")

    answer = http.get("/accounts/me", headers=ann.bearer)

    assert answer.status_code == 200, answer.text
    assert answer.json()["email"] == "ann@example.com"
    assert answer.json()["roles"] == ["user"]
    assert answer.headers["etag"] == '"v1"'


def test_signing_in_gives_another_session(http: AppClient, person: MakePerson):
    ann = person()

    answer = http.post("/accounts/login", json={"email": "ANN@example.com", "password": PASSWORD})

    assert answer.status_code == 200, answer.text
    listed = http.get("/accounts/me/sessions", headers=ann.bearer).json()["items"]
    assert {session["id"] for session in listed} == {ann.signed_in["session_id"], answer.json()["session_id"]}
    assert [session["current"] for session in listed if session["id"] == ann.signed_in["session_id"]] == [True]


def test_refreshing_gives_a_working_pair(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    frozen.advance(minutes=11)

    assert http.get("/accounts/me", headers=ann.bearer).status_code == 401
    answer = http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token})

    assert answer.status_code == 200, answer.text
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert http.get("/accounts/me", headers=bearer).status_code == 200
