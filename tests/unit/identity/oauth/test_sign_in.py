"""Signing in with an OpenID provider, from the button to the tokens."""

import json

import httpx
import pytest

from functions.identity.oauth.ports import s256
from tessera.outbox import Envelope
from tests.kit.stand_ins import Fault
from tests.kit.stores import events_in, everything_in
from tests.unit.identity.oauth.conftest import BASE, RETURN_TO, VERIFIER, Browser, World, fragment, query


def test_a_newcomer_gets_an_account_and_tokens(world: World, browser: Browser) -> None:
    gained = browser.gain()

    user_id = world.neighbours.by_email("ada@idp.example")
    assert user_id and gained["status"] == "ok"
    assert gained["access_token"] == f"access-of-{user_id}"
    assert gained["user"]["email"] == "ada@idp.example"
    (identity,) = world.identity_of(user_id)
    assert (identity.provider, identity.label) == ("idp", "a…@idp.example")
    assert "oauth.identity.linked.v1" in events_in(world.table)


def test_somebody_who_was_here_before_comes_to_the_same_account(world: World, browser: Browser) -> None:
    first = browser.gain()

    second = world.browser().gain()

    assert second["access_token"] == first["access_token"]
    assert len(world.neighbours.users) == 1
    assert "oauth.login.succeeded.v1" in events_in(world.table)


@pytest.mark.asvs("10.5.2")
def test_a_changed_address_at_the_provider_changes_nothing_here(world: World, browser: Browser) -> None:
    browser.gain()
    world.idp.faults["claims"] = {"email": "new@idp.example", "email_verified": True}

    again = browser.gain()

    assert again["user"]["email"] == "ada@idp.example"
    assert len(world.neighbours.users) == 1


def test_an_address_that_nothing_can_hold_is_none(world: World, browser: Browser) -> None:
    world.idp.faults["claims"] = {"email": "\ud800@idp.example", "email_verified": True}

    assert browser.gain()["status"] == "email_required"


@pytest.mark.asvs("10.1.2")
def test_what_is_asked_of_the_provider_is_bound_to_this_sign_in(world: World, browser: Browser) -> None:
    first, second = query(browser.begin()), query(browser.begin())

    assert first["response_type"] == "code" and first["redirect_uri"] == f"{BASE}/oauth/idp/callback"
    assert first["code_challenge_method"] == "S256" and first["scope"] == "openid email profile"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43 and first[name] != second[name]


def test_a_second_tab_does_not_undo_the_first(world: World, browser: Browser) -> None:
    first, second = browser.begin(), browser.begin()

    assert "code" in fragment(browser.come_back(browser.choose(first)))
    assert "code" in fragment(browser.come_back(browser.choose(second)))


def test_the_cookie_is_kept_from_scripts_and_other_hosts(browser: Browser) -> None:
    header = browser.start().headers["set-cookie"]

    assert header.startswith("__Host-tessera_otx=")
    assert header.partition("; ")[2] == "Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"


def test_a_planted_cookie_is_not_taken_over(world: World, browser: Browser) -> None:
    planted = "l." + "A" * 43 + "." + "A" * 44
    answer = browser.start(headers={"cookie": f"__Host-tessera_otx={planted}"})

    assert "A" * 43 not in answer.headers["set-cookie"]


@pytest.mark.asvs("10.2.1")
def test_pkce_enforced_by_stub(world: World, browser: Browser) -> None:
    callback = browser.choose(browser.begin())
    (row,) = [item for item in everything_in(world.table) if item["pk"]["S"].startswith("TX#")]
    endpoint = world.idp.base + "/token"
    form = {
        "grant_type": "authorization_code",
        "code": query(callback)["code"],
        "redirect_uri": f"{BASE}/oauth/idp/callback",
    }

    for verifier in ({}, {"code_verifier": "x" * 43}):
        answer = httpx.post(endpoint, data={**form, **verifier}, auth=("tessera", "s3cret%2Fwith%2Bsigns"))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    assert "code" in fragment(browser.come_back(callback))
    sent = [asked.form for asked in world.idp.journal if asked.path == "/token"][-1]
    assert sent["code_verifier"] == row["verifier"]["S"]


def test_a_provider_that_does_not_know_pkce_is_refused_where_it_is_required(world: World) -> None:
    world.idp.faults["metadata"] = {"code_challenge_methods_supported": ["plain"]}

    assert world.browser().start().json()["type"] == "/problems/provider-error"
    world.change(pkce="best_effort", version=2)
    assert world.browser().start().status_code == 200


