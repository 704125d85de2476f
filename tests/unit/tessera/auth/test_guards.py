import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Request

from tessera import auth, aws, log
from tessera.auth.call import Call
from tessera.auth.charging import Rate
from tessera.auth.feed import Feed
from tessera.auth.guards import Guard
from tessera.auth.principal import Principal
from tessera.auth.problems import (
    CredentialsAmbiguous,
    CredentialsMissing,
    ImpersonationForbidden,
    InsufficientScope,
    RateLimited,
    RevocationUnknown,
    SessionRevoked,
    StepUpRequired,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
)
from tessera.problems import NotFound, catalogue
from tessera.settings import Bindings
from tessera.transact import transact
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.tokens import Signer
from tests.kit.web import AppClient

MakeCall = Callable[..., Call]


def guard(declared: Any) -> Guard:
    found = declared.dependency
    assert isinstance(found, Guard)
    return found


def test_a_bearer_of_the_permission_is_admitted(call: MakeCall, signer: Signer) -> None:
    found = guard(auth.require("tasks:read")).admit(call(token=signer.token(roles=["user"])))

    assert found.kind == "user"
    assert found.user_id == found.id == found.owner_id
    assert found.credential == "bearer"
    assert found.session_id == "family-1"
    assert found.can("tasks:write")
    assert found.plan == "user"


def test_a_warm_process_asks_nobody_but_the_limiter_once_in_ten_reads(call: MakeCall, signer: Signer) -> None:
    reader, token = guard(auth.require("tasks:read")), signer.token()
    for _ in range(10):
        reader.admit(call(token=token))

    with aws.metered() as meter:
        for _ in range(10):
            reader.admit(call(token=token))

    assert meter.operations == ["UpdateItem"]


