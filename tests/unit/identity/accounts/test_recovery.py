"""Recovery codes: how they are made and read, and that each is good once."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity.accounts import recovery_codes as rules
from functions.identity.accounts.actions import factors
from functions.identity.accounts.ports import Client, Ports
from functions.identity.accounts.rules import MfaFailed
from functions.identity.accounts.store.factor_rows import RECOVERY, RecoveryRow
from functions.identity.accounts.store.rows import user_pk
from tessera import ids
from tessera.auth.call import Call
from tessera.auth.mac import Mac, MacKeys
from tessera.tables import Table
from tests.kit.capacity import CapacityMeter
from tests.kit.clocks import FakeClock
from tests.kit.faults import Crash, before_call, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.web import AppClient

from .conftest import Mailbox, Person
from .second_factors import App, begin, enrol, finish, recovery_codes, slug
from .test_totp import pending_of

MakePerson = Callable[..., Person]
MAC = Mac(lambda: MacKeys({"current": "1", "1": "a text"}))
USER = ids.new()


@pytest.fixture
def ann(http: AppClient, person: MakePerson) -> Person:
    return person()


@pytest.fixture
def phone(http: AppClient, ann: Person, frozen: FakeClock) -> App:
    return enrol(http, ann, frozen)


@pytest.fixture
def codes(http: AppClient, ann: Person, phone: App) -> list[str]:
    return recovery_codes(http, ann)


@pytest.mark.asvs("6.5.4")
def test_ten_codes_of_fifty_bits_are_made():
    made = rules.new_codes()

    assert len(set(made)) == 10
    assert all(len(code) == 11 and code[5] == "-" and set(code) - {"-"} <= set(ids.ALPHABET) for code in made)


@pytest.mark.parametrize(
    "spelled", ["0ABCD-1FGHJ", "0abcd1fghj", "OABCD-IFGHJ", " oabcd - lfghj ", "0ABCDLFGHJ"], ids=repr
)
def test_a_code_is_read_as_people_write_it(spelled: str):
    tag = rules.tag_of(MAC, USER, "0ABCD1FGHJ")

    assert rules.kept_as(MAC, USER, spelled, frozenset([tag])) == tag


@given(st.text(max_size=30))
def test_any_other_text_is_no_code(text: str):
    tags = frozenset(rules.tag_of(MAC, USER, code) for code in ("0ABCD1FGHJ", "ZZZZZZZZZZ"))

    found = rules.kept_as(MAC, USER, text, tags)

    is_code = text.upper().translate(str.maketrans("OIL", "011", "- ")) in ("0ABCD1FGHJ", "ZZZZZZZZZZ")
    assert (found is not None) == is_code


@pytest.mark.asvs("6.5.2")
def test_a_code_is_bound_to_its_user():
    assert rules.tag_of(MAC, USER, "0ABCD1FGHJ") != rules.tag_of(MAC, ids.new(), "0ABCD1FGHJ")


def test_codes_outlive_a_new_version_of_the_key():
    tag = rules.tag_of(MAC, USER, "0ABCD1FGHJ")
    renewed = Mac(lambda: MacKeys({"current": "2", "1": "a text", "2": "a newer one"}))

    assert rules.kept_as(renewed, USER, "0ABCD1FGHJ", frozenset([tag])) == tag


def test_codes_are_for_who_has_a_second_factor(http: AppClient, ann: Person):
    answer = http.post("/accounts/me/mfa/recovery-codes", headers=ann.bearer)

    assert (answer.status_code, slug(answer)) == (409, "second-factor-missing")


@pytest.mark.asvs("6.5.2")
def test_the_table_keeps_no_code(ann: Person, codes: list[str], table: Table):
    row = table.get(RecoveryRow, user_pk(ann.id), RECOVERY)

    assert row is not None and len(row.codes) == 10
    assert not any(code.replace("-", "") in tag for code in codes for tag in row.codes)


@pytest.mark.asvs("6.4.4")
def test_a_code_signs_in_and_its_owner_is_told(
    http: AppClient, ann: Person, codes: list[str], mailbox: Mailbox, told: Callable[[], list[str]]
):
    pending = begin(http, ann)

    done = finish(http, pending, "recovery", code=codes[0].lower())

    assert pending["methods"] == ["totp", "recovery"]
    assert done.status_code == 200
    assert mailbox.latest(ann.email, "recovery-code-used")["data"]["left"] == "9"
    assert "accounts.recovery-code-used" in told()


@pytest.mark.asvs("6.5.1")
def test_recovery_single_use(http: AppClient, ann: Person, codes: list[str], ports: Ports, call: Call, client: Client):
    tokens = [pending_of(ports, ann, client, call).token for _ in range(4)]

    results = together(
        *(
            lambda token=token: factors.finish(ports, token, method="recovery", code=codes[0], call=call)
            for token in tokens
        )
    )

    assert outcomes(results) == {"ok": 1, "mfa-failed": 3}
    assert slug(finish(http, begin(http, ann), "recovery", code=codes[0])) == "mfa-failed"


def test_a_code_burns_the_apps_present_and_next_one(
    http: AppClient, ann: Person, phone: App, codes: list[str], frozen: FakeClock
):
    present = phone.next_code()
    assert finish(http, begin(http, ann), "recovery", code=codes[0]).status_code == 200

    refused = [finish(http, begin(http, ann), "totp", code=code) for code in (present, phone.next_code())]

    assert [slug(answer) for answer in refused] == ["mfa-failed"] * 2
    assert finish(http, begin(http, ann), "totp", code=phone.next_code()).status_code == 200


def test_few_codes_are_warned_of_and_none_are_not_offered(
    http: AppClient, ann: Person, codes: list[str], mailbox: Mailbox
):
    for code in codes[:6]:
        assert finish(http, begin(http, ann), "recovery", code=code).status_code == 200
    assert not [mail for mail in mailbox.all(ann.email) if mail["template"] == "recovery-codes-low"]

    for code in codes[6:]:
        assert finish(http, begin(http, ann), "recovery", code=code).status_code == 200

    warned = [mail["data"]["left"] for mail in mailbox.all(ann.email) if mail["template"] == "recovery-codes-low"]
    assert warned == ["3", "2", "1"]
    assert mailbox.latest(ann.email, "recovery-codes-gone")
    assert begin(http, ann)["methods"] == ["totp"]


def test_the_last_two_used_at_once_leave_none_to_be_offered(
    http: AppClient, ann: Person, codes: list[str], ports: Ports, call: Call, client: Client, mailbox: Mailbox
):
    for code in codes[:8]:
        assert finish(http, begin(http, ann), "recovery", code=code).status_code == 200
    first, second = (pending_of(ports, ann, client, call).token for _ in range(2))

    # The second comes in between what the first has read and what it writes.
    with meanwhile(
        "TransactWriteItems", lambda: factors.finish(ports, second, method="recovery", code=codes[9], call=call)
    ):
        factors.finish(ports, first, method="recovery", code=codes[8], call=call)

    assert begin(http, ann)["methods"] == ["totp"]
    assert len([mail for mail in mailbox.all(ann.email) if mail["template"] == "recovery-codes-gone"]) == 1


def test_the_last_two_used_by_two_at_once_leave_none_to_be_offered(
    http: AppClient, ann: Person, codes: list[str], ports: Ports, call: Call, client: Client, mailbox: Mailbox
):
    for code in codes[:8]:
        assert finish(http, begin(http, ann), "recovery", code=code).status_code == 200
    pending = [(pending_of(ports, ann, client, call).token, code) for code in codes[8:]]

    results = together(
        *(
            lambda token=token, code=code: factors.finish(ports, token, method="recovery", code=code, call=call)
            for token, code in pending
        )
    )

    assert outcomes(results) == {"ok": 2}
    assert (ports.factors.held(ann.id).codes, begin(http, ann)["methods"]) == (frozenset(), ["totp"])
    assert len([mail for mail in mailbox.all(ann.email) if mail["template"] == "recovery-codes-gone"]) == 1


@pytest.mark.parametrize("number", range(1, 6))
def test_a_process_that_dies_over_the_last_code_leaves_no_way_in_without_one(
    http: AppClient, ann: Person, codes: list[str], ports: Ports, call: Call, client: Client, number: int
):
    for code in codes[:9]:
        assert finish(http, begin(http, ann), "recovery", code=code).status_code == 200
    token = pending_of(ports, ann, client, call).token

    def die() -> None:
        raise Crash()

    with before_call(number, die) as called, suppress(Crash):
        factors.finish(ports, token, method="recovery", code=codes[9], call=call)

    held = ports.factors.held(ann.id)
    assert ("recovery" in held.user.mfa) == (held.codes != frozenset())
    assert len(called) >= number


def test_codes_made_anew_stay_a_way_in(
    http: AppClient, ann: Person, codes: list[str], ports: Ports, call: Call, client: Client
):
    """Whoever used the last one and is late has seen that none was left; by now there are ten."""
    for code in codes[:9]:
        assert finish(http, begin(http, ann), "recovery", code=code).status_code == 200
    token = pending_of(ports, ann, client, call).token

    with meanwhile("TransactWriteItems", lambda: recovery_codes(http, ann)), pytest.raises(MfaFailed):
        factors.finish(ports, token, method="recovery", code=codes[9], call=call)

    assert "recovery" in ports.users.get(ann.id).mfa and len(ports.factors.held(ann.id).codes) == 10


def test_new_codes_make_the_old_ones_worthless(
    http: AppClient, ann: Person, codes: list[str], mailbox: Mailbox, told: Callable[[], list[str]]
):
    renewed = recovery_codes(http, ann)

    old, new = (finish(http, begin(http, ann), "recovery", code=code) for code in (codes[0], renewed[0]))

    assert (slug(old), new.status_code) == ("mfa-failed", 200)
    assert len([mail for mail in mailbox.all(ann.email) if mail["template"] == "recovery-codes-made"]) == 2
    assert told().count("accounts.recovery-codes-made") == 2


def test_codes_go_with_the_last_factor_they_stand_in_for(http: AppClient, ann: Person, codes: list[str], table: Table):
    http.delete("/accounts/me/mfa/totp", headers=ann.bearer)

    assert table.get(RecoveryRow, user_pk(ann.id), RECOVERY) is None
    assert "access_token" in begin(http, ann)


def test_guessing_codes_uses_the_same_attempts_up(http: AppClient, ann: Person, phone: App, codes: list[str]):
    pending = begin(http, ann)

    wrong = [finish(http, pending, "recovery", code="00000-00000") for _ in range(5)]
    right = finish(http, pending, "totp", code=phone.next_code())

    assert [answer.status_code for answer in wrong] == [401] * 5
    assert slug(right) == "attempts-exhausted"


def test_new_codes_cost_a_query_and_a_transaction(http: AppClient, ann: Person, phone: App, table: Table):
    with CapacityMeter() as meter:
        recovery_codes(http, ann)

    assert meter.of(table.name).operations == ["Query", "TransactWriteItems"]
