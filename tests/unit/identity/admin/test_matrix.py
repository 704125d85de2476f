"""The role matrix, cell by cell, against the guard of every route that any capability has."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from tessera import ids
from tessera.auth import guards
from tessera.auth.call import Call
from tessera.auth.guards import Authenticated, Service
from tessera.auth.internal import Internal
from tessera.auth.problems import ImpersonationForbidden, InsufficientScope
from tessera.auth.roles import grants
from tessera.entry.guard import guard_of
from tessera.problems import Problem
from tessera.settings import Bindings
from tests.kit.stores import make_table
from tests.kit.templates import ROOT
from tests.kit.tokens import ISSUER, Signer, publish

# Read here once more, and not through the code that is to be tested.
MATRIX = json.loads((ROOT / "layers/shared/python/tessera/permissions.json").read_text())
ROLES = MATRIX["roles"]
GROUP_OF = {permission: group for group in MATRIX["groups"] for permission in group["permissions"]}
SAFE = frozenset(["GET", "HEAD"])
# What belongs to the person alone, as the rules of impersonation name it.
PERSONAL = frozenset(["accounts", "admin", "apikeys", "oauth", "organisations", "payments"])


def routes() -> list[tuple[str, APIRoute]]:
    """Every route of every capability, and its method."""
    found = []
    for folder in sorted(path.parent for path in (ROOT / "functions").glob("*/*/app.py")):
        app = importlib.import_module(f"functions.{folder.parent.name}.{folder.name}.app").app
        found += [
            (method, route)
            for route in app.router.routes
            if isinstance(route, APIRoute)
            for method in sorted(route.methods)
        ]
    return found


def says(cell: Any) -> bool:
    return cell == "yes" or (isinstance(cell, dict) and cell["held"])


def holds(role: str, permission: str) -> bool:
    """What the cell says, or a wildcard of the role."""
    wildcard = f"*:{permission.partition(':')[2]}"
    return says(GROUP_OF[permission]["cells"].get(role, "no")) or wildcard in MATRIX["wildcards"].get(role, [])


class Gate:
    """Asks guards, in the place of an app that has nothing behind them."""

    def __init__(self) -> None:
        feed, self.signer = make_table("Authfeed"), Signer()
        publish(feed, self.signer.entry())
        self.bindings = Bindings(
            {
                "STAGE": "test",
                "CAPABILITY": "admin",
                "STACK": "tessera",
                "ISSUER": ISSUER,
                "AUTHFEED": feed.name,
                "RATELIMIT": "none",
                "APIKEYS": "none",
                "MAC_KEYS": "none",
            }
        )
        # Whoever is asked how somebody stands this moment says: well.
        self.bindings.replace(Internal, Internal("admin", self.bindings, self.answer))

    def answer(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        state = {"status": "active", "epoch": 1, "roles": [], "permissions": [], "plan": "user", "mfa": []}
        return {"statusCode": 200, "body": json.dumps(state)}

    def ask(self, guard: Authenticated, method: str, **claims: Any) -> Problem | None:
        token = self.signer.token(**{"aal": 2, "amr": ["pwd", "otp"], **claims})
        call = Call(
            method=method,
            path="/",
            headers=(("authorization", f"Bearer {token}"),),
            query_string="",
            source_ip="203.0.113.7",
            api_gateway=True,
            internal=None,
            bindings=self.bindings,
            request_id=ids.new(),
        )
        try:
            guard.admit(call)
        except Problem as problem:
            return problem
        return None


@pytest.fixture(scope="module")
def gate(cloud: None) -> Iterator[Gate]:
    with pytest.MonkeyPatch.context() as patch:
        # What a request costs is not what is asked here.
        patch.setattr(guards, "charge", lambda *_: None)
        yield Gate()


@pytest.fixture(scope="module")
def guarded() -> dict[str, list[tuple[str, str, Authenticated]]]:
    """By permission: method, path and guard of every route that asks for it."""
    found: dict[str, list[tuple[str, str, Authenticated]]] = {permission: [] for permission in GROUP_OF}
    for method, route in routes():
        guard = guard_of(route)
        if isinstance(guard, Authenticated) and guard.permission:
            found[guard.permission].append((method, route.path, guard))
    return found


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("permission", GROUP_OF)
@pytest.mark.asvs("8.2.1")
def test_matrix_every_cell(gate, guarded, permission, role):
    bare = ("GET", "a route of its own", Authenticated(permission=permission))
    for method, path, guard in [bare, *guarded[permission]]:
        answer = gate.ask(guard, method, roles=[role])

        expected = holds(role, permission) and "user" in guard.kinds
        assert isinstance(answer, InsufficientScope) is not expected, f"{role}: {method} {path}: {answer}"


@pytest.mark.parametrize("permission", GROUP_OF)
def test_a_service_holds_only_what_it_was_granted(permission):
    says_service = GROUP_OF[permission]["service"]

    granted = [grant for grant in grants() if permission in grant["permissions"]]

    assert says_service in ("yes", "no", "grant")
    assert says_service != "no" or not granted


@pytest.mark.parametrize("name", MATRIX["custom_roles"])
def test_a_role_that_ships_adds_exactly_its_permissions(gate, name):
    adds = set(MATRIX["custom_roles"][name])
    for permission in GROUP_OF:
        guard = Authenticated(permission=permission)

        answer = gate.ask(guard, "GET", roles=["user", name], perms=sorted(adds))

        assert (answer is None) is (permission in adds or holds("user", permission)), permission


def test_a_wildcard_in_a_token_is_worth_nothing(gate):
    guard = Authenticated(permission="warehouse:read")

    assert isinstance(gate.ask(guard, "GET", roles=["user"], perms=["*:read", "*:manage"]), InsufficientScope)


def test_every_permission_of_a_role_that_ships_is_in_the_matrix():
    assert {one for held in MATRIX["custom_roles"].values() for one in held} <= GROUP_OF.keys()


def test_no_permission_stands_in_two_groups():
    named = [permission for group in MATRIX["groups"] for permission in group["permissions"]]

    assert len(named) == len(set(named))


ACTING = {"sub": "01HZX3J0V7Q8M4N5P6R7S8T9VX", "sid": "s"}


@pytest.mark.parametrize("write", [False, True], ids=["reading", "writing"])
def test_impersonation_denied_actions(gate, write):
    """Whatever is the person's alone, and every change while only reading."""
    seen = 0
    for method, route in routes():
        guard = guard_of(route)
        if not isinstance(guard, Authenticated) or method in SAFE or "user" not in guard.kinds:
            continue
        capability, _, verb = guard.permission.partition(":")
        is_forbidden = not write or capability in PERSONAL or verb == "export"

        answer = gate.ask(guard, method, roles=["owner"], act={**ACTING, **({"write": True} if write else {})})

        assert isinstance(answer, ImpersonationForbidden) is is_forbidden or isinstance(answer, InsufficientScope), (
            f"{method} {route.path}: {answer}"
        )
        assert answer is not None or not is_forbidden, f"{method} {route.path} lets somebody act for another"
        seen += is_forbidden
    assert seen > 20


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_what_somebody_is_here_does_not_flow_into_an_organisation(gate, guarded, role):
    acting = {"org": "01HZX3J0V7Q8M4N5P6R7S8T9VY", "org_role": "owner", "org_ep": 1}
    for permission in GROUP_OF:
        if holds("user", permission):
            continue
        answer = gate.ask(Authenticated(permission=permission), "GET", roles=[role], **acting)

        assert isinstance(answer, InsufficientScope), permission


def test_routes_for_services_take_no_token(gate):
    internal = [guard_of(route) for _, route in routes() if isinstance(guard_of(route), Service)]

    assert internal
    for guard in internal:
        answer = gate.ask(guard, "POST", roles=["owner"])
        assert answer is not None and answer.status == 404
