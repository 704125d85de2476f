"""Whether an address has an account is told by nothing: no body, no call, no time."""

import asyncio
import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from statistics import median
from typing import Any

import pytest

from functions.identity.accounts.actions import passwords, sign_in, sign_up
from functions.identity.accounts.pace import Pace
from functions.identity.accounts.ports import Client, Ports
from functions.identity.accounts.rules import LoginFailed
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import MAIN, user_pk
from tessera import aws, ids
from tessera.auth.call import Call
from tests.kit.clocks import FakeClock
from tests.kit.samples import mann_whitney
from tests.kit.web import AppClient

from .conftest import PASSWORD, Person

pytestmark = pytest.mark.long

MakePerson = Callable[..., Person]
Internal = Callable[..., Any]
WRONG = "not the right one at all"
SAMPLES = 200
FLOOR_MS, STEP_MS = 250, 50
MEDIANS_APART_MS, WORK_APART, P_VALUE = 5.0, 0.2, 0.01


@pytest.fixture
def of_every_kind(http: AppClient, person: MakePerson, internal: Internal, ports: Ports) -> dict[str, str]:
    """An address of each kind that a wrong password is refused for, each for another reason."""
    person("wrong@example.com")
    locked, without, leaving = (person(f"{name}@example.com") for name in ("locked", "without", "leaving"))
    internal("POST", f"/accounts/internal/users/{locked.id}/lock", {})
    ports.users.table.update(UserRow, user_pk(without.id), MAIN, UserRow.pw.remove(), UserRow.pw_pv.remove())
    http.delete("/accounts/me", headers=leaving.bearer)
    http.post("/accounts/sign-up", json={"email": "unverified@example.com", "password": PASSWORD})
    names = {"unknown": "nobody", "wrong password": "wrong", "no password": "without"}
    names |= {name: name for name in ("locked", "unverified", "leaving")}
    return {kind: f"{name}@example.com" for kind, name in names.items()}


@pytest.fixture
def refused(ports: Ports, call: Call) -> Callable[[str], None]:
    def attempt(email: str) -> None:
        with pytest.raises(LoginFailed):
            sign_in.login(ports, email=email, password=WRONG, client=Client(address="203.0.113.7"), call=call)

    return attempt


def test_enumeration_of_sign_ins_by_their_calls(
    ports: Ports, of_every_kind: dict[str, str], refused: Callable[[str], None]
):
    refused("warm@example.com")

    calls = {}
    for kind, email in of_every_kind.items():
        with aws.metered() as meter:
            refused(email)
        calls[kind] = meter.operations

    assert len(calls) == 6
    assert set(map(tuple, calls.values())) == {("UpdateItem", "GetItem", "UpdateItem", "TransactWriteItems")}


def test_enumeration_of_sign_ins_by_their_answers(http: AppClient, of_every_kind: dict[str, str]):
    answers = [
        http.post("/accounts/login", json={"email": email, "password": WRONG}) for email in of_every_kind.values()
    ]

    seen = {(answer.status_code, str({**answer.json(), "trace_id": ""})) for answer in answers}
    headers = {tuple(sorted(set(answer.headers) - {"ratelimit"})) for answer in answers}
    assert len(seen) == len(headers) == 1


@pytest.mark.parametrize("ask", ["forgot", "sign up", "resend"])
def test_enumeration_of_what_sends_mail_by_its_calls(
    ports: Ports, of_every_kind: dict[str, str], http: AppClient, ask: str
):
    def forgot(email: str) -> None:
        passwords.forgot(ports, email)

    def start(email: str) -> None:
        sign_up.start(ports, email=email, password=PASSWORD, name=None, locale=None)

    def resend(email: str) -> None:
        begun = sign_up.start(ports, email=email, password=PASSWORD, name=None, locale=None)
        resends.append(begun.id)

    resends: list[str] = []
    run = {"forgot": forgot, "sign up": start, "resend": resend}[ask]
    run("warm@example.com")
    calls = set()
    for email in of_every_kind.values():
        with aws.metered() as meter:
            run(email)
        calls.add(tuple(meter.operations))
    again = set()
    for sign_up_id in [*resends, *([ids.new()] if resends else [])]:
        with aws.metered() as meter:
            sign_up.resend(ports, sign_up_id)
        again.add(tuple(meter.operations))

    assert len(calls) == 1
    assert len(again) <= 1


