"""A provider tells that somebody has signed out there."""

from typing import Any

import pytest

from tests.kit.faults import meanwhile
from tests.unit.identity.oauth.conftest import CLIENT_ID, World


@pytest.fixture
def world(world: World) -> World:
    world.change(backchannel_logout=True)
    return world


def ended(world: World) -> list[tuple[str, str]]:
    """Which sessions of whom can go on neither with tokens nor with a cookie."""
    asked = world.neighbours.ended
    with_tokens = [(user_id, session_id) for kind, user_id, session_id in asked if kind == "token"]
    assert with_tokens == [(user_id, session_id) for kind, user_id, session_id in asked if kind == "cookie"]
    return with_tokens


def tell(world: World, token: str | None = None, provider: str = "idp", **claims: Any) -> Any:
    sent = world.idp.logout_token(CLIENT_ID, **claims) if token is None else token
    return world.browser().http.post(f"/oauth/{provider}/backchannel-logout", data={"logout_token": sent})


@pytest.mark.asvs("7.6.1")
def test_backchannel_logout(world: World) -> None:
    """A logout ends the sessions that began with that session of the provider's, and no others."""
    mine, other = world.browser().gain(), world.browser().gain(person="grace")

    answer = tell(world, sub="ada", sid=world.idp.sid_of("ada"))

    user_id = world.neighbours.by_email("ada@idp.example")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert ended(world) == [(user_id, mine["session_id"])]
    assert other["session_id"] not in str(world.neighbours.ended)
    # What has ended is not ended again.
    assert tell(world, sub="ada", sid=world.idp.sid_of("ada")).status_code == 200
    assert len(ended(world)) == 1


@pytest.mark.parametrize("claims", [{"sub": "ada"}, {"sid": "sid"}], ids=["by subject", "by session"])
def test_one_of_the_two_is_enough(world: World, claims: dict[str, str]) -> None:
    world.browser().gain()
    world.browser().gain()
    told = {"sid": world.idp.sid_of("ada")} if "sid" in claims else claims

    tell(world, **told)

    assert len(ended(world)) == 2


def test_a_session_of_the_provider_that_nobody_came_from_ends_nothing(world: World) -> None:
    world.browser().gain()

    assert tell(world, sub="ada", sid="another").status_code == 200
    assert tell(world, sub="nobody").status_code == 200
    assert world.neighbours.ended == []


@pytest.mark.asvs("7.6.1")
def test_cookie_sessions_end_too(world: World) -> None:
    world.browser().sign_in(delivery="cookie")

    tell(world, sid=world.idp.sid_of("ada"))

    (asked,) = world.neighbours.asked("/exchange-code")
    assert ended(world) == [(world.neighbours.by_email("ada@idp.example"), asked["session_id"])]


def test_a_session_that_a_second_factor_opens_ends_too(world: World) -> None:
    user_id = world.neighbours.user("ada@idp.example")
    ticket = world.browser().gain()["link_ticket"]
    world.browser().http.post("/oauth/link/confirm", json={"link_ticket": ticket}, headers=world.token(user_id))
    world.neighbours.users[user_id]["factors"] = ["totp"]
    assert world.browser().gain()["status"] == "mfa_required"

    tell(world, sub="ada", sid=world.idp.sid_of("ada"))

    assert ended(world) == [(user_id, f"to-come-{user_id}")]


@pytest.mark.parametrize("delivery", ["cookie", "token"])
def test_the_first_session_of_who_has_shown_an_address_ends_too(world: World, delivery: str) -> None:
    browser = world.browser()
    ticket = browser.gain(person="nomail", delivery=delivery)["ticket"]
    browser.http.post("/oauth/email", json={"ticket": ticket, "email": "noah@example.com"})
    code = world.neighbours.mails[-1]["secret"]["code"]
    assert browser.http.post("/oauth/email/confirm", json={"ticket": ticket, "code": code}).status_code == 200

    tell(world, sub="nomail")

    assert [user_id for user_id, _ in ended(world)] == [world.neighbours.by_email("noah@example.com")]


@pytest.mark.parametrize("by", ["sub", "sid"])
def test_a_sign_in_that_waits_here_ends_with_the_session_of_the_provider(world: World, by: str) -> None:
    browser = world.browser()
    code = browser.sign_in()["code"]
    world.clock.advance(seconds=1)
    tell(world, **{by: "ada" if by == "sub" else world.idp.sid_of("ada")})

    refused = browser.exchange(code)

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/login-failed")
    assert [kind for kind, _, _ in world.neighbours.ended] == ["token"]
    world.clock.advance(seconds=1)
    assert browser.gain()["status"] == "ok"


