"""What each condition of the store is for."""

from typing import Any

import pytest

from functions.identity.oauth.events import LoginSucceeded
from functions.identity.oauth.ports import Ports
from functions.identity.oauth.rules.problems import ExchangeInvalid, TicketInvalid
from functions.identity.oauth.store.answers import MAX_MAILS
from functions.identity.oauth.store.identities import Somebody
from functions.identity.oauth.store.rows import AnswerRow
from tessera import ids
from tessera.auth.problems import AttemptsExhausted
from tessera.problems import NotFound
from tessera.transact import transact
from tests.kit.faults import meanwhile
from tests.unit.identity.oauth.conftest import Browser, World


@pytest.fixture
def ports(world: World) -> Ports:
    return world.ports()


def answer(kind: str = "email", **more: Any) -> AnswerRow:
    return AnswerRow(kind=kind, provider="idp", delivery="token", challenge="c", **more)


def waits(ports: Ports, what: str) -> None:
    """Put something under the mark `m` that is no ticket waiting for an address, for one reason."""
    if what == "a code":
        transact(ports.answers.keeping("m", answer()))
    elif what == "another kind":
        ports.answers.keep_ticket("m", answer("link"))
    else:
        ports.answers.keep_ticket("m", answer())


NO_TICKET = pytest.mark.parametrize("what", ["a code", "another kind", "run out"])


# -- what came of a sign-in ---------------------------------------------------


def test_a_ticket_is_no_code(ports: Ports) -> None:
    ports.answers.keep_ticket("m", answer())

    with pytest.raises(ExchangeInvalid):
        ports.answers.take("m", "c")

    assert ports.answers.ticket("m", "email").provider == "idp"


@NO_TICKET
def test_only_a_ticket_of_this_kind_that_is_still_good_is_used(world: World, ports: Ports, what: str) -> None:
    waits(ports, what)
    world.clock.advance(minutes=10 if what == "run out" else 0)

    with pytest.raises(TicketInvalid):
        transact(ports.answers.consuming("m", "email"))


@NO_TICKET
def test_only_a_ticket_that_waits_for_an_address_is_given_one(world: World, ports: Ports, what: str) -> None:
    waits(ports, what)
    world.clock.advance(minutes=10 if what == "run out" else 0)

    with pytest.raises(TicketInvalid):
        ports.answers.address("m", "ada@idp.example", "code")


@NO_TICKET
def test_a_code_is_guessed_only_of_a_ticket_that_waits_for_one(world: World, ports: Ports, what: str) -> None:
    kind = "link" if what == "another kind" else "email"
    row = answer(kind, left=5, code_mac="code")
    if what == "a code":
        transact(ports.answers.keeping("m", row))
    else:
        ports.answers.keep_ticket("m", row)
    world.clock.advance(minutes=10 if what == "run out" else 0)

    with pytest.raises(TicketInvalid):
        ports.answers.attempt("m")


def test_mails_and_guesses_are_counted_whoever_asks(ports: Ports) -> None:
    ports.answers.keep_ticket("m", answer())
    with pytest.raises(TicketInvalid):
        ports.answers.attempt("m")
    for _ in range(MAX_MAILS):
        ports.answers.address("m", "ada@idp.example", "code")

    with pytest.raises(AttemptsExhausted):
        ports.answers.address("m", "ada@idp.example", "code")


def test_a_code_that_was_mailed_late_does_not_take_the_place_of_a_newer_one(ports: Ports) -> None:
    ports.answers.keep_ticket("m", answer())
    ports.answers.address("m", "first@example.com", "none yet")
    ports.answers.address("m", "second@example.com", "none yet either")

    ports.answers.mailed("m", "second", instead_of="none yet either")
    ports.answers.mailed("m", "first", instead_of="none yet")

    assert ports.answers.attempt("m").code_mac == "second"


# -- identities ---------------------------------------------------------------


def test_an_identity_unlinked_during_a_sign_in_signs_nobody_in(world: World, browser: Browser) -> None:
    """By then it may be somebody else's."""
    browser.gain()
    (me,) = world.neighbours.users
    (listed,) = world.identity_of(me)
    identity_id = listed.sk.removeprefix("I#")
    told = LoginSucceeded(user_id=me, identity_id=identity_id, provider="idp")
    store, somebody_else = world.ports().identities, ids.new()

    def moved() -> None:
        store.unlink(me, identity_id, alone=False, audited=told)
        _, steps = store.linking(Somebody("idp", listed.key, "ada", "a…", None), somebody_else, sealed=None)
        transact(*steps)

    callback = browser.choose(browser.begin())
    with meanwhile("TransactWriteItems", moved):
        ended = browser.come_back(callback)

    assert ended.headers["location"].endswith("#error=busy")
    assert len(store.of_user(somebody_else)) == 1


def test_an_identity_that_went_to_another_is_not_taken_from_them(world: World, ports: Ports) -> None:
    """Whoever erases or unlinks has read whose it was."""
    me, other, store = ids.new(), ids.new(), ports.identities
    who = Somebody("idp", "key", "ada", "a…")
    row, steps = store.linking(who, me, sealed=None)
    transact(*steps)
    told = LoginSucceeded(user_id=me, identity_id=row.identity_id, provider="idp")

    def moved() -> None:
        store.unlink(me, row.identity_id, alone=False, audited=told)
        transact(*store.linking(who, other, sealed=None)[1])

    with meanwhile("TransactWriteItems", moved), pytest.raises(NotFound):
        store.unlink(me, row.identity_id, alone=False, audited=told)

    found = store.find("idp", "key")
    assert found is not None and found.uid == other
