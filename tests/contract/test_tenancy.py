"""Nothing that can be named is left out when tenants are held apart, and no body takes more than it says."""

import pytest

from tests.kit import tenancy
from tests.kit.tenancy import OF_OURS, OPEN_BODIES


@pytest.fixture(scope="module")
def operations(document):
    return list(tenancy.operations(document))


def test_whatever_an_operation_names_can_be_made_or_says_why_not(operations):
    without = sorted({operation.kind for operation in operations if tenancy.has_no_maker(operation)})

    assert not without, f"Add them to MAKERS or REASONS of tests/kit/tenancy.py: {', '.join(without)}"


def test_no_maker_and_no_reason_is_left_over(operations):
    kinds = {operation.kind for operation in operations}

    assert tenancy.MAKERS.keys() <= kinds
    assert tenancy.REASONS.keys() <= kinds
    assert not tenancy.MAKERS.keys() & tenancy.REASONS.keys()
    assert tenancy.BODIES.keys() <= {operation.name for operation in operations}


@pytest.mark.asvs("8.2.3")
def test_every_json_body_is_closed(operations):
    # A union is closed when each of its forms is, and null is a form without fields.
    still_open = {
        operation.name
        for operation in operations
        if (schema := operation.body_schema()) is not None and schema.get("additionalProperties") is not False
    }

    assert still_open <= OPEN_BODIES, f"Derive these bodies from `tessera.types.In`: {sorted(still_open - OPEN_BODIES)}"


@pytest.mark.asvs("8.2.3")
def test_no_body_of_a_users_own_takes_what_is_ours_to_say(operations):
    about = {
        # Staff decide on the roles of others; an organisation's administrators on what its own roles permit.
        "PUT /organisations/{organisation_id}/roles/{name}": {"permissions"},
    }
    taken = {
        operation.name: found
        for operation in operations
        if operation.method != "GET" and not operation.is_for_staff and (schema := operation.body_schema()) is not None
        if (found := (set(schema.get("properties", ())) & set(OF_OURS)) - about.get(operation.name, set()))
    }

    assert not taken
