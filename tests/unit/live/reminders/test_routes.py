"""HTTP: statuses, headers, and what is refused with which pointer."""

from datetime import datetime

import pytest

from functions.live.reminders.app import handler
from tessera import clock, ids
from tests.kit.apps import invocation
from tests.kit.stores import everything_in
from tests.unit.live.reminders.conftest import DAILY

ABSENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
BODY = {"title": "Tea", "schedule": DAILY, "action": {"notify": {}}}
RULE = {"rrule": "FREQ=WEEKLY;BYDAY=MO", "dtstart": "2030-03-01T09:00", "tz": "Europe/Berlin"}


def pointers(answer):
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def made(person, **fields):
    answer = person.post("/reminders", json={**BODY, **fields})
    assert answer.status_code == 201, answer.text
    return answer


def test_a_reminder_is_created_with_its_location_and_its_next_five_times(alice):
    answer = made(alice, schedule={"cron": "30 8 * * MON-FRI", "tz": "Europe/Berlin"})

    body = answer.json()
    assert (answer.headers["location"], answer.headers["etag"]) == (f"/reminders/{body['id']}", '"v1"')
    assert (body["state"], body["runs"], body["misfire"]) == ("active", 0, "fire_once")
    # A Friday, and the Monday after it.
    assert [one["local"] for one in body["next"][:2]] == ["2030-03-15T08:30:00+01:00", "2030-03-18T08:30:00+01:00"]
    assert body["next"][0]["at"] == body["next_at"] == "2030-03-15T07:30:00.000Z"
    assert len(body["next"]) == 5
    assert alice.get(answer.headers["location"]).json() == body


@pytest.mark.parametrize(
    ("schedule", "slug", "pointer"),
    [
        ({}, "invalid-request", "/schedule"),
        ({"at": "2030-04-01T09:00:00Z", "cron": "* * * * *"}, "invalid-request", "/schedule"),
        ({"at": "2030-04-01T09:00:00"}, "invalid-request", "/schedule/tz"),
        ({"at": "tomorrow"}, "invalid-request", "/schedule/at"),
        ({"at": 5}, "invalid-request", "/schedule/at"),
        ({"at": "2030-02-30T09:00"}, "invalid-request", "/schedule/at"),
        ({"at": "0001-01-01T00:00", "tz": "Asia/Tokyo"}, "invalid-request", "/schedule/at"),
        ({"at": "9999-12-31T23:59", "tz": "America/New_York"}, "invalid-request", "/schedule/at"),
        ({"at": "2300-01-01T00:00:00Z"}, "invalid-request", "/schedule/at"),
        ({"at": "2030-03-14T09:25:00Z"}, "at-in-past", "/schedule/at"),
        ({"at": "2030-04-01T09:00:00Z", "start": "2030-03-20T00:00:00Z"}, "invalid-request", "/schedule/start"),
        ({"cron": "0 9 * * *"}, "invalid-request", "/schedule/tz"),
        ({"cron": "0 9 * * *", "tz": "Mars/Base"}, "invalid-request", "/schedule/tz"),
        ({"cron": "0 25 * * *", "tz": "UTC"}, "bad-cron", "/schedule/cron"),
        ({"cron": "* * * * * *", "tz": "UTC"}, "bad-cron", "/schedule/cron"),
        ({"cron": "0 0 30 2 *", "tz": "UTC"}, "never-fires", "/schedule"),
        ({"cron": "0 9 * * *", "tz": "UTC", "end": "2030-03-14T10:00:00Z"}, "never-fires", "/schedule"),
        ({**RULE, "rrule": "FREQ=SECONDLY"}, "bad-rrule", "/schedule/rrule"),
        ({**RULE, "rrule": "FREQ=MINUTELY;BYSECOND=0,30"}, "bad-rrule", "/schedule/rrule"),
        ({**RULE, "rrule": "FREQ=DAILY;UNTIL=20300101"}, "never-fires", "/schedule"),
        ({**RULE, "rrule": "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30"}, "never-fires", "/schedule"),
        ({"rrule": "FREQ=DAILY", "tz": "UTC"}, "invalid-request", "/schedule/dtstart"),
        ({**RULE, "exdates": ["2030-03-01T09:00"] * 101}, "invalid-request", "/schedule/exdates"),
        ({**RULE, "exdates": ["9999-12-31T23:59"]}, "invalid-request", "/schedule/exdates"),
        ({**RULE, "color": "red"}, "invalid-request", "/schedule/color"),
    ],
    ids=str,
)
def test_a_schedule_that_is_wrong_is_pointed_at(alice, schedule, slug, pointer):
    answer = alice.post("/reminders", json={**BODY, "schedule": schedule})

    assert pointers(answer) == [pointer]
    assert answer.json()["type"] == f"/problems/{slug}"
    preview = alice.post("/reminders/preview", json={"schedule": schedule})
    assert (preview.status_code, preview.json()["type"]) == (422, f"/problems/{slug}")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": "  "}, "/title"),
        ({"title": "a\u0000b"}, "/title"),
        ({"action": {}}, "/action"),
        ({"action": {"notify": {}, "event": {"type": "tea"}}}, "/action"),
        ({"action": {"event": {"type": "Tea Time"}}}, "/action/event/type"),
        ({"action": {"notify": {"url": "javascript:alert(1)"}}}, "/action/notify/url"),
        ({"action": {"webhook": {"url": "https://example.com/", "secret_id": ABSENT}}}, "/action/webhook/secret_id"),
        ({"action": {"webhook": {"url": "http://169.254.169.254/", "secret_id": ABSENT}}}, "/action/webhook/url"),
        ({"action": {"webhook": {"url": "http://127.0.0.1:22/", "secret_id": ABSENT}}}, "/action/webhook/url"),
        ({"offsets": ["P1D", "1 day"]}, "/offsets/1"),
        ({"offsets": ["P"]}, "/offsets/0"),
        ({"offsets": ["PT30S"]}, "/offsets/0"),
        ({"offsets": ["P999D"]}, "/offsets/0"),
        ({"offsets": ["PT5M"] * 2}, "/offsets"),
        ({"offsets": ["PT1M", "PT2M", "PT3M", "PT4M", "PT5M", "PT6M"]}, "/offsets"),
        ({"offsets": ["-P30D"], "schedule": {"at": "2030-03-20T09:00:00Z"}}, "/offsets"),
        ({"misfire": "panic"}, "/misfire"),
        ({"jitter_s": 901}, "/jitter_s"),
        ({"jitter_s": True}, "/jitter_s"),
        ({"max_runs": 0}, "/max_runs"),
    ],
    ids=str,
)
def test_a_field_that_is_wrong_is_pointed_at(alice, fields, pointer):
    assert pointers(alice.post("/reminders", json={**BODY, **fields})) == [pointer]


