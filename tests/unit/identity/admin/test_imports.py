"""Users from a file."""

import json

import pytest

from functions.identity.admin.actions import imports
from tessera import aws, csvio, ids
from tessera.transact import AlreadySeen
from tests.kit.queues import drain

# A hash that another system has kept; it is of "correct horse battery staple".
BCRYPT = "$2b$04$EIXCgm3mZ9ZZZcW8ZkZ6UuyQ9o3Yb9L8D7m1rP0zvX3kq3m1pV0uG"


def slug(answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def csv(*rows: tuple[str, ...]) -> str:
    return b"".join(csvio.write(["email", "name", "roles", "password_hash"], rows)).decode()


def run(world, by, file_format: str, content: str):
    asked = by.post("/admin/users/import", {"format": file_format, "content": content})
    assert asked.status_code == 202, asked.text
    world.work()
    return by.get(asked.headers["location"]).json()


def found(by, email: str):
    items = by.get("/admin/users", params={"email": email}).json()["items"]
    return items[0] if items else None


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_users_come_from_a_file_each_row_for_itself(world, boss, file_format):
    world.user(email="taken@example.com")
    rows = [
        ("ann@example.com", "Ann", "", ""),
        ("taken@example.com", "", "", ""),
        ("bob@example.com", "Bob", "support moderator", ""),
        ("no address", "", "", ""),
        ("eve@example.com", "", "owner", ""),
        ("zoe@example.com", "", "emperor", ""),
    ]
    names = ("email", "name", "roles", "password_hash")
    lines = "\n".join(json.dumps({key: cell for key, cell in zip(names, row, strict=True) if cell}) for row in rows)

    job = run(world, boss, file_format, csv(*rows) if file_format == "csv" else lines)

    assert (job["state"], job["done"], job["total"]) == ("partial", 6, 6)
    assert job["result"] == {"created": 2, "failed": 4}
    first = 2 if file_format == "csv" else 1
    assert [(one["row"] - first, one["code"]) for one in job["errors"]] == [
        (1, "email-taken"),
        (3, "invalid-request"),
        (4, "escalation-refused"),
        (5, "invalid-request"),
    ]
    assert found(boss, "bob@example.com")["roles"] == ["moderator", "support", "user"]
    assert found(boss, "eve@example.com") is None
    assert "no address" not in json.dumps(job)


def test_what_another_system_kept_as_a_hash_is_kept_here(world, boss):
    job = run(world, boss, "csv", csv(("ann@example.com", "", "", BCRYPT)))

    assert job["state"] == "done", job
    assert found(boss, "ann@example.com")["has_password"] is True and world.mails("password-reset") == []


def test_a_hash_of_an_unknown_kind_is_the_rows_fault(world, boss):
    job = run(world, boss, "csv", csv(("ann@example.com", "", "", "md5:abc"), ("bob@example.com", "", "", "")))

    assert job["result"] == {"created": 1, "failed": 1} and job["errors"][0]["row"] == 2


def test_a_file_is_put_to_a_url_of_its_own_and_imported_from_there(world, boss):
    upload = boss.post("/admin/users/uploads", {"format": "ndjson"}).json()
    early = boss.post("/admin/users/import", {"format": "ndjson", "upload_id": upload["upload_id"]})
    assert (early.status_code, slug(early)) == (409, "upload-missing")
    assert f"admin/imports/{upload['upload_id']}.ndjson" in upload["url"] and "X-Amz-Signature" in upload["url"]

    key = f"admin/imports/{upload['upload_id']}.ndjson"
    aws.client("s3").put_object(Bucket=world.bucket, Key=key, Body=b'{"email": "ann@example.com"}\n')
    asked = boss.post("/admin/users/import", {"format": "ndjson", "upload_id": upload["upload_id"]})
    world.work()

    assert boss.get(asked.headers["location"]).json()["state"] == "done"
    assert world.ports.objects.get(key) is None, "it holds addresses and hashes"


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"format": "csv", "content": "name\nAnn\n"}, 422, "bad-csv"),
        ({"format": "csv", "content": "email\n"}, 422, "invalid-request"),
        ({"format": "csv", "content": "PK\x03\x04"}, 422, "bad-csv"),
        ({"format": "xlsx", "content": "x"}, 422, "invalid-request"),
        ({"format": "csv"}, 409, "upload-missing"),
        ({"format": "csv", "upload_id": "../../secrets"}, 422, "invalid-request"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_as_a_whole(boss, body, status, problem):
    refused = boss.post("/admin/users/import", body)

    assert (refused.status_code, slug(refused)) == (status, problem)


@pytest.mark.parametrize(
    "line",
    [
        "[1]",
        "{",
        '"text"',
        '{"email": 5}',
        '{"email": "a@example.com", "admin": true}',
        '{"name": "no address"}',
        '{"email": "a@example.com", "name": "\\ud800"}',
        '{"email": "a@example.com", "name": "a\\u0000"}',
        "[" * 3000,
    ],
)
def test_a_line_that_is_no_user_is_its_own_fault(world, boss, line):
    job = run(world, boss, "ndjson", f"{line}\n" + json.dumps({"email": "ann@example.com"}))

    assert job["result"] == {"created": 1, "failed": 1} and job["errors"][0]["row"] == 1


def test_too_many_rows_and_too_large_a_file_are_refused(world, boss, monkeypatch):
    monkeypatch.setattr(imports, "LIMITS", csvio.Limits(size_bytes=200, rows=3))
    lines = "\n".join(json.dumps({"email": f"a{number}@e.com"}) for number in range(4))

    rows = boss.post("/admin/users/import", {"format": "ndjson", "content": lines})
    large = boss.post("/admin/users/import", {"format": "ndjson", "content": "x" * 201})

    assert (rows.status_code, slug(rows)) == (422, "bad-csv")
    assert (large.status_code, slug(large)) == (413, "payload-too-large")


def test_a_long_file_is_imported_piece_by_piece(world, boss, monkeypatch):
    monkeypatch.setattr(imports, "AT_ONCE", 2)
    rows = [(f"a{number}@example.com", "", "", BCRYPT) for number in range(5)]

    asked = boss.post("/admin/users/import", {"format": "csv", "content": csv(*rows)})

    assert world.work() == 3
    assert boss.get(asked.headers["location"]).json()["result"] == {"created": 5, "failed": 0}


def test_an_import_cut_off_goes_on_with_the_row_after_the_last(world, boss, frozen):
    rows = [(f"a{number}@example.com", "", "", BCRYPT) for number in range(4)]
    asked = boss.post("/admin/users/import", {"format": "csv", "content": csv(*rows)}).json()
    (body,) = drain(world.queue)
    work = imports.ImportUsers.model_validate(json.loads(body)["data"])
    world.away.add("accounts")
    with pytest.raises(Exception, match=r"moment|Accounts"):
        imports.work(world.ports, work)
    world.away.clear()

    with pytest.raises(AlreadySeen):
        imports.work(world.ports, work)
    frozen.advance(minutes=6)
    imports.work(world.ports, work)

    assert boss.get(f"/admin/jobs/{asked['id']}").json()["result"] == {"created": 4, "failed": 0}


def test_an_import_that_was_cancelled_stops(world, boss, monkeypatch):
    monkeypatch.setattr(imports, "AT_ONCE", 1)
    rows = [(f"a{number}@example.com", "", "", BCRYPT) for number in range(3)]
    asked = boss.post("/admin/users/import", {"format": "csv", "content": csv(*rows)}).json()

    assert boss.post(f"/admin/jobs/{asked['id']}/cancel").json()["state"] == "cancelled"
    assert world.work() == 1

    assert found(boss, "a0@example.com") is None


def test_what_the_one_who_asked_may_not_do_the_import_may_not(world, boss, owner):
    rows = csv(("ann@example.com", "", "admin", ""))

    assert run(world, boss, "csv", rows)["result"] == {"created": 0, "failed": 1}
    assert run(world, owner, "csv", rows)["result"] == {"created": 1, "failed": 0}


def test_an_import_is_on_record_and_so_is_every_account(world, boss):
    run(world, boss, "csv", csv(("ann@example.com", "", "", BCRYPT)))

    assert world.entries("admin.users-imported")[0]["detail"] == {"count": 1}
    created = world.entries("accounts.created", "Accounts")
    assert [entry["actor"]["id"] for entry in created if entry["actor"]["via"] == "service:admin"] == [boss.id]


def test_only_those_who_may_make_accounts_import_them(world):
    support = world.somebody("support")

    assert support.post("/admin/users/import", {"format": "csv", "content": "email\n"}).status_code == 403
    assert support.post("/admin/users/uploads", {"format": "csv"}).status_code == 403
    assert support.get(f"/admin/jobs/{ids.new()}").status_code == 404


def test_an_import_asked_for_twice_with_a_key_is_one(world, boss):
    body = {"format": "csv", "content": csv(("ann@example.com", "", "", BCRYPT))}
    key = {"idempotency-key": ids.new()}

    first = boss.post("/admin/users/import", body, headers=key)
    again = boss.post("/admin/users/import", body, headers=key)
    world.work()
    # The file is gone by now.
    late = boss.post("/admin/users/import", body, headers=key)
    other = boss.post("/admin/users/import", {**body, "content": "email\nbob@example.com\n"}, headers=key)

    assert first.status_code == again.status_code == late.status_code == 202
    assert first.json()["id"] == again.json()["id"] == late.json()["id"]
    assert late.json()["result"] == {"created": 1, "failed": 0} and late.headers["idempotent-replay"] == "true"
    assert (other.status_code, slug(other)) == (422, "idempotency-mismatch")
    assert len(world.entries("admin.users-imported")) == 1


def test_a_row_whose_answer_was_lost_is_a_user_that_was_made(world, boss):
    world.unheard.append("/accounts/internal/users")
    body = {"format": "csv", "content": csv(("ann@example.com", "", "", BCRYPT))}

    begun = boss.post("/admin/users/import", body)
    world.work()

    job = boss.get(f"/admin/jobs/{begun.json()['id']}").json()
    assert job["result"] == {"created": 1, "failed": 0}


def test_an_import_whose_message_was_lost_is_sent_again_by_asking_again(world, boss):
    body, key = {"format": "csv", "content": csv(("ann@example.com", "", "", BCRYPT))}, {"idempotency-key": "again"}
    boss.post("/admin/users/import", body, headers=key)
    assert len(drain(world.queue)) == 1, "lost"

    asked = boss.post("/admin/users/import", body, headers=key)
    world.work()

    assert boss.get(asked.headers["location"]).json()["state"] == "done"


@pytest.mark.parametrize("how", ["locked", "demoted"])
def test_an_import_of_staff_who_are_no_longer_makes_nobody(world, owner, monkeypatch, how):
    monkeypatch.setattr(imports, "AT_ONCE", 1)
    boss = world.somebody("admin")
    rows = [(f"a{number}@example.com", "", "", BCRYPT) for number in range(3)]
    asked = boss.post("/admin/users/import", {"format": "csv", "content": csv(*rows)}).json()
    (body,) = drain(world.queue)
    imports.work(world.ports, imports.ImportUsers.model_validate(json.loads(body)["data"]))

    if how == "locked":
        owner.post(f"/admin/users/{boss.id}/lock", {"reason": "a leaver"})
    else:
        owner.put(f"/admin/users/{boss.id}/roles", {"roles": ["support"]}, headers={"if-match": "*"})
    world.work()

    job = world.ports.jobs.get(boss.id, asked["id"])
    assert job.state == "failed" and job.problem["type"].endswith("/import-stopped")
    assert found(owner, "a0@example.com") and found(owner, "a1@example.com") is None
