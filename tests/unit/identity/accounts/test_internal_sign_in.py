"""Proofs for services that keep the session themselves, and what staff do to somebody's factors and address."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from functions.identity.accounts.actions import lend
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.store import SessionStore, UserRow
from functions.identity.accounts.store.rows import MAIN, user_pk
from tessera import ids
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tests.kit.clocks import FakeClock
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .second_factors import enrol

Invoke = Callable[..., Any]
AUTHENTICATE = "/accounts/internal/authenticate"
OAUTH = Principal(kind="service", id="oauth", credential="iam")


def given(person: Any, **more: Any) -> dict[str, Any]:
    return {"email": person.email, "password": person.password, **more}


def with_factor(table: Any, user_id: str) -> None:
    table.update(UserRow, user_pk(user_id), MAIN, UserRow.mfa.set({"totp"}))


def outside(user_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "amr": ["fed"], "aal": 1, "auth_time": 1_700_000_000, **more}


def test_a_right_password_is_proof_and_makes_the_device_known(internal: Invoke, person: Any) -> None:
    somebody = person()

    status, found = internal("POST", AUTHENTICATE, given(somebody), caller="sessions")

    assert status == 200
    assert (found["status"], found["proof"]["user_id"], found["proof"]["amr"]) == ("ok", somebody.id, ["pwd"])
    assert (found["proof"]["aal"], found["proof"]["epoch"]) == (1, 1)
    assert found["device_token"].startswith("tdv_")


def test_wrong_and_unknown_are_one_answer(internal: Invoke, person: Any) -> None:
    somebody = person()

    wrong = internal("POST", AUTHENTICATE, given(somebody, password="not the right one"), caller="sessions")
    unknown = internal("POST", AUTHENTICATE, given(somebody, email="nobody@example.com"), caller="sessions")

    assert wrong[0] == unknown[0] == 401
    assert {**wrong[1], "trace_id": ""} == {**unknown[1], "trace_id": ""}


def test_who_has_a_second_factor_has_proved_nothing_by_the_password(internal: Invoke, person: Any, table: Any) -> None:
    somebody = person()
    with_factor(table, somebody.id)

    _, found = internal("POST", AUTHENTICATE, given(somebody), caller="sessions")

    assert (found["status"], found["methods"]) == ("mfa_required", ["totp"])


def test_a_wrong_second_factor_is_refused(internal: Invoke, person: Any, table: Any) -> None:
    somebody = person()
    with_factor(table, somebody.id)
    _, asked = internal("POST", AUTHENTICATE, given(somebody), caller="sessions")
    shown = {"mfa_token": asked["mfa_token"], "method": "totp", "code": "000000"}

    assert internal("POST", f"{AUTHENTICATE}/mfa", shown, caller="sessions")[0] == 401


def test_a_passkey_that_nobody_has_is_refused(internal: Invoke) -> None:
    credential = {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
    }
    body = {"challenge_id": ids.new(), "credential": credential}

    assert internal("POST", f"{AUTHENTICATE}/passkey", body, caller="sessions")[0] == 401


@pytest.mark.parametrize("caller", ["oauth", "admin", "seed"])
def test_only_sessions_may_have_passwords_checked(internal: Invoke, person: Any, caller: str) -> None:
    assert internal("POST", AUTHENTICATE, given(person()), caller=caller)[0] == 403


def test_a_providers_word_opens_a_session(internal: Invoke, person: Any) -> None:
    somebody = person()

    status, found = internal("POST", "/accounts/internal/tokens", outside(somebody.id), caller="oauth")

    assert status == 200
    assert found["user"]["id"] == somebody.id
    assert found["refresh_token"].startswith("trt_")


@pytest.mark.parametrize(("path", "caller"), [("tokens", "oauth"), ("authenticate/outside", "sessions")])
@pytest.mark.asvs("6.3.4")
def test_a_providers_word_does_not_stand_in_for_our_second_factor(
    internal: Invoke, person: Any, table: Any, path: str, caller: str
) -> None:
    somebody = person()
    with_factor(table, somebody.id)

    _, alone = internal("POST", f"/accounts/internal/{path}", outside(somebody.id), caller=caller)
    _, both = internal("POST", f"/accounts/internal/{path}", outside(somebody.id, aal=2), caller=caller)

    assert alone["status"] == "mfa_required"
    assert "mfa_token" not in both


def test_the_session_that_a_second_factor_opens_is_called_as_the_provider_was_told(
    internal: Invoke, person: Any, http: AppClient, frozen: FakeClock
) -> None:
    """So that it ends when the provider ends its own, whoever finishes the sign-in."""
    somebody = person()
    app = enrol(http, somebody, frozen)
    _, asked = internal("POST", "/accounts/internal/tokens", outside(somebody.id), caller="oauth")

    shown = {"mfa_token": asked["mfa_token"], "method": "totp", "code": app.next_code()}
    opened = http.post("/accounts/login/mfa", json=shown)
    ended = {"user_id": somebody.id, "session_id": asked["session_id"]}

    assert opened.status_code == 200 and opened.json()["session_id"] == asked["session_id"]
    assert internal("POST", "/accounts/internal/provider-session/end", ended, caller="oauth")[0] == 204
    again = http.post("/accounts/token/refresh", json={"refresh_token": opened.json()["refresh_token"]})
    assert again.status_code == 401


@pytest.mark.parametrize("begun", ["with tokens", "with a cookie"])
def test_a_service_that_keeps_sessions_is_told_what_the_provider_knows_one_by(
    internal: Invoke, person: Any, http: AppClient, frozen: FakeClock, begun: str
) -> None:
    """Whichever way it began, and also when a second factor was asked for in between."""
    somebody, named = person(), ids.new()
    _, plain = internal("POST", f"{AUTHENTICATE}/outside", outside(somebody.id, session_id=named), caller="sessions")
    app = enrol(http, somebody, frozen)
    if begun == "with tokens":
        _, asked = internal("POST", "/accounts/internal/tokens", outside(somebody.id), caller="oauth")
        named = asked["session_id"]
    else:
        given_name = outside(somebody.id, session_id=named)
        _, asked = internal("POST", f"{AUTHENTICATE}/outside", given_name, caller="sessions")
        assert plain["session_id"] == named

    shown = {"mfa_token": asked["mfa_token"], "method": "totp", "code": app.next_code()}
    _, found = internal("POST", f"{AUTHENTICATE}/mfa", shown, caller="sessions")

    assert (found["status"], found["session_id"]) == ("ok", named)


@pytest.mark.parametrize("when", ["before it opens", "while it opens"])
def test_a_session_that_waits_for_its_second_factor_is_ended_beforehand(
    internal: Invoke,
    person: Any,
    http: AppClient,
    frozen: FakeClock,
    table: Any,
    ports: Ports,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    somebody = person()
    app = enrol(http, somebody, frozen)
    _, asked = internal("POST", "/accounts/internal/tokens", outside(somebody.id), caller="oauth")
    shown = {"mfa_token": asked["mfa_token"], "method": "totp", "code": app.next_code()}
    ended = {"user_id": somebody.id, "session_id": asked["session_id"]}

    def end() -> None:
        assert internal("POST", "/accounts/internal/provider-session/end", ended, caller="oauth")[0] == 204

    if when == "before it opens":
        end()
    else:
        # The code is used up by then, and the session about to be written.
        written, ending = SessionStore.open, partial(lend.end_from_outside, ports, caller=OAUTH, call=call)
        monkeypatch.setattr(SessionStore, "open", lambda *given, **more: (ending(**ended), written(*given, **more)))
    opened = http.post("/accounts/login/mfa", json=shown)

    assert (opened.status_code, opened.json()["type"]) == (401, "/problems/mfa-token-invalid")
    assert f"F#{asked['session_id']}" not in str(table.get(UserRow, user_pk(somebody.id), MAIN).families)
    end()


def test_a_session_of_nobody_is_ended_without_a_trace(internal: Invoke, table: Any, person: Any) -> None:
    before, gone = everything_in(table), {"user_id": ids.new(), "session_id": ids.new()}

    assert internal("POST", "/accounts/internal/provider-session/end", gone, caller="oauth")[0] == 204
    assert everything_in(table) == before


def test_a_providers_word_keeps_its_time(internal: Invoke, person: Any) -> None:
    _, found = internal("POST", f"{AUTHENTICATE}/outside", outside(person().id), caller="sessions")

    assert (found["proof"]["auth_time"], found["proof"]["amr"]) == (1_700_000_000, ["fed"])


@pytest.mark.parametrize(("path", "caller"), [("tokens", "oauth"), ("authenticate/outside", "sessions")])
def test_a_provider_opens_nothing_for_who_is_locked_or_unknown(
    internal: Invoke, person: Any, path: str, caller: str
) -> None:
    somebody = person()
    internal("POST", f"/accounts/internal/users/{somebody.id}/lock", {}, caller="admin")

    for user_id in (somebody.id, ids.new()):
        assert internal("POST", f"/accounts/internal/{path}", outside(user_id), caller=caller)[0] == 401


def end_at_provider(internal: Invoke, user_id: str, session_id: str, *, caller: str = "oauth") -> int:
    asked = {"user_id": user_id, "session_id": session_id}
    status, _ = internal("POST", "/accounts/internal/provider-session/end", asked, caller=caller)
    return int(status)


def test_a_session_whose_provider_has_ended_its_own_is_over(
    internal: Invoke, http: Any, person: Any, told: Any
) -> None:
    somebody = person()
    _, opened = internal("POST", "/accounts/internal/tokens", outside(somebody.id), caller="oauth")
    mine = {"authorization": f"Bearer {opened['access_token']}"}
    assert http.get("/accounts/me", headers=mine).status_code == 200

    ended = end_at_provider(internal, somebody.id, opened["session_id"])

    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": opened["refresh_token"]})
    assert (ended, refreshed.status_code) == (204, 401)
    assert {"accounts.session.revoked.v1", "accounts.session-ended"} <= set(told())
    # Another session of the same person goes on.
    other = http.post("/accounts/token/refresh", json={"refresh_token": somebody.refresh_token})
    assert other.status_code == 200


def test_the_access_token_of_a_session_that_its_provider_ended_is_refused(
    internal: Invoke, http: Any, person: Any, frozen: Any
) -> None:
    somebody = person()
    _, opened = internal("POST", "/accounts/internal/tokens", outside(somebody.id), caller="oauth")

    end_at_provider(internal, somebody.id, opened["session_id"])
    frozen.advance(seconds=15)

    answer = http.get("/accounts/me", headers={"authorization": f"Bearer {opened['access_token']}"})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/session-revoked")


def test_a_session_that_is_over_or_anothers_is_ended_for_its_provider_without_complaint(
    internal: Invoke, http: Any, person: Any, told: Any
) -> None:
    ann, bob = person("ann@example.com"), person("bob@example.com")
    _, opened = internal("POST", "/accounts/internal/tokens", outside(ann.id), caller="oauth")
    before = told()

    for user_id, session_id in ((bob.id, opened["session_id"]), (ann.id, ids.new())):
        assert end_at_provider(internal, user_id, session_id) == 204

    assert told() == before
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": opened["refresh_token"]})
    assert refreshed.status_code == 200


@pytest.mark.parametrize("caller", ["sessions", "admin", "tasks"])
def test_only_oauth_ends_sessions_for_a_provider(internal: Invoke, person: Any, caller: str) -> None:
    assert end_at_provider(internal, person().id, ids.new(), caller=caller) == 403


def test_a_password_is_proved_again_in_a_session_that_goes_on(internal: Invoke, person: Any) -> None:
    somebody = person()
    path = "/accounts/internal/reauthenticate"

    status, found = internal("POST", path, {"user_id": somebody.id, "password": somebody.password}, caller="sessions")
    refused, _ = internal("POST", path, {"user_id": somebody.id, "password": "something else"}, caller="sessions")
    nothing, _ = internal("POST", path, {"user_id": somebody.id}, caller="sessions")

    assert (status, found["proof"]["user_id"]) == (200, somebody.id)
    assert (refused, nothing) == (401, 401)


def test_staff_take_factors_away_for_who_has_lost_them(internal: Invoke, http: Any, person: Any, table: Any) -> None:
    somebody = person()
    with_factor(table, somebody.id)

    status, user = internal("POST", f"/accounts/internal/users/{somebody.id}/reset-mfa", {}, caller="admin")
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": somebody.refresh_token})

    assert (status, user["factors"]) == (200, [])
    assert refreshed.status_code == 401
    assert "access_token" in http.post("/accounts/login", json=given(somebody)).json()


def test_staff_set_an_address_unless_somebody_has_it(internal: Invoke, person: Any) -> None:
    ann, bob = person("ann@example.com"), person("bob@example.com")
    path = f"/accounts/internal/users/{ann.id}/email"

    taken, problem = internal("POST", path, {"email": bob.email}, caller="admin")
    status, user = internal("POST", path, {"email": "anne@example.com"}, caller="admin")

    assert (taken, problem["type"]) == (409, "/problems/email-taken")
    assert (status, user["email"]) == (200, "anne@example.com")


def test_staff_delete_an_account_and_a_sign_in_does_not_keep_it(internal: Invoke, http: Any, person: Any) -> None:
    somebody = person()
    path = f"/accounts/internal/users/{somebody.id}/delete"

    status, user = internal("POST", path, {}, caller="admin")
    again, _ = internal("POST", path, {}, caller="admin")

    assert (status, user["status"], again) == (200, "deleting", 409)
    assert user["deleted_at"] is not None
    assert http.post("/accounts/login", json=given(somebody)).status_code == 401


def test_a_new_user_may_bring_a_hash_from_elsewhere(internal: Invoke, http: Any) -> None:
    import bcrypt

    brought = bcrypt.hashpw(b"a quiet morning at sea", bcrypt.gensalt(4)).decode()
    body = {"email": "new@example.com", "password_hash": brought}

    status, _ = internal("POST", "/accounts/internal/users", body, caller="admin")
    signed_in = http.post("/accounts/login", json={"email": "new@example.com", "password": "a quiet morning at sea"})

    assert (status, signed_in.status_code) == (201, 200)
