"""Keys where they are used: what a good one may do, what it costs, and that a bad one is told nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import auth, aws, clock, ids
from tessera.auth import key_text, roles
from tessera.auth import mac as mac_module
from tessera.auth.api_keys import AGAIN_MS, SIZE, WRONG_SECRETS, ApiKeys, effective, principal_of_key
from tessera.auth.call import Call
from tessera.auth.custom_roles import CustomRoles
from tessera.auth.feed import Feed
from tessera.auth.guards import Guard
from tessera.auth.key_item import MAIN, PURPOSE, KeyRow, code_of, key_pk, outdated
from tessera.auth.key_usage import SEEN_DAYS
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal, covers
from tessera.auth.problems import (
    CredentialsAmbiguous,
    CredentialsMissing,
    InsufficientScope,
    RevocationUnknown,
    SessionRevoked,
    StepUpRequired,
    TokenInvalid,
)
from tessera.problems import Unavailable
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import Refusal, transact
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.tokens import Signer

MakeCall = Callable[..., Call]
OWNER = "01HZX3J0V7Q8M4N5P6R7S8T9VW"
KNOWN = sorted(roles.known())


def guard(declared: Any) -> Guard:
    found = declared.dependency
    assert isinstance(found, Guard)
    return found


@pytest.fixture
def keys(table_of: Callable[[str], Table], bindings: Bindings) -> Table:
    table = table_of("Apikeys")
    assert isinstance(bindings.environment, dict)
    bindings.environment["APIKEYS"] = table.name
    return table


@pytest.fixture
def make(keys: Table, bindings: Bindings) -> Callable[..., str]:
    """`make(scopes=…)`: the text of a key as `apikeys` would have made it."""

    def make(key_id: str = "", env: key_text.Env = "live", **fields: Any) -> str:
        key_id = key_id or ids.new()
        text = key_text.new(env, key_id)
        values: dict[str, Any] = {
            "pk": key_pk(key_text.name_of(key_id)),
            "sk": MAIN,
            "key_id": key_id,
            "name": "Robot",
            "h1": code_of(bindings.get(Mac), text),
            "last4": text[-4:],
            "uid": OWNER,
            "owner_roles": {"user"},
            "owner_ep": 1,
            "scopes": {"tasks:read", "tasks:write"},
            "env": env,
            "plan": "default",
            "exp": clock.millis() + 86_400_000,
            "created": clock.millis(),
            **fields,
        }
        keys.put(KeyRow(**values))
        return text

    return make


@pytest.fixture
def admit(call: MakeCall) -> Callable[..., Principal]:
    """`admit(text)`: whom the guard of an ordinary route takes the sender for."""

    def admit(text: str, *, within: Bindings | None = None, **given: Any) -> Principal:
        return guard(auth.require("tasks:read")).admit(call(token=text, within=within, **given))

    return admit


def id_in(text: str, keys: Table) -> str:
    row = keys.get(KeyRow, key_pk(text[9:25]), MAIN)
    assert row is not None
    return row.key_id


def test_a_key_is_admitted_for_its_owner(make: Callable[..., str], admit: Any, keys: Table) -> None:
    text = make()

    found = admit(text)

    assert (found.kind, found.credential, found.plan) == ("api_key", "key", "key:default")
    assert (found.id, found.user_id, found.owner_id) == (id_in(text, keys), OWNER, OWNER)
    assert found.permissions == frozenset(["tasks:read", "tasks:write"])
    assert (found.aal, found.amr, found.auth_time, found.session_id) == (1, (), None, None)


def test_a_warm_process_asks_nobody(make: Callable[..., str], call: MakeCall) -> None:
    text = make()
    auth_only = call(token=text).bindings.get(ApiKeys)
    parsed = key_text.parse(text)
    assert parsed is not None
    auth_only.principal(parsed, "203.0.113.7")

    with aws.metered() as meter:
        for _ in range(100):
            auth_only.principal(parsed, "203.0.113.7")

    assert meter.requests == 0


def test_a_process_reads_a_key_once_a_minute_for_half_a_unit(
    make: Callable[..., str], admit: Any, keys: Table, frozen: FakeClock
) -> None:
    text = make()
    asked: list[dict[str, Any]] = []

    def note(service: str, operation: str, parameters: dict[str, Any]) -> None:
        if operation == "GetItem" and parameters["TableName"] == keys.name:
            asked.append(parameters)

    with aws.intercepted(note):
        for _ in range(12):
            admit(text)
            frozen.advance(seconds=10)

    assert len(asked) == 2
    assert not any(parameters["ConsistentRead"] for parameters in asked)


def test_checksum_rejects_without_io(make: Callable[..., str], call: MakeCall, bindings: Bindings) -> None:
    text = make()
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    called: list[str] = []

    # Without the guard, whose limiter counts wrong credentials by address.
    with aws.intercepted(lambda service, operation, parameters: called.append(operation)), pytest.raises(TokenInvalid):
        principal_of_key(call(token=wrong), wrong)

    assert called == []


def test_an_unknown_key_is_looked_up_once_in_ten_seconds(
    make: Callable[..., str], admit: Any, keys: Table, frozen: FakeClock
) -> None:
    unknown = key_text.new("live", ids.new())
    looked: list[str] = []

    def note(service: str, operation: str, parameters: dict[str, Any]) -> None:
        if parameters.get("TableName") == keys.name:
            looked.append(operation)

    with aws.intercepted(note):
        for _ in range(5):
            with pytest.raises(TokenInvalid):
                admit(unknown)
        assert looked == ["GetItem"]
        frozen.advance(seconds=10)
        with pytest.raises(TokenInvalid):
            admit(unknown)

    assert looked == ["GetItem", "GetItem"]


def test_only_so_many_keys_are_remembered(make: Callable[..., str], call: MakeCall, keys: Table) -> None:
    first = key_text.parse(make())
    assert first is not None
    known = call().bindings.get(ApiKeys)
    known.principal(first, "")
    others = known._seen.get(first.name)
    assert others is not None
    for number in range(SIZE):
        known._seen.put(str(number), others)

    with aws.metered() as meter:
        known.principal(first, "")

    assert meter.operations == ["GetItem"]


WRONG = {
    "another secret": lambda make: key_text.new("live", make.key_id),
    "another environment": lambda make: make.text.replace("_live_", "_test_")[:-6],
    "revoked": lambda make: make.made(status="revoked"),
    "suspended": lambda make: make.made(status="suspended"),
    "expired": lambda make: make.made(exp=clock.millis()),
    "from elsewhere": lambda make: make.made(ip_allow=["198.51.100.0/24"]),
    "without a secret": lambda make: make.made(h1=None),
    "out of its time": lambda make: make.made(ttl=clock.millis() // 1000),
    "owner's epoch": lambda make: make.made(owner_ep=0),
    "cut short": lambda make: make.text[:-1],
    "a look-alike": lambda make: make.text.replace("tsk_", "tsk_").replace("s", "\u0455", 1),
    "nonsense": lambda make: "tsk_live_",
}


class Making:
    def __init__(self, make: Callable[..., str]) -> None:
        self.made, self.key_id = make, ids.new()
        self.text = make(self.key_id)


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_wrong_with_a_key_there_is_one_answer(
    name: str, make: Callable[..., str], call: MakeCall, bindings: Bindings
) -> None:
    transact(bindings.get(Feed).revoke("u", OWNER, min_ep=1))
    text = WRONG[name](Making(make))
    if name == "another environment":
        text += key_text.checksum(text)

    with pytest.raises(TokenInvalid) as refused:
        guard(auth.current_user()).admit(
            call(headers=(("authorization", f"Bearer {text}".encode().decode("latin-1")),))
        )

    usual = TokenInvalid("any cause")
    assert refused.value.document() == usual.document()
    assert refused.value.headers == usual.headers


@pytest.mark.parametrize(
    ("networks", "address", "is_allowed"),
    [
        ([], "203.0.113.7", True),
        (["203.0.113.7/32"], "203.0.113.7", True),
        (["203.0.113.0/24"], "203.0.114.7", False),
        (["198.51.100.0/24", "203.0.113.0/24"], "203.0.113.7", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", True),
        (["203.0.113.0/24"], "::ffff:203.0.114.7", False),
        (["2001:db8::/48"], "2001:db8:0:1::1", True),
        (["2001:db8::/48"], "2001:db9::1", False),
        (["2001:db8::/48"], "203.0.113.7", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["0.0.0.0/0"], "no address", False),
    ],
)
def test_a_key_works_from_the_networks_it_names(
    networks: list[str], address: str, is_allowed: bool, make: Callable[..., str], admit: Any
) -> None:
    text = make(ip_allow=networks or None)

    if is_allowed:
        assert admit(text, source_ip=address).kind == "api_key"
    else:
        with pytest.raises(TokenInvalid):
            admit(text, source_ip=address)


@given(
    scopes=st.frozensets(st.sampled_from(KNOWN), max_size=30),
    named=st.frozensets(st.sampled_from(["user", "support", "moderator", "admin", "owner", "author"]), max_size=4),
    extra=st.frozensets(st.sampled_from(KNOWN), max_size=5),
    env=st.sampled_from(["live", "test"]),
)
@pytest.mark.asvs("10.3.2")
def test_effective_scope_intersection(
    scopes: frozenset[str], named: frozenset[str], extra: frozenset[str], env: key_text.Env
) -> None:
    held = roles.expand(named, extra)

    found = effective(scopes, held, env)

    assert found <= scopes
    assert found == {scope for scope in scopes if covers(held, scope) and (env == "live" or scope in roles.sandbox())}


def test_a_key_loses_what_its_owner_may_no_longer_do(make: Callable[..., str], admit: Any) -> None:
    scopes = {"tasks:read", "tasks:write", "health:read"}

    assert admit(make(scopes=scopes, owner_roles={"user", "support"})).can("health:read")
    assert not admit(make(scopes=scopes, owner_roles={"user"})).can("health:read")
    assert not admit(make(scopes=scopes, owner_roles={"user", "owner"})).can("backups:restore")


def test_a_key_for_tests_plays_in_the_sand(make: Callable[..., str], admit: Any) -> None:
    scopes = {"tasks:read", "outbox:send", "payments:write"}

    found = admit(make(env="test", scopes=scopes, owner_roles={"user", "owner"}))

    assert found.permissions == frozenset(["tasks:read"])


def test_what_is_in_the_sand_exists_and_moves_no_money() -> None:
    assert roles.sandbox() <= roles.known()
    assert not [one for one in roles.sandbox() if one.startswith(("payments:", "outbox:", "admin:", "apikeys:"))]


def test_custom_roles_of_the_owner_count_as_they_are_defined_now(
    make: Callable[..., str], admit: Any, bindings: Bindings, frozen: FakeClock
) -> None:
    text = make(scopes={"tasks:read", "blog:publish"}, owner_roles={"user", "author"})
    assert admit(text).can("blog:publish")
    refused: Refusal = AssertionError("nobody else defines roles here")
    roles_now = bindings.get(CustomRoles)

    frozen.advance(seconds=1)
    transact(
        roles_now.defining({"author": frozenset(["blog:write"])}, version=0, refused=refused),
        bindings.get(Feed).revoke("r", "author"),
    )
    frozen.advance(seconds=9)

    assert not admit(text).can("blog:publish")


def test_a_key_of_an_organisation_acts_for_it_as_a_plain_member(make: Callable[..., str], admit: Any) -> None:
    scopes = {"tasks:read", "accounts:lock", "health:read", "accounts:self", "organisations:write", "habits:write"}

    found = admit(make(org="01HZX3J0V7Q8M4N5P6R7S8T9ZZ", scopes=scopes, owner_roles=None))

    assert (found.org, found.owner_id, found.org_role) == (*["01HZX3J0V7Q8M4N5P6R7S8T9ZZ"] * 2, "member")
    assert found.permissions == frozenset(["tasks:read"])


def test_a_key_of_an_organisation_is_nobody_but_itself(make: Callable[..., str], admit: Any, keys: Table) -> None:
    text = make(org="01HZX3J0V7Q8M4N5P6R7S8T9ZZ", owner_roles=None)

    found = admit(text)

    assert found.user_id == found.id == id_in(text, keys)
    assert ids.is_ulid(found.user_id)
    assert not found.owns(OWNER)


def test_a_key_of_an_organisation_survives_who_made_it(
    make: Callable[..., str], admit: Any, bindings: Bindings, frozen: FakeClock
) -> None:
    org = "01HZX3J0V7Q8M4N5P6R7S8T9ZZ"
    text = make(org=org, owner_ep=0)
    feed = bindings.get(Feed)
    transact(feed.revoke("u", OWNER), feed.revoke("m", f"{org}#{OWNER}"), feed.revoke("m", f"{org}#", min_ep=9))
    frozen.advance(seconds=9)

    assert admit(text).org == org


@pytest.mark.parametrize("wanted", [{"aal": 2}, {"fresh": 300}, {"aal": 2, "fresh": 300}], ids=str)
@pytest.mark.asvs("10.3.4")
def test_key_cannot_step_up(wanted: dict[str, int], make: Callable[..., str], call: MakeCall) -> None:
    text = make(owner_roles={"user", "owner"})

    with pytest.raises(StepUpRequired):
        guard(auth.require("tasks:write", **wanted)).admit(call("POST", token=text))  # type: ignore[arg-type]


def test_a_route_for_people_alone_refuses_a_key(make: Callable[..., str], call: MakeCall) -> None:
    with pytest.raises(InsufficientScope):
        guard(auth.require("tasks:read", kinds=("user",))).admit(call(token=make()))


def test_revoke_under_15s_with_warm_cache(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table, frozen: FakeClock
) -> None:
    text = make()
    admit(text)
    # The item is as it was: only the feed tells.
    transact(bindings.get(Feed).revoke("k", id_in(text, keys)))

    frozen.advance(seconds=14)

    with pytest.raises(TokenInvalid):
        admit(text)


def test_a_changed_item_is_in_force_under_15s_with_a_warm_cache(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table, frozen: FakeClock
) -> None:
    text = make()
    admit(text)
    name = key_pk(text[9:25])
    keys.update(KeyRow, name, MAIN, KeyRow.scopes.set({"tasks:read"}))
    transact(bindings.get(Feed).revoke("k", outdated(id_in(text, keys), 1)))

    frozen.advance(seconds=14)

    assert admit(text).permissions == frozenset(["tasks:read"])


def test_a_replica_that_lags_behind_the_feed_is_not_believed(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table
) -> None:
    text = make()
    transact(bindings.get(Feed).revoke("k", outdated(id_in(text, keys), 1)))
    consistent: list[bool] = []

    def note(service: str, operation: str, parameters: dict[str, Any]) -> None:
        if operation == "GetItem" and parameters["TableName"] == keys.name:
            consistent.append(parameters["ConsistentRead"])

    with aws.intercepted(note), pytest.raises(TokenInvalid):
        admit(text)

    assert consistent == [False, True]


def test_a_new_epoch_of_the_owner_is_read_again_and_then_refused(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table, frozen: FakeClock
) -> None:
    text = make()
    admit(text)
    transact(bindings.get(Feed).revoke("u", OWNER, min_ep=2))
    frozen.advance(seconds=9)

    with pytest.raises(TokenInvalid):
        admit(text)
    keys.update(KeyRow, key_pk(text[9:25]), MAIN, KeyRow.owner_ep.set(2), KeyRow.owner_roles.set({"user"}), bump=False)
    frozen.advance(milliseconds=AGAIN_MS)

    assert admit(text).epoch == 2


def test_a_flood_does_not_read_again_and_again_while_the_item_is_behind(
    make: Callable[..., str], call: MakeCall, bindings: Bindings, keys: Table, frozen: FakeClock
) -> None:
    text = make()
    parsed = key_text.parse(text)
    assert parsed is not None
    known = bindings.get(ApiKeys)
    known.principal(parsed, "")
    transact(bindings.get(Feed).revoke("u", OWNER, min_ep=2))
    frozen.advance(seconds=9)
    bindings.get(Feed).poll()

    with aws.metered() as meter:
        for _ in range(100):
            with pytest.raises(TokenInvalid):
                known.principal(parsed, "")

    assert meter.operations == ["GetItem"]


def rotated(text: str, keys: Table, mac: Mac) -> str:
    """The key as it is after a rotation without an overlap, which the feed has not told of yet."""
    fresh = key_text.new("live", id_in(text, keys))
    keys.update(KeyRow, key_pk(text[9:25]), MAIN, KeyRow.h1.set(code_of(mac, fresh)))
    return fresh


def test_a_key_that_is_rotated_twice_within_a_second_works_at_once(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table, frozen: FakeClock
) -> None:
    first = make()
    admit(first)
    second = rotated(first, keys, bindings.get(Mac))
    admit(second)
    third = rotated(first, keys, bindings.get(Mac))

    assert admit(third).id == id_in(first, keys)


def test_it_works_at_once_too_when_the_feed_tells_of_it_within_that_second(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table, frozen: FakeClock
) -> None:
    """The feed is asked every 8 seconds: it has not told of the first rotation, and then tells of both."""
    first = make()
    admit(first)
    frozen.advance(milliseconds=7_600)
    second = rotated(first, keys, bindings.get(Mac))
    admit(second)
    third = rotated(first, keys, bindings.get(Mac))
    transact(*(bindings.get(Feed).revoke("k", outdated(id_in(first, keys), version)) for version in (1, 2)))
    frozen.advance(milliseconds=500)

    assert admit(third).id == id_in(first, keys)
    with pytest.raises(TokenInvalid):
        admit(second)


def test_guessed_secrets_read_the_item_a_few_times_a_second_and_keep_no_good_one_out(
    make: Callable[..., str], bindings: Bindings, keys: Table, frozen: FakeClock
) -> None:
    text = make()
    known, key_id = bindings.get(ApiKeys), id_in(text, keys)

    def use(one: str) -> Principal:
        parsed = key_text.parse(one)
        assert parsed is not None
        return known.principal(parsed, "")

    use(text)
    with aws.metered() as meter:
        for _ in range(100):
            with pytest.raises(TokenInvalid):
                use(key_text.new("live", key_id))
    assert meter.operations == ["GetItem"] * WRONG_SECRETS
    fresh = rotated(text, keys, bindings.get(Mac))
    with pytest.raises(TokenInvalid):
        use(fresh)
    frozen.advance(milliseconds=AGAIN_MS)

    assert use(fresh).id == key_id


def test_a_key_of_somebody_who_is_gone_is_refused(
    make: Callable[..., str], admit: Any, bindings: Bindings, frozen: FakeClock
) -> None:
    text = make()
    admit(text)
    transact(bindings.get(Feed).revoke("u", OWNER))
    frozen.advance(seconds=9)

    with pytest.raises(TokenInvalid):
        admit(text)


def test_a_new_secret_is_good_at_once_where_the_old_one_is_remembered(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table
) -> None:
    old = make()
    admit(old)
    new = key_text.new("live", id_in(old, keys))
    keys.update(KeyRow, key_pk(old[9:25]), MAIN, KeyRow.h1.set(code_of(bindings.get(Mac), new)))

    assert admit(new).kind == "api_key"


def test_rotation_overlap_clock(make: Callable[..., str], admit: Any, bindings: Bindings, frozen: FakeClock) -> None:
    key_id = ids.new()
    old = make(key_id)
    code = code_of(bindings.get(Mac), old)
    new = make(key_id, h2=code, h2_exp=clock.millis() + 60_000)

    for text in (old, new):
        admit(text)
    frozen.advance(milliseconds=59_999)
    for text in (old, new):
        admit(text)
    frozen.advance(milliseconds=1)

    with pytest.raises(TokenInvalid):
        admit(old)
    assert admit(new).id == key_id


def test_a_key_ends_to_the_millisecond(make: Callable[..., str], admit: Any, frozen: FakeClock) -> None:
    text = make(exp=clock.millis() + 30_000)

    frozen.advance(milliseconds=29_999)
    admit(text)
    frozen.advance(milliseconds=1)

    with pytest.raises(TokenInvalid):
        admit(text)


def test_timing_compare(
    make: Callable[..., str], admit: Any, bindings: Bindings, keys: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every comparison is the library's constant-time one, over codes of one length, wherever secrets differ."""
    key_id = ids.new()
    good = make(key_id)
    admit(good)
    compared: list[tuple[int, int]] = []
    real = mac_module.hmac.compare_digest

    def watched(first: bytes, second: bytes) -> bool:
        compared.append((len(first), len(second)))
        return real(first, second)

    monkeypatch.setattr(mac_module.hmac, "compare_digest", watched)
    counts = []
    for place in (26, 47, 68):
        wrong = good[:place] + ("a" if good[place] != "a" else "b") + good[place + 1 : -6]
        compared.clear()
        with pytest.raises(TokenInvalid):
            admit(wrong + key_text.checksum(wrong), source_ip=f"203.0.113.{place}")
        counts.append(list(compared))

    assert all(lengths == (32, 32) for found in counts for lengths in found)
    assert counts[1] == counts[2] == counts[0]


