"""Making a key: shown once, for what its owner may do, at most fifty of them."""

from typing import Any

import pytest

from functions.identity.apikeys.events import DataErased
from functions.identity.apikeys.rules import MAX_ACTIVE
from tessera import aws, clock, ids
from tessera.auth import key_text
from tessera.idempotency import IdempotencyMismatch, Intent
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in


def test_secret_shown_once(world: Any, alice: Any) -> None:
    made = world.key(alice)

    assert key_text.parse(made["key"]) is not None
    assert made["key"].startswith(made["prefix"])
    assert made["key"].endswith(made["last4"])
    shown = [alice.get(f"/apikeys/{made['id']}").json(), alice.get("/apikeys").json()["items"][0]]
    assert all("key" not in one and made["key"][26:] not in str(one) for one in shown)
    assert made["key"][26:69] not in str(everything_in(world.table))


@pytest.mark.parametrize("carries_time", [True, False])
def test_a_replay_brings_the_record_without_the_secret(world: Any, alice: Any, carries_time: bool) -> None:
    headers = {"idempotency-key": ids.new() if carries_time else "order 66"}
    body = {"name": "Robot", "scopes": ["tasks:read"]}

    first = alice.post("/apikeys", json=body, headers=headers)
    second = alice.post("/apikeys", json=body, headers=headers)
    other = alice.post("/apikeys", json={**body, "name": "Other"}, headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.headers["idempotent-replay"], second.headers["location"]) == ("true", first.headers["location"])
    assert second.json() == {**first.json(), "key": None}
    assert world.use(first.json()["key"]).status_code == 200
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert len(alice.get("/apikeys").json()["items"]) == 1


def test_a_key_is_never_written_over_anothers(world: Any, alice: Any, frozen: Any) -> None:
    """Should two ever come by the same id."""
    made = world.key(alice)
    row = world.ports.keys.get(made["id"])
    row.uid, event = ids.new(), DataErased(owner_id=alice.id, capability="apikeys")

    with pytest.raises(IdempotencyMismatch):
        world.ports.keys.create(row, Intent(made["id"], "another"), event, event)

    assert alice.get(f"/apikeys/{made['id']}").status_code == 200
    assert world.use(made["key"]).status_code == 200


def test_a_key_has_the_fields_it_was_made_with(world: Any, alice: Any, frozen: Any) -> None:
    made = world.key(alice, name="CI", env="test", expires_in_days=7, ip_allow=["10.0.0.0/8", "2001:DB8::/48"])

    found = alice.get(f"/apikeys/{made['id']}")

    expected = {
        "id": made["id"],
        "name": "CI",
        "prefix": key_text.prefix("test", made["id"]),
        "last4": made["key"][-4:],
        "env": "test",
        "status": "active",
        "scopes": ["tasks:read", "tasks:write"],
        "ip_allow": ["10.0.0.0/8", "2001:db8::/48"],
        "plan": "default",
        "organisation_id": None,
        "created_by": alice.id,
        "created_at": clock.rfc3339(frozen.now()),
        "expires_at": "2030-03-21T09:26:53.000Z",
        "ended_at": None,
        "old_secret_until": None,
        "last_used_at": None,
        "last_used_ip": None,
        "requests_total": 0,
    }
    assert found.json() == expected
    assert found.headers["etag"] == made["etag"] == '"v1"'


def test_a_key_lives_for_ninety_days_unless_it_is_said_otherwise(world: Any, alice: Any) -> None:
    assert world.key(alice)["expires_at"] == "2030-06-12T09:26:53.000Z"


def test_a_key_costs_one_transaction_with_its_event_and_its_record(world: Any, alice: Any) -> None:
    world.key(alice)
    alice.get("/apikeys")

    with aws.metered() as meter:
        world.key(alice)

    assert meter.operations == ["UpdateItem", "TransactWriteItems"]
    assert [event["name"] for event in world.events("apikeys.key.created.v1")] == ["Robot", "Robot"]
    assert world.audited() == ["apikeys.created", "apikeys.created"]


def test_an_old_sign_in_makes_no_key(world: Any, alice: Any, frozen: Any) -> None:
    frozen.advance(seconds=301)

    answer = alice.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:read"]})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/step-up-required")
    assert "max_age=300" in answer.headers["www-authenticate"]


