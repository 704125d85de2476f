"""What `accounts` and `admin` ask for, and what an account that changed does to its sessions."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.identity.sessions.app import handler
from tessera import clock, ids
from tessera.auth.cookies import ACCESS_COOKIE, CSRF_COOKIE, SESSION_COOKIE
from tessera.outbox import Envelope
from tests.kit.apps import invocation
from tests.kit.stores import everything_in

from .conftest import claims_of


def invoke(path, body, caller="accounts"):
    answer = handler(invocation(f"/sessions/internal/{path}", body, caller=caller), None)
    return answer["statusCode"], json.loads(answer["body"] or "null")


def session_id(browser):
    return claims_of(browser.jar[ACCESS_COOKIE])["sid"]


def is_in(browser):
    return browser.get("/sessions/current").status_code == 200


@pytest.fixture
def hear(served):
    """Deliver an event of `accounts` that happened at this moment, or earlier."""

    def deliver(noun_and_verb, *, ago=timedelta(), times=1, **data):
        envelope = Envelope(
            ids.new(), f"accounts.user.{noun_and_verb}.v1", clock.rfc3339(clock.now() - ago), "", {**data}
        )
        body = {
            "detail-type": envelope.type,
            "source": "tessera.accounts",
            "detail": json.loads(envelope.text()),
        }
        record = {"eventSource": "aws:sqs", "messageId": "m1", "body": json.dumps(body)}
        answers = [handler({"Records": [record]}, None) for _ in range(times)]
        assert answers == [{"batchItemFailures": []}] * times

    return deliver


@pytest.mark.parametrize("verb", ["locked", "deleted"])
@pytest.mark.asvs("7.4.2")
def test_an_account_that_is_closed_keeps_no_session(signed_in, accounts, ann, hear, frozen, ports, told, verb):
    mine, other = signed_in(ann), signed_in(accounts.add("bob@example.com"))
    signed_in(ann)
    frozen.advance(seconds=1)

    hear(verb, user_id=ann.id, times=2)

    assert ports.sessions.listed(ann.id) == []
    assert not is_in(mine) and is_in(other)
    assert mine.get("/sessions").json()["type"] == "/problems/session-revoked"
    assert [ended["reason"] for ended in told.of("sessions.session.ended.v1")] == [verb] * 2


def test_a_new_password_ends_every_session_but_the_one_it_was_changed_in(signed_in, ann, hear, frozen):
    mine, other = signed_in(ann), signed_in(ann)
    frozen.advance(seconds=1)

    hear("password_changed", user_id=ann.id, kept_session_id=session_id(mine))

    assert is_in(mine) and not is_in(other)


def test_the_session_a_password_was_changed_in_goes_on_under_another_cookie(signed_in, ann, hear, frozen):
    mine = signed_in(ann)
    old, old_id = mine.jar[SESSION_COOKIE], session_id(mine)
    ann.password, ann.epoch = "another evening in town", 2
    frozen.advance(seconds=1)
    hear("password_changed", user_id=ann.id, kept_session_id=old_id)

    assert mine.post("/sessions/renew").status_code == 204

    assert mine.jar[SESSION_COOKIE] != old
    assert (session_id(mine), claims_of(mine.jar[ACCESS_COOKIE])["ep"]) == (old_id, 2)


def test_a_session_is_given_another_cookie_and_the_old_one_is_worth_nothing(signed_in, ann):
    mine = signed_in(ann)
    copied, name = mine.jar[SESSION_COOKIE], session_id(mine)

    status, said = invoke("move", {"user_id": ann.id, "session_id": name})
    given = dict(cookie.partition(";")[0].split("=", 1) for cookie in said["set_cookies"])

    assert (status, set(given)) == (200, {SESSION_COOKIE, CSRF_COOKIE})
    assert mine.post("/sessions/renew").json()["type"] == "/problems/session-replaced"
    mine.jar.update(given)
    assert given[SESSION_COOKIE] != copied and mine.post("/sessions/renew").status_code == 204
    assert session_id(mine) == name
    assert all("; Secure" in cookie and "; Path=/" in cookie for cookie in said["set_cookies"])


def test_it_goes_by_the_session_so_that_a_thief_who_was_first_has_nothing(signed_in, ann, accounts):
    mine = signed_in(ann)
    thief = replace(mine, jar=dict(mine.jar))
    ann.epoch = 2
    assert thief.post("/sessions/renew").status_code == 204 and thief.jar[SESSION_COOKIE] != mine.jar[SESSION_COOKIE]

    status, _ = invoke("move", {"user_id": ann.id, "session_id": session_id(mine)})

    assert status == 200 and not is_in(thief)


def test_only_a_session_that_goes_on_is_moved_and_only_for_accounts(signed_in, ann):
    mine = signed_in(ann)
    body = {"user_id": ann.id, "session_id": session_id(mine)}
    assert invoke("move", body, caller="oauth")[0] == 403
    assert invoke("move", {**body, "session_id": ids.new()})[0] == 401

    mine.post("/sessions/logout")

    assert invoke("move", body)[0] == 401


def test_a_late_event_spares_who_signed_in_after_it(signed_in, ann, hear, frozen):
    before = signed_in(ann)
    frozen.advance(seconds=10)
    after = signed_in(ann)
    frozen.advance(seconds=5)

    hear("password_changed", user_id=ann.id, ago=timedelta(seconds=10))

    assert not is_in(before) and is_in(after)


def test_another_proof_counts_as_signing_in_anew(signed_in, ann, hear, frozen):
    mine = signed_in(ann)
    frozen.advance(seconds=10)
    mine.post("/sessions/reauthenticate", json={"password": ann.password})

    hear("password_changed", user_id=ann.id, ago=timedelta(seconds=5))

    assert is_in(mine)


def test_a_cookie_replaced_since_does_not_escape_a_late_event(signed_in, ann, hear, frozen):
    mine = signed_in(ann)
    ann.epoch = 2
    frozen.advance(seconds=1)
    changed_at = clock.now()
    frozen.advance(seconds=1)
    assert mine.post("/sessions/renew").status_code == 204

    hear("password_changed", user_id=ann.id, ago=clock.now() - changed_at)

    assert not is_in(mine)


def test_an_event_nobody_here_knows_is_left_to_the_dead_letters(served):
    body = {"detail-type": "accounts.user.renamed.v1", "source": "tessera.accounts", "detail": {}}
    record = {"eventSource": "aws:sqs", "messageId": "m1", "body": json.dumps(body)}

    assert handler({"Records": [record]}, None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


@pytest.mark.parametrize("caller", ["accounts", "admin"])
def test_where_a_user_is_signed_in_is_told_to_those_who_may_know(signed_in, ann, frozen, caller):
    mine = signed_in(ann, device_name="a blue phone")
    frozen.advance(minutes=1)
    mine.post("/sessions/renew")

    status, found = invoke("of", {"user_id": ann.id}, caller)

    assert status == 200
    (item,) = found["items"]
    assert (item["id"], item["device"]) == (session_id(mine), "a blue phone")
    assert clock.parse(item["last_seen_at"]) - clock.parse(item["created_at"]) == timedelta(minutes=1)


def test_staff_end_one_session_or_all(signed_in, accounts, ann, told):
    first, second, third = (signed_in(ann) for _ in range(3))
    other = signed_in(accounts.add("bob@example.com"))

    assert invoke("end", {"user_id": ann.id, "session_id": session_id(first)}, "admin") == (200, {"ended": 1})
    assert [is_in(mine) for mine in (first, second, third)] == [False, True, True]
    assert invoke("end", {"user_id": ann.id, "session_id": session_id(first)}, "admin")[0] == 404
    assert invoke("end", {"user_id": ann.id, "all": True}) == (200, {"ended": 2})
    assert not is_in(second) and not is_in(third) and is_in(other)
    assert invoke("end", {"user_id": ann.id, "all": True}) == (200, {"ended": 0})
    assert {ended["reason"] for ended in told.of("sessions.session.ended.v1")} == {"ended by staff"}


@pytest.mark.parametrize(
    "more", [{}, {"all": False}, {"all": True, "session_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}], ids=str
)
def test_what_is_to_end_must_be_said(served, more):
    assert invoke("end", {"user_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", **more})[0] == 422


def test_nobody_ends_a_session_under_another_users_name(signed_in, accounts, ann):
    mine, bob = signed_in(ann), accounts.add("bob@example.com")

    assert invoke("end", {"user_id": bob.id, "session_id": session_id(mine)})[0] == 404
    assert is_in(mine)


def test_erasure_leaves_nothing_of_the_user_and_everything_of_others(signed_in, accounts, ann, served, told):
    mine, other = signed_in(ann), signed_in(accounts.add("bob@example.com"))
    signed_in(ann)

    assert invoke("erase", {"owner_id": ann.id}) == (200, {"done": True, "erased": 2})

    kept = [item for item in everything_in(served.table) if not item["pk"]["S"].startswith("OUT#")]
    assert ann.id not in json.dumps(kept) and ann.email not in json.dumps(kept)
    assert not is_in(mine) and is_in(other)
    assert told.of("privacy.data.erased.v1") == [{"owner_id": ann.id, "capability": "sessions"}]
    assert invoke("erase", {"owner_id": ann.id}) == (200, {"done": True, "erased": 0})


@pytest.mark.parametrize(
    ("path", "caller"),
    [
        ("of", "oauth"),
        ("end", "tasks"),
        ("end", "oauth"),
        ("exchange-code", "accounts"),
        ("erase", "admin"),
        ("erase", "tasks"),
        ("provider-session/end", "admin"),
    ],
)
def test_each_internal_route_is_for_its_callers_alone(served, path, caller):
    assert invoke(path, {}, caller)[0] == 403


@pytest.mark.parametrize("path", ["of", "end", "exchange-code", "erase"])
def test_from_outside_there_is_no_internal_route(signed_in, ann, path):
    assert signed_in(ann).post(f"/sessions/internal/{path}", json={"user_id": ann.id}).status_code == 404
