"""Who comes from a provider without a verified address shows one by a code."""

import pytest

from tests.kit.stores import envelopes_in
from tests.unit.identity.oauth.conftest import Browser, World


def asked(browser: Browser, person: str = "nomail", **more: str) -> str:
    gained = browser.gain(person=person, **more)
    assert gained["status"] == "email_required"
    return str(gained["ticket"])


def send(browser: Browser, ticket: str, email: str = "noah@example.com") -> str:
    answer = browser.http.post("/oauth/email", json={"ticket": ticket, "email": email})
    assert answer.status_code == 202, answer.text
    return str(browser.world.neighbours.mails[-1]["secret"]["code"])


def confirm(browser: Browser, ticket: str, code: str):
    return browser.http.post("/oauth/email/confirm", json={"ticket": ticket, "code": code})


def test_a_code_makes_the_account_and_links_it(world: World, browser: Browser) -> None:
    ticket = asked(browser)
    code = send(browser, ticket)
    assert world.neighbours.users == {}

    gained = confirm(browser, ticket, code)

    me = world.neighbours.by_email("noah@example.com")
    assert gained.json()["access_token"] == f"access-of-{me}"
    assert browser.gain(person="nomail")["access_token"] == f"access-of-{me}"
    mail = world.neighbours.mails[0]
    assert (mail["to"], mail["template"]) == ("noah@example.com", "confirm-new-email")
    assert confirm(browser, ticket, code).json()["type"] == "/problems/ticket-invalid"


def test_a_cookie_delivery_goes_on_at_sessions(world: World, browser: Browser) -> None:
    ticket = asked(browser, delivery="cookie")

    gained = confirm(browser, ticket, send(browser, ticket)).json()

    assert gained["status"] == "continue" and gained["code"].startswith("session-code-of-")


def test_an_address_with_an_account_asks_its_owner_as_a_verified_one_does(world: World, browser: Browser) -> None:
    known = world.neighbours.user("noah@example.com")
    ticket = asked(browser)

    gained = confirm(browser, ticket, send(browser, ticket)).json()

    assert gained["status"] == "link_required" and world.identity_of(known) == []
    linked = browser.http.post(
        "/oauth/link/confirm", json={"link_ticket": gained["link_ticket"]}, headers=world.token(known)
    )
    assert linked.status_code == 201
    assert browser.gain(person="nomail")["access_token"] == f"access-of-{known}"


def test_asking_tells_nothing_about_the_address(world: World, browser: Browser) -> None:
    world.neighbours.user("known@example.com")

    answers = [
        browser.http.post("/oauth/email", json={"ticket": asked(browser), "email": email})
        for email in ("known@example.com", "unknown@example.com")
    ]

    assert answers[0].json() == answers[1].json()
    assert len(world.neighbours.mails) == 2


@pytest.mark.asvs("6.6.3")
def test_five_guesses_are_all(world: World, browser: Browser) -> None:
    ticket = asked(browser)
    code = send(browser, ticket)
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    told = [confirm(browser, ticket, wrong).json()["type"] for _ in range(6)]

    assert told == ["/problems/code-invalid"] * 5 + ["/problems/attempts-exhausted"]
    assert confirm(browser, ticket, code).json()["type"] == "/problems/attempts-exhausted"
    assert world.neighbours.users == {}


def test_a_newer_code_takes_the_place_of_the_last_one(browser: Browser) -> None:
    ticket = asked(browser)
    first = send(browser, ticket, "first@example.com")
    second = send(browser, ticket, "second@example.com")

    assert first == second or confirm(browser, ticket, first).status_code == 400
    assert confirm(browser, ticket, second).json()["user"]["email"] == "second@example.com"


def test_three_mails_are_all_for_one_ticket(browser: Browser) -> None:
    ticket = asked(browser)
    for number in range(3):
        send(browser, ticket, f"n{number}@example.com")

    answer = browser.http.post("/oauth/email", json={"ticket": ticket, "email": "n4@example.com"})

    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/attempts-exhausted")


def test_an_address_is_not_flooded_and_nobody_is_told(world: World, browser: Browser) -> None:
    for _ in range(5):
        answer = browser.http.post("/oauth/email", json={"ticket": asked(browser), "email": "victim@example.com"})
        assert answer.status_code == 202

    assert len(world.neighbours.mails) == 3


@pytest.mark.asvs("6.5.5")
def test_a_code_is_good_for_an_hour(world: World, browser: Browser) -> None:
    ticket = asked(browser)
    code = send(browser, ticket)
    world.clock.advance(minutes=61)

    assert confirm(browser, ticket, code).json()["type"] == "/problems/ticket-invalid"


@pytest.mark.parametrize("email", ["no address", "a@b", "x@example.com\x00", "a@" + "b" * 300 + ".com", "<a@b.com>"])
def test_what_is_no_address_is_refused(world: World, browser: Browser, email: str) -> None:
    answer = browser.http.post("/oauth/email", json={"ticket": asked(browser), "email": email})

    assert answer.status_code == 422 and world.neighbours.mails == []


