"""The session of a browser: looked at, renewed, proved again, over."""

from datetime import timedelta

import pytest

from functions.identity.sessions.rules import REPLACED_LIFE
from tessera import clock
from tessera.auth.cookies import ACCESS_COOKIE, CSRF_COOKIE, DEVICE_COOKIE, SESSION_COOKIE
from tests.kit.capacity import CapacityMeter
from tests.kit.cookies import Browser, set_cookies
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import CODE, ORIGIN, PASSWORD, claims_of


def session_id(browser):
    return claims_of(browser.jar[ACCESS_COOKIE])["sid"]


def is_in(browser):
    return browser.get("/sessions/current").status_code == 200


def test_current_shows_who_is_signed_in_with_one_read(signed_in, ann, accounts, served):
    mine = signed_in(ann)
    before = len(accounts.calls)

    with CapacityMeter() as meter:
        answer = mine.get("/sessions/current")

    assert answer.status_code == 200
    assert meter.of(served.table.name).operations == ["GetItem"]
    assert sum(cost.requests for cost in meter.by_table.values()) == 1
    assert len(accounts.calls) == before
    found = answer.json()
    assert (found["user"]["id"], found["aal"], found["amr"]) == (ann.id, 1, ["pwd"])
    assert found["session_id"] == session_id(mine)


def test_tabs_agree_on_the_token_and_a_lost_one_is_replaced(signed_in, ann):
    mine = signed_in(ann)
    first = mine.get("/sessions/current").json()["csrf_token"]
    assert mine.get("/sessions/current").json()["csrf_token"] == first == mine.jar[CSRF_COOKIE]

    del mine.jar[CSRF_COOKIE]
    second = mine.get("/sessions/current").json()["csrf_token"]

    assert second == mine.jar[CSRF_COOKIE] != first
    elsewhere = {"sec-fetch-site": "", "x-csrf-token": second}
    assert mine.post("/sessions/renew", headers=elsewhere).status_code == 204


@pytest.mark.parametrize(
    "sid", ["", "x", "A" * 43, "A" * 42 + "!", "A" * 44, "../" + "A" * 40], ids=["empty", "short", *"abcd"]
)
@pytest.mark.asvs("7.2.1")
def test_a_made_up_cookie_is_nobody_and_is_not_told_why(browser, sid, served):
    mine = browser()
    mine.jar[SESSION_COOKIE] = sid

    answer = mine.get("/sessions/current")

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/session-over")
    assert browser().get("/sessions/current").json()["detail"] == answer.json()["detail"]
    assert set_cookies(answer) == {}


def test_made_up_cookies_are_tried_for_a_while_only(browser, served):
    mine = browser()
    mine.jar[SESSION_COOKIE] = "A" * 43

    statuses = {mine.get("/sessions/current").status_code for _ in range(60)}

    assert statuses == {401, 429}


def test_renew_gives_a_new_access_cookie_and_leaves_the_others(signed_in, ann, frozen):
    mine = signed_in(ann)
    before = dict(mine.jar)
    frozen.advance(minutes=9)

    answer = mine.post("/sessions/renew")

    assert (answer.status_code, answer.content) == (204, b"")
    assert list(set_cookies(answer)) == [ACCESS_COOKIE]
    assert mine.jar[ACCESS_COOKIE] != before[ACCESS_COOKIE]
    assert {name: mine.jar[name] for name in (SESSION_COOKIE, CSRF_COOKIE, DEVICE_COOKIE)} == {
        name: before[name] for name in (SESSION_COOKIE, CSRF_COOKIE, DEVICE_COOKIE)
    }
    assert claims_of(mine.jar[ACCESS_COOKIE])["sid"] == claims_of(before[ACCESS_COOKIE])["sid"]


def test_renew_is_one_write_and_one_internal_call(signed_in, ann, accounts, served):
    mine = signed_in(ann)
    accounts.calls.clear()

    with CapacityMeter() as meter:
        mine.post("/sessions/renew")

    cost = meter.of(served.table.name)
    assert (cost.operations, cost.write_units, accounts.asked()) == (["UpdateItem"], 1, ["mint"])


def test_renew_keeps_proofs_as_they_were(signed_in, accounts, ann, frozen):
    mine = signed_in(ann)
    first = claims_of(mine.jar[ACCESS_COOKIE])
    frozen.advance(minutes=5)

    mine.post("/sessions/renew")

    again = claims_of(mine.jar[ACCESS_COOKIE])
    assert {name: again[name] for name in ("amr", "aal", "auth_time")} == {
        name: first[name] for name in ("amr", "aal", "auth_time")
    }