@pytest.mark.parametrize(
    ("headers", "query", "problem"),
    [
        ((), "", CredentialsMissing),
        ((("authorization", "Basic YTpi"),), "", TokenInvalid),
        ((("authorization", "Bearer"),), "", TokenInvalid),
        ((("authorization", "Bearer "),), "", TokenInvalid),
        ((("authorization", ""),), "", TokenInvalid),
        ((("authorization", "Bearer nonsense"),), "", TokenInvalid),
        ((("authorization", "Bearer tsk_live_0123456789abcdef"),), "", TokenInvalid),
        ((("cookie", "a=b; __Host-tessera_at=x"),), "", TokenInvalid),
        ((("authorization", "Bearer a"), ("authorization", "Bearer b")), "", CredentialsAmbiguous),
        ((("authorization", "Bearer a,Bearer b"),), "", CredentialsAmbiguous),
        ((), "access_token=x", CredentialsAmbiguous),
        ((), "a=b&access_token=x", CredentialsAmbiguous),
    ],
)
@pytest.mark.parametrize("declared", [auth.require("tasks:read"), auth.current_user()], ids=["require", "current"])
@pytest.mark.asvs("7.2.1")
def test_a_request_without_a_good_credential_is_refused(
    call: MakeCall, declared: Any, headers: tuple[tuple[str, str], ...], query: str, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        guard(declared).admit(call(headers=headers, query=query))


def test_an_optional_user_may_be_nobody_but_never_somebody_false(call: MakeCall, signer: Signer) -> None:
    optional = guard(auth.optional_user())

    assert optional.admit(call()).kind == "anonymous"
    assert optional.admit(call(token=signer.token())).kind == "user"
    with pytest.raises(TokenInvalid):
        optional.admit(call(token="nonsense"))
    with pytest.raises(TokenInvalid):
        optional.admit(call(headers=(("cookie", "__Host-tessera_at=x"),)))


def test_a_cookie_of_somebody_else_is_no_credential(call: MakeCall) -> None:
    assert guard(auth.optional_user()).admit(call(headers=(("cookie", "theme=dark; at=x"),))).kind == "anonymous"


def test_the_header_wins_over_the_cookie(call: MakeCall, signer: Signer) -> None:
    both = call(token=signer.token(), headers=(("cookie", "__Host-tessera_at=x"),))

    assert guard(auth.current_user()).admit(both).credential == "bearer"


def test_a_public_route_does_not_look_at_credentials(call: MakeCall) -> None:
    public = guard(auth.public())

    assert public.is_public
    assert public.admit(call(token="nonsense")).kind == "anonymous"


@pytest.mark.asvs("8.2.1", "8.3.1")
def test_who_lacks_the_permission_is_told_which(call: MakeCall, signer: Signer) -> None:
    with pytest.raises(InsufficientScope) as refused:
        guard(auth.require("backups:restore")).admit(call(token=signer.token(roles=["admin"])))

    assert refused.value.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="backups:restore"'


def test_a_custom_roles_permission_comes_with_the_token(call: MakeCall, signer: Signer) -> None:
    token = signer.token(roles=["user", "author"], perms=["blog:publish"])

    assert guard(auth.require("blog:publish")).admit(call(token=token)).can("blog:write")


@pytest.mark.asvs("10.3.2")
def test_a_narrow_token_does_less_than_its_roles(call: MakeCall, signer: Signer) -> None:
    with pytest.raises(InsufficientScope):
        guard(auth.require("tasks:write")).admit(call("POST", token=signer.token(scope="tasks:read")))


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("declared", [auth.current_user(), auth.optional_user(), auth.require("tasks:read")])
def test_a_token_that_was_made_for_other_routes_opens_nothing_else(
    call: MakeCall, signer: Signer, declared: Any
) -> None:
    token = signer.token(scope="blog:conduit")

    with pytest.raises(InsufficientScope):
        guard(declared).admit(call(token=token))
    assert guard(auth.current_user(fenced=True)).admit(call(token=token)).kind == "user"


@pytest.mark.parametrize("scope", ["tasks:read", "*:read", "tasks:read blog:conduit"])
def test_a_token_of_any_permission_is_somebody_where_none_is_asked_for(
    call: MakeCall, signer: Signer, scope: str
) -> None:
    assert guard(auth.current_user()).admit(call(token=signer.token(scope=scope))).kind == "user"


@pytest.mark.asvs("8.4.1")
def test_platform_roles_do_not_flow_into_an_organisation(call: MakeCall, signer: Signer) -> None:
    token = signer.token(roles=["user", "owner"], perms=["blog:publish"], org="atelier", org_role="member")
    found = guard(auth.require("tasks:read")).admit(call(token=token))

    assert found.owner_id == "atelier"
    assert not found.can("backups:restore")
    assert not found.can("blog:publish")


@pytest.mark.parametrize(
    ("wanted", "challenge"),
    [
        ({"aal": 2}, 'Bearer error="insufficient_user_authentication", acr_values="aal2"'),
        ({"fresh": 300}, 'Bearer error="insufficient_user_authentication", max_age=300'),
        ({"aal": 2, "fresh": 300}, 'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age=300'),
    ],
)
@pytest.mark.asvs("10.3.4")
def test_a_step_up_says_what_is_wanted(
    call: MakeCall, signer: Signer, frozen: FakeClock, wanted: dict[str, int], challenge: str
) -> None:
    token = signer.token(aal=1)
    frozen.advance(seconds=301)

    with pytest.raises(StepUpRequired) as refused:
        guard(auth.require("tasks:write", **wanted)).admit(call("POST", token=token))  # type: ignore[arg-type]

    assert refused.value.headers["WWW-Authenticate"] == challenge


def test_a_fresh_sign_in_with_two_factors_passes(call: MakeCall, signer: Signer, frozen: FakeClock) -> None:
    token = signer.token(aal=2, amr=["pwd", "otp"])
    frozen.advance(seconds=300)

    found = guard(auth.require("tasks:write", aal=2, fresh=300)).admit(call("POST", token=token))

    assert found.auth_time is not None
    assert found.auth_time + timedelta(seconds=300) == frozen.now()


@pytest.mark.asvs("10.3.4")
def test_a_token_without_a_time_of_sign_in_is_never_fresh(call: MakeCall, signer: Signer) -> None:
    with pytest.raises(StepUpRequired):
        guard(auth.require("tasks:write", fresh=300)).admit(call("POST", token=signer.token(without=("auth_time",))))


def test_who_acts_for_somebody_else_may_only_look(call: MakeCall, signer: Signer) -> None:
    token = signer.token(act={"sub": "the-admin", "sid": "s"})
    found = guard(auth.require("tasks:read")).admit(call(token=token))

    assert found.actor is not None
    assert found.actor.id == "the-admin"
    with pytest.raises(ImpersonationForbidden):
        guard(auth.require("tasks:write")).admit(call("POST", token=token))


def test_a_kind_that_is_not_meant_is_refused(call: MakeCall, signer: Signer) -> None:
    with pytest.raises(InsufficientScope):
        guard(auth.require("tasks:read", kinds=("api_key",))).admit(call(token=signer.token()))


@pytest.mark.parametrize("subject", ["svc:orders", "key:01HZX3J0V7Q8M4N5P6R7S8T9VW"])
def test_a_token_that_speaks_for_no_user_is_refused(call: MakeCall, signer: Signer, subject: str) -> None:
    with pytest.raises(TokenInvalid):
        guard(auth.current_user()).admit(call(token=signer.token(sub=subject)))


@pytest.mark.asvs("16.3.2")
def test_the_cause_stands_in_the_log_and_not_in_the_answer(call: MakeCall, signer: Signer) -> None:
    with log.scope("tasks") as here, pytest.raises(TokenInvalid) as refused:
        guard(auth.current_user()).admit(call(token=signer.token(header={"alg": "none"})))

    assert here.cause == "wrong alg"
    assert "alg" not in str(refused.value.document())


def test_an_expired_token_and_an_ended_session_are_told_apart(
    call: MakeCall, signer: Signer, bindings: Bindings, frozen: FakeClock
) -> None:
    token = signer.token()
    transact(bindings.get(Feed).revoke("s", "family-1"))
    with pytest.raises(SessionRevoked):
        guard(auth.current_user()).admit(call(token=token))

    frozen.advance(minutes=11)
    with pytest.raises(TokenExpired):
        guard(auth.current_user()).admit(call(token=token))


@pytest.mark.asvs("16.5.3")
def test_without_the_feed_nobody_is_admitted_and_public_routes_work(call: MakeCall, signer: Signer) -> None:
    with failing("dynamodb", "Query", code="InternalServerError"):
        with pytest.raises(RevocationUnknown):
            guard(auth.current_user()).admit(call(token=signer.token()))
        assert guard(auth.public()).admit(call()).kind == "anonymous"


def test_a_flood_of_wrong_tokens_is_limited_by_address(call: MakeCall) -> None:
    reader = guard(auth.current_user())
    answers = []
    for _ in range(60):
        try:
            reader.admit(call("POST", token="nonsense"))
        except (Unauthenticated, RateLimited) as refused:
            answers.append(refused.slug)

    assert answers == ["token-invalid"] * 10 + ["rate-limited"] * 50


def test_an_address_that_is_limited_does_not_lock_out_its_users(call: MakeCall, signer: Signer) -> None:
    for _ in range(12):
        with pytest.raises((CredentialsMissing, RateLimited)):
            guard(auth.current_user()).admit(call("POST"))

    assert guard(auth.require("tasks:write")).admit(call("POST", token=signer.token())).kind == "user"


def test_headers_say_what_is_left_on_successes_and_refusals(call: MakeCall, signer: Signer) -> None:
    writing, refused = call("POST", token=signer.token()), call("POST")

    guard(auth.require("tasks:write")).admit(writing)
    with pytest.raises(CredentialsMissing):
        guard(auth.require("tasks:write")).admit(refused)

    assert writing.answer_headers == {
        "RateLimit-Policy": '"user:write";q=120;w=60',
        "RateLimit": '"user:write";r=39;t=1',
    }
    assert refused.answer_headers["RateLimit-Policy"] == '"anon:write";q=20;w=60'


def test_the_limit_comes_before_the_permission(call: MakeCall, signer: Signer) -> None:
    token, outcomes = signer.token(), []
    for _ in range(42):
        try:
            guard(auth.require("backups:restore")).admit(call("POST", token=token))
        except (InsufficientScope, RateLimited) as refused:
            outcomes.append(refused.slug)

    assert outcomes == ["insufficient-scope"] * 40 + ["rate-limited"] * 2


@pytest.mark.parametrize(
    ("declared", "method", "token", "policy"),
    [
        (lambda: auth.public(), "GET", False, "anon:read"),
        (lambda: auth.public(), "POST", False, "anon:write"),
        (lambda: auth.public(rate="auth"), "POST", False, "auth:ip"),
        (lambda: auth.public(rate="expensive"), "POST", False, "anon:write"),
        (lambda: auth.public(rate="todo-backend:ip"), "GET", False, "todo-backend:ip"),
        (lambda: auth.public(limited=False), "GET", False, ""),
        (lambda: auth.public(), "OPTIONS", False, ""),
        (lambda: auth.current_user(), "GET", True, "user:read"),
        (lambda: auth.current_user(), "POST", True, "user:write"),
        (lambda: auth.current_user(rate=auth.limit("expensive", cost=4)), "GET", True, "user:expensive"),
        (lambda: auth.current_user(rate="auth"), "POST", True, "auth:ip"),
    ],
)
def test_the_class_of_a_request(
    call: MakeCall, signer: Signer, declared: Callable[[], Any], method: str, token: bool, policy: str
) -> None:
    made = call(method, token=signer.token() if token else "")

    guard(declared()).admit(made)

    assert made.answer_headers.get("RateLimit-Policy", "").partition(";")[0].strip('"') == policy


@pytest.mark.parametrize(("name", "cost"), [("expensive", 5), ("write", 0), ("reed", 1), ("todo-backend:ip", 31)])
def test_a_rate_that_could_never_be_kept_is_refused_where_it_is_declared(name: str, cost: int) -> None:
    with pytest.raises(ValueError):
        Rate(name, cost)


def test_a_permission_that_does_not_exist_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError):
        auth.require("tasks:reed")