@pytest.mark.parametrize("carries_time", [True, False])
def test_a_create_asked_twice_makes_one_reminder(alice, carries_time):
    headers = {"idempotency-key": ids.new() if carries_time else "order 66"}

    first, second = (alice.post("/reminders", json=BODY, headers=headers) for _ in range(2))
    other = alice.post("/reminders", json={**BODY, "title": "Coffee"}, headers=headers)

    assert (second.status_code, second.headers["idempotent-replay"]) == (201, "true")
    assert first.json() == second.json()
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert alice.delete(first.headers["location"]).status_code == 204
    assert alice.post("/reminders", json=BODY, headers=headers).status_code == 410


def test_a_patch_needs_the_version_and_computes_the_next_time_anew(alice):
    path = made(alice).headers["location"]

    assert alice.patch(path, json={"title": "x"}).status_code == 428
    assert alice.patch(path, json={"title": "x"}, headers={"if-match": '"v7"'}).status_code == 412
    moved = alice.patch(path, json={"schedule": {"cron": "0 10 * * *", "tz": "UTC"}}, headers={"if-match": '"v1"'})
    assert (moved.headers["etag"], moved.json()["next_at"]) == ('"v2"', "2030-03-14T10:00:00.000Z")
    zoned = alice.patch(path, json={"tz": "America/New_York"}, headers={"if-match": '"v2"'})
    assert zoned.json()["next_at"] == "2030-03-14T14:00:00.000Z"
    assert zoned.json()["schedule"]["cron"] == "0 10 * * *"
    assert alice.delete(path, headers={"if-match": '"v1"'}).status_code == 412
    none = alice.patch(path, json={}, headers={"if-match": '"v3"'})
    assert none.headers["etag"] == '"v3"'
    bad = alice.patch(path, json={"schedule": {"cron": "x", "tz": "UTC"}}, headers={"if-match": "*"})
    assert bad.json()["type"] == "/problems/bad-cron"


def test_a_list_is_in_the_order_of_the_next_times_and_pages(alice, person):
    for hour in (12, 10, 11):
        made(alice, title=str(hour), schedule={"cron": f"0 {hour} * * *", "tz": "UTC"})
    paused = made(alice, title="paused")
    alice.post(f"{paused.headers['location']}/pause")
    made(person(), title="not Alice's")

    first = alice.get("/reminders?limit=3").json()
    rest = alice.get(f"/reminders?limit=3&cursor={first['next']}").json()

    assert [one["title"] for one in first["items"] + rest["items"]] == ["10", "11", "12", "paused"]
    assert rest["next"] is None
    assert [one["title"] for one in alice.get("/reminders?state=paused").json()["items"]] == ["paused"]
    assert person().get(f"/reminders?limit=3&cursor={first['next']}").status_code == 400