@pytest.mark.parametrize("path", ["/oauth/email", "/oauth/email/confirm"])
def test_a_ticket_that_nobody_gave_is_refused(world: World, browser: Browser, path: str) -> None:
    more = {"email": "a@example.com"} if path == "/oauth/email" else {"code": "123456"}

    answer = browser.http.post(path, json={"ticket": "A" * 43, **more})

    assert answer.json()["type"] == "/problems/ticket-invalid" and world.neighbours.mails == []


def test_a_provider_may_refuse_who_has_no_verified_address(world: World) -> None:
    world.change(ask_email=False)

    assert world.browser().sign_in(person="unverified") == {"error": "email-unverified"}
    assert world.browser().sign_in(person="nomail") == {"error": "email-unverified"}


def test_a_closed_sign_up_stays_closed_behind_a_code(world: World) -> None:
    world.change(allow_sign_up=False)
    browser = world.browser()
    ticket = asked(browser)

    answer = confirm(browser, ticket, send(browser, ticket))

    assert answer.json()["type"] == "/problems/sign-up-closed" and world.neighbours.users == {}


def test_a_code_that_was_not_mailed_opens_nothing(world: World, browser: Browser, monkeypatch) -> None:
    """Past its limit an address gets no mail: then no six digits are right, however many tickets somebody has."""
    for _ in range(3):
        send(browser, asked(browser), "victim@example.com")
    monkeypatch.setattr("secrets.randbelow", lambda below: 123456)
    ticket = asked(browser)
    sent = browser.http.post("/oauth/email", json={"ticket": ticket, "email": "victim@example.com"})

    assert sent.status_code == 202 and len(world.neighbours.mails) == 3
    assert confirm(browser, ticket, "123456").json()["type"] == "/problems/code-invalid"


def test_a_code_whose_mail_nobody_took_opens_nothing(world: World, browser: Browser, monkeypatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda below: 123456)
    ticket = asked(browser)
    world.neighbours.broken.add("/mail")
    unsent = browser.http.post("/oauth/email", json={"ticket": ticket, "email": "victim@example.com"})
    world.neighbours.broken.clear()

    assert unsent.status_code == 503
    assert confirm(browser, ticket, "123456").json()["type"] == "/problems/code-invalid"
    assert world.neighbours.users == {}
    assert confirm(browser, ticket, send(browser, ticket)).status_code == 200


def test_a_code_for_one_address_never_confirms_another(world: World, browser: Browser) -> None:
    ticket = asked(browser)
    mine = send(browser, ticket, "mine@example.com")
    world.neighbours.broken.add("/mail")
    browser.http.post("/oauth/email", json={"ticket": ticket, "email": "victim@example.com"})
    world.neighbours.broken.clear()

    assert confirm(browser, ticket, mine).json()["type"] == "/problems/code-invalid"
    assert world.neighbours.users == {}


def test_an_address_has_three_codes_an_hour_with_five_guesses_each(world: World, browser: Browser, monkeypatch) -> None:
    """Whichever tickets and identities they are asked for with."""
    monkeypatch.setattr("secrets.randbelow", lambda below: 123456)
    tickets = [asked(browser, person) for person in ("nomail", "unverified", "nomail", "unverified", "nomail")]
    for ticket in tickets:
        browser.http.post("/oauth/email", json={"ticket": ticket, "email": "victim@example.com"})

    wrong = [confirm(browser, ticket, "000000").json()["type"] for ticket in tickets[:3] for _ in range(5)]
    right = [confirm(browser, ticket, "123456").json()["type"] for ticket in tickets]

    assert wrong == ["/problems/code-invalid"] * 15
    assert right == ["/problems/attempts-exhausted"] * 3 + ["/problems/code-invalid"] * 2
    assert len(world.neighbours.mails) == 3 and world.neighbours.users == {}


def test_only_who_holds_a_ticket_counts_against_an_address(world: World, browser: Browser) -> None:
    for _ in range(3):
        answer = browser.http.post("/oauth/email", json={"ticket": "x" * 43, "email": "victim@example.com"})
        assert answer.json()["type"] == "/problems/ticket-invalid"

    send(browser, asked(browser), "victim@example.com")

    assert len(world.neighbours.mails) == 1


def test_a_second_ticket_of_the_same_newcomer_makes_no_second_account(world: World, browser: Browser) -> None:
    first, second = asked(browser), asked(browser)
    codes = [send(browser, first, "one@example.com"), send(browser, second, "two@example.com")]
    assert confirm(browser, first, codes[0]).status_code == 200
    # The lock of the first one has run out by then.
    world.clock.advance(minutes=5)

    refused = confirm(browser, second, codes[1])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/identity-taken")
    assert [user["email"] for user in world.neighbours.users.values()] == ["one@example.com"]


def test_that_an_identity_was_linked_is_on_record(world: World, browser: Browser) -> None:
    ticket = asked(browser)
    confirm(browser, ticket, send(browser, ticket))
    browser.gain(person="ada")

    linked = [one.data for one in envelopes_in(world.table) if one.data.get("action") == "oauth.linked"]

    users = [world.neighbours.by_email(email) for email in ("noah@example.com", "ada@idp.example")]
    assert sorted(entry["target"]["id"] for entry in linked) == sorted(map(str, users))
