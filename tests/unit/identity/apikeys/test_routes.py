"""HTTP: lists, usage, what a key says of itself, what staff and other services may do."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tessera import aws, ids
from tessera.auth import key_text
from tests.kit.capacity import CapacityMeter
from tests.kit.stores import everything_in
from tests.kit.web import AppClient


def test_a_list_holds_every_key_once_and_the_newest_first(world: Any, alice: Any, frozen: Any) -> None:
    made = []
    for number in range(5):
        made.append(world.key(alice, name=f"Number {number}")["id"])
        frozen.advance(milliseconds=1)

    first = alice.get("/apikeys?limit=2").json()
    second = alice.get(f"/apikeys?limit=2&cursor={first['next']}").json()
    third = alice.get(f"/apikeys?limit=2&cursor={second['next']}").json()

    listed = [one["id"] for page in (first, second, third) for one in page["items"]]
    assert listed == made[::-1]
    assert third["next"] is None


def test_a_cursor_is_good_for_its_owner_alone(world: Any, alice: Any) -> None:
    for _ in range(2):
        world.key(alice)
    cursor = alice.get("/apikeys?limit=1").json()["next"]

    assert alice.get(f"/apikeys?limit=1&cursor={cursor}").status_code == 200
    assert world.person().get(f"/apikeys?limit=1&cursor={cursor}").status_code == 400


def test_a_list_costs_three_requests_however_many_keys_there_are(world: Any, alice: Any) -> None:
    alice.get("/apikeys")
    for _ in range(12):
        world.fill(alice)

    with CapacityMeter() as meter:
        listed = alice.get("/apikeys?limit=12").json()["items"]

    assert len(listed) == 12
    assert meter.of(world.table.name).operations == ["Query", "BatchGetItem"]
    assert meter.of(world.bindings.environment["RATELIMIT"]).operations.count("BatchGetItem") == 1


def test_an_empty_list_asks_once(world: Any, alice: Any) -> None:
    alice.get("/apikeys")

    with CapacityMeter() as meter:
        assert alice.get("/apikeys").json() == {"items": [], "next": None}

    assert meter.of(world.table.name).operations == ["Query"]


def test_a_list_shows_when_and_from_where_keys_were_used_last(world: Any, alice: Any, frozen: Any) -> None:
    used, unused = world.key(alice), world.key(alice)
    frozen.advance(seconds=5)
    for address in ("198.51.100.1", "203.0.113.7"):
        world.use(used["key"], address=address)

    listed = {one["id"]: one for one in alice.get("/apikeys").json()["items"]}

    assert listed[used["id"]]["last_used_at"] == "2030-03-14T09:26:58.000Z"
    assert listed[used["id"]]["last_used_ip"] == "203.0.113.7"
    assert listed[used["id"]]["requests_total"] == 2
    assert (listed[unused["id"]]["last_used_at"], listed[unused["id"]]["requests_total"]) == (None, 0)


def test_usage_is_by_day_class_and_status(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice)
    for status, given in (
        (200, {}),
        (201, {"method": "POST", "json": {"title": "Milk"}}),
        (422, {"method": "POST", "json": {}}),
    ):
        assert world.use(made["key"], **given).status_code == status
    world.use(made["key"])

    today = alice.get(f"/apikeys/{made['id']}/usage").json()
    yesterday = alice.get(f"/apikeys/{made['id']}/usage?day=2030-03-13").json()

    assert today == {
        "day": "2030-03-14",
        "requests": 4,
        "by_class": [{"rate_class": "read", "count": 2}, {"rate_class": "write", "count": 2}],
        "by_status": [
            {"rate_class": "read", "status": "2xx", "count": 1},
            {"rate_class": "write", "status": "2xx", "count": 1},
            {"rate_class": "write", "status": "4xx", "count": 1},
        ],
    }
    assert yesterday == {"day": "2030-03-13", "requests": 0, "by_class": [], "by_status": []}


@pytest.mark.parametrize("query", ["day=today", "day=2030-02-30", "month=3"], ids=str)
def test_a_day_that_is_none_is_pointed_at(world: Any, alice: Any, query: str) -> None:
    answer = alice.get(f"/apikeys/{world.key(alice)['id']}/usage?{query}")

    assert answer.status_code == 422


def test_a_key_says_what_it_is(world: Any, alice: Any) -> None:
    made = world.key(alice, env="test", scopes=["tasks:read", "habits:read"], ip_allow=["0.0.0.0/0", "::/0"])
    headers = {"authorization": f"Bearer {made['key']}"}

    with AppClient(world.served.client.app, base_url="https://app.test", client=("203.0.113.7", 1)) as program:
        found = program.get("/apikeys/self", headers=headers)

    assert found.json() == {
        "id": made["id"],
        "name": "Robot",
        "prefix": made["prefix"],
        "env": "test",
        "owner_id": alice.id,
        "organisation_id": None,
        "scopes": ["habits:read", "tasks:read"],
        "permissions": ["habits:read", "tasks:read"],
        "ip_allow": ["0.0.0.0/0", "::/0"],
        "plan": "default",
        "limits": [{"limit": 600, "period_s": 60, "burst": 100}],
        "expires_at": made["expires_at"],
    }
    assert found.headers["ratelimit-policy"] == '"key:default";q=600;w=60'


def test_only_a_key_looks_at_itself(world: Any, alice: Any) -> None:
    assert alice.get("/apikeys/self").status_code == 403
    assert world.served.client.get("/apikeys/self").status_code == 401


def test_the_form_of_a_key_is_public(world: Any, alice: Any) -> None:
    answer = world.served.client.get("/apikeys/format")

    assert re.fullmatch(answer.json()["pattern"], world.key(alice)["key"])
    assert (answer.json()["report"], answer.headers["cache-control"]) == (
        "POST /apikeys/revoke-leaked",
        "public, max-age=86400",
    )


def test_whatever_is_wrong_the_body_is_one(world: Any, alice: Any, frozen: Any) -> None:
    good, revoked, elsewhere = world.key(alice), world.key(alice), world.key(alice, ip_allow=["10.0.0.0/8"])
    short = world.key(alice, expires_in_days=1)
    alice.post(f"/apikeys/{revoked['id']}/revoke")
    frozen.advance(days=1)
    other_env = good["key"].replace("_live_", "_test_")[:-6]
    texts = [
        revoked["key"],
        elsewhere["key"],
        short["key"],
        good["key"][:-1],
        good["key"].replace("s", "\u0455", 1),
        other_env + key_text.checksum(other_env),
        key_text.new("live", ids.new()),
        key_text.new("live", good["id"]),
    ]

    answers = [world.use(text, address=f"203.0.113.{number}") for number, text in enumerate(texts)]

    bodies = [{name: value for name, value in answer.json().items() if name != "trace_id"} for answer in answers]
    assert bodies == [
        {
            "type": "/problems/token-invalid",
            "title": "The credential is not valid",
            "status": 401,
            "detail": "Sign in again.",
        }
    ] * len(texts)
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer error="invalid_token"'}
    assert {tuple(sorted(answer.headers)) for answer in answers} == {tuple(sorted(answers[0].headers))}
    assert world.use(good["key"]).status_code == 200


def test_a_scope_that_is_missing_is_named(world: Any, alice: Any) -> None:
    made = world.key(alice, scopes=["tasks:read"])

    refused = world.use(made["key"], method="POST", json={"title": "Milk"})

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/insufficient-scope")
    assert 'scope="tasks:write"' in refused.headers["www-authenticate"]


def test_a_key_is_limited_by_itself(world: Any, alice: Any) -> None:
    one, other = world.key(alice), world.key(alice)
    statuses = [world.use(one["key"]).status_code for _ in range(102)]

    assert statuses == [200] * 100 + [429] * 2
    assert world.use(other["key"]).status_code == 200


def test_what_a_key_makes_belongs_to_its_owner(world: Any, alice: Any) -> None:
    made = world.key(alice)
    task = world.use(made["key"], method="POST", json={"title": "Milk"}).json()

    headers = {"authorization": f"Bearer {alice.token}"}
    assert world.tasks.client.get(f"/tasks/{task['id']}", headers=headers).json()["title"] == "Milk"
    assert world.use(made["key"], f"/tasks/{task['id']}").status_code == 200


def test_staff_see_and_end_the_keys_of_others(world: Any, alice: Any) -> None:
    made, second = world.key(alice), world.key(alice)
    admin = world.person("admin")

    listed = admin.get(f"/apikeys/admin/keys?owner_id={alice.id}").json()["items"]
    found = admin.get(f"/apikeys/admin/keys/{made['id']}")
    ended = admin.post(f"/apikeys/admin/keys/{made['id']}/revoke")
    everything = admin.post("/apikeys/admin/revoke-all", json={"owner_id": alice.id})

    assert {one["id"] for one in listed} == {made["id"], second["id"]}
    assert (found.json()["id"], found.headers["etag"]) == (made["id"], '"v1"')
    assert ended.json()["status"] == "revoked"
    assert everything.json() == {"revoked": 1}
    assert {event["reason"] for event in world.events("apikeys.key.revoked.v1")} == {"by_staff"}
    assert {world.use(one["key"]).status_code for one in (made, second)} == {401}
    assert admin.post("/apikeys/admin/revoke-all", json={"owner_id": alice.id}).json() == {"revoked": 0}


def test_pages_of_somebodys_keys_are_bound_to_that_owner(world: Any, alice: Any) -> None:
    for _ in range(2):
        world.key(alice)
    admin, other = world.person("admin"), ids.new()
    cursor = admin.get(f"/apikeys/admin/keys?owner_id={alice.id}&limit=1").json()["next"]

    assert admin.get(f"/apikeys/admin/keys?owner_id={alice.id}&limit=1&cursor={cursor}").status_code == 200
    assert admin.get(f"/apikeys/admin/keys?owner_id={other}&limit=1&cursor={cursor}").status_code == 400


def test_support_may_only_end_keys_and_plain_users_nothing(world: Any, alice: Any) -> None:
    made = world.key(alice)
    asked = [
        ("GET", f"/apikeys/admin/keys?owner_id={alice.id}", None),
        ("GET", f"/apikeys/admin/keys/{made['id']}", None),
        ("POST", "/apikeys/admin/revoke-all", {"owner_id": alice.id}),
        ("POST", f"/apikeys/admin/keys/{made['id']}/revoke", None),
    ]

    by_role = {
        role: [who.request(method, path, json=body).status_code for method, path, body in asked]
        for role, who in (
            ("user", world.person()),
            ("moderator", world.person("moderator")),
            ("support", world.person("support")),
        )
    }

    assert by_role == {"user": [403] * 4, "moderator": [403] * 4, "support": [403, 403, 403, 200]}


def test_nobody_gets_in_without_a_token(world: Any) -> None:
    client = world.served.client

    assert client.get("/apikeys").status_code == 401
    assert client.post("/apikeys", content="{", headers={"content-type": "application/json"}).status_code == 401


def test_our_own_services_ask_what_is_theirs_to_ask(world: Any, alice: Any, invoked: Any) -> None:
    made = world.key(alice)
    path = f"/apikeys/internal/keys?user_id={alice.id}"

    status, found = invoked("GET", path, caller="admin")

    assert (status, [one["id"] for one in found["items"]]) == (200, [made["id"]])
    assert invoked("GET", path, caller="accounts")[0] == 403
    assert alice.get(path).status_code == 404
    assert alice.post("/apikeys/internal/erase", json={"owner_id": alice.id}).status_code == 404


def test_erasure_goes_on_until_nothing_of_the_owner_is_left(world: Any, alice: Any, invoked: Any, frozen: Any) -> None:
    made = world.key(alice)
    world.use(made["key"])
    for _ in range(49):
        world.fill(alice)
    kept = world.key(world.person())

    rounds = []
    while not rounds or not rounds[-1][1]["done"]:
        rounds.append(invoked("POST", "/apikeys/internal/erase", {"owner_id": alice.id}, caller="accounts"))
    frozen.advance(seconds=14)

    assert rounds == [(200, {"done": False, "erased": 50}), (200, {"done": True, "erased": 0})]
    left = [item for item in everything_in(world.table) if not item["pk"]["S"].startswith("OUT#")]
    assert alice.id not in json.dumps(left)
    assert world.use(made["key"]).status_code == 401
    assert world.use(kept["key"]).status_code == 200
    assert world.events("privacy.data.erased.v1") == [{"owner_id": alice.id, "capability": "apikeys"}]
    assert invoked("POST", "/apikeys/internal/erase", {"owner_id": alice.id}, caller="relay")[0] == 403


@pytest.mark.asvs("16.2.5")
def test_secret_absent_from_logs_and_traces(world: Any, alice: Any, logged: Callable[[], str], frozen: Any) -> None:
    made = world.key(alice)
    secrets = [made["key"], alice.post(f"/apikeys/{made['id']}/rotate", json={}).json()["key"]]
    headers = {"authorization": f"Bearer {secrets[0]}"}
    client = world.served.client
    world.use(secrets[0])
    world.use(secrets[1], f"/tasks/{ids.new()}")
    world.use(secrets[1][:-1])
    client.post("/apikeys", content=f'{{"key": "{secrets[0]}"', headers=headers)
    client.post("/apikeys/revoke-leaked", json={"keys": [secrets[0]], "also": secrets[1]})
    client.post("/apikeys/revoke-leaked", json={"keys": [secrets[1]]})
    frozen.advance(days=90)
    world.sweep()

    written = logged()
    kept = str([everything_in(world.table), everything_in(world.tasks.table)])

    assert '"route":"/apikeys/revoke-leaked"' in written
    for secret in secrets:
        for where in (written, kept):
            assert secret[26:69] not in where
            assert secret[26:46] not in where


def test_an_answer_says_what_it_cost(world: Any, alice: Any) -> None:
    made = world.key(alice)
    world.use(made["key"])

    with aws.metered() as meter:
        world.use(made["key"], f"/tasks/{ids.new()}")

    # The limiter's write, and the task that is not there.
    assert meter.operations == ["UpdateItem", "GetItem"]
