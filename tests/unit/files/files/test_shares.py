"""Links that anybody may follow, and people who are let in."""

import json
import time
from dataclasses import replace

import pytest

from functions.files.files.actions import shares as actions
from functions.files.files.events import ShareDownloaded
from functions.files.files.ports import Ports
from functions.files.files.posting import Posting
from tessera import aws, clock, ids, link_passwords
from tessera.auth.internal import Internal
from tessera.limits import Limits
from tessera.sealed import unseal
from tests.kit.faults import failing, meanwhile
from tests.kit.races import outcomes, together


@pytest.fixture
def file(world, ann):
    return world.clean(ann)


def share(ann, file, **terms):
    made = ann.post(f"/files/{file['id']}/shares", json=terms)
    assert made.status_code == 201, made.text
    return {**made.json(), "etag": made.headers["etag"]}


def follow(world, made, password=None):
    body = None if password is None else {"password": password}
    return world.client.post(f"/files/s/{made['token']}/download", json=body)


def test_a_link_shows_and_gives_a_file_to_anybody(world, ann, file):
    made = share(ann, file)
    assert made["url"] == f"https://files.test/files/s/{made['token']}"

    looked = world.client.get(f"/files/s/{made['token']}")
    followed = follow(world, made)

    assert looked.json() == {
        "name": "a.txt",
        "size": 5,
        "type": "text/plain",
        "needs_password": False,
        "expires_at": None,
    }
    assert looked.headers["cache-control"] == "no-store"
    assert followed.json()["expires_in"] == 60 and "attachment" in followed.json()["url"]


def test_a_token_is_shown_once_and_kept_as_a_hash(world, ann, file):
    key = {"idempotency-key": ids.new()}
    first = ann.post(f"/files/{file['id']}/shares", json={}, headers=key).json()
    again = ann.post(f"/files/{file['id']}/shares", json={}, headers=key)

    listed = ann.get(f"/files/{file['id']}/shares").json()["items"]

    assert again.json()["id"] == first["id"] and again.json()["token"] is None
    assert len(listed) == 1 and "token" not in listed[0]
    from tests.kit.stores import everything_in

    assert first["token"].partition(".")[2] not in repr(everything_in(world.ports.files.table))


@pytest.mark.parametrize(
    ("most", "terms"), [(1, {"one_time": True}), (1, {"max_downloads": 1}), (3, {"max_downloads": 3})]
)
def test_share_limit_50(world, ann, file, most, terms):
    made = share(ann, file, **terms)

    done = together(lambda: actions.download(world.ports, made["token"], None), times=50)

    assert outcomes(done) == {"ok": most, "not-found": 50 - most}
    assert world.client.get(f"/files/s/{made['token']}").status_code == 404
    assert world.events().count("files.share.exhausted.v1") == 1
    listed = ann.get(f"/files/{file['id']}/shares").json()["items"][0]
    assert (listed["left"], listed["downloads"]) == (0, most)


def test_share_uniform_404(world, ann, file):
    expired = share(ann, file, expires_at=clock.rfc3339(clock.now().replace(year=2030, month=3, day=15)))
    revoked, used, trashed = (share(ann, file, max_downloads=1) for _ in range(3))
    ann.delete(f"/files/shares/{revoked['id']}")
    follow(world, used)
    other = world.clean(ann, b"other")
    trashed = share(ann, other)
    ann.delete(f"/files/{other['id']}")
    world.later(days=2)
    unknown = {"token": f"{ids.new()}.{'x' * 43}"}
    wrong = {"token": f"{trashed['id']}.{'x' * 43}"}
    strange = {"token": "x"}

    answers = [
        answer
        for one in (expired, revoked, used, trashed, unknown, wrong, strange)
        for answer in (world.client.get(f"/files/s/{one['token']}"), follow(world, one))
    ]

    bodies = {repr({k: v for k, v in answer.json().items() if k != "trace_id"}) for answer in answers}
    assert {answer.status_code for answer in answers} == {404} and len(bodies) == 1


def test_what_is_revoked_while_it_is_followed_is_not_had(world, ann, file):
    made = share(ann, file)

    with meanwhile("UpdateItem", lambda: ann.delete(f"/files/shares/{made['id']}"), key="SH#"):
        answer = follow(world, made)

    assert answer.status_code == 404


def test_a_limit_that_is_set_while_a_link_is_followed_holds(world, ann, file):
    made = share(ann, file)
    body = {"max_downloads": 1}

    def limit():
        assert ann.patch(f"/files/shares/{made['id']}", json=body, headers={"if-match": "*"}).status_code == 200

    with meanwhile("UpdateItem", limit, key="SH#"):
        answer = follow(world, made)

    assert answer.status_code == 404
    assert ann.get(f"/files/{file['id']}/shares").json()["items"][0]["left"] == 1