def test_guards_describe_themselves() -> None:
    declared = [
        auth.require("tasks:read"),
        auth.require("tasks:write", aal=2, fresh=300, kinds=("user",)),
        auth.current_user(),
        auth.optional_user(),
        auth.public(),
        auth.public(limited=False),
        auth.service("orders", "payments"),
    ]

    assert [guard(each).describe() for each in declared] == [
        "require tasks:read",
        "require tasks:write, aal 2, fresh 300 s, kinds user",
        "user",
        "optional user",
        "public",
        "public, unlimited",
        "service orders|payments",
    ]


def test_a_service_route_is_nothing_to_anybody_outside(call: MakeCall, signer: Signer) -> None:
    internal = guard(auth.service("orders"))
    forged = {"internal": True, "caller": "orders"}

    for outside in (call(), call(token=signer.token(roles=["owner"])), call(api_gateway=False)):
        with pytest.raises(NotFound):
            internal.admit(outside)
    with pytest.raises(NotFound):
        internal.admit(Call(**{**call(internal=forged).__dict__, "api_gateway": True}))


def test_a_service_route_admits_the_callers_it_names(call: MakeCall) -> None:
    found = guard(auth.service("orders")).admit(call(internal={"internal": True, "caller": "orders"}))

    assert (found.kind, found.id, found.credential) == ("service", "orders", "iam")
    with pytest.raises(InsufficientScope):
        guard(auth.service("orders")).admit(call(internal={"internal": True, "caller": "cart"}))


