"""Roles that are defined here, and why somebody may do something."""

import pytest

from functions.identity.admin.store.roles import DefinitionsMoved
from tessera import ids
from tessera.auth.custom_roles import CustomRoles
from tests.kit.capacity import CapacityMeter
from tests.kit.races import together
from tests.unit.identity.admin.world import NOBODY

AUTHOR = {"name": "critic", "permissions": ["reviews:moderate", "blog:write"], "description": "Reads what others wrote"}


def etag(version: int) -> dict[str, str]:
    return {"if-match": f'"v{version}"'}


def slug(answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def give(world, by, user, *roles):
    """The answer to giving somebody exactly these roles."""
    version = world.state_of(user["id"])["version"]
    return by.put(f"/admin/users/{user['id']}/roles", {"roles": list(roles)}, headers=etag(version))


def feed_of(world) -> list[tuple[str, str]]:
    from tests.kit.stores import everything_in

    items = everything_in(world.tables["Authfeed"])
    return [(item["k"]["S"], item["id"]["S"]) for item in items if item["pk"]["S"] == "REV"]


def test_the_roles_that_ship_are_there_from_the_start(owner):
    names = [role["name"] for role in owner.get("/admin/roles").json()["items"]]

    assert names == sorted(["author", "warehouse", "stock-viewer", "librarian", "registrar", "teacher", "event-host"])


def test_a_role_is_defined_read_changed_and_taken_away(world, owner):
    made = owner.post("/admin/roles", AUTHOR)
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, "/admin/roles/critic", '"v1"')
    assert made.json()["permissions"] == ["blog:write", "reviews:moderate"]

    changed = owner.put("/admin/roles/critic", {"permissions": ["blog:read"]}, headers=etag(1))
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"')
    assert owner.get("/admin/roles/critic").json() == changed.json()

    assert owner.delete("/admin/roles/critic", headers=etag(2)).status_code == 204
    assert owner.get("/admin/roles/critic").status_code == 404
    assert owner.post("/admin/roles", AUTHOR).status_code == 201


def test_what_a_role_gives_and_what_it_revokes_are_one_transaction(world, owner):
    with CapacityMeter() as meter:
        owner.post("/admin/roles", AUTHOR)

    mine = meter.of(world.tables["Admin"].name)
    assert mine.operations == ["TransactWriteItems"]
    assert world.admin.get(CustomRoles).current()[0]["critic"] == {"blog:write", "reviews:moderate"}
    assert ("r", "critic") in feed_of(world)
    (event,) = world.events("admin.role.defined.v1")
    assert event.data == {"role": "critic", "permissions": ["blog:write", "reviews:moderate"], "deleted": False}
    (entry,) = world.entries("admin.role-defined")
    assert entry["changes"] == [{"field": "permissions", "old": None, "new": ["blog:write", "reviews:moderate"]}]


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"name": "admin", "permissions": ["blog:read"]}, 409, "role-built-in"),
        ({"name": "author", "permissions": ["blog:read"]}, 409, "role-exists"),
        ({"name": "critic", "permissions": ["blog:fly"]}, 422, "invalid-request"),
        ({"name": "critic", "permissions": ["*:read"]}, 422, "invalid-request"),
        ({"name": "critic", "permissions": []}, 422, "invalid-request"),
        ({"name": "Critic", "permissions": ["blog:read"]}, 422, "invalid-request"),
        ({"name": "critic", "permissions": ["blog:read"], "color": "red"}, 422, "invalid-request"),
    ],
)
def test_a_role_that_cannot_be_is_refused(owner, body, status, problem):
    refused = owner.post("/admin/roles", body)

    assert (refused.status_code, slug(refused)) == (status, problem)


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_built_in_role_stays_as_it_is(owner, method):
    given = {"headers": etag(1), **({"json": {"permissions": ["blog:read"]}} if method == "put" else {})}

    refused = owner.request(method.upper(), "/admin/roles/moderator", **given)

    assert (refused.status_code, slug(refused)) == (409, "role-built-in")