@pytest.mark.asvs("7.6.2", "10.1.2", "10.2.1")
def test_state_bound_to_browser(world: World, browser: Browser) -> None:
    callback = browser.choose(browser.begin())
    other, stranger = world.browser(), world.browser()
    other.begin()

    for somebody in (other, stranger):
        refused = somebody.come_back(callback)
        assert (refused.status_code, refused.json()["type"]) == (400, "/problems/state-invalid")

    # What another browser tried has used nothing up.
    assert "code" in fragment(browser.come_back(callback))


@pytest.mark.parametrize("state", ["", "x", "A" * 43])
def test_a_state_that_nobody_made_is_refused(browser: Browser, state: str) -> None:
    browser.begin()

    answer = browser.come_back(f"/oauth/idp/callback?code=x&state={state}")

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/state-invalid")


def test_a_state_is_good_once_and_for_ten_minutes(world: World, browser: Browser) -> None:
    used, late = browser.choose(browser.begin()), browser.choose(browser.begin())

    assert browser.come_back(used).status_code == 303
    assert browser.come_back(used).status_code == 400
    world.clock.advance(minutes=11)
    assert browser.come_back(late).status_code == 400


@pytest.mark.parametrize("twice", ["state", "code", "iss", "error"])
def test_an_answer_with_a_field_twice_is_refused(browser: Browser, twice: str) -> None:
    callback = browser.choose(browser.begin())

    assert browser.come_back(f"{callback}&{twice}=x&{twice}=y").status_code == 400


@pytest.mark.asvs("10.2.2")
def test_mixup(world: World, browser: Browser) -> None:
    """An answer of one provider at the address of another, and one that names another issuer."""
    world.provide(world.change(id="other"))
    browser = world.browser()
    callback = browser.choose(browser.begin())

    elsewhere = browser.come_back(callback.replace("/oauth/idp/", "/oauth/other/"))

    assert elsewhere.json()["type"] == "/problems/state-invalid"
    asked = [one.path for one in world.idp.journal]
    assert "/token" not in asked
    for issuer in ("https://attacker.example", "absent"):
        world.idp.faults["iss"] = issuer
        assert browser.sign_in()["error"] == "provider-error"
    assert "/token" not in [one.path for one in world.idp.journal]


def test_a_provider_that_names_no_issuer_need_not(world: World) -> None:
    world.idp.advertises_iss = False

    assert "code" in world.browser().sign_in()


@pytest.mark.asvs("10.1.2", "10.5.1")
def test_nonce_replay(world: World, browser: Browser) -> None:
    """A code, with the id token of the sign-in it was made for, put into another sign-in."""
    stolen = query(browser.choose(browser.begin()))["code"]
    mine = query(browser.choose(browser.begin()))

    answer = browser.come_back(f"/oauth/idp/callback?code={stolen}&state={mine['state']}&iss={world.idp.issuer}")

    # The provider refuses it by PKCE; with a provider that did not, the nonce would be another one.
    assert fragment(answer)["error"] == "provider-error"
    world.idp.faults["claims"] = {"nonce": query(browser.begin())["nonce"]}
    assert browser.sign_in()["error"] == "id-token-invalid"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"token": "500"}, "provider-error"),
        ({"token": "html"}, "provider-error"),
        ({"token": "huge"}, "provider-error"),
        ({"token": "metadata"}, "provider-error"),
        ({"token": "elsewhere"}, "provider-error"),
        ({"token": "refuse"}, "provider-error"),
        ({"token": "pending"}, "provider-error"),
        ({"thin": True, "userinfo": "500"}, "provider-error"),
        ({"thin": True, "userinfo": "html"}, "provider-error"),
        ({"thin": True, "userinfo": "huge"}, "provider-error"),
        ({"thin": True, "userinfo": "metadata"}, "provider-error"),
        ({"thin": True, "userinfo_claims": {"sub": "grace"}}, "id-token-invalid"),
    ],
    ids=str,
)
def test_a_provider_out_of_order_leaves_nothing_behind(world: World, browser: Browser, fault: dict, told: str) -> None:
    world.idp.faults.update(fault)

    assert browser.sign_in()["error"] == told

    kinds = {item["pk"]["S"].partition("#")[0] for item in everything_in(world.table)}
    assert kinds <= {"P", "OUT"}
    assert world.neighbours.users == {}
    assert "oauth.login.failed.v1" in events_in(world.table)


