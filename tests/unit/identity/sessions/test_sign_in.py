"""Signing in with cookies: who gets a session, and what their browser is given."""

import base64
import json

import pytest

from functions.identity.sessions.app import handler
from tessera import aws, clock
from tessera.auth.cookies import ACCESS_COOKIE, CSRF_COOKIE, DEVICE_COOKIE, SESSION_COOKIE
from tests.kit.capacity import CapacityMeter
from tests.kit.cookies import set_cookies
from tests.kit.stores import everything_in

from .conftest import CODE, DEVICE_TOKEN, ORIGIN, PASSWORD, claims_of, refused


def credentials(user, **more):
    return {"email": user.email, "password": user.password, **more}


def test_a_password_opens_a_session_and_its_user_is_shown(browser, ann, frozen):
    mine = browser()

    answer = mine.post("/sessions/login", json=credentials(ann))

    assert answer.status_code == 200
    found = answer.json()
    assert found["user"] == {
        "id": ann.id,
        "email": ann.email,
        "name": "Ann",
        "roles": ["user"],
        "handle": None,
        "locale": None,
        "avatar_file_id": None,
    }
    assert found["csrf_token"] == mine.jar[CSRF_COOKIE]
    assert clock.parse(found["expires_at"]) - clock.now() == 30 * 60 * (clock.from_millis(1000) - clock.EPOCH)
    claims = claims_of(mine.jar[ACCESS_COOKIE])
    assert (claims["sub"], claims["sid"], claims["amr"]) == (ann.id, found["session_id"], ["pwd"])
    assert mine.get("/sessions/current").json()["user"] == found["user"]


@pytest.mark.asvs("10.1.1")
def test_cookie_attributes_exact(browser, ann):
    first = browser().client.post(
        "/sessions/login", json=credentials(ann), headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    )

    sent = {text.partition("=")[0]: text.partition("; ")[2] for text in first.headers.get_list("set-cookie")}

    assert sent == {
        SESSION_COOKIE: "Path=/; Secure; HttpOnly; SameSite=Lax",
        CSRF_COOKIE: "Path=/; Secure; SameSite=Strict",
        ACCESS_COOKIE: "Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax",
        DEVICE_COOKIE: "Max-Age=15552000; Path=/; Secure; HttpOnly; SameSite=Lax",
    }


def test_a_remembered_session_outlives_the_browser(browser, ann):
    answer = browser().post("/sessions/login", json=credentials(ann, remember=True))

    lives = {name: cookie.attributes.get("max-age") for name, cookie in set_cookies(answer).items()}

    assert lives == {
        SESSION_COOKIE: str(60 * 86_400),
        CSRF_COOKIE: str(60 * 86_400),
        ACCESS_COOKIE: "600",
        DEVICE_COOKIE: str(180 * 86_400),
    }


@pytest.mark.asvs("7.2.2", "7.2.4")
def test_fixation(browser, ann, frozen):
    planted = "A" * 43
    victim = browser()
    victim.jar[SESSION_COOKIE] = planted

    victim.post("/sessions/login", json=credentials(ann))

    assert victim.jar[SESSION_COOKIE] != planted
    attacker = browser()
    attacker.jar[SESSION_COOKIE] = planted
    assert attacker.get("/sessions/current").status_code == 401


@pytest.mark.asvs("7.2.4")
def test_signing_in_again_ends_the_session_that_came_with_it(signed_in, browser, ann, told, served):
    mine = signed_in(ann)
    old, old_id = dict(mine.jar), claims_of(mine.jar[ACCESS_COOKIE])["sid"]

    again = mine.post("/sessions/login", json=credentials(ann))

    assert again.status_code == 200 and mine.jar[SESSION_COOKIE] != old[SESSION_COOKIE]
    assert len(mine.get("/sessions").json()["items"]) == 1
    other = browser()
    other.jar.update(old)
    # The old access cookie is refused everywhere: its session is in the revocation feed.
    other.jar.pop(SESSION_COOKIE)
    assert other.get("/sessions").json()["type"] == "/problems/session-revoked"
    assert [ended["session_id"] for ended in told.of("sessions.session.ended.v1")] == [old_id]


