"""Passwords changed and reset, sessions ended, profiles, and what other capabilities do to a user."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest

from functions.identity.accounts.actions import passwords, profile, sessions
from functions.identity.accounts.actions.factors import Proven
from functions.identity.accounts.actions.sign_in import PASSWORD as BY_PASSWORD
from functions.identity.accounts.actions.sign_in import open_session
from functions.identity.accounts.ports import Client, Ports
from tessera import auth
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.entry import Router, build_app
from tests.kit.clocks import FakeClock
from tests.kit.faults import contention
from tests.kit.logs import logged
from tests.kit.races import outcomes, together
from tests.kit.stores import events_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person

MakePerson = Callable[..., Person]
NEW = "another evening in town"


def login(http: AppClient, email: str = "ann@example.com", password: str = PASSWORD) -> Any:
    return http.post("/accounts/login", json={"email": email, "password": password})


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


@pytest.mark.asvs("6.2.2", "7.4.3")
def test_a_new_password_ends_every_other_session(
    http: AppClient, person: MakePerson, frozen: FakeClock, mailbox: Mailbox
):
    ann = person()
    other = login(http).json()

    changed = http.post("/accounts/me/password", json={"current": PASSWORD, "new": NEW}, headers=ann.bearer)

    assert changed.status_code == 200, changed.text
    frozen.advance(seconds=9)
    assert http.get("/accounts/me", headers=bearer(changed.json())).status_code == 200
    assert http.get("/accounts/me", headers=bearer(other)).json()["type"] == "/problems/token-stale"
    refused = http.post("/accounts/token/refresh", json={"refresh_token": other["refresh_token"]})
    assert refused.json()["type"] == "/problems/refresh-invalid"
    assert http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token}).status_code == 200
    assert login(http).status_code == 401
    assert login(http, password=NEW).status_code == 200
    assert mailbox.latest(ann.email, "password-changed")["secret"] is None


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"current": "not the right one", "new": NEW}, 401, "login-failed"),
        ({"current": PASSWORD, "new": "short"}, 422, "weak-password"),
        ({"current": PASSWORD}, 422, "invalid-request"),
    ],
    ids=["wrong", "weak", "missing"],
)
@pytest.mark.asvs("6.2.3")
def test_a_password_change_that_is_refused_changes_nothing(
    http: AppClient, person: MakePerson, body: dict[str, str], status: int, slug: str
):
    ann = person()

    answer = http.post("/accounts/me/password", json=body, headers=ann.bearer)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert login(http).status_code == 200


def test_asking_for_a_new_password_tells_nothing(http: AppClient, person: MakePerson, mailbox: Mailbox):
    person()
    http.post("/accounts/password/forgot", json={"email": "warm@example.com"})

    answers = [
        http.post("/accounts/password/forgot", json={"email": email}) for email in ("ANN@example.com", "no@example.com")
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(202, "null")}
    assert len({answer.headers["server-timing"].partition(" req")[0] for answer in answers}) == 1
    assert mailbox.all("no@example.com") == []
    assert mailbox.latest("ann@example.com", "password-reset")["opened"]["link"].startswith("https://app.test/#reset=")


def test_the_link_never_points_where_the_request_says(http: AppClient, person: MakePerson, mailbox: Mailbox):
    person()

    http.post("/accounts/password/forgot", json={"email": "ann@example.com"}, headers={"host": "evil.example"})

    assert "evil" not in mailbox.latest("ann@example.com", "password-reset")["opened"]["link"]


@pytest.mark.asvs("6.4.3", "7.4.3")
def test_a_reset_ends_every_session_and_signs_nobody_in(
    http: AppClient, person: MakePerson, mailbox: Mailbox, frozen: FakeClock
):
    ann = person()
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")

    answer = http.post("/accounts/password/reset", json={"token": token, "password": NEW})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    frozen.advance(seconds=9)
    assert http.get("/accounts/me", headers=ann.bearer).status_code == 401
    assert http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token}).status_code == 401
    assert login(http, password=NEW).status_code == 200


@pytest.mark.asvs("6.4.3")
def test_two_resets_with_one_link_make_one_change(
    ports: Ports, http: AppClient, person: MakePerson, mailbox: Mailbox, call: Call
):
    ann = person()
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")

    results = together(
        lambda: passwords.reset(ports, token, NEW, call=call),
        lambda: passwords.reset(ports, token, PASSWORD, call=call),
    )

    assert outcomes(results) == {"ok": 1, "reset-token-invalid": 1}


def test_a_new_password_ends_the_link_to_another_one(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person()
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")
    changed = http.post("/accounts/me/password", json={"current": PASSWORD, "new": NEW}, headers=ann.bearer)

    answer = http.post("/accounts/password/reset", json={"token": token, "password": "a third one on the hill"})

    assert (changed.status_code, answer.json()["type"]) == (200, "/problems/reset-token-invalid")
    assert login(http, password=NEW).status_code == 200


def test_only_the_newest_link_works_and_only_for_half_an_hour(
    http: AppClient, person: MakePerson, mailbox: Mailbox, frozen: FakeClock
):
    ann = person()
    links = []
    for _ in range(2):
        http.post("/accounts/password/forgot", json={"email": ann.email})
        links.append(mailbox.token(ann.email, "password-reset"))
        frozen.advance(seconds=2)

    old = http.post("/accounts/password/reset", json={"token": links[0], "password": NEW})
    frozen.advance(minutes=30)
    late = http.post("/accounts/password/reset", json={"token": links[1], "password": NEW})

    assert old.json()["type"] == late.json()["type"] == "/problems/reset-token-invalid"


def test_a_weak_password_does_not_use_the_link_up(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person()
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")

    weak = http.post("/accounts/password/reset", json={"token": token, "password": "short"})

    assert weak.status_code == 422
    assert http.post("/accounts/password/reset", json={"token": token, "password": NEW}).status_code == 200


@pytest.mark.parametrize("token", ["x", "A" * 64, "-" * 64, "é"], ids=str)
def test_a_made_up_link_is_refused(http: AppClient, token: str):
    answer = http.post("/accounts/password/reset", json={"token": token, "password": NEW})

    assert answer.json()["type"] == "/problems/reset-token-invalid"


@pytest.mark.asvs("7.4.1")
def test_signing_out_ends_this_session_only(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    other = login(http).json()

    assert http.post("/accounts/me/logout", headers=ann.bearer).status_code == 204
    frozen.advance(seconds=9)

    assert http.get("/accounts/me", headers=ann.bearer).json()["type"] == "/problems/session-revoked"
    assert http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token}).status_code == 401
    assert http.get("/accounts/me", headers=bearer(other)).status_code == 200


@pytest.mark.asvs("7.4.3", "10.4.9")
def test_signing_out_everywhere_ends_every_session(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    pairs = [ann.signed_in, login(http).json(), login(http).json()]

    assert http.post("/accounts/me/logout-all", headers=ann.bearer).status_code == 204
    frozen.advance(seconds=9)

    for tokens in pairs:
        assert http.get("/accounts/me", headers=bearer(tokens)).json()["type"] == "/problems/token-stale"
        answer = http.post("/accounts/token/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert answer.json()["type"] == "/problems/refresh-invalid"


def test_a_sign_in_beside_signing_out_everywhere_survives_or_ends_but_is_never_forgotten(
    ports: Ports, http: AppClient, person: MakePerson, call: Call
):
    ann = person()
    myself = Principal(kind="user", id=ann.id, user_id=ann.id)

    results = together(
        lambda: sessions.log_out_everywhere(ports, ann.id, caller=myself, call=call), lambda: login(http)
    )

    assert results[0].name == "ok"
    assert {row.family_id for row in ports.sessions.of(ann.id)} == set(ports.users.get(ann.id).open_families)


def test_however_many_sign_in_at_once_twenty_five_stay_and_all_can_be_ended(
    ports: Ports, person: MakePerson, call: Call
):
    ann = person()
    as_read = ports.users.get(ann.id)
    proven = Proven(as_read, BY_PASSWORD, 1)

    results = together(lambda: open_session(ports, proven, client=Client(address="203.0.113.7"), call=call), times=60)

    assert outcomes(results).keys() <= {"ok", "busy"}
    assert len(ports.users.get(ann.id).open_families) == 25
    assert {row.family_id for row in ports.sessions.of(ann.id)} == set(ports.users.get(ann.id).open_families)
    sessions.log_out_everywhere(ports, ann.id, caller=Principal(kind="user", id=ann.id, user_id=ann.id), call=call)
    assert ports.sessions.of(ann.id) == []


def test_one_after_the_other_the_oldest_sign_in_makes_room(
    ports: Ports, person: MakePerson, call: Call, frozen: FakeClock
):
    ann = person()
    as_read = ports.users.get(ann.id)
    first = next(iter(as_read.open_families))

    for _ in range(30):
        frozen.advance(seconds=1)
        open_session(ports, Proven(as_read, BY_PASSWORD, 1), client=Client(address="203.0.113.7"), call=call)

    families = ports.users.get(ann.id).open_families
    assert (len(families), first in families) == (25, False)


@pytest.mark.asvs("7.5.2", "10.4.9")
def test_one_session_can_be_ended_from_another(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    other = login(http).json()
    path = f"/accounts/me/sessions/{other['session_id']}"

    assert http.delete(path, headers=ann.bearer).status_code == 204
    frozen.advance(seconds=9)

    assert http.get("/accounts/me", headers=bearer(other)).json()["type"] == "/problems/session-revoked"
    assert http.delete(path, headers=ann.bearer).status_code == 404
    assert len(http.get("/accounts/me/sessions", headers=ann.bearer).json()["items"]) == 1


@pytest.mark.asvs("8.2.2")
def test_nobody_ends_a_session_of_somebody_else(http: AppClient, person: MakePerson):
    ann, bob = person(), person("bob@example.com")

    answer = http.delete(f"/accounts/me/sessions/{bob.signed_in['session_id']}", headers=ann.bearer)

    assert answer.status_code == 404
    assert http.post("/accounts/token/refresh", json={"refresh_token": bob.refresh_token}).status_code == 200


def test_sessions_show_where_they_come_from_and_no_full_address(
    internal: Callable[..., Any], http: AppClient, person: MakePerson
):
    ann = person()
    listed = http.get("/accounts/me/sessions", headers=ann.bearer).json()["items"]

    assert listed[0]["client_id"] == "web"
    assert set(listed[0]) == {
        "id",
        "kind",
        "client_id",
        "device_name",
        "place",
        "created_at",
        "last_seen_at",
        "expires_at",
        "current",
    }


def test_a_profile_is_changed_and_shown(http: AppClient, person: MakePerson):
    ann = person(name="Ann")
    change = {"name": "Ann Lee", "handle": "Ann_Lee", "timezone": "Europe/Berlin", "bio": "Two\nlines"}
    change["metadata"] = {"a": 1}

    answer = http.patch("/accounts/me", json=change, headers={**ann.bearer, "if-match": '"v1"'})

    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in change} == change
    assert answer.headers["etag"] == '"v2"'
    cleared = http.patch("/accounts/me", json={"name": None}, headers={**ann.bearer, "if-match": '"v2"'})
    assert cleared.json()["name"] is None
    public = http.get(f"/accounts/users/{ann.id}", headers=ann.bearer).json()
    assert public == {"id": ann.id, "name": None, "handle": "Ann_Lee", "avatar_file_id": None}


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 428), ({"if-match": '"v9"'}, 412), ({"if-match": 'W/"v1"'}, 412)], ids=str
)
def test_a_profile_is_changed_only_as_it_was_read(
    http: AppClient, person: MakePerson, headers: dict[str, str], status: int
):
    ann = person()

    assert http.patch("/accounts/me", json={"name": "A"}, headers={**ann.bearer, **headers}).status_code == status


@pytest.mark.parametrize(
    "change",
    [
        {"handle": "no spaces"},
        {"handle": "аnn_lee"},
        {"handle": "an\u202en"},
        {"handle": "ab"},
        {"handle": "_ann"},
        {"timezone": "Mars/Olympus"},
        {"metadata": {"a": "x" * 4_097}},
        {"metadata": []},
        {"app_metadata": {}},
        {"roles": ["owner"]},
        {"email": "new@example.com"},
        {"bio": "x" * 501},
        {"avatar_file_id": "x"},
    ],
    ids=str,
)
def test_a_wrong_profile_is_refused(http: AppClient, person: MakePerson, change: dict[str, Any]):
    ann = person()

    answer = http.patch("/accounts/me", json=change, headers={**ann.bearer, "if-match": '"v1"'})

    assert answer.status_code == 422, answer.text


def test_a_handle_is_one_persons_whatever_its_case(http: AppClient, person: MakePerson):
    ann, bob = person(), person("bob@example.com")
    first = http.patch("/accounts/me", json={"handle": "lee"}, headers={**ann.bearer, "if-match": "*"})

    second = http.patch("/accounts/me", json={"handle": "LEE"}, headers={**bob.bearer, "if-match": "*"})

    assert first.status_code == 200
    assert (second.status_code, second.json()["type"]) == (409, "/problems/handle-taken")


def test_an_old_handle_is_kept_for_a_month(http: AppClient, person: MakePerson, frozen: FakeClock, ports: Ports):
    ann, bob = person(), person("bob@example.com")
    for handle in ("lee", "lee_two"):
        version = int(ports.users.get(ann.id).version)
        profile.save(ports, ann.id, {"handle": handle}, version=version)
    taken = http.patch("/accounts/me", json={"handle": "lee"}, headers={**bob.bearer, "if-match": "*"})
    frozen.advance(days=30)

    profile.save(ports, bob.id, {"handle": "lee"}, version=int(ports.users.get(bob.id).version))

    assert taken.status_code == 409


def test_two_people_after_one_handle_get_it_once(ports: Ports, person: MakePerson):
    people = [person("ann@example.com"), person("bob@example.com")]

    results = together(*(lambda one=one: profile.save(ports, one.id, {"handle": "lee"}, version=1) for one in people))

    assert outcomes(results) == {"ok": 1, "handle-taken": 1}


def test_reading_oneself_costs_one_read(http: AppClient, person: MakePerson):
    ann = person()
    http.get("/accounts/me", headers=ann.bearer)

    costs = [http.get("/accounts/me", headers=ann.bearer).headers["server-timing"][:14] for _ in range(9)]

    # One read in ten is charged to the limiter, which is a write.
    assert costs.count('db;desc="1 req') >= 8


def test_public_profiles_come_in_batches(http: AppClient, person: MakePerson):
    ann, bob = person(), person("bob@example.com", name="Bob")

    answer = http.get("/accounts/users/batch", params={"ids": f"{bob.id},{ann.id},{ann.id}"}, headers=ann.bearer)

    assert [user["id"] for user in answer.json()["items"]] == [bob.id, ann.id]
    assert "email" not in answer.text
    assert http.get("/accounts/users/batch", params={"ids": "x" * 26}, headers=ann.bearer).status_code == 422
    assert http.get("/accounts/users/01HZX3J0V7Q8M4N5P6R7S8T9VW", headers=ann.bearer).status_code == 404


@pytest.mark.asvs("7.4.2")
def test_locking_ends_everything_and_unlocking_lets_in_again(
    http: AppClient, person: MakePerson, internal: Callable[..., Any], frozen: FakeClock
):
    ann = person()

    status, locked = internal("POST", f"/accounts/internal/users/{ann.id}/lock", {"reason": "spam"})

    assert (status, locked["status"]) == (200, "locked")
    frozen.advance(seconds=9)
    assert http.get("/accounts/me", headers=ann.bearer).status_code == 401
    assert login(http).status_code == 401
    assert internal("POST", f"/accounts/internal/users/{ann.id}/unlock")[1]["status"] == "active"
    again = login(http)
    assert again.status_code == 200
    assert http.get("/accounts/me", headers=bearer(again.json())).status_code == 200


def test_an_owner_is_not_locked(person: MakePerson, internal: Callable[..., Any]):
    boss = person("boss@example.com")

    assert internal("POST", f"/accounts/internal/users/{boss.id}/lock", {})[0] == 409


@pytest.mark.parametrize("caller", ["tasks", "", "sessions"])
def test_other_capabilities_set_no_roles(person: MakePerson, internal: Callable[..., Any], caller: str):
    ann = person()

    assert internal("POST", f"/accounts/internal/users/{ann.id}/roles", {"roles": ["owner"]}, caller=caller)[0] == 403


def test_nobody_reaches_an_internal_route_through_the_gateway(http: AppClient, person: MakePerson):
    ann = person()
    claims = {"x-tessera-internal": "true", "tessera": "seed", **ann.bearer}

    answer = http.post(f"/accounts/internal/users/{ann.id}/roles", json={"roles": ["owner"]}, headers=claims)

    assert answer.status_code == 404


def test_roles_are_set_exactly_and_told(person: MakePerson, internal: Callable[..., Any], ports: Ports):
    ann = person()
    path = f"/accounts/internal/users/{ann.id}/roles"

    assert internal("POST", path, {"roles": ["admin"]})[1]["roles"] == ["admin", "user"]
    assert internal("POST", path, {"roles": ["support"]})[1]["roles"] == ["support", "user"]
    assert internal("POST", path, {"roles": ["emperor"]})[0] == 422
    assert internal("GET", path.removesuffix("/roles"))[1]["email"] == ann.email
    assert "accounts.user.updated.v1" in events_in(ports.users.table)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/me"),
        ("PATCH", "/accounts/me"),
        ("GET", "/accounts/me/sessions"),
        ("POST", "/accounts/me/logout"),
        ("POST", "/accounts/me/logout-all"),
        ("POST", "/accounts/me/password"),
        ("POST", "/accounts/me/reauthenticate"),
        ("GET", "/accounts/users/batch"),
        ("DELETE", "/accounts/me/sessions/01HZX3J0V7Q8M4N5P6R7S8T9VW"),
    ],
)
def test_malformed_json_without_credentials_is_401(http: AppClient, method: str, path: str):
    answer = http.request(method, path, content=b"{", headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/credentials-missing")


def test_the_configuration_tells_how_to_sign_up(http: AppClient):
    found = http.get("/accounts/config").json()

    assert found == {
        "sign_up": "open",
        "methods": ["password", "passkey"],
        "second_factors": ["passkey", "totp", "recovery"],
        "passkey_domain": "app.test",
        "guests": True,
        "password_min_length": 12,
        "password_max_length": 256,
        "password_min_score": 2,
        "password_breach_list": False,
        "deletion_grace_days": 30,
        "clients": ["cli", "mobile", "web"],
    }


def test_a_lock_under_contention_happens_once(person: MakePerson, internal: Callable[..., Any], ports: Ports):
    ann = person()

    with contention(0.5, seed=3) as met:
        status, _ = internal("POST", f"/accounts/internal/users/{ann.id}/lock", {})

    assert status == 200 and met[0] > 0
    assert ports.users.get(ann.id).ep == 2


def test_signing_up_in_and_on_logs_no_secret(http: AppClient, person: MakePerson):
    with logged() as written:
        ann = person()
        login(http)
        http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token})

    routes = ("sign-up", "sign-up/verify", "login", "token/refresh")
    assert all(f'"route":"/accounts/{route}"' in written() for route in routes)
    for secret in (PASSWORD, ann.email, ann.refresh_token, ann.signed_in["access_token"], ann.device_token):
        assert secret not in written()


def test_frozen_container_polls_first(http: AppClient, person: MakePerson, frozen: FakeClock, ports: Ports):
    """A process that slept through a sign-out everywhere asks the feed before it serves."""
    ann = person()
    assert http.get("/accounts/me", headers=ann.bearer).status_code == 200
    frozen.advance(minutes=5)
    myself = Principal(kind="user", id=ann.id, user_id=ann.id)
    call = Call("POST", "/", (), "", "203.0.113.7", True, None, http.app.state.bindings, "r")  # type: ignore[attr-defined]
    sessions.log_out_everywhere(ports, ann.id, caller=myself, call=call)

    answer = http.get("/accounts/me", headers=ann.bearer)

    assert answer.json()["type"] == "/problems/token-stale"


def test_lock_enforced_in_other_capability_under_15s(
    person: MakePerson,
    internal: Callable[..., Any],
    frozen: FakeClock,
    environment: dict[str, str],
    tables: dict[str, Any],
):
    """Another function knows the user only by token, key ring and feed, and polls the feed every 8 seconds."""
    ann = person()
    router = Router(prefix="/tasks")

    @router.get("/mine")
    async def mine(caller: Annotated[Principal, auth.require("tasks:read")]) -> dict[str, str]:
        """Whose are these?"""
        return {"owner": caller.owner_id}

    shared = {"AUTHFEED": tables["Authfeed"].name, "LIMIT_BUDGET_MS": "10000", "RATELIMIT": tables["Ratelimit"].name}
    with AppClient(build_app("tasks", router, environment={**environment, **shared})) as tasks:
        before = tasks.get("/tasks/mine", headers=ann.bearer)
        internal("POST", f"/accounts/internal/users/{ann.id}/lock", {})
        frozen.advance(seconds=14)
        after = tasks.get("/tasks/mine", headers=ann.bearer)

    assert (before.status_code, before.json()) == (200, {"owner": ann.id})
    assert (after.status_code, after.json()["type"]) == (401, "/problems/token-stale")
