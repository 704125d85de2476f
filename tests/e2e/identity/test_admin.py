"""`admin` through the front door."""

import json
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import localstack_client.session
import pytest

from tests.kit import contract
from tests.kit.people import eventually, patiently
from tests.kit.templates import ROOT

ROLES = ("user", "support", "moderator", "admin", "owner")
NOBODY = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
# In force everywhere within so many seconds, and a little for the machine.
IN_FORCE = 20.0


def etag(answer):
    return {"if-match": answer.headers["etag"]}


def slug(answer):
    return answer.json()["type"].removeprefix("/problems/")


def just_signed_in(people, role):
    """Somebody with this role who has just shown who they are."""
    person = people.with_role(role)
    person.tokens = {**person.tokens, **person.sign_in().raise_for_status().json()}
    return person


@pytest.fixture
def boss(people):
    return just_signed_in(people, "admin")


@pytest.fixture
def owner(people):
    return just_signed_in(people, "owner")


def refused(person, path="/tasks", *, within=IN_FORCE):
    """The first 401 that somebody gets here."""

    def look():
        answer = person.get(path)
        return answer if answer.status_code == 401 else None

    return eventually(look, within=within, what=f"A refusal of {path}")


def renewed(person, path):
    """What somebody is told who refreshes as often as they are asked to: at most until the second is over."""

    def look():
        assert person.refresh().status_code == 200
        answer = person.get(path)
        return answer if answer.status_code != 401 else None

    return eventually(look, what=f"An answer of {path}")


def entries(by, **filters):
    return by.get("/admin/audit", params=filters).raise_for_status().json()["items"]


def test_a_lock_is_in_force_in_every_capability_within_seconds(people, boss):
    ann = people.new()
    assert ann.get("/tasks").status_code == 200

    assert boss.post(f"/admin/users/{ann.id}/lock", json={"reason": "spam"}).json()["status"] == "locked"

    assert slug(refused(ann)) in ("token-stale", "session-revoked")
    assert ann.sign_in().status_code == 401
    assert boss.post(f"/admin/users/{ann.id}/unlock").json()["status"] == "active"
    assert ann.sign_in().status_code == 200


def test_roles_are_given_to_the_version_that_was_read_and_are_in_the_next_token(people, boss):
    ann = people.new()
    seen = boss.get(f"/admin/users/{ann.id}")
    path = f"/admin/users/{ann.id}/roles"

    assert boss.put(path, json={"roles": ["moderator"]}).status_code == 428
    given = boss.put(path, json={"roles": ["moderator"]}, headers=etag(seen))
    again = boss.put(path, json={"roles": ["support"]}, headers=etag(seen))

    assert given.json()["roles"] == ["moderator", "user"] and again.status_code == 412
    assert slug(refused(ann)) == "token-stale"
    assert renewed(ann, "/admin/whoami").json()["roles"] == ["moderator", "user"]
    assert ann.get("/admin/permissions").status_code == 200


def test_support_sees_no_addresses(people, boss):
    ann, support = people.new(), people.with_role("support")

    assert "***" in support.get(f"/admin/users/{ann.id}").json()["email"]
    assert boss.get(f"/admin/users/{ann.id}").json()["email"] == ann.email
    assert boss.get("/admin/users", params={"email": ann.email}).json()["items"][0]["id"] == ann.id


def test_what_staff_did_is_found_in_the_audit_log(people, boss):
    ann = people.new()
    boss.post(f"/admin/users/{ann.id}/lock", json={"reason": "Because of ticket 4711"})

    def look():
        return next(iter(entries(boss, target=f"user:{ann.id}", action="accounts.locked")), None)

    entry = eventually(look, what="The entry")
    assert (entry["actor"]["id"], entry["actor"]["via"]) == (boss.id, "service:admin")
    assert (entry["reason"], entry["outcome"], entry["capability"]) == ("Because of ticket 4711", "success", "accounts")
    assert any(one["action"] == "accounts.sign-up" for one in entries(boss, target=f"user:{ann.id}"))


def test_a_refusal_is_on_record_and_found_by_who_was_refused(people, boss):
    ann = people.new()
    assert ann.get("/admin/users").status_code == 403

    entry = eventually(lambda: next(iter(entries(boss, actor=ann.id, outcome="denied")), None), what="The refusal")

    assert entry["target"] == {"type": "permission", "id": "accounts:read_private"}


