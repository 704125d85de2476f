"""The audit log: what gets into it, and what is found there."""

import json
import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from functions.identity.admin.actions import exports, seal
from functions.identity.admin.store.trail import TooEarly
from tessera import aws, clock, csvio, ids
from tessera.auth.audit import audit
from tessera.auth.principal import ANONYMOUS, Principal
from tessera.outbox import Envelope
from tessera.transact import AlreadySeen
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import failing
from tests.kit.queues import drain
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

ANN = Principal(kind="user", id="01HZX3J0V7Q8M4N5P6R7S8T9VW", user_id="01HZX3J0V7Q8M4N5P6R7S8T9VW", credential="bearer")


def happened(action: str = "tasks.cleared", target: str = "list:7", *, by: Principal = ANN, **more: Any) -> Envelope:
    """An event as `relay` sends it on, made now."""
    return Envelope.of(audit(action, target, by=by, **more))


def kept(world) -> list[dict[str, Any]]:
    items = [item for item in everything_in(world.tables["Admin"]) if item["pk"]["S"].startswith("AUD#")]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def slug(answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


# -- recording ----------------------------------------------------------------


def test_an_entry_is_kept_as_it_was_told(world, boss):
    told = happened("accounts.locked", "user:bob", reason="spam", changes={"status": ("active", "locked")}, count=2)

    assert world.deliver(told) == []

    (entry,) = boss.get("/admin/audit?target=user:bob").json()["items"]
    assert entry == {**told.data, "recorded_at": "2030-03-14T09:26:53.000Z"}


def test_what_nobody_known_did_is_found_by_its_target_and_lies_in_no_index_of_actors(world, boss, frozen):
    """A refused sign-in, say: thousands of them would meet in one partition."""
    told = happened("accounts.login-refused", "user:bob", by=ANONYMOUS, outcome="denied")

    with CapacityMeter() as meter:
        world.deliver(told)

    assert meter.of(world.tables["Admin"].name).write_units == 2
    (entry,) = boss.get("/admin/audit?target=user:bob").json()["items"]
    assert (entry["outcome"], entry["actor"]["id"]) == ("denied", "anon")
    assert boss.get("/admin/audit?actor=anon").json()["items"] == []
    frozen.advance(days=1)
    seal.seal_due(world.ports)
    assert seal.verify(world.ports, date(2030, 3, 14)).state == "verified"


def test_an_entry_costs_one_write_of_three_units(world):
    told = happened()

    with CapacityMeter() as meter:
        world.deliver(told)

    cost = meter.of(world.tables["Admin"].name)
    # One for the item and one for each of its two indexes.
    assert (cost.operations, cost.write_units) == (["PutItem"], 3)


def test_audit_dedupe(world):
    told = [happened(target=f"list:{number}") for number in range(3)]

    assert world.deliver(told[0], *told, told[1]) == [] and world.deliver(*told) == []

    assert len(kept(world)) == 3


def test_a_thousand_events_with_duplicates_and_shuffles_are_exactly_the_distinct_set(world, frozen):
    dice = random.Random(4711)
    told = []
    for number in range(1000):
        frozen.advance(milliseconds=dice.randint(0, 40))
        told.append(happened(target=f"list:{number % 50}"))
    arriving = told + dice.sample(told, 300)
    dice.shuffle(arriving)

    failed = [one for start in range(0, len(arriving), 10) for one in world.deliver(*arriving[start : start + 10])]
    frozen.advance(days=1)
    seal.seal_due(world.ports)

    assert failed == []
    assert [item["sk"]["S"].partition("#")[2] for item in kept(world)] == sorted(envelope.id for envelope in told)
    verdict = seal.verify(world.ports, told_day(told))
    assert (verdict.state, verdict.count) == ("verified", 1000)


def told_day(told):
    return clock.from_millis(ids.timestamp_ms(told[0].id)).date()


def test_one_event_delivered_many_times_at_once_is_one_entry(world):
    told = happened()

    results = together(lambda: world.ports.trail.append(told.data, told.id), times=8)

    assert outcomes(results) == {"ok": 1, "AlreadySeen": 7} and len(kept(world)) == 1


def test_a_broken_message_does_not_take_its_batch_along(world):
    broken = Envelope(ids.new(), "audit.entry.recorded.v1", "", "", {"action": "a.b"})

    assert world.deliver(happened(target="list:1"), broken, happened(target="list:2")) == ["m-1"]

    assert len(kept(world)) == 2


def test_a_late_event_never_lands_in_a_day_that_is_over(world, frozen):
    told = happened()
    frozen.advance(days=2)

    world.ports.trail.append(told.data, told.id)
    with pytest.raises(AlreadySeen):
        world.ports.trail.append(told.data, told.id)

    (item,) = kept(world)
    assert item["pk"]["S"] == "AUD#2030-03-16" and json.loads(item["entry"]["S"])["occurred_at"].startswith(
        "2030-03-14"
    )


def test_an_event_delivered_in_time_and_again_days_later_is_one_entry(world, frozen):
    told = happened()
    world.ports.trail.append(told.data, told.id)
    frozen.advance(days=3)

    with pytest.raises(AlreadySeen):
        world.ports.trail.append(told.data, told.id)

    assert len(kept(world)) == 1


def test_in_the_first_minute_of_a_day_what_is_of_the_day_before_waits(world, frozen):
    """Another delivery of the event may be about to write it to that day."""
    frozen.set(datetime(2030, 3, 14, 23, 59, 59, 900_000, tzinfo=UTC))
    told = happened()
    frozen.advance(seconds=1)

    with pytest.raises(TooEarly):
        world.ports.trail.append(told.data, told.id)
    assert world.deliver(told) == ["m-0"]

    frozen.advance(minutes=6)
    assert world.deliver(told) == [] and kept(world)[0]["pk"]["S"] == "AUD#2030-03-15"


def test_an_event_of_a_clock_that_is_ahead_goes_to_its_own_day(world, frozen):
    frozen.set(datetime(2030, 3, 15, 0, 0, 0, 100_000, tzinfo=UTC))
    told = happened()
    frozen.advance(seconds=-1)

    assert world.deliver(told) == [] and world.deliver(told) == []

    assert [item["pk"]["S"] for item in kept(world)] == ["AUD#2030-03-15"]


def test_an_entry_has_no_end(world):
    world.deliver(happened())

    assert "ttl" not in kept(world)[0]


# -- finding ------------------------------------------------------------------


@pytest.fixture
def week(world, frozen):
    """Three entries a day for five days, one of them about user:bob, and the fourth day without any."""
    for day in range(5):
        if day != 3:
            for number in range(3):
                target = "user:bob" if number == 1 else f"list:{number}"
                by = Principal(kind="user", id=f"actor-{number}", user_id=f"actor-{number}")
                assert world.deliver(happened(f"tasks.made-{number}", target, by=by)) == []
                frozen.advance(minutes=1)
        frozen.advance(days=1, minutes=-3 if day != 3 else 0)
    return world


def pages(by, query: str) -> list[list[str]]:
    found, cursor = [], ""
    for _ in range(40):
        answer = by.get(f"/admin/audit?{query}{cursor}")
        assert answer.status_code == 200, answer.text
        found.append([entry["id"] for entry in answer.json()["items"]])
        if answer.json()["next"] is None:
            return found
        cursor = f"&cursor={answer.json()['next']}"
    raise AssertionError("the list does not end")


def flat(found: list[list[str]]) -> list[str]:
    return [one for page in found for one in page]


def ids_of(world) -> list[str]:
    return [json.loads(item["entry"]["S"])["id"] for item in kept(world)][::-1]


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_entries_come_newest_first_over_the_days_whatever_the_size_of_a_page(week, limit):
    boss = week.somebody("admin")

    found = pages(boss, f"limit={limit}")

    assert flat(found) == ids_of(week) and all(len(page) <= limit for page in found)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("actor=actor-1", 4),
        ("target=user:bob", 4),
        ("target=user:bob&actor=actor-1", 4),
        ("target=user:bob&actor=actor-2", 0),
        ("action=tasks.made-2", 4),
        ("action=tasks.", 12),
        ("action=tasks", 422),
        ("outcome=denied", 0),
        ("from=2030-03-16T00:00:00Z", 6),
        ("to=2030-03-15T23:59:59Z", 6),
        ("from=2030-03-15T00:00:00Z&to=2030-03-15T23:59:59Z", 3),
        ("actor=actor-1&from=2030-03-16T00:00:00Z", 2),
        ("actor=actor-1&to=2030-03-15T23:59:59Z", 2),
        ("from=2030-03-16T00:00:00Z&to=2030-03-15T00:00:00Z", 422),
        ("to=0001-01-01T00:00:00Z", 0),
        ("from=0001-01-01T00:00:00Z&to=0001-01-02T00:00:00Z", 0),
        ("target=bob", 422),
    ],
)
def test_entries_are_found_by_actor_target_action_and_time(week, query, count):
    boss = week.somebody("admin")

    if count == 422:
        assert boss.get(f"/admin/audit?{query}").status_code == 422
    else:
        assert len(flat(pages(boss, f"limit=2&{query}"))) == count