def test_as_a_dependency_a_guard_hands_over_what_was_found() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def found_before(request: Request, call_next: Any) -> Any:
        request.state.principal = Principal(kind="user", id="anna")
        return await call_next(request)

    @app.get("/")
    async def route(caller: Annotated[Principal, auth.require("tasks:read")]) -> dict[str, str]:
        return {"id": caller.id}

    assert AppClient(app).get("/").json() == {"id": "anna"}


@pytest.mark.asvs("16.2.1")
def test_a_refusal_is_logged_with_whom_it_refused(call: MakeCall, signer: Signer) -> None:
    asked = call("POST", token=signer.token(sub="anna", roles=["user"]))

    with log.scope("tasks") as here, pytest.raises(InsufficientScope):
        guard(auth.require("tasks:manage")).admit(asked)

    assert here.caller == "user:anna"


def test_triggers_may_use_the_auth_layer_without_fastapi() -> None:
    modules = ("authenticate", "call", "envelope", "feed", "internal", "keyring", "mac", "principal", "roles", "tokens")
    heavy = "{'fastapi', 'cryptography', 'boto3'} & sys.modules.keys()"
    imports = "; ".join(f"import tessera.auth.{name}" for name in modules)
    # The layer leaves this module out, as `layers/dependencies/trim.py` says why; here it may be installed.
    trimmed = "import sys; sys.modules['urllib3.contrib.pyopenssl'] = None"
    script = f"{trimmed}; {imports}; import tessera.limits; print(sorted({heavy}))"
    layer = Path(aws.__file__).parents[1]

    ran = subprocess.run([sys.executable, "-c", script], cwd=layer, capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


def test_the_slugs_have_one_status_each() -> None:
    found = catalogue()

    assert found["token-invalid"].status == 401
    assert found["rate-limited"].status == 429
    assert found["revocation-unknown"].status == 503
