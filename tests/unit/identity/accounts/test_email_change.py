"""Another address: confirmed at the new one, to be taken back from the old one."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.actions import email_change
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import CODE_ATTEMPTS
from functions.identity.accounts.store.rows import claim_pk
from tessera import aws
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.faults import contention
from tests.kit.races import outcomes, together
from tests.kit.stores import events_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person

MakePerson = Callable[..., Person]
NEW = "ann.lee@example.org"


def ask(http: AppClient, who: Person, email: str = NEW) -> Any:
    return http.post("/accounts/me/email", json={"email": email}, headers=who.bearer)


def confirm(http: AppClient, who: Person, code: str) -> Any:
    return http.post("/accounts/me/email/confirm", json={"code": code}, headers=who.bearer)


def revert(http: AppClient, token: str) -> Any:
    return http.post("/accounts/me/email/revert", json={"token": token})


def login(http: AppClient, email: str) -> Any:
    return http.post("/accounts/login", json={"email": email, "password": PASSWORD})


@pytest.fixture
def moved(http: AppClient, person: MakePerson, mailbox: Mailbox) -> Person:
    """Somebody whose address was changed to `NEW`."""
    ann = person()
    move(http, ann, mailbox, NEW)
    return ann


def move(http: AppClient, who: Person, mailbox: Mailbox, email: str) -> None:
    assert ask(http, who, email).status_code == 202
    answer = confirm(http, who, mailbox.latest(email, "confirm-new-email")["opened"]["code"])
    assert answer.status_code == 200, answer.text


def test_the_code_from_the_new_address_makes_it_the_accounts(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person()
    before = http.get("/accounts/me", headers=ann.bearer)

    assert ask(http, ann).status_code == 202
    assert http.get("/accounts/me", headers=ann.bearer).json()["email"] == ann.email
    answer = confirm(http, ann, mailbox.latest(NEW, "confirm-new-email")["opened"]["code"])

    assert (answer.status_code, answer.json()["email"], answer.json()["id"]) == (200, NEW, ann.id)
    assert answer.headers["etag"] != before.headers["etag"]
    assert login(http, NEW).status_code == 200
    assert login(http, ann.email).status_code == 401


def test_sessions_go_on_after_a_change(http: AppClient, moved: Person, frozen: FakeClock):
    frozen.advance(seconds=9)

    assert http.get("/accounts/me", headers=moved.bearer).status_code == 200
    assert http.post("/accounts/token/refresh", json={"refresh_token": moved.refresh_token}).status_code == 200


@pytest.mark.asvs("10.3.3")
def test_the_old_address_is_free_for_somebody_else(http: AppClient, moved: Person, person: MakePerson):
    assert person(moved.email).id != moved.id


def test_the_rest_is_told_both_addresses(moved: Person, ports: Ports):
    assert "accounts.user.email_changed.v1" in events_in(ports.users.table)


def test_asking_for_a_taken_address_looks_the_same_and_tells_its_owner(
    http: AppClient, person: MakePerson, mailbox: Mailbox
):
    ann, bob = person(), person("Bob@example.com")

    taken = ask(http, ann, "BOB@example.com")
    told = [mail["to"] for mail in mailbox.all() if mail["template"] == "email-in-use"]
    free = ask(http, ann, NEW)

    assert (taken.status_code, taken.text) == (free.status_code, free.text) == (202, "null")
    # To the spelling that Bob has confirmed, never to the one that was typed here.
    assert told == [bob.email]


def test_asking_costs_the_same_whether_or_not_an_address_is_taken(
    http: AppClient, person: MakePerson, ports: Ports, me: Callable[[Person], Principal]
):
    ann = person()
    person("bob@example.com")

    seen = []
    for email in ("bob@example.com", NEW):
        with aws.metered() as meter:
            email_change.ask(ports, ann.id, email, caller=me(ann))
        seen.append(meter.operations)

    assert seen[0] == seen[1]


@pytest.fixture
def me() -> Callable[[Person], Principal]:
    return lambda who: Principal(kind="user", id=who.id, user_id=who.id, aal=1)


def test_no_code_moves_an_account_to_a_taken_address(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann, bob = person(), person("bob@example.com")
    ask(http, ann, bob.email)

    # Even who could read the sealed mail of the other account gets nowhere with it.
    answer = confirm(http, ann, mailbox.latest(bob.email, "email-in-use")["opened"]["unused"])

    assert answer.json()["type"] == "/problems/code-invalid"
    assert http.get("/accounts/me", headers=ann.bearer).json()["email"] == ann.email


def test_an_address_taken_meanwhile_is_refused_to_who_has_its_code(
    http: AppClient, person: MakePerson, mailbox: Mailbox
):
    ann = person()
    ask(http, ann)
    code = mailbox.latest(NEW, "confirm-new-email")["opened"]["code"]
    person(NEW)

    answer = confirm(http, ann, code)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/email-taken")
    assert login(http, ann.email).status_code == 200


def test_two_people_after_one_address_get_it_once(
    http: AppClient,
    person: MakePerson,
    mailbox: Mailbox,
    ports: Ports,
    call: Call,
    me: Callable[[Person], Principal],
    table: Table,
):
    people = [person("ann@example.com"), person("bob@example.com")]
    codes = []
    for one in people:
        ask(http, one)
        codes.append(mailbox.latest(NEW, "confirm-new-email")["opened"]["code"])

    results = together(
        *(
            lambda who=who, code=code: email_change.confirm(ports, who.id, code, caller=me(who), call=call)
            for who, code in zip(people, codes, strict=True)
        )
    )

    assert outcomes(results) == {"ok": 1, "email-taken": 1}
    claim = aws.client("dynamodb").get_item(
        TableName=table.name, Key={"pk": {"S": claim_pk(NEW)}, "sk": {"S": "CLAIM"}}
    )["Item"]
    assert claim["uid"]["S"] in [one.id for one in people]


def test_one_code_confirmed_twice_at_once_changes_the_address_once(
    http: AppClient,
    person: MakePerson,
    mailbox: Mailbox,
    ports: Ports,
    call: Call,
    me: Callable[[Person], Principal],
):
    ann = person()
    ask(http, ann)
    code = mailbox.latest(NEW, "confirm-new-email")["opened"]["code"]

    results = together(lambda: email_change.confirm(ports, ann.id, code, caller=me(ann), call=call), times=4)

    assert outcomes(results)["ok"] == 1
    assert [mail["template"] for mail in mailbox.all(ann.email)].count("email-changed") == 1


@pytest.mark.asvs("6.6.3")
def test_a_code_has_five_tries_and_then_even_the_right_one_is_refused(
    http: AppClient, person: MakePerson, mailbox: Mailbox
):
    ann = person()
    ask(http, ann)
    code = mailbox.latest(NEW, "confirm-new-email")["opened"]["code"]
    wrong = "000000" if code != "000000" else "000001"

    answers = [confirm(http, ann, wrong) for _ in range(CODE_ATTEMPTS)]

    assert {answer.json()["type"] for answer in answers} == {"/problems/code-invalid"}
    assert confirm(http, ann, code).json()["type"] == "/problems/attempts-exhausted"


@pytest.mark.asvs("6.5.5")
def test_a_code_is_good_for_an_hour(http: AppClient, person: MakePerson, mailbox: Mailbox, frozen: FakeClock):
    ann = person()
    ask(http, ann)
    code = mailbox.latest(NEW, "confirm-new-email")["opened"]["code"]
    frozen.advance(minutes=60)
    late = Person(ann.email, PASSWORD, login(http, ann.email).json())

    answer = confirm(http, late, code)

    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/code-expired")


@pytest.mark.asvs("6.6.2")
def test_the_same_six_digits_are_another_code_for_another_account(
    http: AppClient, person: MakePerson, mailbox: Mailbox, ports: Ports
):
    ann, bob = person(), person("bob@example.com")
    ask(http, ann)
    code = mailbox.latest(NEW, "confirm-new-email")["opened"]["code"]

    macs = {ports.digest(email_change.PURPOSE, f"{who.id} {code}") for who in (ann, bob)}

    assert len(macs) == 2
    assert confirm(http, bob, code).json()["type"] == "/problems/code-invalid"


@pytest.mark.asvs("6.6.2")
def test_a_newer_change_replaces_the_older_one(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person()
    ask(http, ann, "first@example.org")
    first = mailbox.latest("first@example.org", "confirm-new-email")["opened"]["code"]
    ask(http, ann, NEW)
    second = mailbox.latest(NEW, "confirm-new-email")["opened"]["code"]

    if first != second:
        assert confirm(http, ann, first).status_code == 400
    assert confirm(http, ann, second).json()["email"] == NEW


@pytest.mark.asvs("7.5.1")
def test_a_change_needs_a_fresh_sign_in(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    frozen.advance(seconds=301)

    answer = ask(http, ann)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/step-up-required")
    assert "max_age=300" in answer.headers["www-authenticate"]


def test_an_account_asks_three_times_an_hour(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    asked = [ask(http, ann, f"new{number}@example.org").status_code for number in range(4)]

    assert asked == [202, 202, 202, 429]


def test_an_address_gets_three_mails_an_hour_whoever_asks(http: AppClient, person: MakePerson, mailbox: Mailbox):
    for name in ("ann", "bob", "cas", "dee"):
        assert ask(http, person(f"{name}@example.com")).status_code == 202

    assert len(mailbox.all(NEW)) == 3


@pytest.mark.parametrize("email", ["", "ann", "ann@", "a b@example.com", "ann\u202e@example.com"], ids=repr)
def test_what_is_no_address_is_pointed_at(http: AppClient, person: MakePerson, email: str):
    answer = ask(http, person(), email)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/email"


def test_only_the_spelling_can_be_changed_too(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person("ann@example.com")
    move(http, ann, mailbox, "Ann@example.com")

    assert http.get("/accounts/me", headers=ann.bearer).json()["email"] == "Ann@example.com"
    assert login(http, "ann@example.com").status_code == 200


def test_the_old_address_is_told_with_a_way_back_and_no_full_new_address(moved: Person, mailbox: Mailbox):
    mail = mailbox.latest(moved.email, "email-changed")

    assert mail["data"]["email"] == "a…@example.org"
    assert mail["opened"]["link"].startswith("https://app.test/#revert=")
    assert mail["opened"]["link"] not in str(mail["data"])


def test_the_way_back_restores_the_address_and_ends_every_session(
    http: AppClient, moved: Person, mailbox: Mailbox, frozen: FakeClock
):
    thief = login(http, NEW).json()

    assert revert(http, mailbox.token(moved.email, "email-changed")).status_code == 200

    frozen.advance(seconds=9)
    for token in (moved.signed_in["access_token"], thief["access_token"]):
        assert http.get("/accounts/me", headers={"authorization": f"Bearer {token}"}).status_code == 401
    for token in (moved.refresh_token, thief["refresh_token"]):
        assert http.post("/accounts/token/refresh", json={"refresh_token": token}).status_code == 401
    assert login(http, NEW).status_code == 401
    assert login(http, moved.email).status_code == 200


def test_who_takes_an_account_back_gets_a_link_to_a_new_password(http: AppClient, moved: Person, mailbox: Mailbox):
    revert(http, mailbox.token(moved.email, "email-changed"))

    token = mailbox.token(moved.email, "email-reverted")
    done = http.post("/accounts/password/reset", json={"token": token, "password": "another evening in town"})

    assert done.status_code == 200
    assert login(http, moved.email).status_code == 401


def test_a_way_back_works_once_and_for_a_week(http: AppClient, person: MakePerson, mailbox: Mailbox, frozen: FakeClock):
    ann = person()
    move(http, ann, mailbox, NEW)
    first = mailbox.token(ann.email, "email-changed")
    assert revert(http, first).status_code == 200
    assert revert(http, first).json()["type"] == "/problems/code-invalid"

    back = login(http, ann.email).json()
    ann = Person(ann.email, PASSWORD, {**back, "user": back["user"]})
    move(http, ann, mailbox, NEW)
    frozen.advance(days=7)

    assert revert(http, mailbox.token(ann.email, "email-changed")).json()["type"] == "/problems/code-invalid"


def test_whoever_moved_on_again_cannot_take_the_account_back_from_its_owner(
    http: AppClient, person: MakePerson, mailbox: Mailbox
):
    """A thief moves twice, so as to hold a way back of their own: the owner's way back voids it."""
    ann = person()
    move(http, ann, mailbox, "thief@example.org")
    move(http, ann, mailbox, "thief2@example.org")
    owners = mailbox.token(ann.email, "email-changed")
    thiefs = mailbox.token("thief@example.org", "email-changed")

    assert revert(http, owners).status_code == 200

    assert revert(http, thiefs).json()["type"] == "/problems/code-invalid"
    assert login(http, ann.email).status_code == 200


