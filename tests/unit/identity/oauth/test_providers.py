"""Every kind of provider, each with what is particular about it, over its own wire."""

from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from functions.identity.oauth.rules import profiles
from functions.identity.oauth.rules.problems import DomainNotAllowed, IdTokenInvalid, ProviderError
from functions.identity.oauth.rules.providers import Kind
from functions.identity.oauth.vault import Vault
from functions.identity.oauth.wire import Wire
from localstack.stand_ins.apple import Apple
from localstack.stand_ins.facebook import Facebook
from localstack.stand_ins.github import GitHub
from localstack.stand_ins.signing import Key, read
from tessera import clock
from tessera.safehttp import SafeHTTP
from tests.unit.identity.oauth.conftest import (
    BASE,
    CLIENT_ID,
    SECRET,
    Browser,
    Served,
    World,
    fragment,
    provider_of,
    query,
)

FALSY: list[Any] = [False, "false", 0, None, "", "0", 1, "1", "True", [], "absent"]


@pytest.fixture
def github(world: World):
    stand_in = GitHub(CLIENT_ID, SECRET, frozenset([f"{BASE}/oauth/github/callback"]))
    with Served(stand_in) as served:
        world.serve(served)
        paths = {
            "authorization": "/login/oauth/authorize",
            "token": "/login/oauth/access_token",
            "userinfo": "/user",
            "emails": "/user/emails",
            "revocation": "/applications/{client_id}/token",
        }
        endpoints = {name: served.url + path for name, path in paths.items()}
        world.provide(provider_of("github", Kind.GITHUB, endpoints=endpoints))
        yield stand_in


def test_github_knows_people_by_number_and_by_their_primary_address(world: World, github: GitHub) -> None:
    gained = world.browser().gain("github")

    assert gained["user"]["email"] == "ada@idp.example"
    assert world.neighbours.asked("/identities")[0]["name"] == "Ada Lovelace"
    # Who takes a name over that was given up is somebody else.
    github.everybody["ada"] = replace(github.everybody["ada"], sub="ada-lovelace", email="new@idp.example")
    assert world.browser().gain("github")["access_token"] == gained["access_token"]
    github.everybody["ada"] = replace(github.everybody["ada"], number=1, email="other@idp.example")
    assert world.browser().gain("github")["access_token"] != gained["access_token"]
    asked = [one for one in github.journal if one.path == "/login/oauth/access_token"]
    assert asked[0].headers["accept"] == "application/json" and asked[0].form["code_verifier"]


@pytest.mark.parametrize("flag", FALSY, ids=repr)
def test_an_unverified_address_at_github_never_links(world: World, github: GitHub, flag: Any) -> None:
    world.provide(replace(world.providers["github"], link_policy="auto_verified", trust_email=True))
    victim = world.neighbours.user("ada@idp.example")
    github.faults["address"] = {"verified": flag}

    assert world.browser().gain("github")["status"] == "email_required"
    assert world.identity_of(victim) == []


def test_an_address_at_github_that_is_not_the_primary_one_does_not_count(world: World, github: GitHub) -> None:
    github.faults["address"] = {"primary": False}

    assert world.browser().gain("github")["status"] == "email_required"


def test_without_the_scope_for_addresses_there_is_none(world: World, github: GitHub) -> None:
    world.provide(replace(world.providers["github"], scopes=("read:user",)))

    assert world.browser().gain("github")["status"] == "email_required"


@pytest.mark.parametrize(
    "fault",
    [
        {"token_error": "bad_verification_code"},
        {"token": "500"},
        {"user": "500"},
        {"user": "html"},
        {"user": "metadata"},
        {"emails": "500"},
        {"emails": "html"},
        {"emails": "elsewhere"},
    ],
    ids=str,
)
def test_github_out_of_order_leaves_nothing_behind(world: World, github: GitHub, fault: dict[str, str]) -> None:
    github.faults.update(fault)

    ended = world.browser().sign_in("github")

    assert ended == {"error": "provider-error"}
    assert world.neighbours.users == {}