def test_staff_read_in_a_users_place_change_nothing_and_are_out_at_once(people):
    support, ann = just_signed_in(people, "support"), people.new()
    assert ann.post("/tasks", json={"title": "Buy milk"}).status_code == 201

    started = support.post("/admin/impersonations", json={"user_id": ann.id, "reason": "Ticket 4711"})
    acting = {"authorization": f"Bearer {started.json()['access_token']}"}

    read = ann.http.get("/tasks", headers=acting)
    assert read.json()["items"][0]["title"] == "Buy milk"
    assert read.headers["tessera-impersonated-by"] == support.id
    for method, path in (("POST", "/tasks"), ("POST", "/accounts/me/password"), ("DELETE", "/accounts/me")):
        answer = ann.http.request(method, path, headers=acting, json={})
        assert (answer.status_code, slug(answer)) == (403, "impersonation-forbidden")

    assert support.delete(f"/admin/impersonations/{started.json()['id']}").status_code == 204
    ended = eventually(
        lambda: answer if (answer := ann.http.get("/tasks", headers=acting)).status_code == 401 else None,
        within=IN_FORCE,
        what="The end",
    )
    assert slug(ended) == "session-revoked"
    assert people.mailbox.latest(ann.email, subject="staff").text


def test_an_invitation_goes_by_mail_and_gives_its_roles_once(people, boss):
    ann = people.new()
    made = boss.post("/admin/invitations", json={"email": ann.email, "roles": ["support"]})
    assert made.status_code == 201
    token = people.mailbox.latest(ann.email, subject="invited").token

    assert people.pooled().post("/admin/invitations/accept", json={"token": token}).status_code == 403
    assert ann.post("/admin/invitations/accept", json={"token": token}).json()["roles"] == ["support", "user"]
    # The token from before knows nothing of the new role.
    renewed(ann, "/admin/whoami")
    assert slug(ann.post("/admin/invitations/accept", json={"token": token})) == "invitation-used"
    listed = boss.get("/admin/invitations").json()["items"]
    assert next(one["state"] for one in listed if one["id"] == made.json()["id"]) == "accepted"


def test_a_role_defined_here_gives_what_it_says_and_changes_within_seconds(people, owner):
    name = f"greeter-{secrets.token_hex(4)}"
    made = owner.post("/admin/roles", json={"name": name, "permissions": ["accounts:read_private"]})
    assert made.status_code == 201
    ann = people.new()
    assert ann.get("/admin/users").status_code == 403

    seen = owner.get(f"/admin/users/{ann.id}")
    assert owner.put(f"/admin/users/{ann.id}/roles", json={"roles": [name]}, headers=etag(seen)).status_code == 200
    refused(ann)
    assert renewed(ann, "/admin/users?limit=1").status_code == 200
    busy = owner.delete(f"/admin/roles/{name}", headers=etag(made))
    assert (busy.status_code, busy.json()["assigned"]) == (409, 1)

    changed = owner.put(f"/admin/roles/{name}", json={"permissions": ["blog:publish"]}, headers=etag(made))
    assert changed.status_code == 200
    assert slug(refused(ann, "/admin/whoami")) == "token-stale"
    assert renewed(ann, "/admin/users").status_code == 403

    seen = owner.get(f"/admin/users/{ann.id}")
    assert owner.put(f"/admin/users/{ann.id}/roles", json={"roles": []}, headers=etag(seen)).status_code == 200
    assert owner.delete(f"/admin/roles/{name}", headers=etag(changed)).status_code == 204


def test_users_are_imported_each_row_for_itself(people, boss):
    ann = people.new()
    stem = secrets.token_hex(4)
    rows = [f"{stem}-{number}@example.com," for number in range(3)] + [
        f"{ann.email},",
        "no address,",
        f"{stem}@e.com,owner",
    ]
    upload = boss.post("/admin/users/uploads", json={"format": "csv"}).json()
    body = "\r\n".join(["email,roles", *rows]).encode()
    assert httpx.put(upload["url"], content=body, headers={"content-type": upload["media_type"]}).status_code == 200

    asked = boss.post("/admin/users/import", json={"format": "csv", "upload_id": upload["upload_id"]})

    def over():
        job = boss.get(asked.headers["location"]).json()
        return job if job["state"] not in ("queued", "running") else None

    job = eventually(over, what="The import")
    assert (job["state"], job["result"]) == ("partial", {"created": 3, "failed": 3})
    assert [one["code"] for one in job["errors"]] == ["email-taken", "invalid-request", "escalation-refused"]
    assert boss.get("/admin/users", params={"email": f"{stem}-1@example.com"}).json()["items"][0]["status"] == "active"


