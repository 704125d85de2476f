"""The local pages on a stack that runs: what was done through the API is seen there."""

import secrets
from urllib.parse import urlsplit

import httpx
import pytest

from tests.kit.people import eventually

JSON = {"accept": "application/json"}


@pytest.fixture
def door(base_url):
    if urlsplit(base_url).hostname not in ("127.0.0.1", "localhost"):
        pytest.skip("The pages are the local stack's; BASE_URL names another.")
    with httpx.Client(base_url=base_url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/mailbox", "/traces", "/todo"])
def test_a_page_is_served_without_cors_headers(door, path):
    answer = door.get(path, headers={"origin": "http://elsewhere.test"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/", "/mailbox", "/traces", "/demo.json"])
def test_a_page_is_not_served_under_another_name(door, path):
    assert door.get(path, headers={"host": "elsewhere.test"}).status_code == 421


def test_a_sign_up_can_be_followed_from_the_request_to_its_mail(door, anonymous):
    address, trace = f"pages-{secrets.token_hex(6)}@example.com", secrets.token_hex(16)
    asked = {"email": address, "password": "a long way to go 7"}

    anonymous.post("/accounts/sign-up", json=asked, headers={"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"})

    def kinds():
        answer = door.get(f"/traces/{trace}", headers=JSON)
        steps = answer.json()["steps"] if answer.status_code == 200 else []
        return {step["kind"]: step for step in steps}

    wanted = {"request", "relayed", "message", "mail"}
    steps = eventually(lambda: found if wanted <= (found := kinds()).keys() else None, within=90, what="every step")
    assert steps["request"]["db_write_units"] > 0
    found = door.get("/mailbox", params={"to": address}, headers=JSON).json()["mails"]
    # The emulator tells mails of one moment apart by nothing, so the step may name a neighbour's.
    assert steps["mail"]["outcome"] == "sent"
    assert "#verify=" in door.get(f"/mailbox/{found[0]['id']}", headers=JSON).json()["text"]


def test_every_capability_of_the_home_page_has_its_health(door):
    listed = [part.split('"')[0] for part in door.get("/").text.split('data-capability="')[1:]]

    assert {"accounts", "tasks"} <= set(listed)
    assert {name: door.get(f"/{name}/health").status_code for name in listed} == dict.fromkeys(listed, 200)