@pytest.mark.parametrize(
    ("remember", "idle", "absolute"),
    [(False, timedelta(minutes=30), timedelta(hours=12)), (True, timedelta(days=14), timedelta(days=60))],
    ids=["usual", "remembered"],
)
@pytest.mark.asvs("7.3.1", "7.3.2")
def test_idle_and_absolute_expiry(signed_in, ann, frozen, remember, idle, absolute):
    left_alone, busy = signed_in(ann, remember=remember), signed_in(ann, remember=remember)
    began = clock.now()
    short = timedelta(seconds=1)

    frozen.set(began + idle - short)
    assert busy.post("/sessions/renew").status_code == 204
    assert is_in(left_alone)
    frozen.set(began + idle)
    assert not is_in(left_alone) and is_in(busy)
    assert left_alone.post("/sessions/renew").status_code == 401

    while clock.now() + idle / 2 < began + absolute:
        frozen.set(clock.now() + idle / 2)
        assert busy.post("/sessions/renew").status_code == 204
    frozen.set(began + absolute - short)
    assert busy.post("/sessions/renew").status_code == 204
    frozen.set(began + absolute)
    assert busy.post("/sessions/renew").status_code == 401
    assert not is_in(busy)


def test_no_access_cookie_outlives_its_session_by_more_than_a_minute(signed_in, ann, frozen):
    mine = signed_in(ann)
    began = clock.now()
    for _ in range(24):
        frozen.advance(minutes=29)
        mine.post("/sessions/renew")
    frozen.set(began + timedelta(hours=12) - timedelta(minutes=4))

    answer = mine.post("/sessions/renew")

    assert set_cookies(answer)[ACCESS_COOKIE].attributes["max-age"] == "240"
    frozen.set(began + timedelta(hours=12) - timedelta(seconds=5))
    assert set_cookies(mine.post("/sessions/renew"))[ACCESS_COOKIE].attributes["max-age"] == "60"


def test_ttl_not_trusted(signed_in, ann, frozen, served):
    mine = signed_in(ann)
    (item,) = [item for item in everything_in(served.table) if item["pk"]["S"].startswith("S#")]
    frozen.advance(minutes=30)

    assert int(item["ttl"]["N"]) > clock.now().timestamp()
    assert mine.get("/sessions/current").status_code == 401
    assert mine.post("/sessions/renew").status_code == 401
    assert [kept["pk"] for kept in everything_in(served.table) if kept["pk"] == item["pk"]]


def test_a_definitive_refusal_to_renew_drops_the_cookies_and_nothing_else_does(signed_in, ann, frozen):
    mine = signed_in(ann)
    frozen.advance(hours=13)

    looked = mine.get("/sessions/current")
    assert (looked.status_code, set_cookies(looked)) == (401, {})
    renewed = mine.post("/sessions/renew")

    assert renewed.status_code == 401
    dropped = set_cookies(renewed)
    assert all(cookie.is_removed for cookie in dropped.values())
    assert set(dropped) == {SESSION_COOKIE, ACCESS_COOKIE, CSRF_COOKIE}
    assert "secure" in dropped[SESSION_COOKIE].attributes
    assert set(mine.jar) == {DEVICE_COOKIE}


def test_renewing_without_a_cookie_drops_what_is_left(browser):
    mine = browser()
    mine.jar[ACCESS_COOKIE] = "left-over"

    assert mine.post("/sessions/renew").status_code == 401
    assert mine.jar == {}


def test_a_renewal_that_fails_for_now_keeps_the_cookies(signed_in, ann, accounts):
    mine = signed_in(ann)
    before = dict(mine.jar)
    accounts.answer = (503, {"type": "/problems/signing-unavailable", "detail": "Later."}, {})

    answer = mine.post("/sessions/renew")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert mine.jar == before


def test_a_renewal_is_over_with_the_account(signed_in, ann, accounts):
    mine = signed_in(ann)
    ann.status = "locked"
    assert mine.post("/sessions/renew").status_code == 401

    other = signed_in(accounts.add("bob@example.com"))
    accounts.users.clear()
    assert other.post("/sessions/renew").status_code == 401


def test_the_user_shown_follows_the_account_at_the_next_renewal(signed_in, ann, accounts, served):
    mine = signed_in(ann)
    ann.name = "Ann Lee"
    assert mine.get("/sessions/current").json()["user"]["name"] == "Ann"

    mine.post("/sessions/renew")

    assert mine.get("/sessions/current").json()["user"]["name"] == "Ann Lee"