@pytest.fixture
def facebook(world: World):
    stand_in = Facebook(CLIENT_ID, SECRET, frozenset([f"{BASE}/oauth/facebook/callback"]))
    with Served(stand_in) as served:
        world.serve(served)
        paths = {
            "authorization": "/v23.0/dialog/oauth",
            "token": "/v23.0/oauth/access_token",
            "userinfo": "/v23.0/me",
            "revocation": "/v23.0/me/permissions",
        }
        endpoints = {name: served.url + path for name, path in paths.items()}
        world.provide(provider_of("facebook", Kind.FACEBOOK, endpoints=endpoints))
        yield stand_in


def test_facebook_is_shown_the_proof_of_the_app(world: World, facebook: Facebook) -> None:
    gained = world.browser().gain("facebook")

    # Nothing that Facebook answers says that an address is verified.
    assert gained["status"] == "email_required"
    (asked,) = [one for one in facebook.journal if one.path == "/v23.0/me"]
    assert len(asked.query["appsecret_proof"]) == 64
    assert "access_token" not in asked.query


@pytest.mark.parametrize("profile", [{"email": None}, {"email_verified": True}, {"verified": True}], ids=str)
def test_an_address_at_facebook_never_links(world: World, facebook: Facebook, profile: dict[str, Any]) -> None:
    world.provide(replace(world.providers["facebook"], link_policy="auto_verified", trust_email=True))
    victim = world.neighbours.user("ada@idp.example")
    facebook.faults["profile"] = profile

    assert world.browser().gain("facebook")["status"] == "email_required"
    assert world.identity_of(victim) == []


@pytest.mark.parametrize("fault", [{"token": "400"}, {"me": "500"}, {"me": "html"}, {"profile": {"id": None}}], ids=str)
def test_facebook_out_of_order_leaves_nothing_behind(world: World, facebook: Facebook, fault: dict[str, Any]) -> None:
    facebook.faults.update(fault)

    assert world.browser().sign_in("facebook") == {"error": "provider-error"}


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def apple(world: World, keys: dict[str, Key]):
    key = ec.generate_private_key(ec.SECP256R1())
    stand_in = Apple(
        CLIENT_ID,
        "TEAM",
        "KEY",
        key.public_key(),
        frozenset([f"{BASE}/oauth/apple/callback"]),
        now=lambda: clock.now().timestamp(),
    )
    stand_in._keys = {"RS256": keys["RS256"]}
    with Served(stand_in) as served:
        world.serve(served)
        values = {"issuer": served.url, "team_id": "TEAM", "key_id": "KEY", "secret": pem(key)}
        world.provide(provider_of("apple", Kind.APPLE, **values))
        yield stand_in


def posted(browser: Browser, person: str = "ada") -> dict[str, str]:
    """What Apple's page has the browser post."""
    page = httpx.post(browser.begin("apple"), data={"as": person}, follow_redirects=False)
    names = [part.split('" value="') for part in page.text.split('<input type="hidden" name="')[1:]]
    return {name: value.partition('"')[0].replace("&quot;", '"') for name, value in names}


def test_apple_posts_and_tells_the_name_once(world: World, apple: Apple) -> None:
    browser = world.browser()
    started = browser.start("apple")
    assert "SameSite=None" in started.headers["set-cookie"] and "Secure" in started.headers["set-cookie"]
    assert query(started.json()["authorization_url"])["response_mode"] == "form_post"
    fields = posted(browser)

    ended = fragment(browser.http.post("/oauth/apple/callback", data=fields))

    assert "user" in fields and browser.exchange(ended["code"]).json()["status"] == "ok"
    assert world.neighbours.asked("/identities")[0]["name"] == "Ada Lovelace"
    assert "user" not in posted(world.browser())
    secret = next(one.form["client_secret"] for one in apple.journal if one.path == "/token")
    header, claims = read(secret)
    assert header == {"alg": "ES256", "kid": "KEY", "typ": "JWT"}
    assert claims["exp"] - claims["iat"] <= 15_777_000


def test_a_browser_that_posts_for_one_provider_keeps_its_cookie_for_another(world: World, apple: Apple) -> None:
    browser = world.browser()
    fields = posted(browser)

    assert "SameSite=None" in browser.start("idp").headers["set-cookie"]
    assert browser.http.post("/oauth/apple/callback", data=fields).status_code == 303


