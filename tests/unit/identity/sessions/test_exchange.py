"""A sign-in at a provider becomes a session, by a code that is good once."""

import hashlib
import json

import pytest

from functions.identity.sessions.app import handler
from tessera import clock, ids
from tessera.auth import jws
from tests.kit.apps import invocation
from tests.kit.capacity import CapacityMeter
from tests.kit.races import together
from tests.kit.stores import everything_in

from .conftest import CODE

VERIFIER = "a-verifier-as-long-as-rfc-7636-wants-it-to-be"
CHALLENGE = jws.encode(hashlib.sha256(VERIFIER.encode()).digest())


@pytest.fixture
def code_for(accounts, served):
    """A code as the capability `oauth` asks for it."""

    def make(user, **more):
        asked = {
            "user_id": user.id,
            "session_id": ids.new(),
            "amr": ["fed"],
            "aal": 1,
            "auth_time": clock.millis() // 1000,
            "verifier_challenge": CHALLENGE,
            **more,
        }
        answer = handler(invocation("/sessions/internal/exchange-code", asked, caller="oauth"), None)
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])["code"]

    return make


def redeem(browser, code, verifier=VERIFIER, **more):
    return browser.post("/sessions/exchange", json={"code": code, "exchange_verifier": verifier, **more})


def test_a_code_opens_a_session_in_the_browser_that_asked_for_it(browser, code_for, ann, accounts, served):
    mine, code = browser(), code_for(ann)

    with CapacityMeter() as meter:
        answer = redeem(mine, code, remember=True)

    assert (answer.status_code, answer.json()["user"]["id"], answer.json()["amr"]) == (200, ann.id, ["fed"])
    assert mine.get("/sessions/current").status_code == 200
    assert accounts.asked() == ["authenticate/outside", "mint"]
    assert meter.of(served.table.name).operations == ["DeleteItem", "TransactWriteItems"]


@pytest.mark.asvs("10.4.2")
def test_a_code_is_good_once(browser, code_for, ann):
    code = code_for(ann)

    first, second = redeem(browser(), code), redeem(browser(), code)

    assert (first.status_code, second.status_code) == (200, 400)
    assert second.json()["type"] == "/problems/exchange-invalid"


def test_of_many_uses_at_once_one_opens_a_session(browser, code_for, ann, ports):
    code = code_for(ann)
    browsers = [browser() for _ in range(6)]

    results = together(*(lambda mine=mine: redeem(mine, code) for mine in browsers))

    assert sorted(result.value.status_code for result in results) == [200] + [400] * 5
    assert len(ports.sessions.listed(ann.id)) == 1


@pytest.mark.asvs("7.6.2", "10.4.6")
def test_a_wrong_verifier_uses_the_code_up(browser, code_for, ann):
    code = code_for(ann)

    assert redeem(browser(), code, "b" * 43).status_code == 400
    assert redeem(browser(), code).status_code == 400


@pytest.mark.asvs("10.4.3")
def test_a_code_is_good_for_a_minute_by_the_clock_and_not_by_its_deletion(browser, code_for, ann, served, frozen):
    late, early = code_for(ann), code_for(ann)
    frozen.advance(seconds=59.9)
    assert redeem(browser(), early).status_code == 200

    frozen.advance(seconds=0.1)

    assert [item for item in everything_in(served.table) if item["pk"]["S"].startswith("X#")]
    assert redeem(browser(), late).status_code == 400


@pytest.mark.parametrize("code", ["x", "A" * 43, "A" * 200, "../" * 10], ids=["short", "made up", "long", "path"])
def test_a_made_up_code_has_the_same_answer(browser, accounts, served, code):
    assert redeem(browser(), code).json()["type"] == "/problems/exchange-invalid"
    assert accounts.calls == []


def test_the_code_itself_is_not_kept(code_for, ann, served):
    code = code_for(ann)

    assert code not in json.dumps(everything_in(served.table))