def test_a_link_that_ends_while_it_is_followed_is_not_had(world, ann, file):
    made = share(ann, file, expires_at="2030-03-14T10:00:00Z", password="sesame")

    looked = actions.look(world.ports, made["token"])[0]
    world.later(hours=1)

    told = ShareDownloaded(share_id=made["id"], file_id=file["id"], owner_id=ann.id)
    assert not world.ports.shares.consume(looked, clock.now(), told, told)


def test_password_lock(world, ann, file):
    made = share(ann, file, password="sesame")
    assert world.client.get(f"/files/s/{made['token']}").json()["needs_password"]
    missing, wrong = follow(world, made), follow(world, made, "open")
    assert (missing.status_code, wrong.status_code) == (401, 401)
    assert wrong.json()["type"] == "/problems/share-password" and wrong.headers["www-authenticate"]

    for _ in range(9):
        assert follow(world, made, "open").status_code == 401
    locked = follow(world, made, "sesame")

    assert locked.status_code == 429 and 0 < int(locked.headers["retry-after"]) <= 900
    world.later(minutes=15)
    assert follow(world, made, "sesame").status_code == 200
    assert follow(world, made, "open").status_code == 401


def test_after_a_lock_there_are_ten_tries_again_and_no_more(world, ann, file):
    made = share(ann, file, password="sesame")
    for _ in range(10):
        follow(world, made, "open")
    world.later(minutes=16)

    said = [follow(world, made, "open").status_code for _ in range(11)]

    assert said == [401] * 10 + [429]


def test_a_good_password_forgets_the_bad_ones(world, ann, file):
    made = share(ann, file, password="sesame")
    for _ in range(9):
        follow(world, made, "open")

    assert follow(world, made, "sesame").status_code == 200
    assert [follow(world, made, "open").status_code for _ in range(10)] == [401] * 10


def test_guesses_that_are_made_at_once_are_counted_before_they_are_looked_at(world, ann, file):
    made = share(ann, file, password="sesame")
    found = actions.look(world.ports, made["token"])[0]

    done = together(lambda: world.ports.shares.try_password(found, clock.now()), times=25)

    assert outcomes(done) == {"ok": 10, "share-locked": 15}


def test_a_password_is_kept_as_a_slow_hash(world, ann, file):
    made = share(ann, file, password="sesame")
    kept = world.ports.shares.find(made["id"]).password

    began = time.perf_counter()
    assert link_passwords.matches("sesame", kept) and not link_passwords.matches("Sesame", kept)

    assert kept.startswith("$argon2id$") and "sesame" not in kept
    assert time.perf_counter() - began > 0.01


@pytest.mark.parametrize(
    "terms",
    [
        {"expires_at": "2030-03-14T09:00:00Z"},
        {"expires_at": "2032-03-14T09:00:00Z"},
        {"max_downloads": 0},
        {"max_downloads": True},
        {"password": "abc"},
        {"one_time": True, "max_downloads": 2},
        {"hours": 3},
    ],
)
def test_terms_that_make_no_sense_are_refused(ann, file, terms):
    assert ann.post(f"/files/{file['id']}/shares", json=terms).status_code == 422


def test_the_terms_of_a_link_can_be_changed(world, ann, file):
    made = share(ann, file, max_downloads=3, password="sesame")
    follow(world, made, "sesame")
    path = f"/files/shares/{made['id']}"
    now = {"if-match": made["etag"]}

    assert ann.patch(path, json={"max_downloads": 5}).status_code == 428
    changed = ann.patch(path, json={"max_downloads": 5, "password": None}, headers=now)

    assert (changed.json()["left"], changed.json()["has_password"]) == (4, False)
    assert ann.patch(path, json={"max_downloads": 2}, headers=now).status_code == 412
    follow(world, made)
    assert ann.patch(path, json={"max_downloads": 1}, headers={"if-match": "*"}).status_code == 422
    free = ann.patch(path, json={"max_downloads": None, "expires_at": None}, headers={"if-match": "*"}).json()
    assert free["left"] is None and free["max_downloads"] is None
    ends = ann.patch(path, json={"expires_at": "2030-03-20T00:00:00Z"}, headers={"if-match": "*"}).json()
    assert ends["expires_at"] == "2030-03-20T00:00:00.000Z"