@pytest.mark.parametrize("flag", [*FALSY[:-1], [True]], ids=repr)
def test_an_unverified_address_at_apple_never_links(world: World, apple: Apple, flag: Any) -> None:
    world.provide(replace(world.providers["apple"], link_policy="auto_verified", trust_email=True))
    victim = world.neighbours.user("ada@idp.example")
    apple.faults["flag"] = flag
    browser = world.browser()

    ended = fragment(browser.http.post("/oauth/apple/callback", data=posted(browser)))

    assert ended["status"] == "email_required" and world.identity_of(victim) == []


@pytest.mark.parametrize("user", ["", "{", "[]", '{"name": 5}', '{"name": {"firstName": ["x"]}}', "[" * 5_000])
def test_a_name_beside_apples_code_that_is_none_does_no_harm(world: World, apple: Apple, user: str) -> None:
    browser = world.browser()
    fields = {**posted(browser), "user": user}

    assert "code" in fragment(browser.http.post("/oauth/apple/callback", data=fields))


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b'{"state": "x"}', "application/json"),
        (b"state=x", "text/plain"),
        (b"", ""),
    ],
)
def test_only_a_form_is_taken_as_a_post(world: World, apple: Apple, content: bytes, media: str) -> None:
    answer = world.browser().http.post("/oauth/apple/callback", content=content, headers={"content-type": media})

    assert answer.status_code == 415


@pytest.mark.parametrize("content", [b"state=x&state=y", b"%ff", b"\xff", b"x" * 70_000, b"&".join([b"a=1"] * 50)])
def test_a_form_that_makes_no_sense_is_refused(world: World, apple: Apple, content: bytes) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}

    answer = world.browser().http.post("/oauth/apple/callback", content=content, headers=form)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/state-invalid")


def test_google_accounts_of_other_domains_are_refused_whatever_they_were_asked_with(world: World) -> None:
    world.change(allowed_hosted_domains=("shop.example",), extra_params={"hd": "shop.example"})
    browser = world.browser()
    assert query(browser.begin())["hd"] == "shop.example"

    for domain in (None, "other.example", ["shop.example"], "SHOP.example", ""):
        world.idp.faults["claims"] = {"hd": domain}
        assert browser.sign_in() == {"error": "domain-not-allowed"}
    world.idp.faults["claims"] = {"hd": "shop.example"}
    assert "code" in browser.sign_in()


TENANT, PERSON = "9188040d-6c67-4c5b-b112-36a304b66dad", "00000000-0000-0000-66f3-3332eca7ea81"
ENTRA = "https://login.example/{tenantid}/v2.0"


def entra(**values: Any):
    return partial(provider_of, "entra", Kind.OIDC, issuer=ENTRA)(**values)


def entra_claims(**values: Any) -> dict[str, Any]:
    told = {"sub": "pairwise", "tid": TENANT, "oid": PERSON, "email": "ada@idp.example", **values}
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.asvs("6.8.1")
def test_entra_knows_people_by_tenant_and_object() -> None:
    first = profiles.of_openid(entra(), entra_claims(), {})
    renamed = profiles.of_openid(entra(), entra_claims(sub="other", email="new@idp.example"), {})
    elsewhere = profiles.of_openid(entra(), entra_claims(tid="11111111-1111-1111-1111-111111111111"), {})

    assert first.key == renamed.key != elsewhere.key


@pytest.mark.parametrize("claims", [{"email_verified": True}, {"xms_edov": True}, {"verified_primary_email": ["x"]}])
def test_an_address_at_entra_counts_only_by_the_claim_that_is_configured(claims: dict[str, Any]) -> None:
    """Anybody may write any address into a tenant of their own."""
    assert profiles.of_openid(entra(), entra_claims(**claims), {}).verified_email is None

    told = profiles.of_openid(entra(claims_map={"email_verified": "xms_edov"}), entra_claims(**claims), {})
    assert told.verified_email == ("ada@idp.example" if "xms_edov" in claims else None)


@pytest.mark.parametrize(
    "claims",
    [{"tid": None}, {"oid": None}, {"tid": "common"}, {"tid": 5}, {"oid": ""}, {"tid": f"{TENANT}/x"}],
    ids=str,
)
def test_a_token_of_entra_without_tenant_or_object_is_nobodys(claims: dict[str, Any]) -> None:
    with pytest.raises(IdTokenInvalid):
        profiles.of_openid(entra(), entra_claims(**claims), {})


