"""Tokens for one topic are made by who manages the hub, and signed by accounts."""

import json
from typing import Any

import pytest

from tessera import ids
from tessera.auth.internal import Internal

ROOM = "/realtime/topics/room%3A1/tokens"


class Accounts:
    """What `accounts` would answer."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[dict[str, Any]] = []

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert (function, event["rawPath"]) == ("tessera-accounts", "/accounts/internal/subscriptions")
        self.asked.append(json.loads(event["body"]))
        answer = {"token": "a.b.c", "expires_at": 1_900_000_000} if self.status == 200 else {}
        return {"statusCode": self.status, "body": json.dumps(answer)}


@pytest.fixture
def accounts(hub: Any) -> Accounts:
    made = Accounts()
    hub.bindings.replace(Internal, Internal("realtime", hub.bindings, made))
    return made


def test_who_manages_the_hub_makes_one_for_somebody(web: Any, accounts: Accounts) -> None:
    user = ids.new()

    made = web.admin().post(ROOM, json={"user": user, "expires_in": 120})

    assert made.status_code == 201
    assert made.json() == {"token": "a.b.c", "expires_at": "2030-03-17T17:46:40.000Z"}
    assert accounts.asked == [{"user_id": user, "topic": "room:1", "expires_in": 120}]


def test_nobody_else_makes_one(web: Any, alice: Any, accounts: Accounts) -> None:
    assert alice.post(ROOM, json={"user": alice.id}).status_code == 403
    assert accounts.asked == []


@pytest.mark.parametrize(
    ("topic", "status", "slug"),
    [
        ("nothing%3A1", 404, "not-found"),
        ("user%3A01HZX3J0V7Q8M4N5P6R7S8T9VA", 403, "topic-forbidden"),
    ],
)
def test_not_every_topic_has_one(web: Any, accounts: Accounts, topic: str, status: int, slug: str) -> None:
    refused = web.admin().post(f"/realtime/topics/{topic}/tokens", json={"user": ids.new()})

    assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{slug}")
    assert accounts.asked == []


@pytest.mark.parametrize(
    ("said", "status", "slug"),
    [(404, 404, "not-found"), (409, 409, "user-not-active"), (503, 503, "unavailable"), (500, 503, "unavailable")],
)
def test_what_accounts_refuses_is_told(web: Any, accounts: Accounts, said: int, status: int, slug: str) -> None:
    accounts.status = said

    refused = web.admin().post(ROOM, json={"user": ids.new()})

    assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize("body", [{}, {"user": "x"}, {"expires_in": 9}, {"expires_in": 3_601}])
def test_a_wrong_wish_is_refused(web: Any, accounts: Accounts, body: dict[str, Any]) -> None:
    wish = {"user": ids.new(), **body} if "expires_in" in body else body

    assert web.admin().post(ROOM, json=wish).status_code == 422
