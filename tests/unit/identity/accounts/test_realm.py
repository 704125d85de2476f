"""The realm `conduit`: accounts of a weak sign-up, and the fence around them."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.actions import realm
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import RealmEmailTaken, RealmNameTaken
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import CLAIM, MAIN, ClaimRow, claim_pk, user_pk
from tessera import ids
from tessera.auth.call import Call
from tessera.outbox import Envelope
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.transact import transact
from tests.kit.clocks import FakeClock
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox

REALM = "/accounts/internal/realm"
Invoke = Callable[..., Any]


@pytest.fixture(autouse=True)
def switched_on(bindings: Bindings, ports: Ports) -> None:
    object.__setattr__(ports, "settings", ports.settings.model_copy(update={"conduit": "on"}))


@pytest.fixture
def blog(internal: Invoke) -> Invoke:
    def ask(method: str, path: str, body: Any = None) -> Any:
        return internal(method, REALM + path, body, caller="blog")

    return ask


def new(blog: Invoke, username: str = "jake", **more: str) -> dict[str, Any]:
    body = {"username": username, "email": f"{username}@example.com", "password": "password123", **more}
    status, found = blog("POST", "/users", body)
    assert status == 201, found
    made: dict[str, Any] = found
    return made


def test_an_account_is_active_at_once_with_a_token_of_one_scope(blog: Invoke, claims: Any, table: Any) -> None:
    made = new(blog)

    told = claims(made["token"])
    assert (told["scope"], told["roles"], told["exp"] - told["iat"]) == ("blog:conduit", ["conduit"], 86_400)
    assert "perms" not in told and made["is_active"] and made["realm"] == "conduit"
    row = table.get(UserRow, user_pk(made["user_id"]), MAIN)
    assert (row.realm, row.email, row.families) == ("conduit", "jake@example.com", None)


def test_names_and_addresses_are_taken_once_whatever_their_case(blog: Invoke) -> None:
    new(blog)

    for fields, pointer in (({"username": "JAKE"}, "/username"), ({"email": "Jake@Example.com"}, "/email")):
        body = {"username": "other", "email": "other@example.com", "password": "password123", **fields}
        status, found = blog("POST", "/users", body)
        assert (status, found["errors"]) == (409, [{"pointer": pointer, "detail": "has already been taken"}])


def test_of_many_who_want_one_name_or_address_one_gets_it(ports: Ports, call: Call) -> None:
    def register(username: str, email: str) -> Any:
        return realm.register(ports, username=username, email=email, password="password123", call=call)

    names = together(*(lambda n=n: register("same", f"n{n}@example.com") for n in range(4)))
    mails = together(*(lambda n=n: register(f"m{n}", "same@example.com") for n in range(4)))

    assert outcomes(names) == {"ok": 1, "realm-name-taken": 3}
    assert outcomes(mails) == {"ok": 1, "realm-email-taken": 3}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"password": "1234567"}, "/password"),
        ({"password": "x" * 129}, "/password"),
    ],
)
def test_what_the_contract_does_not_take_is_refused_by_field(blog: Invoke, fields: Any, pointer: str) -> None:
    body = {"username": "jake", "email": "j@example.com", "password": "password123", **fields}
    status, found = blog("POST", "/users", body)

    assert (status, found["errors"][0]["pointer"]) == (422, pointer)


def test_the_right_password_gives_another_token_and_a_wrong_one_nothing(blog: Invoke, claims: Any) -> None:
    made = new(blog)
    right = {"email": "JAKE@example.com", "password": "password123"}

    status, found = blog("POST", "/authenticate", right)
    assert (status, found["user_id"]) == (200, made["user_id"])
    assert claims(found["token"])["sid"] != claims(made["token"])["sid"]
    for wrong in ({"password": "password124"}, {"email": "nobody@example.com"}, {"email": "no address"}):
        assert blog("POST", "/authenticate", {**right, **wrong})[0] == 401


def test_guesses_run_out(blog: Invoke) -> None:
    new(blog)
    wrong = {"email": "jake@example.com", "password": "not the password"}

    assert {blog("POST", "/authenticate", wrong)[0] for _ in range(12)} == {401, 429}


def test_no_ordinary_sign_in_takes_an_account_of_the_realm(
    blog: Invoke, http: Any, internal: Invoke, ports: Ports
) -> None:
    made = new(blog, password="a quiet morning at sea")
    login = {"email": "jake@example.com", "password": "a quiet morning at sea"}

    assert http.post("/accounts/login", json=login).status_code == 401
    assert internal("POST", "/accounts/internal/authenticate", login, caller="sessions")[0] == 401
    assert not ports.users.get(made["user_id"]).may_sign_in


def test_who_owns_an_address_signs_up_with_it_whoever_gave_it_before(blog: Invoke, person: Any, claims: Any) -> None:
    new(blog, email="ann@example.com")

    ann = person("ann@example.com")

    assert claims(ann.signed_in["access_token"])["roles"] == ["user"]


def test_somebody_of_ours_comes_in_with_one_scope_unless_they_have_a_second_factor(
    blog: Invoke, person: Any, claims: Any, table: Any
) -> None:
    ann = person()
    login = {"email": ann.email, "password": ann.password}

    status, found = blog("POST", "/authenticate", login)
    assert (status, found["realm"], claims(found["token"])["scope"]) == (200, None, "blog:conduit")
    table.update(UserRow, user_pk(ann.id), MAIN, UserRow.mfa.set({"totp"}))
    assert blog("POST", "/authenticate", login)[0] == 401


def test_a_new_password_makes_every_token_stale_and_nothing_else_does(blog: Invoke) -> None:
    path = f"/users/{new(blog)['user_id']}/update"

    assert blog("POST", path, {"username": "jack", "email": "jack@example.com"})[1]["epoch"] == 1
    changed = blog("POST", path, {"password": "bonjour1"})[1]
    assert (changed["epoch"], changed["username"], changed["email"]) == (2, "jack", "jack@example.com")
    assert blog("POST", "/authenticate", {"email": "jack@example.com", "password": "bonjour1"})[0] == 200
    assert blog("POST", "/authenticate", {"email": "jake@example.com", "password": "bonjour1"})[0] == 401
    # The name that was given up stays theirs for a while, the address does not.
    assert new(blog, "other", email="jake@example.com")
    assert blog("POST", path, {"username": "other"})[0] == 409
    assert blog("POST", path, {"email": "jake@example.com"})[0] == 409
    assert blog("POST", path, {"username": "Jack"})[1]["username"] == "Jack"
    assert blog("POST", path, {"username": "jake"})[0] == 200


def test_two_changes_at_once_leave_what_one_of_them_said(ports: Ports, blog: Invoke) -> None:
    user_id = new(blog)["user_id"]

    def change(name: str | None, password: str | None = None) -> UserRow:
        return realm.update(ports, user_id, username=name, email=None, password=password)

    with meanwhile("TransactWriteItems", lambda: change("first")), pytest.raises(Busy):
        change("second")
    with meanwhile("TransactWriteItems", lambda: change(None, "password124")), pytest.raises(Busy):
        change(None, "password125")

    found = ports.users.get(user_id)
    assert (found.handle, int(found.ep)) == ("first", 2)


def test_what_is_held_of_an_account_is_held_to_its_last_item(ports: Ports, blog: Invoke, table: Any) -> None:
    user_id = new(blog)["user_id"]
    seen = ports.users.get(user_id)
    other = ids.new()
    for pk in ("H#jake", "E#conduit:jake@example.com"):
        table.put(ClaimRow(pk=pk, sk="CLAIM", uid=other))

    with pytest.raises((Busy, RealmNameTaken)):
        ports.realm.change(seen, handle="new", address=None, kept=None, event=_told(seen))
    address = realm._address("new@example.com")
    with pytest.raises((Busy, RealmEmailTaken)):
        ports.realm.change(seen, handle=None, address=address, kept=None, event=_told(seen))
    table.update(UserRow, user_pk(user_id), MAIN, UserRow.status.set("locked"), bump=False)
    with pytest.raises(Busy):
        ports.realm.change(seen, handle=None, address=None, kept=None, event=_told(seen))
    table.update(UserRow, user_pk(user_id), MAIN, UserRow.status.set("active"), UserRow.ep.set(7), bump=False)
    with pytest.raises(Busy):
        ports.realm.change(seen, handle=None, address=None, kept=None, event=_told(seen))
    with pytest.raises(Exception, match="condition"):
        ports.realm.create(_renamed(seen), _told(seen))


def _renamed(seen: UserRow) -> UserRow:
    """The same account under a name and an address that nobody has."""
    seen.handle, seen.email_norm = "free", "conduit:free@example.com"
    return seen


def _told(user: UserRow) -> Any:
    from functions.identity.accounts.events import UserUpdated

    return UserUpdated(user_id=user.user_id, roles=sorted(user.roles))


def test_an_ordinary_account_is_not_changed_here(blog: Invoke, person: Any) -> None:
    assert blog("POST", f"/users/{person().id}/update", {"username": "x"})[0] == 403


def test_tokens_are_minted_for_who_is_active(blog: Invoke, table: Any) -> None:
    user_id = new(blog)["user_id"]

    assert blog("POST", f"/users/{user_id}/mint", {})[1]["token"]
    table.update(UserRow, user_pk(user_id), MAIN, UserRow.status.set("locked"))
    assert blog("POST", f"/users/{user_id}/mint", {})[0] == 409
    assert blog("POST", f"/users/{user_id}/update", {"username": "x"})[0] == 409
    assert blog("POST", "/authenticate", {"email": "jake@example.com", "password": "password123"})[0] == 401
    assert blog("GET", f"/users/{user_id}")[1]["is_active"] is False
    assert blog("GET", f"/users/{ids.new()}")[0] == 404


def test_sixty_sign_ups_a_minute_come_from_one_address(ports: Ports, blog: Invoke) -> None:
    decisions = [ports.limits.decide(realm.SIGN_UPS, "ip:203.0.113.9").allowed for _ in range(61)]

    assert decisions == [True] * 60 + [False]


def test_it_is_not_there_where_it_is_off_nor_for_anybody_but_the_blog(
    blog: Invoke, internal: Invoke, ports: Ports
) -> None:
    made = new(blog)
    body = {"username": "x", "email": "x@example.com", "password": "password123"}
    assert internal("POST", f"{REALM}/users", body, caller="tasks")[0] in (403, 404)

    object.__setattr__(ports, "settings", ports.settings.model_copy(update={"conduit": "off"}))

    assert blog("POST", "/users", body)[0] == 404
    assert blog("POST", "/authenticate", {"email": "jake@example.com", "password": "password123"})[0] == 404
    assert blog("POST", f"/users/{made['user_id']}/mint", {})[0] == 404


def upgrade(http: AppClient, token: str, email: str = "jake@example.com", **more: Any) -> Any:
    body = {"email": email, "password": PASSWORD, **more}
    return http.post("/accounts/me/upgrade", json=body, headers={"authorization": f"Bearer {token}"})


def confirm(http: AppClient, asked: Any, mailbox: Mailbox, email: str = "jake@example.com") -> Any:
    assert asked.status_code == 202, asked.text
    code = mailbox.latest(email, "verify-sign-up")["opened"]["code"]
    return http.post("/accounts/sign-up/verify", json={"sign_up_id": asked.json()["sign_up_id"], "code": code})


def test_an_account_of_the_realm_becomes_a_full_one_by_its_address(
    blog: Invoke, http: AppClient, mailbox: Mailbox, table: Any, frozen: FakeClock
) -> None:
    made = new(blog)

    done = confirm(http, upgrade(http, made["token"]), mailbox)

    assert done.status_code == 201, done.text
    assert done.json()["user"]["id"] == made["user_id"] and done.json()["user"]["roles"] == ["user"]
    assert done.json()["user"]["handle"] == "jake"
    told = [Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item]
    (updated,) = (one.data for one in told if one.type == "accounts.user.updated.v1")
    assert (updated["user_id"], updated["handle"], updated["roles"]) == (made["user_id"], "jake", ["user"])
    login = {"email": "jake@example.com", "password": PASSWORD}
    assert http.post("/accounts/login", json=login).json()["user"]["id"] == made["user_id"]
    # On the facade it is an ordinary account from now on, and the weak password opens nothing any more.
    status, found = blog("POST", "/authenticate", login)
    assert (status, found["realm"], found["user_id"]) == (200, None, made["user_id"])
    assert blog("POST", "/authenticate", {**login, "password": "password123"})[0] == 401
    assert blog("POST", f"/users/{made['user_id']}/update", {"username": "x"})[0] == 403
    assert found["epoch"] == made["epoch"] + 1
    # The name stays theirs, and the address of the realm is free.
    assert blog("POST", "/users", {"username": "jake", "email": "j2@example.com", "password": "password123"})[0] == 409
    assert new(blog, "jill", email="jake@example.com")["realm"] == "conduit"
    frozen.advance(seconds=9)
    assert upgrade(http, made["token"]).json()["type"] == "/problems/token-stale"


def test_a_token_of_before_a_new_password_makes_no_full_account(
    blog: Invoke, http: AppClient, mailbox: Mailbox
) -> None:
    made = new(blog)
    asked = upgrade(http, made["token"], "thief@example.com")
    assert blog("POST", f"/users/{made['user_id']}/update", {"password": "password456"})[0] == 200

    assert upgrade(http, made["token"]).json()["type"] == "/problems/token-stale"
    late = confirm(http, asked, mailbox, "thief@example.com")

    assert (late.status_code, late.json()["type"]) == (400, "/problems/code-invalid")


def test_of_two_upgrades_of_an_account_of_the_realm_one_is_made(
    blog: Invoke, http: AppClient, mailbox: Mailbox
) -> None:
    made = new(blog)
    addresses = ("a1@example.com", "a2@example.com")
    asked = [upgrade(http, made["token"], email) for email in addresses]

    answers = [confirm(http, one, mailbox, email) for one, email in zip(asked, addresses, strict=True)]

    assert [one.status_code for one in answers] == [201, 400]


def test_an_address_that_somebody_has_confirmed_stays_theirs(
    blog: Invoke, http: AppClient, mailbox: Mailbox, person: Any
) -> None:
    made = new(blog)
    asked = upgrade(http, made["token"], "late@example.com")
    ann = person("late@example.com")

    answer = confirm(http, asked, mailbox, "late@example.com")

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/code-invalid")
    assert upgrade(http, made["token"], ann.email).status_code == 202
    assert mailbox.latest(ann.email, "already-registered")


def test_an_account_that_changes_while_it_becomes_a_full_one_is_left_alone(
    ports: Ports, blog: Invoke, table: Any
) -> None:
    user_id = new(blog)["user_id"]
    new(blog, "other")

    def becoming(**seen: Any) -> None:
        before, row = ports.users.get(user_id), ports.users.get(user_id)
        row.email, row.email_norm, row.realm = "free@example.com", "free@example.com", None
        for name, value in seen.items():
            setattr(before, name, value)
        transact(*ports.realm.upgrading(before, row, _told(row), taken=KeyError()))

    others = "conduit:other@example.com"
    for seen in ({"ep": 7}, {"version": 7}, {"email_norm": "conduit:nobody@example.com"}, {"email_norm": others}):
        with pytest.raises(Busy):
            becoming(**seen)
    table.update(UserRow, user_pk(user_id), MAIN, UserRow.status.set("locked"), bump=False)
    with pytest.raises(Busy):
        becoming()
    table.update(UserRow, user_pk(user_id), MAIN, UserRow.status.set("active"), bump=False)
    claim = ClaimRow(pk=claim_pk("free@example.com"), sk=CLAIM, uid=ids.new())
    table.put(claim)
    with pytest.raises(KeyError):
        becoming()
    table.delete(ClaimRow, claim.pk, CLAIM)

    becoming()

    assert ports.users.get(user_id).realm is None and ports.users.claim_of("conduit:jake@example.com") is None