def test_a_page_costs_one_query_and_two_across_the_end_of_a_day(week):
    boss = week.somebody("admin")
    boss.get("/admin/audit?limit=1")

    costs = []
    cursor = ""
    for _ in range(3):
        with CapacityMeter() as meter:
            answer = boss.get(f"/admin/audit?limit=2{cursor}").json()
        costs.append(meter.of(week.tables["Admin"].name).requests)
        cursor = f"&cursor={answer['next']}"

    assert max(costs) <= 2


def test_seven_empty_days_are_passed_over_at_a_time(world, boss, frozen):
    world.deliver(happened())
    frozen.advance(days=20)
    late = world.somebody("admin")
    late.get("/admin/audit")

    with CapacityMeter() as meter:
        first = late.get("/admin/audit").json()

    assert (first["items"], first["next"] is None) == ([], False)
    assert meter.of(world.tables["Admin"].name).requests == 7
    assert len(flat(pages(late, "limit=10"))) == 1


def test_a_cursor_belongs_to_its_filters(week):
    boss = week.somebody("admin")
    cursor = boss.get("/admin/audit?limit=1&actor=actor-1").json()["next"]

    assert boss.get(f"/admin/audit?limit=1&actor=actor-2&cursor={cursor}").status_code == 400


@pytest.mark.parametrize("role", ["support", "moderator"])
def test_some_of_the_staff_see_only_what_they_did_themselves(world, role):
    helper = world.somebody(role)
    mine = Principal(kind="user", id=helper.id, user_id=helper.id)
    world.deliver(happened(by=mine), happened(), happened(target="user:bob", by=mine), happened(target="user:bob"))

    found = helper.get("/admin/audit").json()["items"]
    about = helper.get("/admin/audit?target=user:bob").json()["items"]
    other = helper.get(f"/admin/audit?actor={ANN.id}")

    assert len(found) == 2 and {entry["actor"]["id"] for entry in found} == {helper.id}
    assert [entry["actor"]["id"] for entry in about] == [helper.id]
    assert (other.status_code, slug(other)) == (403, "insufficient-scope")
    assert helper.get("/admin/audit/verify?day=2030-03-13").status_code == 403