def test_tenants_may_be_limited() -> None:
    only = entra(allowed_tenants=(TENANT,))

    assert profiles.of_openid(only, entra_claims(), {}).subject == f"{TENANT}:{PERSON}"
    with pytest.raises(DomainNotAllowed):
        profiles.of_openid(only, entra_claims(tid="11111111-1111-1111-1111-111111111111"), {})


def test_the_issuer_of_entra_is_that_of_the_tenant(world: World) -> None:
    """A token of one tenant that names the issuer of another is refused."""
    issuer = f"{world.served.url}/{{tenantid}}"
    world.change(issuer=issuer, discovery_url=f"{world.served.url}/.well-known/openid-configuration", trust_email=False)
    world.idp.advertises_iss = False
    browser = world.browser()
    told = {"tid": TENANT, "oid": PERSON, "email_verified": None}
    world.idp.faults["issuer"] = issuer

    world.idp.faults["claims"] = {**told, "iss": f"{world.served.url}/{TENANT}"}
    assert browser.gain()["status"] == "email_required"
    other = "11111111-1111-1111-1111-111111111111"
    for wrong in (f"{world.served.url}/{other}", issuer, world.served.url, f"{world.served.url}/{TENANT}/"):
        world.idp.faults["claims"] = {**told, "iss": wrong}
        assert browser.sign_in() == {"error": "id-token-invalid"}


def test_a_provider_without_openid_is_described_by_its_configuration(world: World) -> None:
    """As Discord is: a number for the id, and names of its own for the claims."""
    base = world.served.url
    world.provide(
        provider_of(
            "plain",
            Kind.OAUTH2,
            issuer="https://discord.example",
            scopes=("identify", "email"),
            claims_map={"sub": "id", "email_verified": "verified", "name": "global_name"},
            endpoints={
                "authorization": f"{base}/authorize",
                "token": f"{base}/token",
                "userinfo": f"{base}/userinfo",
            },
        )
    )
    told = {"id": "80351110224678912", "email": "nelly@idp.example", "verified": True, "global_name": "Nelly"}
    found = profiles.of_plain(world.providers["plain"], told)

    assert (found.subject, found.verified_email, found.name) == ("80351110224678912", "nelly@idp.example", "Nelly")
    assert "nonce" not in query(world.browser().begin("plain"))
    for wrong in ({}, {"id": True}, {"id": None}, {"id": ""}, {"id": ["x"]}, {"id": "x" * 300}):
        with pytest.raises(ProviderError):
            profiles.of_plain(world.providers["plain"], wrong)