def test_signing_in_as_somebody_else_ends_the_first_ones_session(signed_in, accounts, browser, ann, ports):
    bob = accounts.add("bob@example.com")
    mine = signed_in(ann)
    kept_by_ann = signed_in(ann)

    answer = mine.post("/sessions/login", json=credentials(bob))

    assert answer.json()["user"]["id"] == bob.id
    assert [session.id for session in ports.sessions.listed(ann.id)] == [
        claims_of(kept_by_ann.jar[ACCESS_COOKIE])["sid"]
    ]
    assert len(ports.sessions.listed(bob.id)) == 1


@pytest.mark.asvs("6.3.4")
def test_a_second_factor_is_asked_for_and_no_cookie_comes_before_it(browser, accounts):
    user = accounts.add("eve@example.com", has_factor=True)
    mine = browser()

    first = mine.post("/sessions/login", json=credentials(user))

    assert first.json() == {"status": "mfa_required", "mfa_token": f"tmf_{user.id}", "methods": ["totp"]}
    assert mine.jar == {}
    second = {"mfa_token": first.json()["mfa_token"], "method": "totp"}
    wrong = mine.post("/sessions/login/mfa", json={**second, "code": "000000"})
    assert (wrong.status_code, wrong.json()["type"]) == (401, "/problems/mfa-failed")
    right = mine.post("/sessions/login/mfa", json={**second, "code": CODE, "remember": True})
    assert (right.status_code, right.json()["aal"]) == (200, 2)
    assert claims_of(mine.jar[ACCESS_COOKIE])["aal"] == 2


def test_a_passkey_signs_in_by_itself(browser, ann, accounts):
    body = {"challenge_id": ann.id, "credential": {"user": ann.id}}

    answer = browser().post("/sessions/login/passkey", json=body)
    unknown = browser().post("/sessions/login/passkey", json={**body, "credential": {"user": "nobody"}})

    assert (answer.status_code, answer.json()["amr"]) == (200, ["hwk", "user"])
    assert (unknown.status_code, unknown.json()["type"]) == (401, "/problems/passkey-unknown")
    assert accounts.asked() == ["authenticate/passkey", "mint", "authenticate/passkey"]


@pytest.mark.parametrize(
    ("email", "password"), [("ann@example.com", "wrong"), ("nobody@example.com", PASSWORD)], ids=["password", "address"]
)
def test_every_failure_has_one_answer_and_leaves_nothing(browser, ann, served, email, password):
    mine = browser()

    answer = mine.post("/sessions/login", json={"email": email, "password": password})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/login-failed")
    assert answer.headers["www-authenticate"] == 'Bearer realm="tessera"'
    assert mine.jar == {}
    assert everything_in(served.table) == []


def test_an_account_locked_between_proof_and_token_gets_no_session(browser, ann, accounts, served):
    accounts.at_mint = lambda: setattr(ann, "status", "locked")

    answer = browser().post("/sessions/login", json=credentials(ann))

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/login-failed")
    assert everything_in(served.table) == []


def test_a_password_replaced_between_proof_and_token_opens_nothing(browser, ann, accounts, served):
    accounts.at_mint = lambda: setattr(ann, "epoch", 2)

    answer = browser().post("/sessions/login", json=credentials(ann))

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/login-failed")
    assert everything_in(served.table) == []


@pytest.mark.parametrize(
    ("given", "status", "slug", "retry_after"),
    [
        (refused(429, "attempts-exhausted", retry_after="77"), 429, "attempts-exhausted", "77"),
        (refused(429, "rate-limited", retry_after="3"), 429, "rate-limited", "3"),
        (refused(503, "signing-unavailable"), 503, "signing-unavailable", "1"),
        (refused(500, "unexpected"), 503, "unavailable", "1"),
        ((502, {}, {}), 503, "unavailable", "1"),
        (refused(422, "invalid-request"), 422, "invalid-request", None),
    ],
    ids=["attempts", "limited", "no signature", "defect", "no document", "invalid"],
)
def test_what_accounts_refuses_is_passed_on(browser, ann, accounts, given, status, slug, retry_after):
    accounts.answer = given
    mine = browser()

    answer = mine.post("/sessions/login", json=credentials(ann))

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert answer.headers.get("retry-after") == retry_after
    assert mine.jar == {}


