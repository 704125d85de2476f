"""Alive, ready, and counted: every request once."""

import re

from tests.kit.people import eventually

SAMPLE = re.compile(r'^http_requests_total\{capability="tasks",method="(\w+)",route="([^"]+)",code="(\d+)"\} (\d+)$')


def counted(client, method, route, code):
    for line in client.get("/metrics").text.splitlines():
        match = SAMPLE.match(line)
        if match and match.groups()[:3] == (method, route, code):
            return int(match[4])
    return 0


def test_alive_and_ready(anonymous):
    assert anonymous.get("/health").json()["status"] == "ok"
    assert anonymous.get("/health/live").json()["status"] == "ok"

    def ready():
        # A check gives up after half a second, which a busy laptop's tables may take once.
        return True if anonymous.get("/ready").json()["status"] == "ok" else None

    assert eventually(ready, what="readiness")


def test_every_request_is_counted_and_none_twice(people, user):
    # A route that no other test asks this way: other workers use the same stack at the same time.
    route, client = "/tasks/{task_id}/occurrences", people.client()
    task = user.post("/tasks", json={"title": "counted"}).json()
    before = counted(client, "GET", route, "422")

    for _ in range(7):
        assert user.get(f"/tasks/{task['id']}/occurrences?n=0").status_code == 422

    def all_counted():
        found = counted(client, "GET", route, "422") - before
        assert found <= 7
        return found if found == 7 else None

    # What was read is kept for ten seconds, and lines are delivered every two.
    assert eventually(all_counted, within=40, what="the seventh request") == 7


def test_a_capability_that_answers_is_not_unknown(people, user):
    client = people.client()
    user.get("/tasks")

    def known():
        states = {one["name"]: one["status"] for one in client.get("/health/status").json()["capabilities"]}
        return states if states["tasks"] != "unknown" else None

    assert {"accounts", "tasks", "outbox", "health", "openapi"} <= eventually(known, within=40).keys()
