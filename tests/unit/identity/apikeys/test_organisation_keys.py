"""Keys of an organisation: nobody by themselves but the key, whoever made it and whoever gave it its secret."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from functions.files.files.app import app as files_app
from functions.live.chat.app import app as chat_app
from tessera import ids
from tessera.auth.key_item import MAIN, KeyRow
from tests.kit.apps import Caller, serving
from tests.kit.faults import meanwhile
from tests.kit.queues import make_fifo, make_queue
from tests.kit.stores import make_bucket, make_table
from tests.kit.web import AppClient
from tests.kit.worlds import DONE

# What could be chosen before, and stands on keys that were made then.
TALKING = {"chat:read", "chat:write", "realtime:read", "presence:read"}


@pytest.fixture
def shared(world: Any) -> dict[str, str]:
    """What another app needs to know the same people and keys."""
    here = world.bindings.environment
    return {name: here[name] for name in ("AUTHFEED", "RATELIMIT", "MAC_KEYS", "APIKEYS")}


@pytest.fixture
def chat(world: Any, shared: dict[str, str]) -> Iterator[AppClient]:
    queues = {"QUEUE": make_queue("chat"), "FANOUT_QUEUES": make_fifo("fanout"), "EPHEMERAL_QUEUE": make_queue("live")}
    stores = {"REALTIME": make_table("Realtime").name, "BUCKET": make_bucket("uploads")}
    with serving(chat_app, "Chat", **queues, **stores, **shared) as served:
        yield served.client


@pytest.fixture
def files(world: Any, shared: dict[str, str]) -> Iterator[AppClient]:
    stores = {"QUARANTINE": make_bucket("quarantine"), "CLEAN": make_bucket("clean"), "QUEUE": make_queue("files")}
    settings = {"QUOTA_BYTES": "200000000", "PUBLIC_BASE_URL": "https://files.test"}
    with serving(files_app, "Files", **stores, **settings, **shared) as served:
        yield served.client


def at(client: AppClient, caller: Caller) -> Caller:
    """The same person at another capability."""
    return Caller(client, caller.token, caller.id)


def talking(world: Any, made: dict[str, Any]) -> None:
    """As a key stands that was made for talking while that could be."""
    row = world.ports.keys.get(made["id"])
    scopes = KeyRow.scopes.set({*map(str, row.scopes), *TALKING})
    world.table.update(KeyRow, row.pk, MAIN, scopes, bump=False)


def test_a_key_of_an_organisation_does_not_get_into_its_makers_private_chat(world: Any, chat: AppClient) -> None:
    org, boss = ids.new(), world.person()
    room = at(chat, boss).post("/chat/rooms", json={"name": "Us two", "kind": "private"}).json()["id"]
    made = world.key(world.again(boss.id, org=org, org_role="owner", org_ep=1))
    talking(world, made)

    robot = Caller(chat, made["key"], made["id"])

    assert robot.get(f"/chat/rooms/{room}/messages").status_code == 403
    assert robot.post(f"/chat/rooms/{room}/messages", json={"text": "I am you"}).status_code == 403
    assert robot.get("/chat/rooms").status_code == 403


def test_nor_does_another_administrator_who_gives_the_key_a_new_secret(world: Any, chat: AppClient) -> None:
    org, boss = ids.new(), world.person()
    room = at(chat, boss).post("/chat/rooms", json={"name": "Us two", "kind": "private"}).json()["id"]
    made = world.key(world.again(boss.id, org=org, org_role="owner", org_ep=1))
    talking(world, made)
    other = world.again(world.person().id, org=org, org_role="admin", org_ep=1)

    taken = other.post(f"/apikeys/{made['id']}/rotate", json={}).json()["key"]

    assert Caller(chat, taken, made["id"]).get(f"/chat/rooms/{room}/messages").status_code == 403


def test_a_key_of_an_organisation_does_not_see_its_makers_own_files(world: Any, files: AppClient) -> None:
    boss = world.person()
    mine = at(files, boss).post("/files", json={"name": "diary.txt", "type": "text/plain", "size": 5}).json()["id"]
    made = world.key(
        world.again(boss.id, org=ids.new(), org_role="owner", org_ep=1), scopes=["files:read", "files:write"]
    )

    robot = Caller(files, made["key"], made["id"])
    ours = robot.post("/files", json={"name": "plan.txt", "type": "text/plain", "size": 5}).json()["id"]

    assert robot.get(f"/files/{mine}").status_code == 404
    assert [one["id"] for one in robot.get("/files").json()["items"]] == [ours]
    assert at(files, boss).get(f"/files/{ours}").status_code == 404


def test_what_a_key_of_an_organisation_makes_is_made_by_the_key(world: Any) -> None:
    boss = world.person()
    made = world.key(world.again(boss.id, org=ids.new(), org_role="owner", org_ep=1))

    task = world.use(made["key"], method="POST", json={"title": "Ours"}).json()

    assert task["created_by"] == made["id"]
    assert made["created_by"] == boss.id


@pytest.mark.parametrize("scope", sorted([*TALKING, "realtime:write", "presence:write"]))
def test_a_key_of_an_organisation_is_not_made_for_talking(world: Any, scope: str) -> None:
    boss = world.again(world.person().id, org=ids.new(), org_role="owner", org_ep=1)

    answer = boss.post("/apikeys", json={"name": "Robot", "scopes": ["tasks:read", scope]})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/scopes/1")


@pytest.mark.parametrize("role", [None, "member", "viewer"], ids=["removed", "member", "viewer"])
def test_who_was_put_out_a_moment_ago_makes_no_key_and_changes_none(world: Any, role: str | None) -> None:
    org, boss = ids.new(), world.person()
    acting = world.again(boss.id, org=org, org_role="admin", org_ep=1)
    made = world.key(acting)

    world.organisations.says(org, boss.id, role)
    created = acting.post("/apikeys", json={"name": "One more", "scopes": ["tasks:read"]})
    rotated = acting.post(f"/apikeys/{made['id']}/rotate", json={"overlap_s": 3600})
    widened = acting.patch(f"/apikeys/{made['id']}", json={"ip_allow": []}, headers={"if-match": '"v1"'})

    refused = [created, rotated, widened]
    assert {(one.status_code, one.json()["type"]) for one in refused} == {(403, "/problems/insufficient-scope")}
    assert [row.key_id for row in world.ports.keys.in_use(org)] == [made["id"]]
    assert world.ports.keys.get(made["id"]).last4 == made["last4"]


def test_no_key_of_an_organisation_is_made_while_its_members_cannot_be_looked_up(world: Any) -> None:
    acting = world.again(world.person().id, org=ids.new(), org_role="owner", org_ep=1)
    made = world.key(acting)

    world.organisations.status = 500

    assert acting.post("/apikeys", json={"name": "One more", "scopes": ["tasks:read"]}).status_code == 503
    assert acting.post(f"/apikeys/{made['id']}/rotate", json={}).status_code == 503


def test_nobody_is_asked_about_ones_own_keys(world: Any, alice: Caller) -> None:
    made = world.key(alice)
    assert alice.post(f"/apikeys/{made['id']}/rotate", json={}).status_code == 200

    assert world.organisations.asked == 0


DELETED, RESTORED = (f"organisations.organisation.{done}.v1" for done in ("deleted", "restored"))


@dataclass
class Organisation:
    world: Any
    id: str
    boss: Caller
    made: dict[str, Any]

    def hears(self, event_type: str, *, at: str) -> Any:
        """An event of the organisation's, of this second, is delivered."""
        return self.world.receive(event_type, happened_at=f"2030-03-14T09:26:{at}.000Z", organisation_id=self.id)

    @property
    def status(self) -> str:
        return str(self.world.ports.keys.get(self.made["id"]).status)