def test_the_whole_address_is_shown_for_ninety_days_and_then_only_its_network(world, frozen):
    told = happened()
    told.data["actor"].update(ip="203.0.113.77", net="203.0.113.0/24")
    world.deliver(told)
    boss = world.somebody("admin")
    assert boss.get(f"/admin/audit?actor={ANN.id}").json()["items"][0]["actor"]["ip"] == "203.0.113.77"

    frozen.advance(days=91)
    (entry,) = world.somebody("admin").get(f"/admin/audit?actor={ANN.id}").json()["items"]

    assert (entry["actor"]["ip"], entry["actor"]["net"]) == (None, "203.0.113.0/24")


# -- refusals -----------------------------------------------------------------


@pytest.mark.asvs("16.3.2")
def test_a_refusal_where_only_staff_may_pass_is_on_record(world):
    ann = world.somebody()

    assert ann.get("/admin/users").status_code == 403

    (entry,) = world.entries("admin.refused")
    assert (entry["outcome"], entry["actor"]["id"]) == ("denied", ann.id)
    assert entry["target"] == {"type": "permission", "id": "accounts:read_private"}
    assert entry["detail"] == {"method": "GET", "problem": "insufficient-scope"}


def test_a_refusal_for_want_of_credentials_is_nobodys(world):
    assert world.http.get("/admin/users").status_code == 401

    assert world.entries("admin.refused") == []


