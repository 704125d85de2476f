"""Several at once, each container with threads of its own: exactly one outcome each."""

from collections import Counter
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import pytest

from functions.identity.oauth.events import LoginSucceeded
from functions.identity.oauth.rules import profiles
from functions.identity.oauth.rules.problems import LastSignInMethod
from functions.identity.oauth.store.identities import Somebody
from tessera import aws, ids
from tessera.transact import transact
from tests.kit.faults import Crash
from tests.kit.races import outcomes, together
from tests.unit.identity.oauth.conftest import Browser, World, fragment


def comes_back(browser: Browser, url: str) -> str:
    """What one delivery of a callback came to."""
    answer = browser.come_back(url)
    if answer.status_code != 303:
        return str(answer.json()["type"])
    ended = fragment(answer)
    return "code" if set(ended) == {"code"} else ended.get("error") or ended["status"]


def same_browser(browser: Browser, *, containers: int) -> list[Browser]:
    """The same cookies, answered by containers of their own."""
    found = []
    for _ in range(containers):
        other = browser.world.browser(browser.world.container())
        for cookie in browser.http.cookies.jar:
            other.http.cookies.jar.set_cookie(cookie)
        found.append(other)
    return found


def test_a_callback_delivered_twice_proceeds_once(world: World, browser: Browser) -> None:
    callback = browser.choose(browser.begin())
    others = same_browser(browser, containers=4)

    results = together(*[lambda other=other: comes_back(other, callback) for other in others])

    assert Counter(result.value for result in results) == {"code": 1, "/problems/state-invalid": 3}
    assert len(world.neighbours.users) == 1


def test_the_first_sign_in_of_one_newcomer_in_two_browsers_makes_one_user(world: World) -> None:
    browsers = [world.browser(world.container()) for _ in range(4)]
    callbacks = [browser.choose(browser.begin()) for browser in browsers]

    results = together(
        *[
            lambda browser=browser, callback=callback: comes_back(browser, callback)
            for browser, callback in zip(browsers, callbacks, strict=True)
        ]
    )

    assert Counter(result.value for result in results) == {"code": 4}
    (user_id,) = world.neighbours.users
    assert len(world.identity_of(user_id)) == 1
    assert len(world.neighbours.asked("/identities")) == 1


def test_two_users_who_link_one_identity_at_once_do_not_both_have_it(world: World) -> None:
    people = [world.neighbours.user(f"p{number}@example.com") for number in range(3)]
    browsers = [world.browser(world.container()) for _ in people]
    callbacks = [
        browser.choose(browser.begin(mode="link", headers=world.token(person)))
        for browser, person in zip(browsers, people, strict=True)
    ]

    results = together(
        *[
            lambda browser=browser, callback=callback: comes_back(browser, callback)
            for browser, callback in zip(browsers, callbacks, strict=True)
        ]
    )

    assert Counter(result.value for result in results) == {"linked": 1, "identity-taken": 2}
    assert sum(len(world.identity_of(person)) for person in people) == 1


def test_two_confirmations_of_one_identity_give_one_201_and_one_409(world: World) -> None:
    known = world.neighbours.user("ada@idp.example")
    browsers = [world.browser(world.container()) for _ in range(2)]
    tickets = [browser.gain()["link_ticket"] for browser in browsers]

    def confirm(browser: Browser, ticket: str) -> int:
        body = {"link_ticket": ticket}
        return int(browser.http.post("/oauth/link/confirm", json=body, headers=world.token(known)).status_code)

    results = together(
        *[
            lambda browser=browser, ticket=ticket: confirm(browser, ticket)
            for browser, ticket in zip(browsers, tickets, strict=True)
        ]
    )

    assert sorted(result.value for result in results) == [201, 409]
    assert len(world.identity_of(known)) == 1


def test_a_code_exchanged_by_many_gives_tokens_once(world: World, browser: Browser) -> None:
    code = browser.sign_in()["code"]

    results = together(lambda: browser.exchange(code).status_code, times=6)

    assert Counter(result.value for result in results) == {200: 1, 400: 5}
    assert len(world.neighbours.asked("/tokens")) == 1