def test_other_roles_bring_another_cookie_at_the_next_renewal(signed_in, browser, ann, told):
    mine = signed_in(ann)
    old = dict(mine.jar)
    ann.roles, ann.epoch = ("moderator", "user"), 2

    answer = mine.post("/sessions/renew")

    assert set(set_cookies(answer)) == {SESSION_COOKIE, CSRF_COOKIE, ACCESS_COOKIE}
    assert mine.jar[SESSION_COOKIE] != old[SESSION_COOKIE]
    assert claims_of(mine.jar[ACCESS_COOKIE])["roles"] == ["moderator", "user"]
    assert mine.get("/sessions/current").json()["user"]["roles"] == ["moderator", "user"]
    stale = browser()
    stale.jar.update(old)
    assert stale.get("/sessions/current").status_code == 409
    assert told.of("sessions.session.ended.v1") == []


def test_a_tab_that_comes_second_is_told_to_ask_again_and_keeps_its_cookies(signed_in, browser, ann, frozen):
    mine = signed_in(ann)
    late = browser()
    late.jar.update(mine.jar)
    ann.epoch = 2
    mine.post("/sessions/renew")

    answer = late.post("/sessions/renew")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/session-replaced")
    assert set_cookies(answer) == {}
    late.jar.update(mine.jar)
    assert late.post("/sessions/renew").status_code == 204
    frozen.advance(seconds=REPLACED_LIFE.total_seconds())
    late.jar[SESSION_COOKIE] = "A" * 43
    assert late.post("/sessions/renew").status_code == 401


@pytest.mark.asvs("7.2.4")
def test_proving_again_gives_a_fresh_proof_under_another_cookie(signed_in, browser, ann, frozen, told):
    mine = signed_in(ann)
    old, old_id = dict(mine.jar), session_id(mine)
    frozen.advance(minutes=20)

    answer = mine.post("/sessions/reauthenticate", json={"method": "totp", "code": CODE})

    assert answer.status_code == 200, answer.text
    claims = claims_of(mine.jar[ACCESS_COOKIE])
    assert (claims["aal"], claims["amr"], claims["auth_time"]) == (2, ["otp", "pwd"], int(clock.now().timestamp()))
    assert (answer.json()["session_id"], claims["sid"]) == (old_id, old_id)
    assert mine.jar[SESSION_COOKIE] != old[SESSION_COOKIE]
    assert answer.json()["csrf_token"] == mine.jar[CSRF_COOKIE]
    stale = browser()
    stale.jar.update(old)
    assert stale.post("/sessions/renew").status_code == 409
    frozen.advance(seconds=REPLACED_LIFE.total_seconds())
    assert stale.post("/sessions/renew").status_code == 401
    assert len(mine.get("/sessions").json()["items"]) == 1
    assert "sessions.reauthenticated" in [entry["action"] for entry in told.of("audit.entry.recorded.v1")]


def test_a_password_proves_freshness_and_takes_no_assurance_away(signed_in, accounts, browser, frozen):
    user = accounts.add("eve@example.com", has_factor=True)
    mine = browser()
    mine.post("/sessions/login/mfa", json={"mfa_token": f"tmf_{user.id}", "method": "totp", "code": CODE})
    frozen.advance(minutes=9)

    answer = mine.post("/sessions/reauthenticate", json={"password": user.password})

    assert (answer.status_code, answer.json()["aal"]) == (200, 2)
    assert claims_of(mine.jar[ACCESS_COOKIE])["auth_time"] == int(clock.now().timestamp())


def test_a_wrong_proof_changes_nothing(signed_in, ann):
    mine = signed_in(ann)
    before = dict(mine.jar)

    answer = mine.post("/sessions/reauthenticate", json={"password": "wrong"})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/login-failed")
    assert mine.jar == before and is_in(mine)


@pytest.mark.asvs("7.4.1")
def test_signing_out_ends_the_session_and_has_the_browser_forget_it(signed_in, browser, ann, served, told):
    mine = signed_in(ann)
    old = dict(mine.jar)

    answer = mine.post("/sessions/logout")

    assert answer.status_code == 204
    assert answer.headers["clear-site-data"] == '"cookies", "storage"'
    assert all(cookie.is_removed for cookie in set_cookies(answer).values())
    assert set(mine.jar) == {DEVICE_COOKIE}
    copied = browser()
    copied.jar.update(old)
    assert copied.get("/sessions/current").status_code == 401
    assert copied.get("/sessions").json()["type"] == "/problems/session-revoked"
    assert copied.post("/sessions/renew").status_code == 401
    assert not [item for item in everything_in(served.table) if item["pk"]["S"].startswith("S#")]
    assert [event["reason"] for event in told.of("sessions.session.ended.v1")] == ["signed out"]
    assert [entry["action"] for entry in told.of("audit.entry.recorded.v1")] == ["sessions.logout"]