def test_a_link_is_revoked_as_it_was_read(ann, file):
    made = share(ann, file)
    path = f"/files/shares/{made['id']}"
    now = ann.patch(path, json={"max_downloads": 5}, headers={"if-match": made["etag"]}).headers["etag"]

    kept = ann.delete(path, headers={"if-match": made["etag"]})
    gone = ann.delete(path, headers={"if-match": now})

    assert (kept.status_code, gone.status_code) == (412, 204)


def test_a_revoked_link_is_not_changed_back(world, ann, file):
    made = share(ann, file)
    found = world.ports.shares.find(made["id"])
    ann.delete(f"/files/shares/{made['id']}")

    assert ann.patch(f"/files/shares/{made['id']}", json={}, headers={"if-match": "*"}).status_code == 404
    from tessera.problems import NotFound

    with pytest.raises(NotFound):
        world.ports.shares.change(found, {"max_downloads": 5, "left": 5}, None)


def test_links_are_their_owners(world, ann, file):
    made, bob = share(ann, file), world.person()

    assert bob.get(f"/files/{file['id']}/shares").status_code == 404
    assert bob.post(f"/files/{file['id']}/shares", json={}).status_code == 404
    assert bob.delete(f"/files/shares/{made['id']}").status_code == 404
    assert bob.patch(f"/files/shares/{made['id']}", json={}, headers={"if-match": "*"}).status_code == 404


def test_a_file_has_fifty_links_at_most(ann, file, monkeypatch):
    monkeypatch.setattr(actions, "MAX_SHARES", 2)
    one = share(ann, file)
    share(ann, file)

    assert ann.post(f"/files/{file['id']}/shares", json={}).json()["type"] == "/problems/too-many-shares"
    ann.delete(f"/files/shares/{one['id']}")
    assert ann.post(f"/files/{file['id']}/shares", json={}).status_code == 201


def test_the_list_of_links_goes_on_by_its_cursor(ann, file):
    made = []
    for _ in range(3):
        made.append(share(ann, file)["id"])

    first = ann.get(f"/files/{file['id']}/shares?limit=2").json()
    rest = ann.get(f"/files/{file['id']}/shares?limit=2&cursor={first['next']}").json()

    assert sorted(one["id"] for one in first["items"] + rest["items"]) == sorted(made) and rest["next"] is None


def test_a_viewer_reads_and_an_editor_sends_new_versions(world, ann, file):
    viewer, editor, bob = world.person(), world.person(), world.person()
    path = f"/files/{file['id']}"
    ann.put(f"{path}/grants/{viewer.id}", json={"role": "viewer"})
    ann.put(f"{path}/grants/{editor.id}", json={"role": "editor"})
    match = {"if-match": "*"}

    assert [one.get(path).status_code for one in (viewer, editor, bob)] == [200, 200, 404]
    assert [one.get(f"{path}/content").status_code for one in (viewer, editor, bob)] == [302, 302, 404]
    renamed = [one.patch(path, json={"name": "b"}, headers=match).status_code for one in (viewer, editor, bob)]
    assert renamed == [403, 200, 404]
    put = [one.put(f"{path}/content", json={"size": 6}, headers=match).status_code for one in (viewer, editor, bob)]
    assert put == [403, 201, 404]
    assert [one.delete(path).status_code for one in (viewer, editor, bob)] == [403, 403, 404]
    assert editor.patch(path, json={"folder_id": None, "name": "c"}, headers=match).status_code == 200
    assert editor.patch(path, json={"folder_id": ids.new()}, headers=match).status_code == 403
    assert world.usage(ann)["reserved"] == 6 and world.usage(editor)["reserved"] == 0
    assert [one["id"] for one in viewer.get("/files/opened").json()["items"]] == [file["id"]]


def test_who_was_let_in_is_seen_and_taken_back(world, ann, file):
    bob, eve = world.person(), world.person()
    path = f"/files/{file['id']}/grants"
    for one in (bob, eve):
        ann.put(f"{path}/{one.id}", json={"role": "viewer"})

    assert [one["user"] for one in ann.get(path).json()["items"]] == sorted([bob.id, eve.id])
    assert bob.delete(f"{path}/{eve.id}").status_code == 403
    assert bob.delete(f"{path}/{bob.id}").status_code == 204
    assert ann.delete(f"{path}/{eve.id}").status_code == 204
    assert ann.delete(f"{path}/{eve.id}").status_code == 404
    assert bob.get(f"/files/{file['id']}").status_code == 404
    assert ann.put(f"{path}/{ann.id}", json={"role": "viewer"}).status_code == 422


