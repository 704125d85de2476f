"""Setting providers up."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.kit.stores import events_in, everything_in
from tests.unit.identity.oauth.conftest import BASE, CLIENT_ID, SECRET, Browser, World

PATH = "/oauth/admin/providers/shop"


def body(world: World, **more: Any) -> dict[str, Any]:
    return {
        "name": "Shop",
        "kind": "oidc",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "issuer": world.served.url,
        **more,
    }


def put(world: World, given: dict[str, Any], *, path: str = PATH, version: str = "", role: str = "owner") -> Any:
    headers = {**world.token("01HZX3J0V7Q8M4N5P6R7S8T9VW", roles=[role]), **({"if-match": version} if version else {})}
    return world.browser().http.put(path, json=given, headers=headers)


def get(world: World, path: str = PATH) -> Any:
    return world.browser().http.get(path, headers=world.token("01HZX3J0V7Q8M4N5P6R7S8T9VW", roles=["owner"]))


def post(world: World, path: str) -> Any:
    return world.browser().http.post(path, headers=world.token("01HZX3J0V7Q8M4N5P6R7S8T9VW", roles=["owner"]))


def test_a_provider_that_was_set_up_opens_the_door(world: World) -> None:
    world.idp.clients[CLIENT_ID].redirect_uris = frozenset([f"{BASE}/oauth/shop/callback"])

    made = put(world, body(world))

    assert made.status_code == 200 and made.headers["etag"] == '"v1"'
    assert made.json()["redirect_uri"] == f"{BASE}/oauth/shop/callback"
    assert world.browser().gain("shop")["status"] == "ok"
    listed = world.browser().http.get("/oauth/providers").json()["items"]
    assert {"id": "shop", "name": "Shop", "kind": "oidc", "icon": None} in listed
    assert "audit.entry.recorded.v1" in events_in(world.table)


def test_secret_never_returned(world: World, caplog: pytest.LogCaptureFixture) -> None:
    answers = [put(world, body(world)), get(world), get(world, "/oauth/admin/providers"), post(world, f"{PATH}/test")]
    answers.append(put(world, body(world, issuer="not an address"), path="/oauth/admin/providers/other"))
    answers.append(put(world, body(world, client_secret=SECRET * 400), path="/oauth/admin/providers/other"))

    said = " ".join(repr(vars(record)) for record in caplog.records)
    assert answers[1].json()["has_secret"] is True
    for text in [answer.text for answer in answers] + [said, json.dumps(everything_in(world.table))]:
        assert SECRET not in text


def test_a_secret_left_out_stays_and_a_new_one_takes_its_place(world: World) -> None:
    world.idp.clients[CLIENT_ID].redirect_uris = frozenset([f"{BASE}/oauth/shop/callback"])
    put(world, body(world))
    kept = body(world, name="Other name")
    del kept["client_secret"]

    second = put(world, kept, version='"v1"')

    assert second.json()["name"] == "Other name" and second.headers["etag"] == '"v2"'
    world.apps.clear()
    assert world.browser().gain("shop")["status"] == "ok"
    put(world, body(world, client_secret="wrong"), version='"v2"')
    world.apps.clear()
    assert world.browser().sign_in("shop") == {"error": "provider-error"}


@pytest.mark.parametrize(
    "change",
    [
        {"discovery_url": "https://idp.attacker.example/.well-known/openid-configuration"},
        {"issuer": "https://idp.attacker.example"},
        {"endpoints": {"token": "https://idp.attacker.example/token"}},
        {"endpoints": {"revocation": "https://idp.attacker.example/revoke"}},
        {"token_auth": "post"},
        {"client_id": "another-client"},
    ],
    ids=str,
)
def test_a_secret_is_not_sent_elsewhere_by_who_does_not_know_it(world: World, change: dict[str, Any]) -> None:
    put(world, body(world))
    moved = body(world, **change)
    del moved["client_secret"]

    refused = put(world, moved, version='"v1"')

    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/client_secret"
    assert put(world, {**moved, "client_secret": "s3cret-again"}, version='"v1"').status_code == 200


def test_a_pinned_discovery_document_lets_nobody_change_whom_the_secret_speaks_to(world: World) -> None:
    """The issuer is what an assertion is addressed to, wherever the document is read."""
    pinned = body(world, discovery_url=f"{world.served.url}/.well-known/openid-configuration")
    put(world, pinned)
    moved = {**pinned, "issuer": "https://idp.attacker.example"}
    del moved["client_secret"]

    refused = put(world, moved, version='"v1"')

    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/client_secret"


def test_proofs_made_of_facebooks_secret_go_nowhere_else_either(world: World) -> None:
    given = body(world, kind="facebook")
    del given["issuer"]
    put(world, given)
    moved = {**given, "endpoints": {"userinfo": "https://graph.attacker.example/me"}}
    del moved["client_secret"]

    refused = put(world, moved, version='"v1"')

    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/client_secret"
    assert put(world, {**moved, "client_secret": "s3cret-again"}, version='"v1"').status_code == 200


def test_what_does_not_decide_where_a_secret_goes_may_change_without_it(world: World) -> None:
    put(world, body(world))
    kept = body(world, endpoints={"userinfo": "https://idp.example/me"}, scopes=["openid"], enabled=False)
    del kept["client_secret"]

    assert put(world, kept, version='"v1"').status_code == 200
    assert get(world).json()["has_secret"] is True


def test_a_provider_is_set_up_by_who_has_just_signed_in_with_all_they_have(world: World) -> None:
    owner = world.neighbours.user("boss@example.com", factors=["totp"])
    http = world.browser().http
    long_ago = int(world.clock.now().timestamp()) - 301

    late = http.put(PATH, json=body(world), headers=world.token(owner, roles=["owner"], aal=2, auth_time=long_ago))
    weak = http.put(PATH, json=body(world), headers=world.token(owner, roles=["owner"], aal=1))
    good = http.put(PATH, json=body(world), headers=world.token(owner, roles=["owner"], aal=2))

    told = [(answer.status_code, answer.json()["type"]) for answer in (late, weak)]
    assert told == [(401, "/problems/step-up-required")] * 2
    assert good.status_code == 200


def test_staff_without_a_factor_set_none_up_where_everybody_needs_one(world: World) -> None:
    world.environment["STAFF_FACTOR"] = "on"
    owner = world.neighbours.user("boss@example.com", factors=[])
    http = world.browser().http

    refused = http.put(PATH, json=body(world), headers=world.token(owner, roles=["owner"], aal=1))
    good = http.put(PATH, json=body(world), headers=world.token(owner, roles=["owner"], aal=2))

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/mfa-enrolment-required")
    assert good.status_code == 200


def test_two_changes_at_once_do_not_undo_each_other(world: World) -> None:
    put(world, body(world))

    assert put(world, body(world)).json()["type"] == "/problems/version-required"
    assert put(world, body(world, name="A"), version='"v1"').status_code == 200
    assert put(world, body(world, name="B"), version='"v1"').json()["type"] == "/problems/version-mismatch"
    assert put(world, body(world), path="/oauth/admin/providers/none", version='"v1"').status_code == 404
    assert get(world).json()["name"] == "A"


@pytest.mark.parametrize("role", ["user", "support", "moderator"])
def test_only_who_may_manage_providers_does(world: World, role: str) -> None:
    headers = world.token("01HZX3J0V7Q8M4N5P6R7S8T9VW", roles=[role])
    http = world.browser().http

    assert put(world, body(world), role=role).status_code == 403
    assert http.get(PATH, headers=headers).status_code == 403
    assert http.get("/oauth/admin/providers", headers=headers).status_code == 403
    assert http.post(f"{PATH}/test", headers=headers).status_code == 403
    assert http.get("/oauth/admin/providers").status_code == 401


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"issuer": None}, "/issuer"),
        ({"issuer": "http://idp.example"}, "/issuer"),
        ({"issuer": "https://127.0.0.1"}, "/issuer"),
        ({"issuer": "https://user:pass@idp.example"}, "/issuer"),
        ({"issuer": "https://idp.example/#x"}, "/issuer"),
        ({"issuer": "https://idp.example/?x=1"}, "/issuer"),
        ({"issuer": "https://localhost/"}, "/issuer"),
        ({"issuer": "https://169.254.169.254/"}, "/issuer"),
        ({"discovery_url": "ftp://idp.example"}, "/discovery_url"),
        ({"endpoints": {"token": "http://10.0.0.1/token"}}, "/endpoints/token"),
        ({"scopes": ["email"]}, "/scopes"),
        ({"extra_params": {"redirect_uri": "https://attacker.example"}}, "/extra_params/redirect_uri"),
        ({"extra_params": {"state": "x"}}, "/extra_params/state"),
        ({"client_secret": None}, "/client_secret"),
        ({"token_auth": "none", "pkce": "best_effort"}, "/pkce"),
        ({"token_auth": "private_key_jwt", "key_id": "k"}, "/client_secret"),
        ({"token_auth": "private_key_jwt"}, "/key_id"),
        ({"link_policy": "auto_verified"}, "/trust_email"),
        ({"allowed_tenants": ["x"]}, "/allowed_tenants"),
        ({"kind": "oauth2"}, "/endpoints/authorization"),
        ({"kind": "apple", "issuer": None}, "/team_id"),
        ({"kind": "apple", "issuer": None, "team_id": "T", "key_id": "K"}, "/client_secret"),
    ],
    ids=str,
)
def test_a_provider_that_could_not_work_is_refused_with_the_place(
    world: World, change: dict[str, Any], pointer: str
) -> None:
    answer = put(world, {name: value for name, value in body(world, **change).items() if value is not None})

    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("kind", ["saml", "", None, 5])
def test_a_kind_that_is_none_is_refused(world: World, kind: Any) -> None:
    assert put(world, body(world, kind=kind)).status_code == 422


@pytest.mark.parametrize("name", ["exchange", "admin", "internal", "identities", "idp"])
def test_a_provider_is_not_called_like_a_path_or_a_built_in_one(world: World, name: str) -> None:
    assert put(world, body(world), path=f"/oauth/admin/providers/{name}").status_code == 422


@pytest.mark.parametrize("kind", ["github", "facebook"])
def test_what_is_known_of_a_kind_need_not_be_typed_in(world: World, kind: str) -> None:
    given = {"name": kind.title(), "kind": kind, "client_id": "id", "client_secret": "secret"}

    made = put(world, given, path=f"/oauth/admin/providers/{kind}")

    assert made.status_code == 200, made.text
    assert made.json()["endpoints"]["token"].startswith("https://")
    tested = post(world, f"/oauth/admin/providers/{kind}/test").json()
    assert tested["ok"] is True and [check["name"] for check in tested["checks"]] == ["configuration", "addresses"]


@pytest.mark.parametrize("curve", ["p256", "rsa", "p384", "text"])
def test_apples_key_must_be_one_that_can_sign(world: World, curve: str) -> None:
    made: Any = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "rsa": lambda: rsa.generate_private_key(65_537, 2_048),
    }.get(curve, lambda: None)()
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    pem = made.private_bytes(serialization.Encoding.PEM, form, plain).decode() if made else "not a key"
    given = {"name": "Apple", "kind": "apple", "client_id": "app", "client_secret": pem}

    answer = put(world, {**given, "team_id": "T", "key_id": "K"}, path="/oauth/admin/providers/apple")

    assert answer.status_code == (200 if curve == "p256" else 422), answer.text


def test_a_test_says_what_the_provider_publishes(world: World) -> None:
    put(world, body(world))

    tested = post(world, f"{PATH}/test").json()

    assert tested["ok"] is True
    assert [check["name"] for check in tested["checks"]] == ["configuration", "discovery and keys"]
    assert [one.path for one in world.idp.journal] == ["/.well-known/openid-configuration", "/jwks"]


@pytest.mark.parametrize(
    "fault",
    [
        {"discovery": "500"},
        {"discovery": "html"},
        {"issuer": "https://other.example"},
        {"jwks": "500"},
        {"metadata": {"code_challenge_methods_supported": ["plain"]}},
        {"metadata": {"token_endpoint": "http://10.0.0.1/"}},
    ],
    ids=str,
)
def test_a_test_says_what_is_wrong_with_the_provider(world: World, fault: dict[str, Any]) -> None:
    put(world, body(world))
    world.idp.faults.update(fault)

    tested = post(world, f"{PATH}/test").json()

    assert tested["ok"] is False
    assert [check["ok"] for check in tested["checks"]] == [True, False]
    assert "10.0.0.1" not in str(tested) and SECRET not in str(tested)


def test_a_provider_that_is_switched_off_can_be_tested_and_is_offered_to_nobody(world: World) -> None:
    put(world, body(world, enabled=False))

    assert post(world, f"{PATH}/test").json()["ok"] is True
    assert "shop" not in world.browser().http.get("/oauth/providers").text
    assert world.browser().start("shop").status_code == 404
    assert post(world, "/oauth/admin/providers/nobody/test").status_code == 404


def test_a_change_reaches_every_container_in_half_a_minute(world: World, browser: Browser) -> None:
    put(world, body(world))
    other = world.browser(world.container())
    assert other.start("shop").status_code == 200

    put(world, body(world, enabled=False), version='"v1"')

    world.clock.advance(seconds=31)
    assert other.start("shop").status_code == 404


def test_staff_do_not_act_in_the_place_of_somebody_else(world: World) -> None:
    acting = {"act": {"sub": "01HZX3J0V7Q8M4N5P6R7S8T9VX", "sid": "x", "write": True}}
    headers = world.token("01HZX3J0V7Q8M4N5P6R7S8T9VW", roles=["owner"], **acting)

    answer = world.browser().http.put(PATH, json=body(world), headers=headers)

    assert answer.json()["type"] == "/problems/impersonation-forbidden"