def test_a_role_is_changed_by_who_read_it(owner):
    owner.post("/admin/roles", AUTHOR)
    change = {"permissions": ["blog:read"]}

    assert owner.put("/admin/roles/critic", change).status_code == 428
    assert owner.put("/admin/roles/critic", change, headers=etag(7)).status_code == 412
    assert owner.delete("/admin/roles/critic").status_code == 428
    assert owner.delete("/admin/roles/critic", headers=etag(7)).status_code == 412
    assert owner.put("/admin/roles/nobody", change, headers=etag(1)).status_code == 404


def test_a_role_asked_for_twice_is_defined_once(owner):
    headers = {"idempotency-key": ids.new()}

    first = owner.post("/admin/roles", AUTHOR, headers=headers)
    again = owner.post("/admin/roles", AUTHOR, headers=headers)

    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    assert first.json() == again.json()
    assert owner.post("/admin/roles", AUTHOR).status_code == 409


def test_there_is_an_end_to_the_number_of_roles(world, owner):
    roles = {f"role-{number}": frozenset(["blog:read"]) for number in range(50)}
    custom = world.admin.get(CustomRoles)
    from tessera.transact import transact

    transact(custom.defining(roles, version=custom.current()[1], refused=DefinitionsMoved()))

    assert slug(owner.post("/admin/roles", AUTHOR)) == "too-many-roles"


def test_two_roles_defined_at_once_are_both_there(world, owner):
    other = world.somebody("owner")

    def define(by, name):
        return lambda: by.post("/admin/roles", {**AUTHOR, "name": name}).status_code

    done = together(define(owner, "left"), define(other, "right"))

    assert [result.value for result in done] == [201, 201]
    assert {"left", "right"} <= {role["name"] for role in owner.get("/admin/roles").json()["items"]}


def test_one_name_defined_twice_at_once_is_one_role(world, owner):
    other = world.somebody("owner")
    bodies = [{"name": "critic", "permissions": [one]} for one in ("blog:read", "blog:write")]

    done = together(
        lambda: owner.post("/admin/roles", bodies[0]).status_code,
        lambda: other.post("/admin/roles", bodies[1]).status_code,
    )

    assert sorted(result.value for result in done) == [201, 409]


def test_role_change_enforced_under_15s(world, owner, frozen):
    owner.post("/admin/roles", {"name": "greeter", "permissions": ["accounts:read_private"]})
    ann = world.user("greeter")
    token = world.sign_in(ann)
    assert token.get("/admin/users").status_code == 200

    frozen.advance(seconds=1)
    owner.put("/admin/roles/greeter", {"permissions": ["blog:read"]}, headers=etag(1))
    # Whoever refreshes in the next moment gets what the role gives now.
    renewed = world.sign_in(ann)
    frozen.advance(seconds=14)

    stale = token.get("/admin/users")
    assert (stale.status_code, slug(stale)) == (401, "token-stale")
    assert renewed.get("/admin/users").status_code == 403


def test_what_a_role_defined_here_gives_is_in_the_next_token(world, owner):
    owner.post("/admin/roles", {"name": "greeter", "permissions": ["accounts:read_private"]})
    ann = world.user()
    assert world.sign_in(ann).get("/admin/users").status_code == 403

    assert give(world, owner, ann, "greeter").status_code == 200

    assert world.sign_in(ann).get("/admin/users").status_code == 200


# -- who holds it -------------------------------------------------------------


def test_a_role_that_somebody_holds_is_not_taken_away(world, owner, frozen):
    owner.post("/admin/roles", AUTHOR)
    for _ in range(2):
        assert give(world, owner, world.user(), "critic").status_code == 200
    frozen.advance(minutes=5)

    refused = owner.delete("/admin/roles/critic", headers=etag(1))

    assert (refused.status_code, slug(refused), refused.json()["assigned"]) == (409, "role-assigned", 2)
    assert owner.get("/admin/roles/critic").json()["assigned"] == 2


