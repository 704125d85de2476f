"""What our own services ask of accounts, past the gateway."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from functions.identity.accounts.actions import directory, staff
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import LastOwner
from tessera import aws, clock, ids
from tessera.auth import subscription_tokens
from tessera.auth.custom_roles import CustomRoles
from tessera.auth.feed import Feed
from tessera.auth.internal import Internal
from tessera.auth.keyring import KeyRing
from tessera.auth.principal import Principal
from tessera.problems import Busy
from tessera.settings import Bindings, Settings
from tessera.tables import Table
from tessera.transact import transact
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

Invoke = Callable[..., Any]
NEW_PASSWORD = "another quiet morning"


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def proof(user_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "session_id": ids.new(), "amr": ["pwd"], "aal": 1, "auth_time": 1_700_000_000, **more}


def organisations(role: str = "member", epoch: int = 1, permissions: list[str] | None = None, *, status: int = 200):
    """A transport that answers as `organisations` does."""

    def answer(function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert event["rawPath"] == "/organisations/internal/membership"
        return {"statusCode": status, "body": json.dumps({"role": role, "epoch": epoch, "permissions": permissions})}

    return answer


def acting(bindings: Bindings, ports: Ports, **answer: Any) -> None:
    """Make `organisations` answer so; the ports keep the object they were given."""
    ports.memberships._internal = Internal("accounts", bindings, organisations(**answer))


def test_only_the_services_named_may_ask(internal: Invoke, person) -> None:
    body = proof(person().id)

    assert internal("POST", "/accounts/internal/mint", body, caller="tasks")[0] == 403
    assert internal("POST", "/accounts/internal/mint", body, caller="sessions")[0] == 200


def test_no_gateway_lets_anybody_mint(http, person) -> None:
    somebody = person()

    assert http.post("/accounts/internal/mint", json=proof(somebody.id), headers=somebody.bearer).status_code == 404


def test_a_minted_token_says_what_the_service_vouches_for(internal: Invoke, person) -> None:
    somebody = person()
    asked = proof(somebody.id, aal=2, amr=["otp", "pwd"], scope="blog:conduit", expires_in=120)

    status, found = internal("POST", "/accounts/internal/mint", asked, caller="oauth")

    said = claims_of(found["access_token"])
    assert status == 200
    assert (said["sub"], said["sid"], said["aal"], said["amr"]) == (
        somebody.id,
        asked["session_id"],
        2,
        ["otp", "pwd"],
    )
    assert said["exp"] - said["iat"] == found["expires_in"] == 120
    assert said["scope"] == "blog:conduit"
    assert found["user"]["email"] == somebody.email


def test_nothing_is_minted_for_who_is_locked_or_unknown(internal: Invoke, person) -> None:
    somebody = person()
    internal("POST", f"/accounts/internal/users/{somebody.id}/lock", {"reason": "spam"}, caller="admin")

    assert internal("POST", "/accounts/internal/mint", proof(somebody.id), caller="sessions")[0] == 409
    assert internal("POST", "/accounts/internal/mint", proof(ids.new()), caller="sessions")[0] == 404


def test_a_custom_role_adds_its_permissions_to_the_token(internal: Invoke, person, ports: Ports, bindings) -> None:
    somebody = person()
    roles = bindings.get(CustomRoles)
    transact(roles.defining({"clerk": frozenset(["library:manage"])}, version=0, refused=Busy()))
    status, _ = internal("POST", f"/accounts/internal/users/{somebody.id}/roles", {"roles": ["clerk"]}, caller="admin")

    _, minted = internal("POST", "/accounts/internal/mint", proof(somebody.id), caller="sessions")
    _, state = internal("GET", f"/accounts/internal/users/{somebody.id}/state", caller="admin")

    assert status == 200
    assert claims_of(minted["access_token"])["perms"] == ["library:manage"]
    assert state["permissions"] == ["library:manage"]
    assert state["epoch"] == claims_of(minted["access_token"])["ep"] == 2


def test_a_role_that_nobody_defined_is_refused(internal: Invoke, person) -> None:
    path = f"/accounts/internal/users/{person().id}/roles"

    status, problem = internal("POST", path, {"roles": ["emperor"]}, caller="admin")

    assert status == 422
    assert "emperor" in problem["errors"][0]["detail"]


def test_roles_are_given_only_as_they_were_read(internal: Invoke, person) -> None:
    path = f"/accounts/internal/users/{person().id}/roles"

    assert internal("POST", path, {"roles": ["moderator"], "version": 1}, caller="admin")[0] == 200
    assert internal("POST", path, {"roles": ["admin"], "version": 1}, caller="admin")[0] == 412


def test_impersonation_names_who_really_acts_and_proves_nothing(internal: Invoke, person) -> None:
    somebody, boss = person(), ids.new()
    asked = {"user_id": somebody.id, "session_id": ids.new(), "actor_id": boss, "actor_session_id": "s", "write": True}
    asked |= {"actor_epoch": 4}

    _, found = internal("POST", "/accounts/internal/impersonate", asked, caller="admin")

    said = claims_of(found["access_token"])
    assert said["act"] == {"sub": boss, "sid": "s", "ep": 4, "write": True}
    assert (said["sub"], said["aal"], said["auth_time"]) == (somebody.id, 1, 0)
    assert found["expires_in"] == 900


def test_who_acts_for_somebody_holds_at_most_what_they_are_given_of_custom_roles(
    internal: Invoke, person, bindings
) -> None:
    held = frozenset(["library:manage", "library:read"])
    transact(bindings.get(CustomRoles).defining({"librarian": held}, version=0, refused=Busy()))
    somebody = person()
    internal("POST", f"/accounts/internal/users/{somebody.id}/roles", {"roles": ["librarian"]}, caller="admin")
    asked = {"user_id": somebody.id, "session_id": ids.new(), "actor_id": ids.new(), "actor_session_id": "s"}

    _, found = internal(
        "POST",
        "/accounts/internal/impersonate",
        asked | {"permissions": ["library:read", "tasks:read"]},
        caller="admin",
    )

    assert claims_of(found["access_token"])["perms"] == ["library:read"]


def test_two_sign_ins_of_one_new_identity_make_one_user(ports: Ports, internal: Invoke, call) -> None:
    by = Principal(kind="service", id="oauth")

    results = together(
        lambda: directory.find_or_create(ports, email="new@example.com", name=None, locale=None, caller=by, call=call),
        times=8,
    )

    made = [result.value for result in results if result.error is None]
    assert len({user_id for user_id, _ in made}) == 1
    assert sum(created for _, created in made) == 1


def test_an_address_that_is_known_leads_to_its_user(internal: Invoke, person) -> None:
    somebody = person()
    asked = {"email": somebody.email.upper(), "email_verified": True}

    assert internal("POST", "/accounts/internal/identities", asked, caller="oauth") == (
        200,
        {"user_id": somebody.id, "created": False},
    )


def identity(internal: Invoke, **more: Any) -> tuple[int, Any]:
    asked = {"email": "new@example.com", "email_verified": True, **more}
    status, found = internal("POST", "/accounts/internal/identities", asked, caller="oauth")
    return status, found


def test_a_provider_whose_users_may_not_join_makes_nobody(internal: Invoke, table: Table) -> None:
    refused, problem = identity(internal, create=False)

    assert (refused, problem["type"]) == (404, "/problems/not-found")
    assert everything_in(table) == []


def test_a_provider_whose_users_may_not_join_finds_who_has(internal: Invoke, person) -> None:
    somebody = person("new@example.com")

    assert identity(internal, create=False) == (200, {"user_id": somebody.id, "created": False})


def test_who_asks_again_because_no_answer_came_is_told_that_the_user_was_made(internal: Invoke) -> None:
    attempt = ids.new()

    first, second = identity(internal, attempt=attempt), identity(internal, attempt=attempt)

    assert first == second == (201, {"user_id": first[1]["user_id"], "created": True})


def test_a_user_that_was_made_when_the_service_died_is_found_under_the_same_name(
    internal: Invoke, ports: Ports, call
) -> None:
    """The transaction went through and its answer got lost: the next one meets the claim."""
    by, attempt = Principal(kind="service", id="oauth"), ids.new()

    def lost(service: str, operation: str, params: dict[str, Any]) -> None:
        if operation == "TransactWriteItems" and not done:
            done.append(operation)
            directory.create(ports, email="new@example.com", attempt=attempt, caller=by, call=call)

    done: list[str] = []
    with aws.intercepted(lost):
        status, found = identity(internal, attempt=attempt)

    assert (status, found["created"]) == (201, True)


@pytest.mark.parametrize("attempt", [None, "another"])
def test_another_attempt_does_not_get_a_user_that_is_there(internal: Invoke, attempt: str | None) -> None:
    _, made = identity(internal, attempt=ids.new())

    status, found = identity(internal, **({"attempt": ids.new()} if attempt else {}))

    assert (status, found) == (200, {"user_id": made["user_id"], "created": False})


@pytest.mark.parametrize("what", ["lock", "force-reset", "delete", "roles"])
def test_a_user_that_something_was_done_to_is_not_handed_over(internal: Invoke, what: str) -> None:
    attempt = ids.new()
    _, made = identity(internal, attempt=attempt)
    body = {"roles": ["moderator"]} if what == "roles" else {}
    assert internal("POST", f"/accounts/internal/users/{made['user_id']}/{what}", body, caller="admin")[0] < 300

    assert identity(internal, attempt=attempt) == (200, {"user_id": made["user_id"], "created": False})


def test_a_user_who_has_set_a_password_is_not_handed_over(internal: Invoke, http, mailbox) -> None:
    attempt = ids.new()
    identity(internal, attempt=attempt)
    http.post("/accounts/password/forgot", json={"email": "new@example.com"})
    token = mailbox.token("new@example.com", "password-reset")
    assert http.post("/accounts/password/reset", json={"token": token, "password": NEW_PASSWORD}).status_code == 200

    assert identity(internal, attempt=attempt)[0] == 200


def test_a_name_is_given_by_oauth_alone_and_is_an_id(internal: Invoke) -> None:
    asked = {"email": "new@example.com", "email_verified": True, "attempt": ids.new()}

    assert internal("POST", "/accounts/internal/identities", asked, caller="sessions")[0] == 403
    assert identity(internal, attempt="mine")[0] == 422


@pytest.mark.parametrize("flag", [False, None, "true", 1, 0])
def test_an_address_that_the_provider_has_not_verified_makes_nobody(internal: Invoke, flag: object) -> None:
    asked = {"email": "new@example.com", "email_verified": flag}

    assert internal("POST", "/accounts/internal/identities", asked, caller="oauth")[0] == 422


def test_users_are_found_by_address_by_its_beginning_and_by_month(internal: Invoke, person) -> None:
    ann, bob = person("ann@example.com"), person("bob@example.com")

    def found(query: str) -> list[str]:
        _, answer = internal("GET", f"/accounts/internal/users/search?{query}", caller="admin")
        return [user["id"] for user in answer["items"]]

    month = f"{clock.now():%Y-%m}"
    assert found("email=Ann%40example.com") == [ann.id]
    assert found("email=nobody%40example.com") == []
    assert found("email_prefix=bo") == [bob.id]
    assert found(f"created_month={month}") == found("") == [bob.id, ann.id]
    assert found("role=owner") == found("status=locked") == []


def test_a_long_list_of_users_is_walked_page_by_page_at_one_query_each(internal: Invoke, person) -> None:
    ids_made = [person(f"user{number}@example.com").id for number in range(3)]
    seen, after, costs = [], None, []
    for _ in range(3):
        more = f"&after={quote(after)}" if after else ""
        with aws.metered() as meter:
            _, answer = internal("GET", f"/accounts/internal/users/search?limit=1{more}", caller="admin")
        seen += [user["id"] for user in answer["items"]]
        after = answer["after"]
        costs.append(meter.requests)

    assert seen == ids_made[::-1]
    assert max(costs) <= 1


def test_two_owners_leaving_at_once_leave_one_behind(internal: Invoke, person, ports: Ports, call) -> None:
    first, second = person("a@example.com"), person("b@example.com")
    for one in (first, second):
        internal("POST", f"/accounts/internal/users/{one.id}/roles", {"roles": ["owner"]}, caller="admin")

    by = Principal(kind="service", id="admin")

    results = together(
        *(lambda who=who: staff.set_roles(ports, who.id, [], caller=by, call=call) for who in (first, second))
    )

    assert outcomes(results)["ok"] == 1
    assert [type(result.error) for result in results if result.error] == [LastOwner]
    assert ports.owners.count() == 1


def test_a_lock_lasts_as_long_as_was_said_last(internal: Invoke, person, frozen, ports: Ports) -> None:
    somebody = person()

    def locked(**body: Any) -> Any:
        status, found = internal("POST", f"/accounts/internal/users/{somebody.id}/lock", body, caller="admin")
        assert status == 200, found
        return found["locked_until"]

    soon, later = (clock.rfc3339(clock.now() + timedelta(hours=hours)) for hours in (1, 5))
    assert locked(until=soon) == soon
    assert ports.users.get(somebody.id).due_sk.startswith(soon[:19])
    assert locked(until=later) == later
    assert ports.users.get(somebody.id).due_sk.startswith(later[:19])
    version = ports.users.get(somebody.id).version
    assert locked(until=later) == later and ports.users.get(somebody.id).version == version
    assert locked() is None
    assert ports.users.get(somebody.id).due_pk is None


def test_locking_the_last_owner_is_refused(internal: Invoke, person) -> None:
    somebody = person()
    internal("POST", f"/accounts/internal/users/{somebody.id}/roles", {"roles": ["owner"]}, caller="admin")

    status, problem = internal("POST", f"/accounts/internal/users/{somebody.id}/lock", {}, caller="admin")

    assert (status, problem["type"]) == (409, "/problems/last-owner")


def test_the_first_owner_is_made_once(internal: Invoke, person) -> None:
    ann, bob = person("ann@example.com"), person("bob@example.com")

    first, _ = internal("POST", "/accounts/internal/bootstrap", {"email": ann.email}, caller="admin")
    second, problem = internal("POST", "/accounts/internal/bootstrap", {"email": bob.email}, caller="admin")

    assert (first, second) == (200, 409)
    assert problem["type"] == "/problems/owner-exists"


def test_a_sign_in_acts_for_an_organisation_until_it_is_switched_back(http, person, bindings, ports: Ports) -> None:
    somebody, atelier = person(), ids.new()
    acting(bindings, ports, role="clerk", epoch=3, permissions=["tasks:read"])

    switched = http.post(
        "/accounts/token/switch", json={"refresh_token": somebody.refresh_token, "organisation_id": atelier}
    ).json()
    again = http.post("/accounts/token/refresh", json={"refresh_token": switched["refresh_token"]}).json()
    back = http.post(
        "/accounts/token/switch", json={"refresh_token": again["refresh_token"], "organisation_id": None}
    ).json()

    for answer in (switched, again):
        said = claims_of(answer["access_token"])
        assert (said["org"], said["org_role"], said["org_ep"], said["perms"]) == (atelier, "clerk", 3, ["tasks:read"])
    assert "org" not in claims_of(back["access_token"])
    assert switched["session_id"] == back["session_id"] == somebody.signed_in["session_id"]


def test_who_is_no_member_gets_no_token_and_a_member_who_left_none_any_more(http, person, bindings, ports) -> None:
    somebody, atelier = person(), ids.new()
    asked = {"refresh_token": somebody.refresh_token, "organisation_id": atelier}
    acting(bindings, ports, status=404)
    refused = http.post("/accounts/token/switch", json=asked)
    acting(bindings, ports)
    switched = http.post("/accounts/token/switch", json=asked).json()
    acting(bindings, ports, status=404)

    left = http.post("/accounts/token/refresh", json={"refresh_token": switched["refresh_token"]})

    assert refused.status_code == left.status_code == 403
    assert left.json()["type"] == "/problems/membership-ended"


def test_who_was_told_late_that_they_left_still_goes_home(http, person, bindings, ports, frozen) -> None:
    somebody, atelier = person(), ids.new()
    acting(bindings, ports)
    asked = {"refresh_token": somebody.refresh_token, "organisation_id": atelier}
    token = http.post("/accounts/token/switch", json=asked).json()["refresh_token"]
    acting(bindings, ports, status=404)
    left = http.post("/accounts/token/refresh", json={"refresh_token": token})
    frozen.advance(seconds=15)

    home = http.post("/accounts/token/switch", json={"refresh_token": token, "organisation_id": None})

    assert (left.status_code, home.status_code) == (403, 200), home.text


def minted(internal, person) -> dict[str, Any]:
    return internal("POST", "/accounts/internal/mint", proof(person.id), caller="sessions")[1]


@pytest.mark.parametrize("path", ["revoke-sessions", "reset-mfa", "force-reset"])
def test_who_keeps_sessions_is_told_when_all_of_them_were_ended(internal: Invoke, person, frozen, path: str) -> None:
    somebody = person()
    assert minted(internal, somebody)["ended_at"] is None
    frozen.advance(seconds=1)

    assert internal("POST", f"/accounts/internal/users/{somebody.id}/{path}", {}, caller="admin")[0] < 300

    found = minted(internal, somebody)
    assert (found["ended_at"], found["kept_session_id"]) == (clock.millis(), None)


def test_who_keeps_sessions_is_told_which_one_goes_on(internal: Invoke, http, person) -> None:
    somebody = person()
    new = {"current": somebody.password, "new": "another calm evening inland"}

    assert http.post("/accounts/me/password", json=new, headers=somebody.bearer).status_code == 200

    assert minted(internal, somebody)["kept_session_id"] == somebody.signed_in["session_id"]


def test_a_forced_reset_leaves_no_password_and_a_mail_that_sets_one(internal: Invoke, http, person, mailbox) -> None:
    somebody = person()

    internal("POST", f"/accounts/internal/users/{somebody.id}/force-reset", {}, caller="admin")
    refused = http.post("/accounts/login", json={"email": somebody.email, "password": somebody.password})
    token = mailbox.token(somebody.email, "password-reset")
    reset = http.post("/accounts/password/reset", json={"token": token, "password": "another calm evening inland"})
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": somebody.refresh_token})

    assert (refused.status_code, reset.status_code, refreshed.status_code) == (401, 200, 401)


def test_a_mail_of_another_service_is_sealed_before_it_travels(internal: Invoke, mailbox) -> None:
    body = {"to": "ann@example.com", "template": "invitation", "data": {"name": "Atelier"}, "secret": {"link": "x#y"}}

    assert internal("POST", "/accounts/internal/mail", body, caller="organisations")[0] == 202

    sent = mailbox.latest("ann@example.com", "invitation")
    assert sent["opened"] == {"link": "x#y"}
    assert sent["data"]["name"] == "Atelier"


def test_asking_how_somebody_stands_costs_one_read(internal: Invoke, person) -> None:
    somebody = person()
    internal("GET", f"/accounts/internal/users/{somebody.id}/state", caller="admin")

    with aws.metered() as meter:
        internal("GET", f"/accounts/internal/users/{somebody.id}/state", caller="admin")

    assert meter.requests == 1


def test_chat_is_told_what_people_are_called_and_nothing_that_is_theirs(internal: Invoke, person) -> None:
    ann, bob = person(), person("bob@example.com")
    asked = {"ids": [bob.id, ids.new(), ann.id]}

    status, found = internal("POST", "/accounts/internal/profiles", asked, caller="chat")

    assert status == 200 and [one["id"] for one in found["items"]] == [bob.id, ann.id]
    assert all(one.keys() == {"id", "name", "handle", "avatar_file_id"} for one in found["items"])
    assert internal("POST", "/accounts/internal/profiles", asked, caller="tasks")[0] == 403
    assert internal("POST", "/accounts/internal/profiles", {"ids": []}, caller="chat")[0] == 422


def test_a_token_for_a_topic_is_signed_for_the_hub_and_opens_nothing_else(
    internal: Invoke, person, http, bindings: Bindings
) -> None:
    ann = person()
    asked = {"user_id": ann.id, "topic": "room:1", "expires_in": 60}

    status, made = internal("POST", "/accounts/internal/subscriptions", asked, caller="realtime")

    now = clock.now().timestamp()
    read = subscription_tokens.read(
        made["token"], bindings.get(KeyRing), bindings.get(Feed), issuer=bindings.settings(Settings).issuer, now=now
    )
    assert (status, read.user_id, read.topic, read.expires_at) == (200, ann.id, "room:1", made["expires_at"])
    assert 58 <= made["expires_at"] - now <= 60
    assert http.get("/accounts/me", headers={"authorization": f"Bearer {made['token']}"}).status_code == 401
    assert internal("POST", "/accounts/internal/subscriptions", asked, caller="chat")[0] == 403
    unknown = {**asked, "user_id": ids.new()}
    assert internal("POST", "/accounts/internal/subscriptions", unknown, caller="realtime")[0] == 404
    internal("POST", f"/accounts/internal/users/{ann.id}/lock", {}, caller="admin")
    assert internal("POST", "/accounts/internal/subscriptions", asked, caller="realtime")[0] == 409