@pytest.fixture
def org(world: Any) -> Organisation:
    org_id = ids.new()
    boss = world.again(world.person().id, org=org_id, org_role="owner", org_ep=1)
    return Organisation(world, org_id, boss, world.key(boss))


def test_what_was_heard_of_a_deletion_late_does_not_hold_keys_that_go_on(org: Organisation) -> None:
    org.hears(DELETED, at="10")
    org.hears(RESTORED, at="20")

    assert org.hears(DELETED, at="10") == DONE

    assert org.status == "active"


def test_what_was_heard_of_a_restoring_late_does_not_wake_keys_that_rest(org: Organisation) -> None:
    org.hears(DELETED, at="30")

    assert org.hears(RESTORED, at="20") == DONE

    assert org.status == "suspended"


def test_what_is_overtaken_while_it_is_followed_changes_nothing_any_more(org: Organisation) -> None:
    with meanwhile("TransactWriteItems", lambda: org.hears(RESTORED, at="20")):
        assert org.hears(DELETED, at="10") == DONE

    assert org.status == "active"


def test_no_key_is_made_while_its_organisation_is_being_deleted(world: Any, org: Organisation) -> None:
    """Its maker was looked up a moment before, and what is made then would not hear of the deletion any more."""
    with meanwhile("TransactWriteItems", lambda: org.hears(DELETED, at="10")):
        refused = org.boss.post("/apikeys", json={"name": "One more", "scopes": ["tasks:read"]})
    org.hears(RESTORED, at="20")

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/insufficient-scope")
    assert [row.key_id for row in world.ports.keys.in_use(org.id)] == [org.made["id"]]
    assert org.boss.post("/apikeys", json={"name": "One more", "scopes": ["tasks:read"]}).status_code == 201