def test_who_has_a_second_factor_uses_it_to_make_a_key(world: Any) -> None:
    careful = world.person(mfa=["totp"])
    body = {"name": "Robot", "scopes": ["tasks:read"]}

    refused = careful.post("/apikeys", json=body)
    with_both = world.again(careful.id, aal=2, amr=["pwd", "otp"]).post("/apikeys", json=body)

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/step-up-required")
    assert 'acr_values="aal2"' in refused.headers["www-authenticate"]
    assert with_both.status_code == 201


@pytest.mark.parametrize(
    ("state", "slug"),
    [({"status": "locked"}, "session-revoked"), ({"status": "gone"}, "session-revoked"), ({"epoch": 2}, "token-stale")],
    ids=str,
)
def test_the_owner_is_looked_at_as_they_are_this_moment(world: Any, alice: Any, state: Any, slug: str) -> None:
    world.accounts.says(alice.id, **state)

    answer = alice.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:read"]})

    assert (answer.status_code, answer.json()["type"]) == (401, f"/problems/{slug}")


def test_keys_cannot_create_keys(world: Any, alice: Any) -> None:
    made = world.key(alice, scopes=["apikeys:self", "tasks:read"])
    headers = {"authorization": f"Bearer {made['key']}"}
    client, body = world.served.client, {"name": "Child", "scopes": ["tasks:read"]}

    assert client.post("/apikeys", json=body, headers=headers).json()["type"] == "/problems/step-up-required"
    assert client.post(f"/apikeys/{made['id']}/rotate", json={}, headers=headers).status_code == 401
    patched = client.patch(f"/apikeys/{made['id']}", json={"name": "x"}, headers={**headers, "if-match": '"v1"'})
    assert patched.status_code == 401
    for method, path in (
        ("GET", "/apikeys"),
        ("GET", f"/apikeys/{made['id']}"),
        ("POST", f"/apikeys/{made['id']}/revoke"),
    ):
        assert client.request(method, path, headers=headers).status_code == 403
    assert len(alice.get("/apikeys").json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\u0000b"}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["tasks:read", "tasks:fly"]}, "/scopes/1"),
        ({"scopes": ["*:read"]}, "/scopes/0"),
        ({"scopes": ["tasks"]}, "/scopes/0"),
        ({"scopes": ["tasks:read"] * 101}, "/scopes"),
        ({"env": "prod"}, "/env"),
        ({"expires_in_days": 0}, "/expires_in_days"),
        ({"expires_in_days": 366}, "/expires_in_days"),
        ({"expires_in_days": 1.5}, "/expires_in_days"),
        ({"ip_allow": ["10.0.0.1/8"]}, "/ip_allow/0"),
        ({"ip_allow": ["10.0.0.0/8"] * 21}, "/ip_allow"),
        ({"plan": "no-such-plan"}, "/plan"),
        ({"owner": "somebody"}, "/owner"),
        ({"env": "test", "scopes": ["tasks:read", "payments:write"]}, "/scopes/1"),
    ],
    ids=str,
)
def test_a_wrong_request_is_told_where_it_is_wrong(alice: Any, body: Any, pointer: str) -> None:
    answer = alice.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:read"], **body})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_scope_that_the_owner_does_not_hold_is_refused(world: Any, alice: Any) -> None:
    body = {"name": "Robot", "scopes": ["tasks:read", "health:read"]}

    refused = alice.post("/apikeys", json=body)

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/insufficient-scope")
    assert 'scope="health:read"' in refused.headers["www-authenticate"]
    assert world.person("support").post("/apikeys", json=body).status_code == 201


def test_a_narrow_token_makes_no_wider_key(world: Any, alice: Any) -> None:
    narrow = world.again(alice.id, scope="apikeys:self tasks:read")

    assert narrow.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:read"]}).status_code == 201
    assert narrow.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:write"]}).status_code == 403