def test_a_provider_that_hangs_is_given_up(world: World) -> None:
    world.patience = 0.3
    browser = world.browser()
    callback = browser.choose(browser.begin())
    world.served.next(Fault.silence())

    assert fragment(browser.come_back(callback))["error"] == "provider-timeout"
    assert world.neighbours.users == {}


@pytest.mark.parametrize("person", ["", "nobody"])
def test_who_refuses_there_is_told_so_here_and_the_state_is_used_up(browser: Browser, person: str) -> None:
    callback = browser.choose(browser.begin(), person)

    assert fragment(browser.come_back(callback)) == {"error": "provider-denied"}
    assert browser.come_back(callback).status_code == 400


def test_an_error_of_the_providers_own_is_not_repeated(browser: Browser) -> None:
    state = query(browser.begin())["state"]

    told = browser.come_back(f"/oauth/idp/callback?state={state}&error=<script>&error_description=x")

    assert "script" not in told.headers["location"]


@pytest.mark.asvs("10.4.3", "10.4.6")
def test_a_code_is_good_once_for_a_minute_and_with_its_verifier(world: World, browser: Browser) -> None:
    code = browser.sign_in()["code"]

    for wrong in ("w" * 43, VERIFIER[:-1] + "x"):
        assert browser.exchange(code, wrong).json()["type"] == "/problems/exchange-invalid"
    # A thief with the code alone has not used it up.
    assert browser.exchange(code).status_code == 200
    assert browser.exchange(code).status_code == 400
    late = browser.sign_in()["code"]
    world.clock.advance(seconds=61)
    assert browser.exchange(late).status_code == 400


@pytest.mark.asvs("10.1.1")
def test_the_tokens_are_never_in_an_address(browser: Browser) -> None:
    answer = browser.come_back(browser.choose(browser.begin()))

    assert set(fragment(answer)) == {"code"}
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
    assert len(fragment(answer)["code"]) == 43


def test_a_cookie_delivery_ends_with_a_code_of_sessions(world: World, browser: Browser) -> None:
    ended = browser.sign_in(delivery="cookie")

    user_id = world.neighbours.by_email("ada@idp.example")
    assert ended == {"code": f"session-code-of-{user_id}"}
    (asked,) = world.neighbours.asked("exchange-code")
    assert (asked["user_id"], asked["verifier_challenge"], asked["aal"]) == (user_id, s256(VERIFIER), 1)


@pytest.mark.asvs("6.3.4")
def test_a_second_factor_of_ours_still_counts(world: World, browser: Browser) -> None:
    browser.gain()
    world.neighbours.users[world.neighbours.by_email("ada@idp.example") or ""]["factors"] = ["totp"]

    ended = browser.sign_in()

    assert ended["status"] == "mfa_required"
    gained = browser.exchange(ended["code"]).json()
    assert gained == {"status": "mfa_required", "mfa_token": "mfa-token", "methods": ["totp"]}


@pytest.mark.parametrize(("mapped", "status"), [(("mfa",), None), ((), "mfa_required")])
@pytest.mark.asvs("6.8.4")
def test_a_second_factor_of_the_providers_counts_only_where_it_is_configured(
    world: World, mapped: tuple[str, ...], status: str | None
) -> None:
    world.change(mfa_amr=mapped)
    browser = world.browser()
    browser.gain(person="grace")
    world.neighbours.users[world.neighbours.by_email("grace@idp.example") or ""]["factors"] = ["totp"]

    ended = browser.sign_in(person="grace")

    assert ended.get("status") == status
    assert browser.exchange(ended["code"]).json()["status"] == (status or "ok")
    assert world.neighbours.asked("/tokens")[-1]["aal"] == (1 if status else 2)


def test_from_staff_we_want_a_second_factor_of_ours(world: World) -> None:
    """A provider says what whoever set it up has it say."""
    world.change(mfa_amr=("mfa",))
    browser = world.browser()
    browser.gain(person="grace")
    boss = world.neighbours.users[world.neighbours.by_email("grace@idp.example") or ""]
    boss |= {"factors": ["totp"], "roles": ["user", "owner"]}

    assert browser.sign_in(person="grace")["status"] == "mfa_required"