def test_signing_out_twice_is_as_good_as_once(signed_in, ann):
    mine = signed_in(ann)
    old = dict(mine.jar)
    mine.post("/sessions/logout")
    mine.jar.update(old)

    answer = mine.post("/sessions/logout")

    assert answer.status_code == 204
    assert set(mine.jar) == {DEVICE_COOKIE}


def test_signing_out_with_a_cookie_just_replaced_ends_the_session_too(signed_in, browser, ann):
    mine = signed_in(ann)
    late = browser()
    late.jar.update(mine.jar)
    ann.epoch = 2
    mine.post("/sessions/renew")

    assert late.post("/sessions/logout").status_code == 204

    assert mine.get("/sessions/current").status_code == 401


def test_signing_out_everywhere_ends_every_session_with_cookies(signed_in, ann, accounts, ports):
    first, second, other = signed_in(ann), signed_in(ann), signed_in(accounts.add("bob@example.com"))

    answer = first.post("/sessions/logout-all")

    assert (answer.status_code, answer.headers["clear-site-data"]) == (204, '"cookies", "storage"')
    assert second.get("/sessions/current").status_code == 401
    assert second.get("/sessions").json()["type"] == "/problems/session-revoked"
    assert ports.sessions.listed(ann.id) == []
    assert is_in(other)


def test_an_ended_session_signs_nobody_else_out(signed_in, browser, ann):
    mine, kept = signed_in(ann), signed_in(ann)
    stolen = browser()
    stolen.jar.update(mine.jar)
    mine.post("/sessions/logout")

    assert stolen.post("/sessions/logout-all").status_code == 401
    assert is_in(kept)


def test_sessions_are_listed_newest_first_for_a_cookie_and_for_a_token(signed_in, served, ann, frozen):
    first = signed_in(ann, device_name="a blue phone")
    frozen.advance(minutes=5)
    second = signed_in(ann, remember=True)
    first.post("/sessions/renew")

    items = second.get("/sessions").json()["items"]

    assert [item["id"] for item in items] == [session_id(second), session_id(first)]
    assert [item["current"] for item in items] == [True, False]
    assert [item["device_name"] for item in items] == [None, "a blue phone"]
    assert clock.parse(items[1]["last_seen_at"]) == clock.now() > clock.parse(items[1]["created_at"])
    bearer = {"authorization": f"Bearer {served.signer.token(sub=ann.id)}"}
    by_token = served.client.get("/sessions", headers=bearer).json()["items"]
    assert [item["current"] for item in by_token] == [False, False]


def test_a_list_is_two_reads(signed_in, ann, served):
    mine = signed_in(ann)
    signed_in(ann)
    mine.get("/sessions")

    with CapacityMeter() as meter:
        mine.get("/sessions")

    assert meter.of(served.table.name).operations == ["Query", "BatchGetItem"]


def test_what_ran_out_is_not_listed(signed_in, ann, frozen):
    signed_in(ann)
    frozen.advance(minutes=20)
    mine = signed_in(ann)
    frozen.advance(minutes=15)
    mine.post("/sessions/renew")

    assert [item["id"] for item in mine.get("/sessions").json()["items"]] == [session_id(mine)]


@pytest.mark.asvs("7.5.2")
def test_one_session_is_ended_by_its_id_and_only_by_its_user(signed_in, accounts, ann):
    mine, other = signed_in(ann), signed_in(ann)
    stranger = signed_in(accounts.add("bob@example.com"))

    assert stranger.delete(f"/sessions/{session_id(other)}").status_code == 404
    assert is_in(other)
    answer = mine.delete(f"/sessions/{session_id(other)}")

    assert (answer.status_code, set_cookies(answer)) == (204, {})
    assert other.get("/sessions/current").status_code == 401
    assert mine.delete(f"/sessions/{session_id(other)}").status_code == 404


