"""What operations cost, with few members and with many."""

import pytest

from functions.identity.organisations.actions import upkeep
from functions.identity.organisations.store.rows import MemberRow, member_sk, organisation_pk, user_pk
from tessera import ids
from tests.kit.capacity import CapacityMeter

# Requests to the table of `organisations`; the limiter and the revocation feed are counted apart.
REQUESTS = {
    "POST /organisations": 2,
    "GET /organisations": 2,
    "GET /organisations/{id}": 1,
    "PATCH /organisations/{id}": 3,
    "DELETE /organisations/{id}": 3,
    "GET …/members": 2,
    "PATCH …/members/{user}": 4,
    "DELETE …/members/{user}": 3,
    "POST …/leave": 2,
    "POST …/invitations": 3,
    "GET …/invitations": 2,
    "POST …/accept": 3,
    "GET …/audit": 2,
    "GET …/seats": 1,
}


@pytest.fixture(params=[0, 300], ids=["a few members", "300 members"])
def crowd(world, atelier, request):
    for _ in range(request.param):
        one = ids.new()
        row = MemberRow(
            pk=organisation_pk(atelier), sk=member_sk(one), role="member", joined_at="2030-01-01T00:00:00.000Z"
        )
        row.gs1_pk, row.gs1_sk = user_pk(one), atelier
        world.served.table.put(row)
    return request.param


def test_an_operation_costs_the_same_however_many_members_there_are(world, owner, atelier, path, crowd):
    upkeep.set_seats(world.ports, atelier, 1_000, by=upkeep.MYSELF)
    member, leaver, guest = world.member(atelier), world.member(atelier), world.somebody("guest@example.com")
    match = {"if-match": "*"}

    asked = {
        "GET /organisations": lambda: owner.get("/organisations"),
        "GET /organisations/{id}": lambda: owner.get(path),
        "PATCH /organisations/{id}": lambda: owner.patch(path, json={"name": "Studio"}, headers=match),
        "GET …/members": lambda: owner.get(f"{path}/members"),
        "PATCH …/members/{user}": lambda: owner.patch(
            f"{path}/members/{member.id}", json={"role": "viewer"}, headers=match
        ),
        "DELETE …/members/{user}": lambda: owner.delete(f"{path}/members/{member.id}"),
        "POST …/leave": lambda: leaver.post(f"{path}/leave"),
        "POST …/invitations": lambda: owner.post(f"{path}/invitations", json={"email": guest.email}),
        "GET …/invitations": lambda: owner.get(f"{path}/invitations"),
        "POST …/accept": lambda: guest.post("/organisations/invitations/accept", json={"token": world.accounts.token}),
        "GET …/audit": lambda: owner.get(f"{path}/audit"),
        "GET …/seats": lambda: owner.get(f"{path}/seats"),
        "POST /organisations": lambda: owner.post("/organisations", json={"name": "A", "slug": "another"}),
        "DELETE /organisations/{id}": lambda: owner.delete(path),
    }
    found = {}
    for name, ask in asked.items():
        with CapacityMeter() as meter:
            answer = ask()
        assert answer.is_success, (name, answer.text)
        found[name] = meter.of(world.served.table.name).requests
        world.deliver()

    assert found == REQUESTS


def test_what_a_token_is_made_from_costs_two_requests(world, atelier):
    member = world.member(atelier)

    with CapacityMeter() as meter:
        upkeep.membership(world.ports, atelier, member.id)

    cost = meter.of(world.served.table.name)
    assert (cost.operations, cost.read_units) == (["GetItem", "GetItem"], 2.0)