def test_the_audit_log_is_exported_and_a_day_that_is_over_verified(people, owner):
    asked = owner.post("/admin/audit/export", json={"format": "ndjson", "actor": owner.id})

    def over():
        job = owner.get(asked.headers["location"]).json()
        return job if job["state"] == "done" else None

    job = eventually(over, what="The export")
    link = owner.get(f"/admin/audit/exports/{job['id']}").json()
    lines = httpx.get(link["url"]).raise_for_status().text.splitlines()
    assert len(lines) == job["result"]["entries"]
    assert all(json.loads(line)["actor"]["id"] == owner.id for line in lines)

    functions = localstack_client.session.Session("test", "test", region_name="eu-central-1").client(
        "lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"]
    )
    functions.invoke(FunctionName=f"{os.environ.get('STACK', 'tessera')}-admin", Payload=b'{"schedule": "seal"}')
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    found = owner.get(f"/admin/audit/verify?day={yesterday}").json()
    assert (found["state"], found["signed"], found["listed"]) == ("verified", True, True)
    assert owner.get(f"/admin/audit/verify?day={datetime.now(UTC).date()}").status_code == 422


def test_a_setup_token_is_not_for_the_outside(owner, anonymous):
    assert owner.post("/admin/internal/setup-token", json={}).status_code == 404
    assert owner.post("/admin/internal/erase", json={"owner_id": owner.id}).status_code == 404
    answer = anonymous.post("/admin/bootstrap", json={"token": "x" * 40, "email": "mallory@example.com"})
    assert (answer.status_code, slug(answer)) == (403, "setup-token-invalid")


def test_nobody_changes_themselves_or_those_above(people, boss, owner):
    me = boss.get(f"/admin/users/{boss.id}")

    assert slug(boss.put(f"/admin/users/{boss.id}/roles", json={"roles": ["owner"]}, headers=etag(me))) == "own-account"
    assert slug(boss.post(f"/admin/users/{owner.id}/lock", json={"reason": "coup"})) == "rank-too-low"
    assert slug(boss.delete(f"/admin/users/{NOBODY}")) == "not-found"


# -- one route for each permission, asked by every role -----------------------


def filled(document, path, parameters):
    """The path with ids of nothing, or None when a part of it is no id."""
    for given in parameters:
        name = given.get("$ref", "").rpartition("/")[2]
        parameter = document["components"]["parameters"][name] if name else given
        if parameter["in"] == "path":
            if not re.fullmatch(parameter["schema"].get("pattern", ""), NOBODY):
                return None
            path = path.replace("{" + parameter["name"] + "}", NOBODY)
    return path


def representatives():
    """For every permission of a public route: one that changes nothing without a body, or with the id of nothing."""
    found, document = {}, contract.Document.load().document
    for template, methods in document["paths"].items():
        for method, operation in methods.items():
            path = filled(document, template, operation.get("parameters", ()))
            is_harmless = method == "get" or "requestBody" in operation or template != path
            if not is_harmless or path is None or "kinds api_key" in operation["x-access"]:
                continue
            for permission in operation.get("x-scopes", ()):
                # Some routes ask only outside a laptop.
                if f"require {permission}" not in operation["x-access"]:
                    continue
                better = (method != "get", template != path, len(path))
                if permission not in found or better < found[permission][0]:
                    found[permission] = (better, method.upper(), path)
    return {permission: (method, path) for permission, (_, method, path) in sorted(found.items())}


MATRIX = json.loads((ROOT / "layers/shared/python/tessera/permissions.json").read_text())


def holds(role, permission):
    cell = next(group["cells"].get(role, "no") for group in MATRIX["groups"] if permission in group["permissions"])
    is_held = cell == "yes" or (isinstance(cell, dict) and cell["held"])
    return is_held or f"*:{permission.partition(':')[2]}" in MATRIX["wildcards"].get(role, [])


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_opens_its_route_to_the_roles_that_hold_it(people, role):
    person = just_signed_in(people, role)
    wrong = []
    for permission, (method, path) in representatives().items():
        answer = patiently(partial(person.request, method, path))
        is_refused = answer.status_code == 403 and slug(answer) == "insufficient-scope"
        # Everybody is a user besides.
        if is_refused is any(holds(one, permission) for one in {"user", role}):
            wrong.append(f"{permission}: {method} {path} answered {answer.status_code}")

    assert not wrong, "\n".join(wrong)