def test_what_is_kept_is_a_code_of_its_own_purpose(make: Callable[..., str], keys: Table, bindings: Bindings) -> None:
    text = make()
    row = keys.get(KeyRow, key_pk(text[9:25]), MAIN)
    assert row is not None

    assert text[26:69] not in str(row.to_dynamodb_dict())
    assert row.h1 == code_of(bindings.get(Mac), text)
    assert PURPOSE not in ("cursors", "csrf", "ticket", "limits")


def test_without_the_table_nobody_is_taken_for_wrong(make: Callable[..., str], admit: Any) -> None:
    text = make()

    with failing("dynamodb", "GetItem", code="InternalServerError"), pytest.raises(Unavailable):
        admit(text)

    assert admit(text).kind == "api_key"


def test_without_the_feed_no_key_is_admitted(make: Callable[..., str], admit: Any, frozen: FakeClock) -> None:
    text = make()
    admit(text)
    frozen.advance(seconds=16)

    with failing("dynamodb", "Query", code="InternalServerError"), pytest.raises(RevocationUnknown):
        admit(text)


def test_the_other_header_is_read_only_where_the_configuration_says_so(
    make: Callable[..., str], call: MakeCall, bindings: Bindings
) -> None:
    text = make()
    aliased = Bindings({**bindings.environment, "X_API_KEY": "on"})
    reader = guard(auth.require("tasks:read"))

    found = reader.admit(call(headers=(("x-api-key", text),), within=aliased))

    assert found.credential == "key"
    with pytest.raises(CredentialsMissing):
        reader.admit(call(headers=(("x-api-key", text),)))
    for twice in ((("x-api-key", text), ("x-api-key", text)), (("x-api-key", text), ("authorization", "Bearer a"))):
        with pytest.raises(CredentialsAmbiguous):
            reader.admit(call(headers=twice, within=aliased))