def test_other_limits_are_given_by_staff_or_come_with_ones_own_plan(world: Any) -> None:
    client = aws.client("dynamodb")
    numbers = {"limit": {"N": "6000"}, "period_seconds": {"N": "60"}, "burst": {"N": "1000"}, "version": {"N": "1"}}
    policy = {"pk": {"S": "POLICY#key:partner"}, "sk": {"S": "V"}, **numbers}
    client.put_item(TableName=world.bindings.environment["RATELIMIT"], Item=policy)
    body = {"name": "Robot", "scopes": ["tasks:read"], "plan": "partner"}
    plain, partner, admin = world.person(), world.person(), world.person("admin")
    world.accounts.says(partner.id, plan="partner")

    assert plain.post("/apikeys", json=body).status_code == 403
    assert partner.post("/apikeys", json=body).status_code == 201
    made = admin.post("/apikeys", json=body)
    assert made.json()["plan"] == "partner"
    assert world.myself(made.json()["key"]).json()["limits"] == [{"limit": 6000, "period_s": 60, "burst": 1000}]


def test_fifty_keys_are_enough(world: Any, alice: Any) -> None:
    first = world.key(alice)
    for _ in range(MAX_ACTIVE - 1):
        world.fill(alice)

    refused = alice.post("/apikeys", json={"name": "One more", "scopes": ["tasks:read"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-keys")

    alice.post(f"/apikeys/{first['id']}/revoke")
    assert world.again(alice.id).post("/apikeys", json={"name": "Now", "scopes": ["tasks:read"]}).status_code == 201


def test_of_ten_at_once_exactly_those_are_made_for_which_there_is_room(world: Any, alice: Any) -> None:
    for _ in range(MAX_ACTIVE - 3):
        world.fill(alice)

    results = together(lambda: world.fill(alice), times=10)

    assert outcomes(results) == {"ok": 3, "too-many-keys": 7}
    assert len(world.ports.keys.in_use(alice.id)) == MAX_ACTIVE


def test_a_key_belongs_to_the_organisation_its_maker_acts_for(world: Any) -> None:
    org = ids.new()
    boss = world.person()
    acting = world.again(boss.id, org=org, org_role="admin", org_ep=1)

    made = world.key(acting)

    assert made["organisation_id"] == org
    assert made["created_by"] == boss.id
    assert boss.get("/apikeys").json()["items"] == []
    assert boss.get(f"/apikeys/{made['id']}").status_code == 404
    assert [one["id"] for one in acting.get("/apikeys").json()["items"]] == [made["id"]]
    task = world.use(made["key"], "/tasks", method="POST", json={"title": "Ours"}).json()
    told = world.again(world.person().id, org=org, org_role="member", org_ep=1)
    headers = {"authorization": f"Bearer {told.token}"}
    assert world.tasks.client.get(f"/tasks/{task['id']}", headers=headers).status_code == 200


@pytest.mark.parametrize("scope", ["accounts:self", "apikeys:self", "organisations:write", "habits:read"])
def test_a_key_of_an_organisation_is_not_for_what_is_its_makers_own(world: Any, scope: str) -> None:
    boss = world.again(world.person().id, org=ids.new(), org_role="owner", org_ep=1)

    answer = boss.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:read", scope]})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/scopes/1")


@pytest.mark.parametrize("role", ["member", "viewer", "janitor"])
def test_keys_of_an_organisation_are_for_those_who_run_it(world: Any, role: str) -> None:
    org = ids.new()
    boss = world.again(world.person().id, org=org, org_role="owner", org_ep=1)
    made = world.key(boss)
    claims = {"perms": ["apikeys:self", "tasks:read"]} if role == "janitor" else {}
    other = world.again(world.person().id, org=org, org_role=role, org_ep=1, **claims)

    answers = [
        other.post("/apikeys", json={"name": "Mine", "scopes": ["tasks:read"]}),
        other.get("/apikeys"),
        other.get(f"/apikeys/{made['id']}"),
        other.post(f"/apikeys/{made['id']}/revoke"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert world.use(made["key"]).status_code == 200


def test_nobody_makes_a_key_in_somebody_elses_place(world: Any, alice: Any) -> None:
    lent = world.again(alice.id, act={"sub": ids.new(), "sid": "s", "write": True})

    answer = lent.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:read"]})

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/impersonation-forbidden")