@pytest.mark.parametrize("delivery", ["cookie", "token"])
def test_who_shows_an_address_after_the_provider_ended_it_has_to_come_again(world: World, delivery: str) -> None:
    browser = world.browser()
    ticket = browser.gain(person="nomail", delivery=delivery)["ticket"]
    browser.http.post("/oauth/email", json={"ticket": ticket, "email": "noah@example.com"})
    code = world.neighbours.mails[-1]["secret"]["code"]
    world.clock.advance(seconds=1)
    tell(world, sub="nomail")

    refused = browser.http.post("/oauth/email/confirm", json={"ticket": ticket, "code": code})

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/login-failed")
    assert world.neighbours.asked("/exchange-code") == []
    # What they have shown counts: the account is theirs, only nobody is in it.
    world.clock.advance(seconds=1)
    assert browser.gain(person="nomail")["status"] == "ok"
    assert len(world.neighbours.users) == 1


def test_a_logout_while_a_session_opens_ends_it(world: World) -> None:
    browser = world.browser()
    code = browser.sign_in()["code"]
    world.clock.advance(seconds=1)

    with meanwhile("TransactWriteItems", lambda: tell(world, sub="ada")):
        refused = browser.exchange(code)

    user_id = world.neighbours.by_email("ada@idp.example")
    assert refused.json()["type"] == "/problems/login-failed"
    assert [(kind, user) for kind, user, _ in world.neighbours.ended] == [("token", user_id)]


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None, "sid": None},
        {"sub": "ada", "nonce": "n"},
        {"sub": "ada", "events": {}},
        {"sub": "ada", "events": None},
        {"sub": "ada", "iss": "https://attacker.example"},
        {"sub": "ada", "aud": "other"},
        {"sub": "ada", "exp": 1},
        {"sub": "ada", "jti": None},
        {"sub": "ada", "header": {"typ": "at+jwt"}},
        {"sub": "ada", "header": {"alg": "none"}},
        {"sub": "ada", "header": {"kid": "nobody-knows"}},
        {"sub": "ada", "header": {"jku": "https://attacker.example"}},
    ],
    ids=str,
)
def test_a_token_that_is_not_what_it_should_be_signs_nobody_out(world: World, claims: dict[str, Any]) -> None:
    world.browser().gain()

    answer = tell(world, **claims)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/logout-token-invalid")
    assert world.neighbours.ended == []


@pytest.mark.asvs("9.2.2", "10.5.5")
def test_an_id_token_is_no_logout_token(world: World) -> None:
    world.browser().gain()
    claims = {"iss": world.idp.issuer, "aud": CLIENT_ID, "sub": "ada", "iat": 1, "exp": 4_000_000_000, "nonce": "x"}

    assert tell(world, world.idp.key().token(claims)).status_code == 400


@pytest.mark.asvs("10.5.5")
def test_a_logout_token_is_good_once(world: World) -> None:
    world.browser().gain()
    token = world.idp.logout_token(CLIENT_ID, sub="ada")

    assert [tell(world, token).status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize(("content", "media"), [(b"", "application/json"), (b"{}", "application/json")])
def test_only_a_form_is_taken(world: World, content: bytes, media: str) -> None:
    path = "/oauth/idp/backchannel-logout"

    assert world.browser().http.post(path, content=content, headers={"content-type": media}).status_code == 415


@pytest.mark.parametrize("content", [b"", b"x=y", b"logout_token=", b"\xff", b"logout_token=" + b"x" * 40_000])
def test_a_form_without_a_token_is_refused(world: World, content: bytes) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}

    answer = world.browser().http.post("/oauth/idp/backchannel-logout", content=content, headers=form)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/logout-token-invalid")


def test_a_provider_that_is_not_set_up_for_it_is_not_listened_to(world: World) -> None:
    world.browser().gain()
    world.change(backchannel_logout=False)

    assert tell(world, sub="ada").status_code == 400
    assert tell(world, sub="ada", provider="nobody").status_code == 404
    assert world.neighbours.ended == []


def test_strangers_cannot_have_a_provider_asked_for_keys_all_the_time(world: World) -> None:
    world.browser().start()
    world.idp.journal.clear()
    world.clock.advance(seconds=61)

    for number in range(5):
        assert tell(world, sub="ada", header={"kid": f"made-up-{number}"}).status_code == 400

    assert [one.path for one in world.idp.journal] == ["/jwks"]


def test_an_account_that_cannot_be_reached_has_the_provider_try_again(world: World) -> None:
    world.browser().gain()
    world.neighbours.broken.add("/provider-session/end")
    token = world.idp.logout_token(CLIENT_ID, sub="ada")

    assert tell(world, token).status_code == 503
    world.neighbours.broken.clear()
    assert [tell(world, token).status_code for _ in range(2)] == [200, 400]
    assert len(ended(world)) == 1


def test_a_provider_may_tell_of_many_and_a_forger_may_not_try_for_long(world: World) -> None:
    world.environment["RATE_FACTOR"] = "1"
    world.apps.clear()

    good = [tell(world, sub=f"person-{number}").status_code for number in range(40)]
    forged = [tell(world, sub="ada", aud="other").status_code for _ in range(40)]

    assert set(good) == {200}
    assert forged == [400] * 30 + [429] * 10
    assert tell(world, sub="ada").status_code == 200
