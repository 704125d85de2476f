"""What is left of somebody who is gone: nothing here, and nothing at the provider."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from mangum import Mangum

from functions.identity.oauth import triggers
from functions.identity.oauth.events import IdentityUnlinked
from functions.identity.oauth.ports import Ports
from functions.identity.oauth.rules.problems import ProviderError
from functions.identity.oauth.rules.providers import Kind
from localstack.stand_ins.facebook import Facebook
from localstack.stand_ins.github import GitHub
from tessera import aws, ids
from tessera.outbox import Envelope
from tessera.sealed import SealBroken
from tessera.triggers import dispatch
from tests.kit.apps import invocation
from tests.kit.stores import events_in, everything_in
from tests.unit.identity.oauth.conftest import BASE, CLIENT_ID, SECRET, Browser, Served, World, provider_of


def internal(world: World, path: str, body: Any, *, caller: str = "accounts", method: str = "POST") -> tuple[int, Any]:
    event = invocation(path.partition("?")[0], body, caller=caller)
    event["requestContext"]["http"]["method"] = method
    event["rawQueryString"] = path.partition("?")[2]
    if method == "GET":
        event["body"] = ""
    answer = Mangum(world.app(), lifespan="off")(event, None)
    text = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"]
    return answer["statusCode"], json.loads(text or "null")


def deliver(world: World, name: str, data: dict[str, Any]) -> bool:
    """Whether a message from the bus was done with."""
    envelope = Envelope(ids.new(), name, "2030-01-01T00:00:00.000Z", "", data)
    body = {"detail-type": name, "source": "tessera.accounts", "detail": json.loads(envelope.text())}
    record = {"eventSource": "aws:sqs", "messageId": "m", "body": json.dumps(body)}
    answer = dispatch(triggers.ENTRIES, {"Records": [record]}, world.app().state.bindings)
    return answer["batchItemFailures"] == []


def unlinked(world: World) -> list[dict[str, Any]]:
    found = [Envelope.parse(item["event"]["S"]) for item in everything_in(world.table) if "event" in item]
    return [envelope.data for envelope in found if envelope.type == "oauth.identity.unlinked.v1"]


def left(world: World) -> set[str]:
    kinds = {item["pk"]["S"].partition("#")[0] for item in everything_in(world.table)}
    return kinds - {"OUT", "P", "PROVIDERS", "TX", "X", "SEEN"}


def signed_in(world: World, provider: str = "idp", **values: Any) -> str:
    world.provide(replace(world.providers[provider], store_tokens=True, **values))
    world.browser().gain(provider)
    return world.neighbours.by_email("ada@idp.example") or ""


def test_who_is_deleted_leaves_no_identity(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example")

    assert deliver(world, "accounts.user.deleted.v1", {"user_id": me})

    assert left(world) == set()
    assert {"oauth.identity.unlinked.v1", "privacy.data.erased.v1"} <= set(events_in(world.table))
    # A second delivery has nothing to do.
    assert deliver(world, "accounts.user.deleted.v1", {"user_id": me})
    assert deliver(world, "accounts.user.deleted.v1", {"user_id": ids.new()})


@pytest.mark.parametrize("way", ["erasure", "unlinking"])
def test_who_has_signed_in_a_thousand_times_can_leave_too(world: World, way: str) -> None:
    world.change(backchannel_logout=True)
    browser = world.browser()
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example")
    places = [item for item in everything_in(world.table) if item["sk"]["S"].startswith("S#")]
    assert len(places) == 2
    for number in range(500):
        item = {**places[number % 2], "sk": {"S": f"S#{number // 2}"}}
        aws.client("dynamodb").put_item(TableName=world.table.name, Item=item)

    if way == "erasure":
        assert internal(world, "/oauth/internal/erase", {"owner_id": me}) == (200, {"done": True, "erased": 1})
    else:
        ports = world.app().state.bindings.get(Ports)
        (listed,) = ports.identities.of_user(me)
        told = IdentityUnlinked(user_id=me, identity_id="i", provider="idp", has_tokens=False)
        ports.identities.unlink(me, listed.sk.partition("#")[2], alone=False, audited=told)

    assert [item for item in everything_in(world.table) if item["sk"]["S"].startswith("S#")] == []


def test_the_erasure_job_is_answered_until_it_is_done(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example")

    assert internal(world, "/oauth/internal/erase", {"owner_id": me}) == (200, {"done": True, "erased": 1})
    assert internal(world, "/oauth/internal/erase", {"owner_id": me}) == (200, {"done": True, "erased": 0})
    assert left(world) == set()


def test_only_accounts_erases_and_nobody_from_outside(world: World, browser: Browser) -> None:
    body = {"owner_id": ids.new()}

    assert internal(world, "/oauth/internal/erase", body, caller="relay")[0] == 403
    assert browser.http.post("/oauth/internal/erase", json=body).status_code == 404
    assert browser.http.get(f"/oauth/internal/identities?user_id={ids.new()}").status_code == 404


def test_staff_services_see_whose_identities_there_are(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example")

    status, found = internal(world, f"/oauth/internal/identities?user_id={me}", None, caller="admin", method="GET")

    assert status == 200 and [one["provider"] for one in found["items"]] == ["idp"]
    assert internal(world, "/oauth/internal/identities?user_id=x", None, caller="admin", method="GET")[0] == 422
    assert internal(world, f"/oauth/internal/identities?user_id={me}", None, caller="tasks", method="GET")[0] == 403


@pytest.mark.asvs("10.1.1")
def test_tokens_are_kept_only_where_it_is_wanted_and_never_in_clear(world: World, browser: Browser) -> None:
    browser.gain()
    assert not [item for item in everything_in(world.table) if item["sk"]["S"] == "TOKENS"]

    me = signed_in(world)

    (kept,) = [item for item in everything_in(world.table) if item["sk"]["S"] == "TOKENS"]
    tokens = world.ports().vault.open_tokens(me, kept["sealed"]["S"])
    assert tokens["access_token"] in world.idp._access
    assert tokens["access_token"] not in json.dumps(everything_in(world.table))
    with pytest.raises(SealBroken):
        world.ports().vault.open_tokens(ids.new(), kept["sealed"]["S"])


def test_tokens_go_back_to_the_provider_after_unlinking(world: World) -> None:
    me = signed_in(world)
    world.neighbours.users[me]["has_password"] = True
    (row,) = world.identity_of(me)
    world.browser().http.delete(f"/oauth/identities/{row.sk.removeprefix('I#')}", headers=world.token(me))

    (told,) = unlinked(world)
    assert told["has_tokens"] is True and world.idp.revoked == []
    assert deliver(world, "oauth.identity.unlinked.v1", told)

    assert len(world.idp.revoked) == 1 and left(world) == {"U"}
    assert deliver(world, "oauth.identity.unlinked.v1", told)
    assert len(world.idp.revoked) == 1


def test_a_refresh_token_goes_back_before_all(world: World) -> None:
    me = signed_in(world, scopes=("openid", "email", "offline_access"))
    deliver(world, "accounts.user.deleted.v1", {"user_id": me})

    deliver(world, "oauth.identity.unlinked.v1", unlinked(world)[0])

    assert world.idp.revoked and world.idp.revoked[0] not in world.idp._access


@pytest.mark.parametrize("fault", ["500", "html", "metadata"])
def test_a_provider_that_does_not_take_them_is_asked_again(world: World, fault: str) -> None:
    me = signed_in(world)
    deliver(world, "accounts.user.deleted.v1", {"user_id": me})
    world.idp.faults["revoke"] = fault
    (told,) = unlinked(world)

    if fault == "html":
        # A good status is an answer, whatever stands in it.
        assert deliver(world, "oauth.identity.unlinked.v1", told)
        return
    assert not deliver(world, "oauth.identity.unlinked.v1", told)
    assert left(world) == {"R"}
    world.idp.faults.clear()
    assert deliver(world, "oauth.identity.unlinked.v1", told)
    assert left(world) == set() and len(world.idp.revoked) == 1


def test_tokens_of_a_provider_that_is_gone_are_let_go(world: World) -> None:
    me = signed_in(world)
    deliver(world, "accounts.user.deleted.v1", {"user_id": me})
    del world.providers["idp"]
    world.apps.clear()

    assert deliver(world, "oauth.identity.unlinked.v1", unlinked(world)[0])
    assert left(world) == set()


def test_an_identity_without_tokens_tells_no_provider(world: World, browser: Browser) -> None:
    browser.gain()
    deliver(world, "accounts.user.deleted.v1", {"user_id": world.neighbours.by_email("ada@idp.example")})
    world.idp.journal.clear()

    assert deliver(world, "oauth.identity.unlinked.v1", unlinked(world)[0])
    assert not world.idp.journal


def test_github_and_facebook_take_tokens_back_in_their_own_ways(world: World) -> None:
    github = GitHub(CLIENT_ID, SECRET, frozenset([f"{BASE}/oauth/github/callback"]))
    facebook = Facebook(CLIENT_ID, SECRET, frozenset([f"{BASE}/oauth/facebook/callback"]))
    wire = world.ports().wire
    with Served(github) as first, Served(facebook) as second:
        world.serve(first)
        world.serve(second)
        wire = world.ports().wire
        hub = provider_of("github", Kind.GITHUB)
        book = provider_of("facebook", Kind.FACEBOOK)
        with pytest.raises(ProviderError):
            wire.revoke(replace(hub, secret="wrong"), f"{first.url}/applications/{{client_id}}/token", "t", audience="")
        wire.revoke(hub, f"{first.url}/applications/{{client_id}}/token", "gone already", audience="")
        facebook._access["token"] = facebook.everybody["ada"]
        wire.revoke(book, f"{second.url}/v23.0/me/permissions", "token", audience="")

    assert github.revoked == ["gone already"] and facebook.revoked == ["token"]


def test_sessions_that_began_with_an_identity_are_forgotten_with_it(world: World) -> None:
    world.change(backchannel_logout=True)
    world.browser().gain()
    me = world.neighbours.by_email("ada@idp.example")

    deliver(world, "accounts.user.deleted.v1", {"user_id": me})

    # What is found by the provider's own session holds no more than a user's id, and expires.
    assert left(world) <= {"B"}
