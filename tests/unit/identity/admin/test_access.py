"""Who gets as far as a route of `admin`, and what the others are told."""

import re

import pytest
from fastapi.routing import APIRoute

from functions.identity.admin.app import app
from functions.identity.admin.routes.shared import StaffGuard
from tessera.auth.guards import Authenticated
from tessera.auth.roles import held_by
from tessera.entry.guard import guard_of
from tests.kit.templates import resources
from tests.unit.identity.admin.world import NOBODY

BODIES = {
    "POST /admin/users": {"email": "new@example.com"},
    "POST /admin/users/uploads": {"format": "csv"},
    "POST /admin/users/import": {"format": "csv", "content": "email\nnew@example.com\n"},
    "POST /admin/users/lock": {"user_ids": [NOBODY], "reason": "why"},
    "POST /admin/users/{user_id}/lock": {"reason": "why"},
    "PATCH /admin/users/{user_id}": {"email": "new@example.com"},
    "PUT /admin/users/{user_id}/roles": {"roles": []},
    "POST /admin/roles": {"name": "critic", "permissions": ["blog:read"]},
    "PUT /admin/roles/{name}": {"permissions": ["blog:read"]},
    "POST /admin/check": {"permission": "blog:read"},
    "POST /admin/invitations": {"email": "new@example.com", "roles": ["support"]},
    "POST /admin/invitations/accept": {"token": "x" * 40},
    "POST /admin/impersonations": {"user_id": NOBODY, "reason": "why"},
    "POST /admin/audit/export": {},
    "POST /admin/bootstrap": {"token": "x" * 40, "email": "new@example.com"},
}
QUERIES = {"GET /admin/audit/verify": "?day=2030-03-13"}


def routes() -> list[tuple[str, APIRoute]]:
    """Every route that asks who is there, by its method and path."""
    found = []
    for route in app.router.routes:
        assert isinstance(route, APIRoute)
        for method in sorted(route.methods):
            if isinstance(guard_of(route), Authenticated):
                found.append((f"{method} {re.sub(r':[a-z]+}', '}', route.path)}", route))
    return found


ROUTES = dict(routes())
WITH_ID = [name for name in ROUTES if "{" in name]


def ask(by, name: str, **given):
    method, path = name.split(" ")
    path = re.sub(r"{name}", "nobody-has-it", path)
    path = re.sub(r"{\w+}", NOBODY, path) + QUERIES.get(name, "")
    if name in BODIES:
        given["json"] = BODIES[name]
    if method in ("PUT", "PATCH", "DELETE"):
        given["headers"] = {"if-match": '"v1"', **given.get("headers", {})}
    return by.request(method, path, **given)


def least(permission: str) -> str:
    """The lowest role that holds it."""
    return next(role for role in ("user", "support", "moderator", "admin", "owner") if permission in held_by(role))


def lacking(permission: str) -> str | None:
    """A role that does not."""
    return next((role for role in ("user", "moderator", "support", "admin") if permission not in held_by(role)), None)


@pytest.mark.parametrize("name", ROUTES)
def test_401_403_404_table(world, name):
    """No credential 401; without the permission 403, whether or not the id exists; with it, a wrong id 404."""
    guard = guard_of(ROUTES[name])
    assert isinstance(guard, Authenticated)

    nobody = ask(world.http, name)
    assert nobody.status_code == 401 and "www-authenticate" in nobody.headers

    role = lacking(guard.permission) if guard.permission else None
    if role is not None:
        refused = ask(world.somebody(*([role] if role != "user" else [])), name)
        assert refused.status_code == 403
        assert f'scope="{guard.permission}"' in refused.headers["www-authenticate"]

    if name in WITH_ID:
        role = least(guard.permission)
        missing = ask(world.somebody(*([role] if role != "user" else [])), name)
        assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("name", [name for name in BODIES if name in ROUTES])
def test_malformed_json_without_credentials_is_401(world, name):
    method, path = name.split(" ")
    path = re.sub(r"{name}", "nobody-has-it", re.sub(r"{user_id}", NOBODY, path))

    answer = world.http.request(method, path, content=b"{", headers={"content-type": "application/json"})

    assert answer.status_code == 401


def test_every_route_for_staff_asks_for_their_factor():
    open_to_all = {"GET /admin/whoami", "POST /admin/invitations/accept"}

    assert {name for name, route in ROUTES.items() if not isinstance(guard_of(route), StaffGuard)} == open_to_all


