"""The first owner, erasures, and what `admin` forgets."""

import pytest

from functions.identity.admin.actions import erasures
from tessera import aws, clock, ids
from tessera.outbox import Envelope
from tests.kit.races import together
from tests.kit.stores import everything_in


def slug(answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def new_token(world) -> str:
    status, body = world.ask_admin("POST", "/admin/internal/setup-token", {}, caller="seed")
    assert status == 200
    return str(body["token"])


def bootstrap(world, token: str, email: str = "boss@example.com"):
    return world.http.post("/admin/bootstrap", json={"token": token, "email": email})


def test_the_setup_token_makes_the_first_owner(world):
    boss = world.user(email="boss@example.com")

    made = bootstrap(world, new_token(world), "Boss@Example.com")

    assert (made.status_code, made.json()) == (200, {"user_id": boss["id"], "roles": ["owner", "user"]})
    assert world.state_of(boss["id"])["roles"] == ["owner", "user"]
    assert world.entries("admin.bootstrapped")[0]["target"]["id"] == boss["id"]


def test_bootstrap_once(world):
    emails = [f"boss{number}@example.com" for number in range(6)]
    for email in emails:
        world.user(email=email)
    token = new_token(world)

    done = together(*(lambda email=email: bootstrap(world, token, email).status_code for email in emails))

    codes = [result.value for result in done]
    assert codes.count(200) == 1 and set(codes) <= {200, 403, 409}
    owners = world.ask_accounts("GET", "/accounts/internal/users/search?role=owner")["items"]
    assert len(owners) == 1
    assert world.ask_admin("POST", "/admin/internal/setup-token", {}, caller="seed")[0] == 409
    again = bootstrap(world, token, emails[0])
    assert (again.status_code, slug(again)) == (403, "setup-token-invalid")


def test_where_there_is_an_owner_a_setup_token_makes_no_other(world, owner):
    world.user(email="boss@example.com")

    refused = bootstrap(world, new_token(world))

    assert (refused.status_code, slug(refused)) == (409, "owner-exists")


def test_a_newer_token_replaces_the_one_before(world):
    world.user(email="boss@example.com")
    old, new = new_token(world), new_token(world)

    assert slug(bootstrap(world, old)) == "setup-token-invalid"
    assert bootstrap(world, new).status_code == 200


@pytest.mark.asvs("6.4.1")
def test_a_token_lives_a_week_and_survives_a_mistake(world, frozen):
    token = new_token(world)

    unknown = bootstrap(world, token)
    assert (unknown.status_code, slug(unknown)) == (404, "not-found")
    world.user(email="boss@example.com")
    frozen.advance(days=8)
    assert slug(bootstrap(world, token)) == "setup-token-invalid"
    assert bootstrap(world, new_token(world)).status_code == 200


@pytest.mark.parametrize("token", ["x" * 20, "tsu_" + "A" * 43])
def test_a_token_that_is_none_opens_nothing(world, token):
    world.user(email="boss@example.com")

    assert slug(bootstrap(world, token)) == "setup-token-invalid"


def test_the_token_is_kept_as_a_code_alone_and_made_for_nobody_outside(world, owner):
    token = new_token(world)

    assert token not in repr(everything_in(world.tables["Admin"]))
    assert world.ask_admin("POST", "/admin/internal/setup-token", {}, caller="accounts")[0] == 403
    assert owner.post("/admin/internal/setup-token", {}).status_code == 404


# -- erasures -----------------------------------------------------------------


def erased(owner_id: str, capability: str) -> Envelope:
    data = {"owner_id": owner_id, "capability": capability}
    return Envelope(ids.new(), "privacy.data.erased.v1", clock.rfc3339(clock.now()), "", data)


def test_an_erasure_is_pending_until_every_capability_has_said_that_it_is_done(world, boss):
    ann = ids.new()

    assert world.deliver(erased(ann, "tasks")) == []
    (pending,) = boss.get("/admin/privacy/erasures").json()["items"]
    for capability in sorted(erasures.capabilities() - {"tasks"}):
        assert world.deliver(erased(ann, capability)) == []

    assert pending["user_id"] == ann and "tasks" in pending["done"] and "tasks" not in pending["waiting"]
    assert {"accounts", "admin", "outbox"} <= set(pending["waiting"]) and pending["finished_at"] is None
    assert boss.get("/admin/privacy/erasures").json()["items"] == []
    (done,) = boss.get("/admin/privacy/erasures?state=done").json()["items"]
    assert done["waiting"] == [] and done["finished_at"] == "2030-03-14T09:26:53.000Z"
    assert set(done["done"]) == erasures.capabilities()


def test_reports_in_any_order_twice_and_at_once_come_to_the_same(world, boss):
    ann = ids.new()
    reports = [erased(ann, capability) for capability in sorted(erasures.capabilities())]

    together(*(lambda one=one: world.deliver(one) for one in [*reports, *reports[::-1]]))
    world.deliver(*reports)

    (done,) = boss.get("/admin/privacy/erasures?state=done").json()["items"]
    assert set(done["done"]) == erasures.capabilities()


def test_erasures_are_listed_page_by_page(world, boss, frozen):
    for _ in range(3):
        frozen.advance(seconds=1)
        world.deliver(erased(ids.new(), "tasks"))

    first = boss.get("/admin/privacy/erasures?limit=2").json()
    rest = boss.get(f"/admin/privacy/erasures?limit=2&cursor={first['next']}").json()

    assert len(first["items"]) == 2 and len(rest["items"]) == 1 and rest["next"] is None


def test_what_somebody_has_here_is_erased_and_the_audit_log_stays(world, owner):
    asked = owner.post("/admin/audit/export", {}).json()
    world.work()
    key = f"admin/exports/{asked['id']}.ndjson"
    assert aws.client("s3").head_object(Bucket=world.bucket, Key=key)

    status, body = world.ask_admin("POST", "/admin/internal/erase", {"owner_id": owner.id}, caller="accounts")

    assert (status, body) == (200, {"done": True, "erased": 1})
    assert owner.get(f"/admin/jobs/{asked['id']}").status_code == 404
    with pytest.raises(aws.ClientError):
        aws.client("s3").head_object(Bucket=world.bucket, Key=key)
    assert world.ask_admin("POST", "/admin/internal/erase", {"owner_id": owner.id}, caller="accounts")[1]["erased"] == 0


def test_erasure_goes_on_until_nothing_is_left(world, owner):
    from tessera.transact import transact

    for _ in range(101):
        transact(world.ports.jobs.starting(owner.id, "user-import")[1])

    body = {"owner_id": owner.id}
    answers = [world.ask_admin("POST", "/admin/internal/erase", body, caller="accounts")[1] for _ in range(2)]

    assert answers == [{"done": False, "erased": 100}, {"done": True, "erased": 1}]


def test_only_accounts_may_erase(world, owner):
    body = {"owner_id": owner.id}

    assert owner.post("/admin/internal/erase", body).status_code == 404
    assert world.ask_admin("POST", "/admin/internal/erase", body, caller="relay")[0] == 403