def test_a_change_that_waits_is_void_once_the_account_was_taken_back(
    http: AppClient, moved: Person, mailbox: Mailbox, frozen: FakeClock
):
    ask(http, moved, "third@example.org")
    code = mailbox.latest("third@example.org", "confirm-new-email")["opened"]["code"]

    revert(http, mailbox.token(moved.email, "email-changed"))

    # The access token is good for up to 15 seconds more, and this is what it must not be good for.
    assert confirm(http, moved, code).status_code in (400, 401)
    assert login(http, moved.email).status_code == 200


def test_an_address_that_somebody_else_has_by_now_does_not_come_back(
    http: AppClient, moved: Person, person: MakePerson, mailbox: Mailbox
):
    person(moved.email)

    answer = revert(http, mailbox.token(moved.email, "email-changed"))

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/email-taken")
    assert login(http, NEW).status_code == 200


def test_a_link_to_a_new_password_goes_with_the_address_it_was_sent_to(
    http: AppClient, person: MakePerson, mailbox: Mailbox
):
    ann = person()
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")
    move(http, ann, mailbox, NEW)

    answer = http.post("/accounts/password/reset", json={"token": token, "password": "another evening in town"})

    assert answer.json()["type"] == "/problems/reset-token-invalid"


@pytest.mark.parametrize("token", ["x", "A" * 64, "-" * 64, "é"], ids=str)
def test_a_made_up_link_is_refused(http: AppClient, token: str):
    assert revert(http, token).json()["type"] == "/problems/code-invalid"