@pytest.mark.parametrize("auth", ["basic", "post", "none", "private_key_jwt"])
def test_each_way_of_client_authentication(world: World, auth: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    client = world.idp.clients[CLIENT_ID]
    client.auth, client.public_key = auth, key.public_key()
    secret = {"none": None, "private_key_jwt": pem(key)}.get(auth, SECRET)
    world.change(token_auth=auth, secret=secret, key_id="k1")

    assert world.browser().gain()["status"] == "ok"
    asked = [one for one in world.idp.journal if one.path == "/token"][-1]
    assert (SECRET in str(asked.body)) is False or auth == "post"
    client.auth = "post" if auth != "post" else "basic"
    assert world.browser().sign_in() == {"error": "provider-error"}


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_each_algorithm_a_provider_may_sign_with(world: World, alg: str) -> None:
    world.idp.alg = alg

    assert world.browser().gain()["status"] == "ok"
    world.change(algs=("PS256",))
    assert world.browser().sign_in() == {"error": "id-token-invalid"}


def test_userinfo_fills_in_what_the_token_leaves_out(world: World, browser: Browser) -> None:
    world.idp.faults["thin"] = True

    assert browser.gain()["user"]["email"] == "ada@idp.example"
    assert [one.path for one in world.idp.journal][-2:] == ["/token", "/userinfo"]


def outgoing(world: World) -> list[str]:
    paths = [one.path for one in world.idp.journal]
    world.idp.journal.clear()
    return paths


def test_a_warm_container_asks_a_provider_nothing_before_the_code(world: World, browser: Browser) -> None:
    browser.start()
    assert outgoing(world) == ["/.well-known/openid-configuration", "/jwks"]

    browser.gain()

    assert [path for path in outgoing(world) if path != "/authorize"] == ["/token"]


def test_another_container_goes_by_what_the_first_has_read(world: World, browser: Browser) -> None:
    browser.start()
    outgoing(world)

    world.browser(world.container()).start()

    assert outgoing(world) == []


def test_it_is_read_anew_after_an_hour(world: World, browser: Browser) -> None:
    browser.start()
    outgoing(world)
    world.clock.advance(minutes=61)

    browser.start()

    assert outgoing(world) == ["/.well-known/openid-configuration", "/jwks"]


@pytest.mark.asvs("16.5.2")
def test_discovery_outage_uses_stale(world: World, browser: Browser) -> None:
    browser.start()
    world.idp.faults["discovery"] = "500"
    world.clock.advance(hours=2)
    outgoing(world)

    assert "code" in browser.sign_in()
    assert outgoing(world).count("/.well-known/openid-configuration") == 1
    # A container that has never seen it goes by what another has kept.
    assert "code" in world.browser(world.container()).sign_in()
    world.clock.advance(hours=23)
    assert browser.start().json()["type"] == "/problems/provider-error"
    world.idp.faults.clear()
    assert "code" in browser.sign_in()


def test_new_keys_of_a_provider_are_found_once_in_a_minute(world: World, browser: Browser) -> None:
    browser.gain()
    world.clock.advance(seconds=61)
    world.idp.rotate()
    outgoing(world)

    assert browser.gain()["status"] == "ok"
    assert outgoing(world).count("/jwks") == 1
    world.idp.rotate()
    for _ in range(3):
        assert browser.sign_in() == {"error": "id-token-invalid"}
    assert outgoing(world).count("/jwks") == 0
    world.clock.advance(seconds=61)
    assert browser.gain()["status"] == "ok"


def test_a_changed_configuration_forgets_what_was_read(world: World, browser: Browser) -> None:
    browser.start()
    outgoing(world)

    world.change(version=2)
    world.browser().start()

    assert outgoing(world) == ["/.well-known/openid-configuration", "/jwks"]


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("discovery", "500"),
        ("discovery", "html"),
        ("discovery", "huge"),
        ("discovery", "metadata"),
        ("jwks", "500"),
        ("jwks", "html"),
        ("issuer", "https://attacker.example"),
        ("metadata", {"token_endpoint": "http://169.254.169.254/token"}),
        ("metadata", {"token_endpoint": "http://tokens.example/token"}),
        ("metadata", {"authorization_endpoint": "javascript:alert(1)"}),
        ("metadata", {"jwks_uri": None}),
        ("metadata", {"jwks_uri": ["https://idp.example/jwks"]}),
        ("metadata", {"userinfo_endpoint": "https://user:pass@idp.example/"}),
        ("metadata", {"token_endpoint": "https://10.0.0.1/token"}),
    ],
    ids=str,
)
@pytest.mark.asvs("10.5.3")
def test_a_provider_that_publishes_something_wrong_is_not_used(world: World, fault: str, value: Any) -> None:
    world.idp.faults[fault] = value

    answer = world.browser().start()

    assert (answer.status_code, answer.json()["type"]) == (502, "/problems/provider-error")


def test_an_authorization_endpoint_may_have_a_query_of_its_own(world: World) -> None:
    world.idp.faults["metadata"] = {"authorization_endpoint": f"{world.served.url}/authorize?tenant=a"}

    url = world.browser().begin()

    assert query(url)["tenant"] == "a" and query(url)["client_id"] == CLIENT_ID


def test_a_provider_without_tls_is_for_a_laptop_alone(world: World) -> None:
    vault = world.app().state.bindings.get(Vault)
    laptop, elsewhere = world.app().state.bindings.get(Wire), Wire(SafeHTTP(), vault)

    laptop.check_address(world.served.url)
    elsewhere.check_address("https://idp.example/")
    for url in (world.served.url, "http://idp.example/", "ftp://idp.example/", "https://user@idp.example/"):
        with pytest.raises(ProviderError):
            elsewhere.check_address(url)