def test_a_refusal_that_cannot_be_recorded_is_still_one(world):
    ann = world.somebody()
    with failing("dynamodb", "TransactWriteItems", code="InternalServerError"):
        assert ann.get("/admin/users").status_code == 403


# -- exporting ----------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["ndjson", "csv"])
def test_the_log_is_exported_as_a_file(week, file_format):
    owner = week.somebody("owner")

    asked = owner.post("/admin/audit/export", {"format": file_format, "from": "2030-03-15T00:00:00Z"})
    assert (asked.status_code, asked.headers["location"]) == (202, f"/admin/jobs/{asked.json()['id']}")
    early = owner.get(f"/admin/audit/exports/{asked.json()['id']}")
    week.work()
    job = owner.get(asked.headers["location"]).json()
    link = owner.get(f"/admin/audit/exports/{asked.json()['id']}").json()

    assert early.status_code == 404
    assert (job["state"], job["result"]) == ("done", {"entries": 9, "format": file_format})
    assert "X-Amz-Signature=" in link["url"] and f"audit-{asked.json()['id']}.{file_format}" in link["url"]
    key = f"admin/exports/{asked.json()['id']}.{file_format}"
    body = aws.client("s3").get_object(Bucket=week.bucket, Key=key)["Body"].read()
    if file_format == "ndjson":
        found = [json.loads(line)["id"] for line in body.splitlines()]
    else:
        found = [row.cells["id"] for row in csvio.read(body, [csvio.Column("id", required=True)]).rows]
    assert found == ids_of(week)[:9][::-1]


def test_an_export_of_what_somebody_did(week):
    owner = week.somebody("owner")

    asked = owner.post("/admin/audit/export", {"actor": "actor-1", "action": "tasks."}).json()
    week.work()

    assert owner.get(f"/admin/jobs/{asked['id']}").json()["result"]["entries"] == 4
    assert week.entries("admin.audit-exported")[0]["detail"]["format"] == "ndjson"


def test_an_export_of_all_times_looks_at_those_there_may_be_something_of(week):
    owner = week.somebody("owner")
    asked = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T00:00:00Z"}

    job = owner.post("/admin/audit/export", asked).json()
    with aws.metered() as meter:
        week.work()

    assert owner.get(f"/admin/jobs/{job['id']}").json()["state"] == "done"
    # Ten years of days.
    assert meter.requests < 4_500


def test_an_export_is_its_owners_alone(week):
    owner, other = week.somebody("owner"), week.somebody("owner")
    asked = owner.post("/admin/audit/export", {}).json()
    week.work()

    assert other.get(f"/admin/audit/exports/{asked['id']}").status_code == 404
    assert other.get(f"/admin/jobs/{asked['id']}").status_code == 404
    assert week.somebody("admin").post("/admin/audit/export", {}).status_code == 403


def test_an_export_begun_again_after_a_crash_ends_the_same(week):
    owner = week.somebody("owner")
    asked = owner.post("/admin/audit/export", {}).json()
    (body,) = drain(week.queue)
    work = exports.ExportAudit.model_validate(json.loads(body)["data"])

    exports.write(week.ports, work)
    exports.write(week.ports, work)

    assert owner.get(f"/admin/jobs/{asked['id']}").json()["state"] == "done"


def test_an_export_asked_for_twice_with_a_key_is_one(world, owner):
    key = {"idempotency-key": ids.new()}

    first = owner.post("/admin/audit/export", {"format": "csv"}, headers=key)
    again = owner.post("/admin/audit/export", {"format": "csv"}, headers=key)
    other = owner.post("/admin/audit/export", {"format": "ndjson"}, headers=key)

    assert first.json()["id"] == again.json()["id"] and again.headers["idempotent-replay"] == "true"
    assert other.status_code == 422
    assert len(world.entries("admin.audit-exported")) == 1
