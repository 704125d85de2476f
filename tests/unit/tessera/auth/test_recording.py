"""What the guards put on the audit trail by themselves."""

from collections.abc import Callable
from typing import Any

import pytest

from tessera.auth.call import Call
from tessera.auth.guards import Authenticated
from tessera.auth.problems import ImpersonationForbidden, InsufficientScope
from tessera.auth.recording import is_for_staff
from tessera.outbox import Envelope
from tessera.problems import Unavailable
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.faults import failing
from tests.kit.stores import everything_in
from tests.kit.tokens import Signer

STAFF = "01HZX3J0V7Q8M4N5P6R7S8T9VX"
ACT = {"sub": STAFF, "sid": "staff-session"}


@pytest.fixture
def table(table_of: Callable[[str], Table]) -> Table:
    return table_of("Tasks")


@pytest.fixture
def keeping(bindings: Bindings, table: Table) -> Bindings:
    """The bindings of a capability that has a table."""
    return Bindings({**bindings.environment, "TABLE": table.name})


def entries(table: Table) -> list[dict[str, Any]]:
    return [Envelope.parse(item["event"]["S"]).data for item in everything_in(table)]


def test_a_refusal_where_only_staff_may_pass_is_recorded(
    keeping: Bindings, table: Table, call: Callable[..., Call], signer: Signer
) -> None:
    with pytest.raises(InsufficientScope):
        Authenticated(permission="outbox:manage").admit(call("POST", token=signer.token(sub=STAFF), within=keeping))

    (entry,) = entries(table)
    assert (entry["outcome"], entry["actor"]["id"], entry["target"]["id"]) == ("denied", STAFF, "outbox:manage")
    assert entry["detail"] == {"method": "POST", "problem": "insufficient-scope"}


@pytest.mark.parametrize(("permission", "kinds"), [("tasks:write", ("api_key",)), ("", ("api_key",))])
def test_a_refusal_of_what_users_may_do_is_nobodys_business(
    keeping: Bindings,
    table: Table,
    call: Callable[..., Call],
    signer: Signer,
    permission: str,
    kinds: tuple[Any, ...],
) -> None:
    with pytest.raises(InsufficientScope):
        Authenticated(permission=permission, kinds=kinds).admit(call("POST", token=signer.token(), within=keeping))

    assert entries(table) == []


def test_a_capability_without_a_table_refuses_all_the_same(
    bindings: Bindings, call: Callable[..., Call], signer: Signer
) -> None:
    with pytest.raises(InsufficientScope):
        Authenticated(permission="outbox:manage").admit(call("POST", token=signer.token(), within=bindings))


def test_nobody_gets_in_because_their_refusal_cannot_be_recorded(
    keeping: Bindings, call: Callable[..., Call], signer: Signer
) -> None:
    with failing("dynamodb", "TransactWriteItems", code="InternalServerError"), pytest.raises(InsufficientScope):
        Authenticated(permission="outbox:manage").admit(call("GET", token=signer.token(), within=keeping))


def test_everything_done_in_somebodys_place_is_recorded(
    keeping: Bindings, table: Table, call: Callable[..., Call], signer: Signer
) -> None:
    asked = call("GET", token=signer.token(act=ACT), within=keeping)

    Authenticated(permission="tasks:read").admit(asked)

    (entry,) = entries(table)
    assert (entry["actor"]["id"], entry["actor"]["via"]) == (STAFF, "impersonation")
    assert entry["detail"] == {"method": "GET", "permission": "tasks:read"}
    assert asked.answer_headers["Tessera-Impersonated-By"] == STAFF


def test_what_may_not_be_done_in_somebodys_place_is_not_done(
    keeping: Bindings, call: Callable[..., Call], signer: Signer
) -> None:
    with pytest.raises(ImpersonationForbidden):
        Authenticated(permission="tasks:write").admit(call("POST", token=signer.token(act=ACT), within=keeping))


def test_what_cannot_be_recorded_is_not_done_in_somebodys_place(
    keeping: Bindings, call: Callable[..., Call], signer: Signer
) -> None:
    asked = call("GET", token=signer.token(act=ACT), within=keeping)

    with failing("dynamodb", "TransactWriteItems", code="InternalServerError"), pytest.raises(Unavailable):
        Authenticated(permission="tasks:read").admit(asked)


def test_a_function_that_may_not_write_has_nothing_to_record(
    keeping: Bindings, table: Table, call: Callable[..., Call], signer: Signer
) -> None:
    asked = call("GET", token=signer.token(act=ACT), within=keeping)

    with failing("dynamodb", "TransactWriteItems", code="AccessDeniedException"):
        assert Authenticated(permission="tasks:read").admit(asked).actor is not None
    assert entries(table) == []


def test_who_holds_a_permission_says_whether_it_is_for_staff() -> None:
    assert is_for_staff("accounts:lock") and is_for_staff("tasks:manage")
    assert not is_for_staff("tasks:read") and not is_for_staff("no:such")
