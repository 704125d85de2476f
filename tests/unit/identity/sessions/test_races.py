"""Many tabs, many sign-ins and sign-outs at one moment, in real threads."""

import threading
from contextlib import contextmanager

import pytest

from functions.identity.sessions.actions import end, keep
from functions.identity.sessions.actions.sign_in import begin
from functions.identity.sessions.proofs import Proven
from functions.identity.sessions.rules import Proof, SessionOver, Wish
from tessera import aws, clock
from tessera.auth.cookies import ACCESS_COOKIE, SESSION_COOKIE
from tessera.auth.feed import Feed
from tests.kit.cookies import Browser, set_cookies
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import ORIGIN, claims_of


@pytest.fixture
def enter(ports, ask, ann, frozen):
    """A session of ann's, straight from a proof; its secret comes back. Each begins after the last one."""

    def make(user=ann):
        frozen.advance(milliseconds=1)
        proof = Proof(user.id, frozenset(["pwd"]), 1, clock.millis() // 1000)
        return begin(ports, Proven(proof), Wish(), call=ask).secret

    return make


def tab_of(browser, app):
    """A client of its own for each thread, on the same cookies."""
    return Browser(AppClient(app, base_url=ORIGIN), ORIGIN, jar=dict(browser.jar))


def open_ids(ports, user_id):
    head = [item for item in everything_in(ports.sessions.table) if item["pk"]["S"] == f"U#{user_id}"]
    return next(set(item.get("open", {"SS": []})["SS"]) for item in head if item["sk"]["S"] == "HEAD")


def test_parallel_renew_30(signed_in, app, ann, accounts):
    mine = signed_in(ann)
    tabs = [tab_of(mine, app) for _ in range(30)]

    results = together(*(lambda tab=tab: tab.post("/sessions/renew") for tab in tabs))

    assert outcomes(results) == {"ok": 30}
    answers = [result.value for result in results]
    assert {answer.status_code for answer in answers} == {204}
    assert all(set(set_cookies(answer)) == {ACCESS_COOKIE} for answer in answers)
    assert {claims_of(tab.jar[ACCESS_COOKIE])["sid"] for tab in tabs} == {claims_of(mine.jar[ACCESS_COOKIE])["sid"]}
    assert all(tab.get("/sessions/current").status_code == 200 for tab in tabs)


def test_of_many_tabs_that_learn_of_other_roles_one_brings_the_cookie_and_none_drops_it(signed_in, app, ann):
    mine = signed_in(ann)
    tabs = [tab_of(mine, app) for _ in range(12)]
    ann.roles, ann.epoch = ("moderator", "user"), 2

    answers = [result.value for result in together(*(lambda tab=tab: tab.post("/sessions/renew") for tab in tabs))]

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [204] + [409] * 11
    (winner,) = (tab for tab, answer in zip(tabs, answers, strict=True) if answer.status_code == 204)
    assert winner.jar[SESSION_COOKIE] != mine.jar[SESSION_COOKIE]
    assert all(tab.jar == mine.jar for tab in tabs if tab is not winner)
    assert winner.get("/sessions/current").status_code == 200
    assert len(winner.get("/sessions").json()["items"]) == 1


@pytest.mark.parametrize(("before", "at_once"), [(0, 11), (9, 3), (10, 5)])
def test_the_eleventh_of_parallel_logins_leaves_exactly_ten(enter, ports, ann, before, at_once):
    for _ in range(before):
        enter()

    results = together(enter, times=at_once)

    assert outcomes(results) == {"ok": at_once}
    listed = ports.sessions.listed(ann.id)
    assert len(listed) == 10
    assert open_ids(ports, ann.id) == {session.id for session in listed}


def test_what_parallel_logins_push_out_is_revoked(enter, ports, ann, bindings):
    results = together(enter, times=14)

    assert outcomes(results) == {"ok": 14}
    live = [result.value for result in results if _is_live(ports, result.value)]
    assert len(live) == len(ports.sessions.listed(ann.id)) == 10
    kept = {item["pk"]["S"] for item in everything_in(ports.sessions.table) if item["pk"]["S"].startswith("S#")}
    assert len(kept) == 10
    revoked = [item for item in everything_in(bindings.get(Feed)._table) if item.get("k", {}).get("S") == "s"]
    assert len({item["id"]["S"] for item in revoked}) == 4


def test_the_oldest_makes_room_and_what_ran_out_goes_first(signed_in, ann, ports, frozen):
    first = signed_in(ann, remember=True)
    forgotten = signed_in(ann)
    frozen.advance(minutes=31)
    others = [signed_in(ann) for _ in range(8)]

    signed_in(ann)

    assert first.get("/sessions/current").status_code == 200
    assert forgotten.get("/sessions/current").status_code == 401
    assert all(other.get("/sessions/current").status_code == 200 for other in others)
    signed_in(ann)
    assert first.get("/sessions/current").status_code == 401
    assert len(ports.sessions.listed(ann.id)) == 10


def test_logout_beats_renew(enter, ports, ask, ann, bindings, frozen):
    for _ in range(4):
        frozen.advance(minutes=1)
        secret, over = enter(), threading.Event()
        renewed, too_late = [], []

        def renew_until_over(secret=secret, over=over, renewed=renewed, too_late=too_late):
            while True:
                was_over = over.is_set()
                found = keep.renew(ports, secret, call=ask)
                (too_late if was_over else renewed).append(found)

        def log_out(secret=secret, over=over):
            end.log_out(ports, secret, call=ask)
            over.set()

        results = together(*[renew_until_over] * 4, log_out)

        assert outcomes(results) == {"session-over": 4, "ok": 1}
        assert too_late == []
        assert ports.sessions.listed(ann.id) == []
        # What was handed out before the end is worth nothing after it.
        feed = Feed.bind(bindings)
        assert all(feed.is_revoked("s", found.session.id) for found in renewed)


def test_a_renewal_under_way_at_the_end_never_brings_the_session_back(enter, ports, accounts, ask, ann):
    secret = enter()
    ann.name = "Ann Lee"
    accounts.at_mint = lambda: end.log_out(ports, secret, call=ask)

    found = keep.renew(ports, secret, call=ask)

    assert found.secret is None
    accounts.at_mint = lambda: None
    with pytest.raises(SessionOver):
        keep.current(ports, secret)
    assert not [item for item in everything_in(ports.sessions.table) if item["pk"]["S"].startswith("S#")]


@contextmanager
def before_write(number, do):
    """Do this just before the so many-th transaction that begins inside the block."""
    seen = []

    def note(service, operation, params):
        if operation == "TransactWriteItems":
            seen.append(operation)
            if len(seen) == number:
                do()

    with aws.intercepted(note):
        yield


def test_a_login_just_before_everything_ends_is_neither_ended_half_nor_forgotten(enter, ports, ask, ann):
    first = enter()
    second = []

    with before_write(1, lambda: second.append(enter())):
        end.log_out_everywhere(ports, first, call=ask)

    live = {session.id for session in ports.sessions.listed(ann.id)}
    assert open_ids(ports, ann.id) == live == set()
    assert not _is_live(ports, second[0])


def test_whoever_comes_and_goes_while_the_oldest_makes_room_is_counted(enter, ports, ask, ann):
    secrets = [enter() for _ in range(10)]

    def meanwhile():
        end.log_out(ports, secrets[5], call=ask)
        enter()

    with before_write(2, meanwhile):
        enter()

    live = {session.id for session in ports.sessions.listed(ann.id)}
    assert len(live) == 10
    assert open_ids(ports, ann.id) == live
    assert [_is_live(ports, secret) for secret in secrets] == [number not in (0, 5) for number in range(10)]


def test_a_name_shown_anew_is_not_written_where_the_session_no_longer_is(enter, ports, accounts, ask, ann):
    secret = enter()
    ann.name = "Ann Lee"
    body = {"password": ann.password}

    def meanwhile():
        accounts.at_mint = lambda: None
        keep.prove_again(ports, secret, body, call=ask)

    accounts.at_mint = meanwhile
    keep.renew(ports, secret, call=ask)

    (trace,) = [item for item in everything_in(ports.sessions.table) if "replaced" in item]
    assert "user" not in trace


def test_a_new_cookie_under_way_at_the_end_never_comes_to_be(enter, ports, accounts, ask, ann):
    secret = enter()
    ann.epoch = 2
    accounts.at_mint = lambda: end.log_out(ports, secret, call=ask)

    with pytest.raises(SessionOver):
        keep.renew(ports, secret, call=ask)

    assert ports.sessions.listed(ann.id) == []


def test_an_end_that_meets_a_new_cookie_ends_that(enter, ports, accounts, ask, ann):
    secret = enter()
    (session,) = ports.sessions.listed(ann.id)
    stale = ports.sessions.place(ann.id, session.id)
    ann.epoch = 2
    renewed = keep.renew(ports, secret, call=ask)

    assert ports.endings.end(stale, reason="signed out")

    with pytest.raises(SessionOver):
        keep.current(ports, renewed.secret)


def test_signing_out_everywhere_misses_no_login_that_came_first(enter, ports, ask, ann):
    secrets = [enter() for _ in range(3)]

    results = together(
        *[lambda: end.log_out_everywhere(ports, secrets[0], call=ask)] * 3,
        *[enter] * 5,
        lambda: end.log_out(ports, secrets[1], call=ask),
    )

    assert set(outcomes(results)) <= {"ok", "session-over"}
    assert not [secret for secret in secrets if _is_live(ports, secret)]
    live = ports.sessions.listed(ann.id)
    assert open_ids(ports, ann.id) == {session.id for session in live}
    places = [item for item in everything_in(ports.sessions.table) if item["pk"]["S"] == f"U#{ann.id}"]
    assert {item["sk"]["S"] for item in places} == {"HEAD", *(f"S#{session.id}" for session in live)}


def test_two_proofs_at_once_leave_one_session_with_one_cookie(signed_in, app, ann, ports):
    mine = signed_in(ann)
    tabs = [tab_of(mine, app) for _ in range(6)]
    body = {"password": ann.password}

    results = together(*(lambda tab=tab: tab.post("/sessions/reauthenticate", json=body) for tab in tabs))

    statuses = sorted(result.value.status_code for result in results)
    assert statuses == [200] + [409] * 5
    assert len(ports.sessions.listed(ann.id)) == 1


def test_signing_in_twice_with_one_old_cookie_ends_it_once(signed_in, app, ann, ports):
    mine = signed_in(ann)
    tabs = [tab_of(mine, app) for _ in range(4)]
    body = {"email": ann.email, "password": ann.password}

    results = together(*(lambda tab=tab: tab.post("/sessions/login", json=body) for tab in tabs))

    assert {result.value.status_code for result in results} == {200}
    live = ports.sessions.listed(ann.id)
    assert len(live) == 4
    assert claims_of(mine.jar[ACCESS_COOKIE])["sid"] not in {session.id for session in live}
    assert open_ids(ports, ann.id) == {session.id for session in live}


def _is_live(ports, secret):
    try:
        keep.current(ports, secret)
    except SessionOver:
        return False
    return True