def test_accounts_counts_the_browser_and_its_device_and_not_the_function(browser, ann, accounts):
    mine = browser()
    mine.post("/sessions/login", json=credentials(ann), headers={"user-agent": "Netscape"})
    mine.post("/sessions/login", json=credentials(ann))

    first, second = (envelope["client"] for path, _, envelope in accounts.calls if path == "authenticate")

    assert first["user_agent"] == "Netscape" and "device" not in first
    assert first["address"]
    assert second["device"] == DEVICE_TOKEN


def test_a_sign_in_is_two_internal_calls_and_one_transaction_of_three_items(browser, ann, accounts, served):
    written = []

    def note(service, operation, params):
        if operation == "TransactWriteItems":
            written.append(len(params["TransactItems"]))

    with CapacityMeter() as meter, aws.intercepted(note):
        browser().post("/sessions/login", json=credentials(ann))

    assert accounts.asked() == ["authenticate", "mint"]
    assert meter.of(served.table.name).operations == ["TransactWriteItems"]
    assert written == [3]


@pytest.mark.asvs("16.3.1")
def test_a_sign_in_is_told_and_audited_without_a_secret(signed_in, ann, told, served):
    mine = signed_in(ann)
    session_id = claims_of(mine.jar[ACCESS_COOKIE])["sid"]

    assert told.of("sessions.session.created.v1") == [
        {"user_id": ann.id, "session_id": session_id, "client_id": "web", "aal": 1}
    ]
    (entry,) = told.of("audit.entry.recorded.v1")
    assert (entry["action"], entry["target"]) == ("sessions.login", {"type": "session", "id": session_id})
    kept = json.dumps(everything_in(served.table))
    assert mine.jar[SESSION_COOKIE] not in kept and mine.jar[ACCESS_COOKIE] not in kept


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "a"}, "/email"),
        ({"password": ""}, "/password"),
        ({"remember": "yes"}, "/remember"),
        ({"client_id": "unknown"}, "/client_id"),
        ({"device_name": "a\u0000b"}, "/device_name"),
        ({"sid": "A" * 43}, "/sid"),
    ],
    ids=["address", "password", "remember", "client", "device", "unknown field"],
)
def test_a_wrong_body_says_where(browser, ann, body, pointer):
    answer = browser().post("/sessions/login", json=credentials(ann) | body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def event_v2(cookies=()):
    path = "/sessions/login"
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "cookies": list(cookies),
        "headers": {"content-type": "application/json", "sec-fetch-site": "same-origin", "host": "app.test"},
        "requestContext": {
            "apiId": "a1",
            "http": {"method": "POST", "path": path, "sourceIp": "127.0.0.9", "protocol": "HTTP/1.1"},
        },
        "isBase64Encoded": False,
    }


def event_v1(cookies=()):
    headers = {"content-type": ["application/json"], "sec-fetch-site": ["same-origin"], "host": ["app.test"]}
    return {
        "resource": "/{proxy+}",
        "path": "/sessions/login",
        "httpMethod": "POST",
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": {**headers, **({"cookie": ["; ".join(cookies)]} if cookies else {})},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"apiId": "a1", "stage": "prod", "identity": {"sourceIp": "127.0.0.9"}},
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("shape", ["v1", "v2"])
def test_multi_set_cookie_v1_v2(ann, served, shape):
    body = base64.b64encode(json.dumps(credentials(ann)).encode()).decode()
    event = {**(event_v1() if shape == "v1" else event_v2()), "body": body, "isBase64Encoded": True}

    answer = handler(event, None)

    assert answer["statusCode"] == 200, answer
    sent = answer["multiValueHeaders"]["set-cookie"] if shape == "v1" else answer["cookies"]
    assert [text.partition("=")[0] for text in sent] == [SESSION_COOKIE, CSRF_COOKIE, ACCESS_COOKIE, DEVICE_COOKIE]
    assert "set-cookie" not in answer["headers"]


@pytest.mark.parametrize("shape", ["v1", "v2"])
def test_a_cookie_sent_twice_is_found_in_either_shape_of_event(ann, served, shape):
    twice = [f"{SESSION_COOKIE}=a", f"{SESSION_COOKIE}=b"]
    event = event_v1(twice) if shape == "v1" else event_v2(twice)

    answer = handler({**event, "body": json.dumps(credentials(ann))}, None)

    assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (400, "/problems/credentials-ambiguous")