def test_no_store_headers(signed_in, browser, ann):
    mine = signed_in(ann)

    answers = [
        browser().post("/sessions/login", json={"email": ann.email, "password": ann.password}),
        browser().post("/sessions/login", json={"email": ann.email, "password": "wrong"}),
        mine.get("/sessions/current"),
        browser().get("/sessions/current"),
        mine.post("/sessions/renew"),
        mine.get("/sessions"),
        mine.delete("/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        mine.post("/sessions/logout", headers={"sec-fetch-site": "cross-site"}),
        mine.post("/sessions/logout"),
    ]

    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.request.url
        assert answer.headers["vary"] == "Cookie, Origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-site"


@pytest.mark.parametrize("path", ["/sessions/current", "/sessions"])
def test_duplicate_cookie(signed_in, ann, path):
    mine = signed_in(ann)
    sent = "; ".join([f"{name}={value}" for name, value in mine.jar.items()] * 2)

    answer = mine.get(path, headers={"cookie": sent})

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/credentials-ambiguous")


def test_a_cookie_of_more_than_four_kilobytes_is_refused(browser):
    mine = browser()
    mine.jar[SESSION_COOKIE] = "A" * 4_097

    assert mine.get("/sessions/current").status_code == 400


def test_another_page_renews_and_signs_out_only_with_the_token(signed_in, app, served, ann):
    mine = signed_in(ann)
    page = Browser(AppClient(app, base_url=ORIGIN), ORIGIN, same_origin=False, jar=mine.jar)

    assert page.post("/sessions/renew").json()["type"] == "/problems/csrf-failed"
    assert page.post("/sessions/logout").json()["type"] == "/problems/csrf-failed"
    assert is_in(mine)
    assert page.post("/sessions/renew", headers=page.csrf).status_code == 204
    assert page.post("/sessions/logout", headers=page.csrf).status_code == 204


@pytest.mark.parametrize("path", ["/sessions/renew", "/sessions/logout", "/sessions/logout-all"])
def test_what_a_form_can_send_is_refused(signed_in, ann, path):
    mine = signed_in(ann)

    answer = mine.post(path, content=b'{"a": "b"}', headers={"content-type": "text/plain"})

    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert is_in(mine)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_safe_method_changes_nothing_of_a_session(signed_in, ann, served, method):
    mine = signed_in(ann)
    before = sorted(everything_in(served.table), key=str)

    mine.request(method, "/sessions/current", headers={"sec-fetch-site": "cross-site"})
    mine.request(method, "/sessions", headers={"sec-fetch-site": "cross-site"})

    assert sorted(everything_in(served.table), key=str) == before


def ended_elsewhere(user, *, kept=None):
    """As `accounts` notes it when it ends every session of somebody; no news of it has come here."""
    user.epoch, user.ended_at, user.kept = user.epoch + 1, clock.millis(), kept


def test_a_session_that_was_ended_elsewhere_is_not_renewed_though_nobody_told_us(
    signed_in, ann, accounts, frozen, told
):
    thief = signed_in(ann)
    frozen.advance(seconds=1)
    ended_elsewhere(ann)
    frozen.advance(minutes=9)

    answer = thief.post("/sessions/renew")

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/session-over")
    assert SESSION_COOKIE not in thief.jar
    assert [event["reason"] for event in told.of("sessions.session.ended.v1")] == ["ended elsewhere"]
    assert signed_in(ann).post("/sessions/renew").status_code == 204


def test_the_session_that_ended_the_others_goes_on_until_it_is_ended_itself(signed_in, ann, frozen):
    mine, other = signed_in(ann), signed_in(ann)
    frozen.advance(seconds=1)
    ended_elsewhere(ann, kept=session_id(mine))

    assert [one.post("/sessions/renew").status_code for one in (mine, other)] == [204, 401]
    frozen.advance(minutes=1)
    assert mine.post("/sessions/renew").status_code == 204
    ended_elsewhere(ann)
    assert mine.post("/sessions/renew").status_code == 401


def test_what_was_shown_before_the_account_changed_proves_nothing(signed_in, ann, accounts, frozen):
    thief = signed_in(ann)
    frozen.advance(seconds=1)

    def changed():
        accounts.at_mint = lambda: None
        ended_elsewhere(ann)
        frozen.advance(milliseconds=5)

    accounts.at_mint = changed
    answer = thief.post("/sessions/reauthenticate", json={"password": PASSWORD})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/login-failed")
    assert thief.post("/sessions/renew").status_code == 401


def test_a_session_remembers_every_way_in_which_somebody_showed_who_they_are(signed_in, ann, accounts):
    mine = signed_in(ann)
    for amr in (["fed"], ["otp", "mfa"], ["hwk", "user"], ["swk"]):
        accounts.answer_again = amr
        assert mine.post("/sessions/reauthenticate", json={"password": PASSWORD}).status_code == 200

    assert len(mine.get("/sessions/current").json()["amr"]) == 7