def test_a_key_in_the_url_is_no_credential(make: Callable[..., str], call: MakeCall) -> None:
    text = make()

    with pytest.raises(CredentialsAmbiguous):
        guard(auth.current_user()).admit(call(query=f"access_token={text}"))
    for query in (f"api_key={text}", f"key={text}"):
        with pytest.raises(CredentialsMissing):
            guard(auth.current_user()).admit(call(query=query))


def test_a_token_is_still_a_token_and_a_key_needs_its_scheme(
    make: Callable[..., str], call: MakeCall, signer: Signer
) -> None:
    assert guard(auth.current_user()).admit(call(token=signer.token())).kind == "user"
    for scheme in ("Basic", "Token", "ApiKey", ""):
        with pytest.raises(TokenInvalid):
            guard(auth.current_user()).admit(call(headers=(("authorization", f"{scheme} {make()}"),)))


def test_an_open_connection_of_a_key_is_ended_by_the_feed(
    make: Callable[..., str], admit: Any, bindings: Bindings, frozen: FakeClock
) -> None:
    found = Principal.of_snapshot(admit(make()).snapshot())
    bindings.get(Feed).check_principal(found)
    transact(bindings.get(Feed).revoke("k", found.id))
    frozen.advance(seconds=9)

    with pytest.raises(SessionRevoked):
        bindings.get(Feed).check_principal(found)


def test_a_year_is_the_longest_that_counters_must_last() -> None:
    assert timedelta(days=SEEN_DAYS) > timedelta(days=365)