def test_a_role_that_ships_counts_who_is_given_it(world, owner):
    assert give(world, owner, world.user(), "librarian").status_code == 200

    assert owner.get("/admin/roles/librarian").json()["assigned"] == 1
    assert owner.delete("/admin/roles/librarian", headers=etag(1)).status_code == 409


def test_a_role_that_everybody_gave_back_can_be_taken_away(world, owner):
    owner.post("/admin/roles", AUTHOR)
    ann = world.user()
    give(world, owner, ann, "critic")
    assert give(world, owner, ann).json()["roles"] == ["user"]

    assert owner.get("/admin/roles/critic").json()["assigned"] == 0
    assert owner.delete("/admin/roles/critic", headers=etag(1)).status_code == 204


def test_a_count_that_ran_ahead_is_found_out(world, owner, frozen):
    """Somebody was counted, and then the process died before they were given the role."""
    owner.post("/admin/roles", AUTHOR)
    world.ports.roles.reserve(["critic"])

    early = owner.delete("/admin/roles/critic", headers=etag(1))
    frozen.advance(minutes=2)
    late = owner.delete("/admin/roles/critic", headers=etag(1))

    assert (early.status_code, early.json()["assigned"], late.status_code) == (409, 1, 204)


def test_a_refused_grant_takes_its_count_back(world, boss, owner):
    owner.post("/admin/roles", {"name": "critic", "permissions": ["blog:write"]})
    ann = world.user()
    stale = {"if-match": f'"v{ann["version"]}"'}
    assert give(world, boss, ann, "support").status_code == 200

    assert boss.put(f"/admin/users/{ann['id']}/roles", {"roles": ["critic"]}, headers=stale).status_code == 412
    assert owner.get("/admin/roles/critic").json()["assigned"] == 0


def test_a_role_deleted_while_it_is_being_given_has_one_winner(world, owner):
    other = world.somebody("owner")
    for _ in range(5):
        name = f"role-{ids.new().lower()}"[:30]
        owner.post("/admin/roles", {"name": name, "permissions": ["blog:read"]})
        ann = world.user()

        given, deleted = together(
            lambda ann=ann, name=name: give(world, other, ann, name).status_code,
            lambda name=name: owner.delete(f"/admin/roles/{name}", headers=etag(1)).status_code,
        )

        holds = name in world.state_of(ann["id"])["roles"]
        exists = owner.get(f"/admin/roles/{name}").status_code == 200
        assert holds <= exists, "somebody holds a role that there is not"
        assert (given.value == 200) == holds and (deleted.value == 204) == (not exists)


def test_a_role_deleted_in_the_moment_before_is_not_given(world, owner):
    owner.post("/admin/roles", AUTHOR)
    owner.delete("/admin/roles/critic", headers=etag(1))

    with pytest.raises(Exception, match="critic"):
        world.ports.roles.reserve(["critic"])


# -- escalation ---------------------------------------------------------------


def test_no_self_escalation_via_custom_role(world, owner):
    """Whoever may define roles by a role defined here defines none that gives more, and takes none for themselves."""
    owner.post("/admin/roles", {"name": "clerk", "permissions": ["admin:roles_staff", "admin:roles", "admin:read"]})
    ann = world.user("clerk")
    clerk = world.sign_in(ann)

    more = clerk.post("/admin/roles", {"name": "helper", "permissions": ["accounts:delete"]})
    widened = clerk.put("/admin/roles/clerk", {"permissions": ["accounts:delete"]}, headers=etag(1))
    # A role that holds more than they do is not theirs to change, not even to make it smaller.
    narrowed = clerk.put("/admin/roles/author", {"permissions": ["blog:read"]}, headers=etag(1))
    mine = clerk.put(f"/admin/users/{clerk.id}/roles", {"roles": ["owner"]}, headers=etag(ann["version"]))
    other = world.user()
    theirs = clerk.put(f"/admin/users/{other['id']}/roles", {"roles": ["owner"]}, headers=etag(other["version"]))

    assert [slug(one) for one in (more, widened, narrowed)] == ["escalation-refused"] * 3
    assert (slug(mine), slug(theirs)) == ("own-account", "escalation-refused")
    assert world.state_of(clerk.id)["roles"] == ["clerk", "user"]