def test_enumeration_timing(
    ports: Ports, of_every_kind: dict[str, str], refused: Callable[[str], None], frozen: FakeClock
):
    """200 refusals of each kind: the medians of what leaves are within 5 ms, and the work behind them within a fifth.

    Two things are compared, because each hides what the other shows. The work is the time of this thread alone on
    the processor: were the hash left out for an unknown address, its median would be less than half of the others,
    though the floor would hide that from a client. What leaves is the work's
    real time and the wait that the floor adds to it; the wait is computed by the real code and not waited for.

    Even two samples of one source fall below p = 0.01 once in a hundred times. So a pair is called different only
    when three measurements in a row say so: a difference that is there is found each time, chance is not.
    """
    kinds = dict(list(of_every_kind.items())[:2] + list(of_every_kind.items())[2:])
    del kinds["leaving"]
    assert len(kinds) == 5

    suspected = set(combinations(kinds, 2))
    for _ in range(3):
        work, left = measured(kinds, refused, frozen, ports, samples=SAMPLES if len(suspected) == 10 else 60)
        leaving = {kind: median(values) for kind, values in left.items()}
        assert max(leaving.values()) - min(leaving.values()) < MEDIANS_APART_MS, leaving
        # Part of the work is the stand-in of the table, in this very thread, and stretches with a busy processor.
        working = {kind: median(values) for kind, values in work.items()}
        apart = max(MEDIANS_APART_MS, WORK_APART * max(working.values()))
        assert max(working.values()) - min(working.values()) < apart, working
        suspected = {pair for pair in suspected if mann_whitney(left[pair[0]], left[pair[1]]) <= P_VALUE}
        if not suspected:
            return
    pytest.fail(f"These can be told apart by the time of their answers: {sorted(suspected)}")


def measured(
    kinds: dict[str, str], refused: Callable[[str], None], frozen: FakeClock, ports: Ports, *, samples: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Milliseconds of work, and milliseconds until the answer leaves, by kind. Kinds take turns in random order."""
    dice = random.Random(17)
    work: dict[str, list[float]] = {kind: [] for kind in kinds}
    left: dict[str, list[float]] = {kind: [] for kind in kinds}
    with undisturbed():
        for number in range(samples + 3):
            # Attempts come back with time, and the count of failures must not reach its limit.
            frozen.advance(hours=1)
            if number % 50 == 0:
                reset_failures(ports, kinds)
            order = list(kinds)
            dice.shuffle(order)
            for kind in order:
                worked, leaves = one(refused, kinds[kind])
                if number >= 3:
                    work[kind].append(worked)
                    left[kind].append(leaves)
    return work, left


def one(refused: Callable[[str], None], email: str) -> tuple[float, float]:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    pace = Pace(FLOOR_MS, STEP_MS, wait=wait)

    async def answer() -> None:
        async with pace.held():
            refused(email)

    busy, started = time.thread_time(), time.monotonic()
    asyncio.run(answer())
    took = time.monotonic() - started
    return (time.thread_time() - busy) * 1000, round((took + waited[0]) * 1000, 0)


def reset_failures(ports: Ports, kinds: dict[str, str]) -> None:
    for email in kinds.values():
        claim = ports.users.claim_of(email)
        if claim is not None:
            ports.users.table.update(UserRow, user_pk(claim.uid), MAIN, UserRow.fails.set(0), bump=False)


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection in between, which takes its time whenever it likes."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_a_refusal_and_a_success_leave_at_the_same_time():
    """Below the floor both leave at the floor, whatever more a success has to do."""
    pace = Pace(FLOOR_MS, STEP_MS)

    assert pace.rest(0.02) + 0.02 == pytest.approx(pace.rest(0.2) + 0.2) == pytest.approx(FLOOR_MS / 1000)
