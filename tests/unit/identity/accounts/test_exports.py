"""Everything an account has, as one file."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.identity.accounts.actions import exports
from functions.identity.accounts.ports import Ports
from tessera import aws, ids, queues
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain
from tests.kit.races import together
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person
from .deliveries import Deliveries
from .neighbours import Neighbours

MakePerson = Callable[..., Person]


def ask(http: AppClient, who: Person) -> Any:
    return http.post("/accounts/me/export", headers=who.bearer)


def job(http: AppClient, who: Person, job_id: str) -> Any:
    return http.get(f"/accounts/jobs/{job_id}", headers=who.bearer).json()


def download(http: AppClient, who: Person, job_id: str) -> dict[str, Any]:
    link = http.get(f"/accounts/me/exports/{job_id}", headers=who.bearer).json()["url"]
    parts = urlsplit(link)
    bucket = parts.netloc.partition(".")[0]
    found = aws.client("s3").get_object(Bucket=bucket, Key=parts.path.lstrip("/"))
    return dict(json.loads(found["Body"].read()))


@pytest.fixture
def ann(person: MakePerson) -> Person:
    return person()


def test_an_export_is_a_job_that_ends_with_a_file(
    http: AppClient, ann: Person, deliveries: Deliveries, mailbox: Mailbox
):
    asked = ask(http, ann)
    assert asked.status_code == 202
    assert asked.headers["location"] == f"/accounts/jobs/{asked.json()['id']}"
    assert asked.json()["state"] == "queued"

    deliveries.work()

    done = job(http, ann, asked.json()["id"])
    assert (done["state"], done["done"]) == ("done", done["total"])
    assert done["result"]["download"] == f"/accounts/me/exports/{done['id']}"
    assert done["result"]["size_bytes"] > 100
    assert mailbox.latest(ann.email, "export-ready")["data"]["until"] == "2030-03-15 09:26 UTC"


def test_the_file_holds_what_the_account_has_and_no_secret(
    http: AppClient, ann: Person, deliveries: Deliveries, ports: Ports
):
    http.post("/accounts/login", json={"email": ann.email, "password": PASSWORD, "device_name": "a blue phone"})
    asked = ask(http, ann).json()
    deliveries.work()

    found = download(http, ann, asked["id"])

    mine = found["accounts"]
    assert found["user_id"] == mine["profile"]["user_id"] == ann.id
    assert mine["profile"]["email"] == ann.email
    assert {session["device_name"] for session in mine["sessions"]} == {None, "a blue phone"}
    assert [entry["action"] for entry in mine["activity"]] == ["sign-up", "login", "export-asked"]
    text, row = json.dumps(found), ports.users.get(ann.id)
    for secret in (row.pw, ann.refresh_token, ann.device_token, "argon2", "203.0.113.7"):
        assert secret not in text


def test_every_capability_that_has_something_adds_its_pages(
    http: AppClient, ann: Person, deliveries: Deliveries, neighbours: Neighbours
):
    def tasks(body: dict[str, Any]) -> tuple[int, Any]:
        assert body["owner_id"] == ann.id
        start = int(body["after"] or 0)
        return 200, {"items": [{"title": f"task {start}"}], "next": str(start + 1) if start < 2 else None}

    neighbours.answers["/tasks/internal/export"] = tasks
    asked = ask(http, ann).json()

    deliveries.work()

    found = download(http, ann, asked["id"])
    assert found["tasks"] == [{"title": "task 0"}, {"title": "task 1"}, {"title": "task 2"}]
    assert "missing" not in found
    assert set(neighbours.paths()) == {f"/{name}/internal/export" for name in exports.sources() if name != "accounts"}


def test_pages_that_have_found_nothing_leave_no_parts(
    http: AppClient, ann: Person, deliveries: Deliveries, neighbours: Neighbours
):
    def chat(body: dict[str, Any]) -> tuple[int, Any]:
        start = int(body["after"] or 0)
        return 200, {"items": ["said"] if start == 1 else [], "next": str(start + 1) if start < 3 else None}

    neighbours.answers["/chat/internal/export"] = chat
    neighbours.answers["/tasks/internal/export"] = (200, {"items": [], "next": None})
    asked = ask(http, ann).json()

    deliveries.work()

    found = download(http, ann, asked["id"])
    assert (found["chat"], found["tasks"]) == (["said"], [])


def test_what_is_kept_by_address_is_asked_for_by_address(
    http: AppClient, ann: Person, deliveries: Deliveries, neighbours: Neighbours
):
    neighbours.answers["/outbox/internal/export"] = lambda body: (200, {"items": body["addresses"], "next": None})
    asked = ask(http, ann).json()

    deliveries.work()

    assert download(http, ann, asked["id"])["outbox"] == [ann.email]


@pytest.mark.parametrize("reply", [None, (500, {}), (503, {})], ids=["no answer", "broken", "busy"])
def test_a_capability_that_does_not_answer_is_named_and_keeps_nobody_waiting(
    http: AppClient, ann: Person, deliveries: Deliveries, neighbours: Neighbours, reply: Any
):
    neighbours.answers["/tasks/internal/export"] = reply
    asked = ask(http, ann).json()

    deliveries.work()

    done = job(http, ann, asked["id"])
    assert (done["state"], done["errors"][0]["pointer"]) == ("partial", "tasks")
    assert neighbours.paths().count("/tasks/internal/export") == exports.MAX_TRIES
    assert download(http, ann, asked["id"])["missing"] == ["tasks"]


def test_a_capability_that_answers_the_second_time_is_in_the_file(
    http: AppClient, ann: Person, deliveries: Deliveries, neighbours: Neighbours
):
    replies = [(503, {}), (200, {"items": ["here"], "next": None})]
    neighbours.answers["/tasks/internal/export"] = lambda body: replies.pop(0)
    asked = ask(http, ann).json()

    deliveries.work()

    assert job(http, ann, asked["id"])["state"] == "done"
    assert download(http, ann, asked["id"])["tasks"] == ["here"]


def test_within_a_day_the_same_export_is_the_answer(
    http: AppClient, ann: Person, deliveries: Deliveries, frozen: FakeClock
):
    first = ask(http, ann).json()
    second = ask(http, ann).json()
    deliveries.work()
    third = ask(http, ann).json()
    frozen.advance(hours=24, seconds=1)
    later = Person(
        ann.email, PASSWORD, http.post("/accounts/login", json={"email": ann.email, "password": PASSWORD}).json()
    )
    fourth = ask(http, later).json()

    assert first["id"] == second["id"] == third["id"]
    assert third["state"] == "done"
    assert fourth["id"] != first["id"]


def test_two_who_ask_at_once_start_one_export(ann: Person, ports: Ports, call: Any):
    from tessera.auth.principal import Principal

    myself = Principal(kind="user", id=ann.id, user_id=ann.id)

    results = together(lambda: exports.ask(ports, ann.id, caller=myself, call=call), times=4)

    assert len({result.value.id for result in results}) == 1


def test_messages_that_come_twice_make_the_same_file(
    http: AppClient, ann: Person, deliveries: Deliveries, queue: str, neighbours: Neighbours
):
    neighbours.answers["/tasks/internal/export"] = (200, {"items": [1], "next": None})
    asked = ask(http, ann).json()

    while bodies := drain(queue):
        deliveries.give(*bodies, *bodies)
        # What a second delivery sends on is the same again; one of each is enough to go on with.
        for data in {json.dumps(json.loads(body)["data"], sort_keys=True) for body in drain(queue)}:
            queues.send(queue, exports.EXPORT, json.loads(data))

    assert job(http, ann, asked["id"])["state"] == "done"
    assert download(http, ann, asked["id"])["tasks"] == [1]


def test_a_link_is_signed_with_version_4_for_what_is_left_of_the_day(
    http: AppClient, ann: Person, deliveries: Deliveries, frozen: FakeClock
):
    asked = ask(http, ann).json()
    deliveries.work()
    frozen.advance(minutes=5)

    answer = http.get(f"/accounts/me/exports/{asked['id']}", headers=ann.bearer).json()

    query = parse_qs(urlsplit(answer["url"]).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert 86_000 < int(query["X-Amz-Expires"][0]) <= 86_100
    assert query["response-content-disposition"] == ["attachment; filename*=UTF-8''tessera-2030-03-14.json"]
    assert answer["expires_at"].startswith("2030-03-15T09:26:53")


def test_an_export_is_gone_after_24_hours(http: AppClient, ann: Person, deliveries: Deliveries, frozen: FakeClock):
    asked = ask(http, ann).json()
    deliveries.work()
    frozen.advance(hours=24)
    later = http.post("/accounts/login", json={"email": ann.email, "password": PASSWORD}).json()

    answer = http.get(
        f"/accounts/me/exports/{asked['id']}", headers={"authorization": f"Bearer {later['access_token']}"}
    )

    assert answer.status_code == 404


def test_nobody_reads_the_export_or_the_job_of_somebody_else(
    http: AppClient, ann: Person, person: MakePerson, deliveries: Deliveries
):
    bob = person("bob@example.com")
    asked = ask(http, ann).json()
    deliveries.work()

    for path in (f"/accounts/me/exports/{asked['id']}", f"/accounts/jobs/{asked['id']}"):
        assert http.get(path, headers=bob.bearer).status_code == 404


def test_an_export_that_is_not_ready_has_no_link(http: AppClient, ann: Person):
    asked = ask(http, ann).json()

    assert http.get(f"/accounts/me/exports/{asked['id']}", headers=ann.bearer).status_code == 404
    assert http.get(f"/accounts/me/exports/{ids.new()}", headers=ann.bearer).status_code == 404


def test_only_the_whole_file_stays_in_the_bucket(http: AppClient, ann: Person, deliveries: Deliveries, bucket: str):
    ask(http, ann)
    deliveries.work()

    listed = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"accounts/exports/{ann.id}/")["Contents"]

    assert [entry["Key"].rpartition("/")[2] for entry in listed] == ["everything.json"]


def test_odd_text_in_a_profile_survives_the_file(http: AppClient, ann: Person, deliveries: Deliveries):
    etag = http.get("/accounts/me", headers=ann.bearer).headers["etag"]
    bio = 'Quotes " and \\ and \u2028 and 🦊 </script>'
    http.patch(
        "/accounts/me", json={"bio": bio, "metadata": {"a": [1, None]}}, headers={**ann.bearer, "if-match": etag}
    )
    asked = ask(http, ann).json()
    deliveries.work()

    profile = download(http, ann, asked["id"])["accounts"]["profile"]

    assert (profile["bio"], profile["metadata"]) == (bio, {"a": [1, None]})


def test_whoever_acts_for_somebody_gets_no_link_to_all_they_have(http, internal, person):
    ann = person()
    asked = {"user_id": ann.id, "session_id": ids.new(), "actor_id": ids.new(), "actor_session_id": "s", "write": True}
    _, acting = internal("POST", "/accounts/internal/impersonate", asked, caller="admin")

    answer = http.get(
        f"/accounts/me/exports/{ids.new()}", headers={"authorization": f"Bearer {acting['access_token']}"}
    )

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/impersonation-forbidden")