@pytest.mark.asvs("6.8.4", "7.6.1")
def test_a_proof_is_as_old_as_the_provider_says(world: World, browser: Browser) -> None:
    browser.gain()
    long_ago = int(world.clock.now().timestamp()) - 7_200
    world.idp.faults["claims"] = {"auth_time": long_ago}

    browser.gain()

    assert world.neighbours.asked("/tokens")[-1]["auth_time"] == long_ago


def test_who_is_locked_is_not_let_in_by_a_provider(world: World, browser: Browser) -> None:
    browser.gain()
    user = world.neighbours.users[world.neighbours.by_email("ada@idp.example") or ""]

    user["status"] = "locked"
    assert browser.sign_in() == {"error": "login-failed"}
    user["status"] = "active"
    code = browser.sign_in()["code"]
    user["status"] = "locked"
    assert browser.exchange(code).json()["type"] == "/problems/login-failed"


def test_who_is_about_to_be_deleted_can_come_back(world: World, browser: Browser) -> None:
    browser.gain()
    world.neighbours.users[world.neighbours.by_email("ada@idp.example") or ""]["status"] = "deleting"

    assert browser.gain()["status"] == "ok"


@pytest.mark.asvs("16.3.1")
def test_a_sign_in_that_comes_to_nothing_is_on_record(world: World, browser: Browser) -> None:
    browser.gain()
    world.neighbours.users[world.neighbours.by_email("ada@idp.example") or ""]["status"] = "locked"

    assert browser.sign_in() == {"error": "login-failed"}

    made = [Envelope.parse(item["event"]["S"]) for item in everything_in(world.table) if "event" in item]
    (entry,) = [one.data for one in made if one.data.get("action") == "oauth.login-refused"]
    assert (entry["outcome"], entry["actor"]["kind"]) == ("denied", "anonymous")
    assert entry["target"] == {"type": "provider", "id": "idp"}
    assert entry["detail"] == {"problem": "login-failed", "mode": "login"}
    assert "ada" not in str(entry)


def test_an_outage_of_accounts_is_told_at_the_end(world: World, browser: Browser) -> None:
    world.neighbours.broken.add("/identities")

    assert browser.sign_in() == {"error": "unavailable"}
    world.neighbours.broken.clear()
    assert browser.gain()["status"] == "ok"


def test_providers_are_listed_without_what_they_are_made_of(world: World, browser: Browser) -> None:
    answer = browser.http.get("/oauth/providers")

    assert answer.json() == {"items": [{"id": "idp", "name": "Idp", "kind": "oidc", "icon": None}]}
    world.change(enabled=False)
    assert world.browser().http.get("/oauth/providers").json() == {"items": []}
    assert world.browser().start().json()["type"] == "/problems/provider-unknown"


@pytest.mark.parametrize("provider", ["nobody", "admin", "idp2"])
def test_an_unknown_provider_is_told_so(browser: Browser, provider: str) -> None:
    assert browser.start(provider).json()["type"] == "/problems/provider-unknown"


@pytest.mark.parametrize(
    "body",
    [
        {"exchange_challenge": "short"},
        {"exchange_challenge": "x" * 44},
        {"exchange_challenge": None},
        {"mode": "steal"},
        {"delivery": "url"},
        {"return_to": 5},
        {"more": True},
    ],
    ids=str,
)
def test_a_start_that_makes_no_sense_is_refused(browser: Browser, body: dict) -> None:
    assert browser.start(**body).status_code == 422


def test_malformed_json_without_credentials_is_told_by_its_form_only(browser: Browser) -> None:
    answer = browser.http.post("/oauth/link/confirm", content=b"{", headers={"content-type": "application/json"})

    assert answer.status_code == 401


@pytest.mark.asvs("16.2.5")
def test_no_secret_of_a_sign_in_gets_into_the_log(
    world: World, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    url = browser.begin()
    callback = browser.choose(url)
    gained = browser.exchange(fragment(browser.come_back(callback))["code"]).json()

    said = " ".join(repr(vars(record)) for record in caplog.records)
    rows = json.dumps(everything_in(world.table))
    secrets = [*query(callback).values(), query(url)["nonce"], gained["access_token"], "ada@idp.example"]
    assert "'kind': 'oauth:idp'" in said
    assert [secret for secret in secrets if secret in said] == []
    assert query(callback)["state"] not in rows and RETURN_TO not in said