def test_a_file_is_open_to_a_hundred_at_most(world, ann, file, monkeypatch):
    monkeypatch.setattr(actions, "MAX_GRANTS", 1)
    bob = ids.new()
    ann.put(f"/files/{file['id']}/grants/{bob}", json={"role": "viewer"})

    assert ann.put(f"/files/{file['id']}/grants/{bob}", json={"role": "editor"}).status_code == 200
    assert ann.put(f"/files/{file['id']}/grants/{ids.new()}", json={"role": "viewer"}).status_code == 409


def test_an_editors_upload_in_parts_is_theirs_to_finish(world, ann, file):
    editor, viewer = world.person(), world.person()
    ann.put(f"/files/{file['id']}/grants/{editor.id}", json={"role": "editor"})
    ann.put(f"/files/{file['id']}/grants/{viewer.id}", json={"role": "viewer"})
    body = {"size": 6, "upload": "multipart"}
    made = editor.put(f"/files/{file['id']}/content", json=body, headers={"if-match": "*"}).json()["upload"]
    path = f"/files/s3/multipart/{made['upload_id']}?key={made['key']}"

    assert (editor.get(path).status_code, viewer.get(path).status_code) == (200, 404)


class Outbox:
    """`outbox` as its internal route answers: it takes no mail for those in `refusing`."""

    def __init__(self, *refusing, status=202):
        self.refusing, self.status, self.asked = refusing, status, []

    def __call__(self, function, event, timeout_seconds):
        body = json.loads(event["body"])
        self.asked.append(body)
        refused = body["to"] in self.refusing
        return {"statusCode": 409 if refused else self.status, "headers": {}, "body": "{}"}


@pytest.fixture
def outbox(world):
    def put(*refusing, **given):
        made = Outbox(*refusing, **given)
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        internal = Internal("files", world.bindings, made)
        posting = Posting(internal, world.bindings.get(Limits), key)
        world.bindings.replace(Ports, replace(world.ports, posting=posting))
        return made, key

    return put


def test_a_link_goes_out_by_mail_sealed_and_once_for_each_address(world, ann, file, outbox):
    asked, key = outbox()
    made = share(ann, file, emails=["bob@example.com", "eve@example.com", "bob@example.com"])

    assert (made["mailed"], made["not_mailed"]) == (["bob@example.com", "eve@example.com"], [])
    assert [one["to"] for one in asked.asked] == made["mailed"]
    assert made["token"] not in json.dumps(asked.asked)
    for one in asked.asked:
        assert (one["template"], one["data"]) == ("file-shared", {"name": "a.txt"})
        assert unseal(key, "mail", one["secret"]) == {"link": made["url"]}
    assert len({one["id"] for one in asked.asked}) == 2


def test_a_repeated_request_mails_nothing_again(world, ann, file, outbox):
    asked, _ = outbox()
    key, body = {"idempotency-key": ids.new()}, {"emails": ["bob@example.com"]}

    for _ in range(2):
        answer = ann.post(f"/files/{file['id']}/shares", json=body, headers=key)

    assert (answer.json()["token"], answer.json()["mailed"], len(asked.asked)) == (None, [], 1)


@pytest.mark.parametrize("given", [{"status": 503}, {"status": 202}], ids=["outbox is down", "suppressed"])
def test_who_gets_no_mail_is_named_and_the_link_stands(world, ann, file, outbox, given):
    outbox("bob@example.com", **given)

    made = share(ann, file, emails=["bob@example.com"])

    assert (made["mailed"], made["not_mailed"]) == ([], ["bob@example.com"])
    assert follow(world, made).status_code == 200


def test_a_link_stands_while_no_mail_can_be_sealed(world, ann, file, outbox):
    outbox()
    with failing("kms", "Encrypt", code="KMSInternalException"):
        made = share(ann, file, emails=["bob@example.com"])

    assert made["not_mailed"] == ["bob@example.com"]


def test_nobody_mails_links_to_very_many_in_a_day(world, ann, file, outbox):
    asked, _ = outbox()
    answers = [
        ann.post(f"/files/{file['id']}/shares", json={"emails": [f"p{m}.{n}@example.com" for n in range(20)]})
        for m in range(3)
    ]

    assert [answer.status_code for answer in answers] == [201, 429, 429]
    assert len(asked.asked) == 20


@pytest.mark.parametrize("wrong", [["bob"], ["b b@example.com"], ["bob@example.com\r\nBcc: x@x.x"], ["a@b.c"] * 21])
def test_what_can_be_no_address_is_refused(ann, file, wrong):
    assert ann.post(f"/files/{file['id']}/shares", json={"emails": wrong}).status_code == 422