def test_an_admin_defines_no_roles(boss):
    refused = boss.post("/admin/roles", AUTHOR)

    assert (refused.status_code, slug(refused)) == (403, "insufficient-scope")


# -- why ----------------------------------------------------------------------


def test_the_catalogue_says_who_holds_what_and_how_far(boss):
    groups = boss.get("/admin/permissions").json()["items"]

    lock = next(group for group in groups if "accounts:lock" in group["permissions"])
    assert lock["roles"] == {
        "guest": "no",
        "user": "no",
        "support": "no",
        "moderator": "users, not staff",
        "admin": "lower rank",
        "owner": "yes",
    }


@pytest.mark.parametrize("role", ["support", "moderator", "admin", "owner"])
def test_any_of_the_staff_may_look_it_up(world, role):
    assert world.somebody(role).get("/admin/permissions").status_code == 200


def test_everybody_may_ask_what_they_are(world, boss):
    ann = world.somebody()

    mine, theirs = ann.get("/admin/whoami").json(), boss.get("/admin/whoami").json()

    assert (mine["id"], mine["roles"], mine["staff"], mine["aal"]) == (ann.id, ["user"], False, 2)
    assert "accounts:self" in mine["permissions"] and "accounts:lock" not in mine["permissions"]
    assert theirs["staff"] and "accounts:lock" in theirs["permissions"]
    assert all(":" in one and "*" not in one for one in theirs["permissions"])


def test_a_check_leads_from_the_role_to_the_permission(world, boss):
    ann = world.user("moderator", "author")

    allowed = boss.post("/admin/check", {"permission": "accounts:lock", "user_id": ann["id"]}).json()
    defined = boss.post("/admin/check", {"permission": "blog:publish", "user_id": ann["id"]}).json()
    denied = boss.post("/admin/check", {"permission": "accounts:delete", "user_id": ann["id"]}).json()

    reason = {"role": "moderator", "through": "accounts:lock", "built_in": True, "limit": "users, not staff"}
    assert (allowed["allowed"], allowed["because"]) == (True, [reason])
    assert defined["because"] == [{"role": "author", "through": "blog:publish", "built_in": False, "limit": None}]
    assert (denied["allowed"], denied["because"], denied["would"]) == (False, [], ["admin", "owner"])


def test_a_check_names_the_wildcard_it_went_through(boss):
    found = boss.post("/admin/check", {"permission": "warehouse:read"}).json()

    assert {one["through"] for one in found["because"]} == {"warehouse:read", "*:read"}


def test_a_check_can_be_made_for_roles_that_nobody_has_yet(boss):
    found = boss.post("/admin/check", {"permission": "library:manage", "roles": ["librarian"]}).json()

    assert found["allowed"] and found["roles"] == ["librarian"]


def test_whoever_is_locked_may_do_nothing(world, boss):
    ann = world.user("moderator")
    boss.post(f"/admin/users/{ann['id']}/lock", {"reason": "left"})

    assert boss.post("/admin/check", {"permission": "blog:write", "user_id": ann["id"]}).json()["allowed"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"permission": "blog:fly"}, 422),
        ({"permission": "x"}, 422),
        ({"permission": "blog:read", "user_id": NOBODY}, 404),
    ],
)
def test_a_check_of_what_there_is_not(boss, body, status):
    assert boss.post("/admin/check", body).status_code == status


def test_a_list_of_roles_costs_two_requests(world, owner):
    owner.get("/admin/roles")

    with CapacityMeter() as meter:
        owner.get("/admin/roles")

    assert meter.of(world.tables["Admin"].name).operations == ["BatchGetItem"]
    assert meter.of(world.tables["Authfeed"].name).operations == ["GetItem"]