def test_prefetch_get_does_not_consume_a_way_back(http: AppClient, moved: Person, mailbox: Mailbox):
    token = mailbox.token(moved.email, "email-changed")

    for _ in range(3):
        assert http.get("/accounts/me/email/revert", params={"token": token}).status_code == 405

    assert revert(http, token).status_code == 200


def test_two_ways_back_at_once_move_the_account_once(ports: Ports, moved: Person, mailbox: Mailbox, call: Call):
    token = mailbox.token(moved.email, "email-changed")

    results = together(lambda: email_change.revert(ports, token, call=call), times=4)

    assert outcomes(results)["ok"] == 1


def test_a_change_under_contention_happens_once(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person()
    with contention(0.5, seed=7):
        move(http, ann, mailbox, NEW)
        assert revert(http, mailbox.token(ann.email, "email-changed")).status_code == 200

    assert login(http, ann.email).status_code == 200


def test_staff_set_an_address_and_the_old_one_has_its_way_back(
    http: AppClient, person: MakePerson, ports: Ports, mailbox: Mailbox, call: Call
):
    ann = person()
    staff = Principal(kind="user", id="01J00000000000000000000000", user_id="01J00000000000000000000000")

    email_change.set_by_staff(ports, ann.id, NEW, caller=staff, call=call)

    assert login(http, NEW).status_code == 200
    assert revert(http, mailbox.token(ann.email, "email-changed")).status_code == 200
    assert login(http, ann.email).status_code == 200


def test_the_account_is_found_by_the_beginning_of_its_new_address(moved: Person, ports: Ports):
    assert [row.user_id for row in ports.users.with_prefix("ann.l", limit=10, after=None).rows] == [moved.id]
    assert ports.users.with_prefix("ann@", limit=10, after=None).rows == []
