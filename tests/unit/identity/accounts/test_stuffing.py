"""Credential stuffing: however many guess at once, nobody guesses more often than is allowed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from functions.identity.accounts.actions import sign_in
from functions.identity.accounts.ports import Client, Ports
from tessera.auth.call import Call
from tests.kit.clocks import FakeClock
from tests.kit.races import Outcome, outcomes, together

from .conftest import PASSWORD, Person

MakePerson = Callable[..., Person]
WRONG = "not the right one at all"
BURST = 10
# Where so many count at once that one cannot count in time, that one does not guess either: the limiter fails closed.
REFUSALS = {"login-failed", "attempts-exhausted", "unavailable"}


@contextmanager
def counted(ports: Ports) -> Iterator[list[int]]:
    """How many passwords are hashed inside the block."""
    hashes, lock, real = [0], threading.Lock(), ports.passwords.matches

    def counting(password: str, kept: object) -> bool:
        with lock:
            hashes[0] += 1
        return real(password, kept)  # type: ignore[arg-type]

    ports.passwords.matches = counting  # type: ignore[method-assign]
    try:
        yield hashes
    finally:
        del ports.passwords.matches


def test_a_thousand_guesses_at_once_at_one_account_hash_ten(
    ports: Ports, person: MakePerson, call: Call, frozen: FakeClock
):
    ann = person()

    def guess() -> object:
        return sign_in.login(ports, email=ann.email, password=WRONG, client=Client(), call=call)

    with counted(ports) as hashes:
        results = together(guess, times=1_000)
        results += rest(guess)

    seen = outcomes(results)
    assert hashes[0] == seen["login-failed"] == BURST
    assert seen.keys() <= REFUSALS


def test_guesses_spread_over_accounts_hash_ten_of_each(ports: Ports, person: MakePerson, call: Call, frozen: FakeClock):
    """Half of the addresses have no account: they are counted and refused in the same way."""
    known = [person(f"known{number}@example.com").email for number in range(5)]
    emails = [*known, *(f"unknown{number}@example.com" for number in range(5))]

    def guess(email: str) -> Callable[[], object]:
        return lambda: sign_in.login(ports, email=email, password=WRONG, client=Client(), call=call)

    with counted(ports) as hashes:
        results = together(*(guess(email) for email in emails), times=30)
        for email in emails:
            results += rest(guess(email))

    seen = outcomes(results)
    assert hashes[0] == seen["login-failed"] == 10 * BURST
    assert seen.keys() <= REFUSALS
    # Whoever knows the password gets in as soon as one attempt has come back, in 3 minutes.
    frozen.advance(minutes=3, seconds=1)
    user, _ = sign_in.login(ports, email=known[0], password=PASSWORD, client=Client(), call=call)
    assert user.email == known[0]


def rest(guess: Callable[[], object]) -> list[Outcome]:
    """What comes of guessing on, one at a time, until all attempts are used up: so many may be left by a crowd."""
    results: list[Outcome] = []
    while not results or results[-1].name == "login-failed":
        results += together(guess)
    return results