def test_guesses_at_a_code_that_come_at_once_are_counted(world: World, browser: Browser) -> None:
    ticket = browser.gain(person="nomail")["ticket"]
    browser.http.post("/oauth/email", json={"ticket": ticket, "email": "noah@example.com"})
    wrong = f"{(int(world.neighbours.mails[0]['secret']['code']) + 1) % 10**6:06d}"

    def guess() -> str:
        answer = browser.http.post("/oauth/email/confirm", json={"ticket": ticket, "code": wrong})
        return str(answer.json()["type"])

    results = together(guess, times=12)

    told = Counter(result.value for result in results)
    assert told["/problems/code-invalid"] == 5 and told["/problems/attempts-exhausted"] == 7


def test_a_right_code_that_comes_twice_makes_one_account(world: World, browser: Browser) -> None:
    ticket = browser.gain(person="nomail")["ticket"]
    browser.http.post("/oauth/email", json={"ticket": ticket, "email": "noah@example.com"})
    code = world.neighbours.mails[0]["secret"]["code"]

    def confirm() -> str:
        answer = browser.http.post("/oauth/email/confirm", json={"ticket": ticket, "code": code})
        return str(answer.json().get("status"))

    results = together(confirm, times=3)

    assert len(world.neighbours.users) == 1
    assert sum(len(world.identity_of(user)) for user in world.neighbours.users) == 1
    assert [result.value for result in results].count("ok") == 1


def test_two_tickets_of_one_newcomer_at_once_make_one_account(world: World, browser: Browser) -> None:
    sent = []
    for email in ("one@example.com", "two@example.com"):
        ticket = browser.gain(person="nomail")["ticket"]
        browser.http.post("/oauth/email", json={"ticket": ticket, "email": email})
        sent.append({"ticket": ticket, "code": world.neighbours.mails[-1]["secret"]["code"]})

    def confirm() -> int:
        return int(browser.http.post("/oauth/email/confirm", json=sent.pop()).status_code)

    statuses = [result.value for result in together(confirm, times=2)]

    assert sorted(statuses) in ([200, 409], [200, 503])
    assert len(world.neighbours.users) == 1
    assert sum(len(world.identity_of(user)) for user in world.neighbours.users) == 1


def test_the_last_two_ways_in_are_not_both_taken_away(world: World) -> None:
    me, store = ids.new(), world.ports().identities
    rows = []
    for provider in ("one", "two"):
        row, steps = store.linking(Somebody(provider, "k", "s", "label"), me, sealed=None)
        transact(*steps)
        rows.append(row)

    def leave(identity_id: str) -> None:
        told = LoginSucceeded(user_id=me, identity_id=identity_id, provider="x")
        store.unlink(me, identity_id, alone=True, audited=told)

    results = together(*[lambda row=row: leave(row.identity_id) for row in rows])

    assert outcomes(results) == {"ok": 1, LastSignInMethod.slug: 1}
    assert len(store.of_user(me)) == 1


def test_a_newcomer_whose_account_failed_to_be_made_can_try_again_at_once(world: World, browser: Browser) -> None:
    world.neighbours.broken.add("/identities")
    assert browser.sign_in() == {"error": "unavailable"}
    world.neighbours.broken.clear()

    assert browser.gain()["status"] == "ok"


def test_a_container_that_died_while_it_made_an_account_holds_nobody_up_for_long(world: World) -> None:
    """The lock it left is good for half a minute, and an account made otherwise is asked for like any other."""
    key = profiles.key_of(world.idp.issuer, "ada")
    assert world.ports().identities.lock("idp", key)
    world.neighbours.user("ada@idp.example", has_password=False)
    browser = world.browser()

    assert browser.sign_in() == {"error": "busy"}
    world.clock.advance(seconds=31)
    assert browser.sign_in()["status"] == "link_required"
    assert len(world.neighbours.users) == 1