@pytest.mark.asvs("6.3.4")
def test_a_second_factor_is_asked_for_after_a_provider_too(browser, code_for, accounts):
    user = accounts.add("eve@example.com", has_factor=True)
    mine = browser()

    answer = redeem(mine, code_for(user))

    assert (answer.status_code, answer.json()["status"], mine.jar) == (200, "mfa_required", {})
    rest = {"mfa_token": answer.json()["mfa_token"], "method": "totp", "code": CODE}
    assert mine.post("/sessions/login/mfa", json=rest).json()["aal"] == 2
    assert redeem(browser(), code_for(user, aal=2)).json()["aal"] == 2


def end_outside(user, session_id):
    asked = {"user_id": user.id, "session_id": session_id}
    answer = handler(invocation("/sessions/internal/provider-session/end", asked, caller="oauth"), None)
    assert answer["statusCode"] == 204, answer


def test_the_session_has_the_name_that_was_given_it(browser, code_for, accounts):
    ann, eve = accounts.add("mia@example.com"), accounts.add("eve@example.com", has_factor=True)
    first, second = ids.new(), ids.new()

    plain = redeem(browser(), code_for(ann, session_id=first)).json()
    asked = redeem(browser(), code_for(eve, session_id=second)).json()
    rest = {"mfa_token": asked["mfa_token"], "method": "totp", "code": CODE}
    with_factor = browser().post("/sessions/login/mfa", json=rest).json()

    assert (plain["session_id"], with_factor["session_id"]) == (first, second)


@pytest.mark.asvs("7.6.1")
@pytest.mark.parametrize("has_factor", [False, True], ids=["code", "second factor"])
def test_what_the_provider_has_ended_does_not_begin(browser, code_for, accounts, ports, has_factor):
    user, mine, named = accounts.add("eve@example.com", has_factor=has_factor), browser(), ids.new()
    code = code_for(user, session_id=named)
    if has_factor:
        asked = redeem(mine, code).json()
        end_outside(user, named)
        rest = {"mfa_token": asked["mfa_token"], "method": "totp", "code": CODE}
        refused = mine.post("/sessions/login/mfa", json=rest)
    else:
        end_outside(user, named)
        refused = redeem(mine, code)

    assert (refused.status_code, refused.json()["type"], mine.jar) == (401, "/problems/login-failed", {})
    assert ports.sessions.listed(user.id) == []
    # Only that one: they come in again.
    assert redeem(mine, code_for(user, aal=2)).status_code == 200


@pytest.mark.asvs("7.6.1")
def test_a_session_that_goes_on_ends_with_the_one_of_its_provider_and_no_other(browser, code_for, ann, told):
    mine, other, named = browser(), browser(), ids.new()
    redeem(mine, code_for(ann, session_id=named))
    redeem(other, code_for(ann))

    end_outside(ann, named)
    end_outside(ann, named)

    assert [one.get("/sessions/current").status_code for one in (mine, other)] == [401, 200]
    assert [one["reason"] for one in told.of("sessions.session.ended.v1")] == ["signed out at the provider"]


def test_what_never_began_is_forgotten_with_its_user(code_for, ann, served):
    end_outside(ann, ids.new())

    handler(invocation("/sessions/internal/erase", {"owner_id": ann.id}, caller="accounts"), None)

    assert [item for item in everything_in(served.table) if item["pk"]["S"] == f"U#{ann.id}"] == []


@pytest.mark.parametrize("verifier", ["short", "a" * 129, "a" * 42 + "ä", "a" * 42 + " "], ids=["short", *"abc"])
def test_a_verifier_that_is_none_is_pointed_at_and_uses_nothing_up(browser, code_for, ann, verifier):
    code = code_for(ann)

    answer = redeem(browser(), code, verifier)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/exchange_verifier")
    assert redeem(browser(), code).status_code == 200