def test_a_reminder_of_somebody_else_is_not_there(alice, person):
    path, bob = made(alice).headers["location"], person()

    answers = [
        bob.get(path),
        bob.patch(path, json={"title": "x"}, headers={"if-match": "*"}),
        bob.delete(path),
        *(bob.post(f"{path}/{verb}") for verb in ("pause", "resume", "skip-next", "run-now")),
        bob.post(f"{path}/snooze", json={"for": "PT5M"}),
        bob.get(f"{path}/runs"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 9
    assert alice.get(path).status_code == 200


def test_verbs_answer_409_where_the_state_does_not_allow_them(alice, worker):
    path = made(alice).headers["location"]

    assert alice.post(f"{path}/resume").json()["type"] == "/problems/reminder-not-paused"
    assert alice.post(f"{path}/pause").json()["state"] == "paused"
    for verb, body in (("pause", None), ("skip-next", None), ("snooze", {"for": "PT5M"})):
        answer = alice.post(f"{path}/{verb}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/reminder-not-active")
    assert alice.post(f"{path}/resume").json()["next_at"] == "2030-03-15T09:00:00.000Z"
    once = made(alice, schedule={"at": "2030-03-14T10:00:00Z"}).headers["location"]
    alice.post(f"{once}/pause")
    worker.later(hours=2)
    assert alice.post(f"{once}/resume").json()["type"] == "/problems/nothing-next"


@pytest.mark.parametrize(("span", "told"), [("-PT5M", "/for"), ("PT0M", "/for"), ("soon", "/for"), (None, "/for")])
def test_a_snooze_leads_to_a_time_to_come(alice, span, told):
    path = made(alice).headers["location"]

    assert pointers(alice.post(f"{path}/snooze", json={"for": span})) == [told]


def test_a_preview_keeps_nothing_and_shows_both_clocks(alice):
    answer = alice.post("/reminders/preview", json={"schedule": RULE, "offsets": ["-P1D", "PT0M"]})

    items = answer.json()["items"]
    assert len(items) == 20
    assert items[0] == {
        "at": "2030-03-17T08:00:00.000Z",
        "local": "2030-03-17T09:00:00+01:00",
        "occurrence_at": "2030-03-18T08:00:00.000Z",
        "offset": "-P1D",
    }
    # Summer time begins on 31 March.
    assert [one["at"][11:16] for one in items[2:6]] == ["08:00", "08:00", "07:00", "07:00"]
    assert alice.get("/reminders").json()["items"] == []


def test_secrets_are_shown_once_and_never_in_the_table(alice, person, table):
    headers = {"idempotency-key": ids.new()}
    answer = alice.post("/reminders/secrets", json={"name": "CI"}, headers=headers)

    secret = answer.json()["secret"]
    assert secret.startswith("whsec_")
    assert secret.removeprefix("whsec_") not in str(everything_in(table))
    again = alice.post("/reminders/secrets", json={"name": "CI"}, headers=headers)
    assert (again.status_code, again.json()["secret"], again.json()["id"]) == (201, None, answer.json()["id"])
    listed = alice.get("/reminders/secrets").json()["items"]
    assert [(one["name"], "secret" in one) for one in listed] == [("CI", False)]
    assert person().delete(f"/reminders/secrets/{answer.json()['id']}").status_code == 404
    assert alice.delete(f"/reminders/secrets/{answer.json()['id']}").status_code == 204
    assert alice.delete(f"/reminders/secrets/{answer.json()['id']}").status_code == 404


def test_a_webhook_of_somebody_elses_secret_is_refused(alice, person):
    secret_id = person().post("/reminders/secrets", json={"name": "CI"}).json()["id"]

    action = {"webhook": {"url": "https://example.com/hook", "secret_id": secret_id}}

    assert pointers(alice.post("/reminders", json={**BODY, "action": action})) == ["/action/webhook/secret_id"]


def test_nobody_gets_in_without_a_token(client):
    assert client.get("/reminders").status_code == 401
    assert client.get("/reminders/calendar.ics?token=x").status_code == 404


def test_only_accounts_may_erase_and_all_of_it_goes(alice, person, worker, table):
    bob = person()
    kept = made(bob).headers["location"]
    path = made(alice, schedule={"cron": "* * * * *", "tz": "UTC"}).headers["location"]
    alice.post("/reminders/secrets", json={"name": "CI"})
    alice.post("/reminders/feed")
    when = clock.rfc3339(datetime.fromisoformat("2030-03-20T09:00:00+00:00"))
    alice.post(
        "/reminders/events",
        json={"title": "T", "starts_at": when, "ends_at": "2030-03-20T10:00:00Z", "tz": "UTC"},
    )
    worker.later(minutes=1)
    body = {"owner_id": alice.id}

    assert alice.post("/reminders/internal/erase", json=body).status_code == 404
    assert handler(invocation("/reminders/internal/erase", body, caller="relay"), None)["statusCode"] == 403
    assert handler(invocation("/reminders/internal/erase", body), None)["body"] == '{"done":true,"erased":4}'
    assert alice.get(path).status_code == 404
    assert bob.get(kept).status_code == 200
    left = [item for item in everything_in(table) if alice.id in str(item) and item["pk"]["S"][:4] != "OUT#"]
    assert left == []