def test_a_newcomer_whose_account_was_made_and_never_heard_of_gets_it_the_next_time(
    world: World, browser: Browser
) -> None:
    world.neighbours.lost.add("/identities")
    assert browser.sign_in() == {"error": "unavailable"}
    (made,) = world.neighbours.users
    world.neighbours.lost.clear()

    gained = browser.gain()

    assert gained["access_token"] == f"access-of-{made}"
    assert len(world.neighbours.users) == 1 and len(world.identity_of(made)) == 1


def test_a_newcomer_whose_container_died_with_the_account_made_gets_it_later(world: World, browser: Browser) -> None:
    """Between the answer of `accounts` and the transaction that links."""
    died: list[str] = []

    def dies(service: str, operation: str, params: dict[str, Any]) -> None:
        if operation == "TransactWriteItems" and not died:
            died.append(operation)
            raise Crash("before the link")

    callback = browser.choose(browser.begin())
    with aws.intercepted(dies), pytest.raises((Crash, CancelledError)):
        browser.come_back(callback)
    world.clock.advance(seconds=31)

    assert browser.gain()["status"] == "ok"
    assert len(world.neighbours.users) == 1


def test_a_mailed_code_gives_the_account_that_was_made_and_never_heard_of(world: World, browser: Browser) -> None:
    ticket = browser.gain(person="nomail")["ticket"]
    browser.http.post("/oauth/email", json={"ticket": ticket, "email": "noah@example.com"})
    sent = {"ticket": ticket, "code": world.neighbours.mails[0]["secret"]["code"]}
    world.neighbours.lost.add("/identities")
    refused = browser.http.post("/oauth/email/confirm", json=sent)
    world.neighbours.lost.clear()

    answer = browser.http.post("/oauth/email/confirm", json=sent)

    assert (refused.status_code, answer.json()["status"]) == (503, "ok")
    assert len(world.neighbours.users) == 1


def test_what_a_sign_in_made_is_taken_once_and_not_after_it_was_unlinked(world: World, browser: Browser) -> None:
    """Who has taken a provider away is asked before it comes back, though it once made the account."""
    browser.gain()
    (me,) = world.neighbours.users
    world.neighbours.users[me]["has_password"] = True
    (identity,) = world.identity_of(me)
    told = LoginSucceeded(user_id=me, identity_id=ids.new(), provider="idp")
    world.ports().identities.unlink(me, identity.sk.removeprefix("I#"), alone=False, audited=told)

    assert browser.gain()["status"] == "link_required"


def test_the_name_of_an_account_is_used_up_with_its_link(world: World, browser: Browser) -> None:
    browser.gain()
    key = profiles.key_of(world.idp.issuer, "ada")
    (made,) = world.neighbours.asked("/identities")

    assert world.ports().identities.lock("idp", key) is None
    world.clock.advance(seconds=31)
    assert world.ports().identities.lock("idp", key) not in (None, made["attempt"])


def test_another_identity_does_not_get_an_account_that_was_made_and_never_heard_of(world: World) -> None:
    world.neighbours.lost.add("/identities")
    world.browser().sign_in()
    world.neighbours.lost.clear()
    world.idp.faults["claims"] = {"email": "ada@idp.example", "email_verified": True}

    assert world.browser().gain(person="grace")["status"] == "link_required"


def test_a_conflict_with_another_write_is_tried_again(world: World, browser: Browser) -> None:
    failed: list[str] = []

    def conflicts(service: str, operation: str, params: dict[str, Any]) -> None:
        if operation == "TransactWriteItems" and len(failed) < 2:
            failed.append(operation)
            reasons = [{"Code": "TransactionConflict"} for _ in params["TransactItems"]]
            answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise aws.ClientError(answer, operation)

    with aws.intercepted(conflicts):
        gained = browser.gain()

    assert gained["status"] == "ok" and len(failed) == 2


def test_every_container_sees_a_link_at_once(world: World) -> None:
    world.provide(replace(world.providers["idp"]))
    first = world.browser(world.container()).gain()

    second = world.browser(world.container()).gain()

    assert first["access_token"] == second["access_token"]