@pytest.mark.parametrize(
    "name",
    [
        "PUT /admin/users/{user_id}/roles",
        "DELETE /admin/users/{user_id}",
        "POST /admin/users/{user_id}/reset-mfa",
        "POST /admin/impersonations",
        "POST /admin/roles",
        "PUT /admin/roles/{name}",
        "DELETE /admin/roles/{name}",
    ],
)
def test_what_gives_power_or_takes_for_good_needs_a_fresh_sign_in(world, name):
    late = ask(world.somebody("owner", ago=301), name)

    assert (late.status_code, late.json()["type"]) == (401, "/problems/step-up-required")
    assert "max_age=300" in late.headers["www-authenticate"]


# -- the second factor --------------------------------------------------------


@pytest.fixture
def enrolled(world):
    """Somebody of the staff who has a second factor, signed in without it."""
    support = world.somebody("support", aal=1)
    from functions.identity.accounts.store.rows import MAIN, UserRow, user_pk

    world.tables["Accounts"].update(UserRow, user_pk(support.id), MAIN, UserRow.mfa.set({"totp"}), bump=False)
    return support


@pytest.mark.asvs("6.3.3")
def test_whoever_has_a_factor_must_use_it(world, enrolled):
    refused = enrolled.get("/admin/users")

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/step-up-required")
    assert 'acr_values="aal2"' in refused.headers["www-authenticate"]
    with_it = world.sign_in({"id": enrolled.id, "email": enrolled.email}, aal=2)
    assert with_it.get("/admin/users").status_code == 200


@pytest.mark.asvs("6.3.3")
def test_whoever_has_none_is_let_in_unless_it_is_required(world, make_world):
    assert world.somebody("support", aal=1).get("/admin/users").status_code == 200

    strict = make_world(STAFF_FACTOR="on")
    refused = strict.somebody("support", aal=1).get("/admin/users")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/mfa-enrolment-required")
    assert strict.somebody("support", aal=2).get("/admin/users").status_code == 200
    # Whoever is no staff is not asked.
    assert strict.somebody(aal=1).get("/admin/whoami").status_code == 200


def test_whether_somebody_has_a_factor_is_asked_once_a_minute(world, frozen):
    support = world.somebody("support", aal=1)

    for _ in range(3):
        support.get("/admin/permissions")
    frozen.advance(seconds=61)
    support.get("/admin/permissions")

    assert len([path for _, _, path in world.called if path.endswith("/state")]) == 2


def test_without_an_answer_nobody_without_a_factor_gets_in(world):
    world.away.add("accounts")

    assert world.somebody("support", aal=2).get("/admin/permissions").status_code == 200
    assert world.somebody("support", aal=1).get("/admin/permissions").status_code == 503


def test_a_key_is_no_member_of_staff():
    for name, route in ROUTES.items():
        guard = guard_of(route)
        if isinstance(guard, StaffGuard):
            assert guard.kinds == ("user",), name


# -- what the function may do -------------------------------------------------


def statements() -> list[dict[str, object]]:
    policies = resources("template", "AWS::Serverless::Function")["Admin"]["Properties"]["Policies"]
    found = []
    for policy in policies:
        statement = policy["Statement"]
        found += statement if isinstance(statement, list) else [statement]
    return found


def actions(statement) -> set[str]:
    found = statement["Action"]
    return {found} if isinstance(found, str) else set(found)


@pytest.mark.asvs("16.4.2")
def test_audit_policy_document():
    """Nothing on the trail is changed or deleted, whatever else the function may do to its table."""
    (denied,) = [statement for statement in statements() if statement["Effect"] == "Deny"]

    assert actions(denied) == {
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PartiQLDelete",
    }
    assert denied["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["AUD#*", "SEAL#*"]}}
    # The statement that allows writing to the table names the same table, so that the denial covers all of it.
    allowed = [statement for statement in statements() if "dynamodb:UpdateItem" in actions(statement)]
    own = [one for one in allowed if one["Effect"] == "Allow" and "-admin" in str(one["Resource"])]
    assert len(own) == 1 and denied["Resource"] in own[0]["Resource"]
    assert not actions(own[0]) & {"dynamodb:BatchWriteItem", "dynamodb:Scan", "dynamodb:PartiQLUpdate"}


def test_the_key_of_the_seals_signs_and_shows_itself_and_nothing_else():
    (keyed,) = [one for one in statements() if any(action.startswith("kms:") for action in actions(one))]
    key = resources("stores", "AWS::KMS::Key")["SealKey"]["Properties"]

    assert actions(keyed) == {"kms:Sign", "kms:GetPublicKey"}
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")


@pytest.mark.asvs("16.4.3")
def test_the_files_of_seals_are_deleted_by_nobody():
    deleting = [one for one in statements() if "s3:DeleteObject" in actions(one)]

    assert deleting and not any(
        "seals" in str(one["Resource"]) or "/admin/*" in str(one["Resource"]) for one in deleting
    )
