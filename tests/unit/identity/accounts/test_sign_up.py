"""Signing up, confirming, and what an attacker would try with it."""

from collections.abc import Callable

import pytest

from functions.identity.accounts.actions import sign_up
from functions.identity.accounts.ports import Client, Ports
from tessera import aws, ids
from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.races import outcomes, together
from tests.kit.stores import events_in, everything_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person, internal_to

MakePerson = Callable[..., Person]
ASKED = {"email": "ann@example.com", "password": PASSWORD}


def ask(http: AppClient, **changes: object) -> str:
    answer = http.post("/accounts/sign-up", json={**ASKED, **changes})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["sign_up_id"])


def test_the_answer_does_not_tell_whether_an_address_has_an_account(http: AppClient, person: MakePerson):
    person("ann@example.com")

    known = http.post("/accounts/sign-up", json=ASKED)
    unknown = http.post("/accounts/sign-up", json={**ASKED, "email": "bob@example.com"})

    assert known.status_code == unknown.status_code == 202
    assert known.json().keys() == unknown.json().keys() == {"sign_up_id", "expires_at"}
    assert known.headers["server-timing"].partition(",")[0] == unknown.headers["server-timing"].partition(",")[0]


def test_an_owner_of_an_account_who_signs_up_again_gets_a_link_to_a_new_password(
    http: AppClient, person: MakePerson, mailbox: Mailbox
):
    ann = person("Ann@example.com")

    sign_up_id = ask(http, email="ANN@EXAMPLE.COM")

    token = mailbox.token("Ann@example.com", "already-registered")
    answer = http.post("/accounts/password/reset", json={"token": token, "password": "another evening in town"})
    assert answer.status_code == 200, answer.text
    assert http.post("/accounts/login", json={"email": ann.email, "password": PASSWORD}).status_code == 401
    for code in ("000000", "123456"):
        refused = http.post("/accounts/sign-up/verify", json={"sign_up_id": sign_up_id, "code": code})
        assert refused.json()["type"] == "/problems/code-invalid"


def test_confirming_tells_the_rest_and_leaves_no_trace_of_the_sign_up(
    http: AppClient, person: MakePerson, table: Table
):
    person()

    assert set(events_in(table)) >= {
        "accounts.user.registered.v1",
        "accounts.user.verified.v1",
        "accounts.session.created.v1",
        "audit.entry.recorded.v1",
    }
    assert not any(item["pk"]["S"].startswith("SU#") for item in everything_in(table))


def test_no_secret_is_stored_or_sent_in_clear(http: AppClient, mailbox: Mailbox, table: Table):
    ask(http)

    opened = mailbox.latest("ann@example.com", "verify-sign-up")["opened"]
    stored = str(everything_in(table))
    assert opened["code"] not in stored
    assert opened["link"].partition("=")[2] not in stored
    assert PASSWORD not in stored


@pytest.mark.asvs("6.6.3")
def test_a_code_has_five_tries_and_then_even_the_right_one_is_refused(http: AppClient, mailbox: Mailbox):
    sign_up_id = ask(http)
    right = mailbox.latest("ann@example.com", "verify-sign-up")["opened"]["code"]
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"

    slugs = [
        http.post("/accounts/sign-up/verify", json={"sign_up_id": sign_up_id, "code": code}).json()["type"]
        for code in [wrong] * 5 + [right]
    ]

    assert slugs == ["/problems/code-invalid"] * 5 + ["/problems/attempts-exhausted"]


@pytest.mark.asvs("6.6.3")
def test_many_guesses_at_once_get_five_tries_together(
    ports: Ports, client: Client, call: Call, http: AppClient, mailbox: Mailbox
):
    sign_up_id = ask(http)
    right = mailbox.latest("ann@example.com", "verify-sign-up")["opened"]["code"]
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"

    results = together(lambda: sign_up.verify_code(ports, sign_up_id, wrong, client=client, call=call), times=20)

    assert outcomes(results) == {"code-invalid": 5, "attempts-exhausted": 15}


@pytest.mark.asvs("6.4.1", "6.5.5")
def test_a_code_expires_after_a_day(http: AppClient, mailbox: Mailbox, frozen: FakeClock):
    sign_up_id = ask(http)
    code = mailbox.latest("ann@example.com", "verify-sign-up")["opened"]["code"]

    frozen.advance(hours=24)

    answer = http.post("/accounts/sign-up/verify", json={"sign_up_id": sign_up_id, "code": code})
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/code-expired")


@pytest.mark.asvs("6.4.1")
def test_a_code_works_once(http: AppClient, mailbox: Mailbox):
    sign_up_id = ask(http)
    code = mailbox.latest("ann@example.com", "verify-sign-up")["opened"]["code"]
    sent = {"sign_up_id": sign_up_id, "code": code}

    assert [http.post("/accounts/sign-up/verify", json=sent).status_code for _ in range(2)] == [201, 400]


def test_a_link_works_with_the_password_chosen_when_signing_up(http: AppClient, mailbox: Mailbox):
    ask(http)
    token = mailbox.token("ann@example.com", "verify-sign-up")

    answer = http.post("/accounts/sign-up/verify", json={"token": token, "password": PASSWORD})

    assert answer.status_code == 201, answer.text


def test_prehijack(http: AppClient, mailbox: Mailbox):
    """Somebody signs up with the victim's address and a password of their own, and waits for the victim's click."""
    ask(http, password="the attacker chose this one")
    token = mailbox.token("ann@example.com", "verify-sign-up")

    clicked = http.post("/accounts/sign-up/verify", json={"token": token, "password": "what the victim would say"})

    assert clicked.json()["type"] == "/problems/code-invalid"
    login = {"email": "ann@example.com", "password": "the attacker chose this one"}
    assert http.post("/accounts/login", json=login).status_code == 401


def test_a_pending_sign_up_does_not_hold_an_address(http: AppClient, person: MakePerson):
    ask(http, email="ann@example.com", password="somebody else was here first")

    assert person("ann@example.com").id


def test_prefetch_get_does_not_consume(http: AppClient, mailbox: Mailbox):
    """Mail scanners follow links: only a POST with what is in the link changes anything."""
    ask(http)
    token = mailbox.token("ann@example.com", "verify-sign-up")

    assert http.get("/accounts/sign-up/verify", params={"token": token}).status_code == 405
    assert http.get("/accounts/password/reset", params={"token": token}).status_code == 405

    assert http.post("/accounts/sign-up/verify", json={"token": token, "password": PASSWORD}).status_code == 201


def test_two_sign_ups_of_one_address_make_one_account(
    ports: Ports, client: Client, call: Call, http: AppClient, mailbox: Mailbox
):
    waiting = {}
    for _ in range(2):
        sign_up_id = ask(http)
        waiting[sign_up_id] = mailbox.latest("ann@example.com", "verify-sign-up")["opened"]["code"]

    results = together(
        *(
            lambda sign_up_id=sign_up_id, code=code: sign_up.verify_code(
                ports, sign_up_id, code, client=client, call=call
            )
            for sign_up_id, code in waiting.items()
        )
    )

    assert outcomes(results) == {"ok": 1, "code-invalid": 1}
    assert [ports.sign_ups.get(sign_up_id) for sign_up_id in waiting] == [None, None]


def test_another_mail_replaces_the_code(http: AppClient, mailbox: Mailbox, frozen: FakeClock):
    sign_up_id = ask(http)
    old = mailbox.token("ann@example.com", "verify-sign-up")
    frozen.advance(seconds=5)

    assert http.post("/accounts/sign-up/resend", json={"sign_up_id": sign_up_id}).status_code == 202

    new = mailbox.token("ann@example.com", "verify-sign-up")
    assert http.post("/accounts/sign-up/verify", json={"token": old, "password": PASSWORD}).status_code == 400
    assert http.post("/accounts/sign-up/verify", json={"token": new, "password": PASSWORD}).status_code == 201


def test_asking_for_another_mail_tells_nothing_of_an_unknown_id(http: AppClient):
    known = ask(http)
    unknown = known[:-4] + ("0000" if known[-4:] != "0000" else "1111")

    # The first request of a process also asks for overrides of the limits.
    http.post("/accounts/sign-up/resend", json={"sign_up_id": ids.new()})
    answers = [http.post("/accounts/sign-up/resend", json={"sign_up_id": one}) for one in (known, unknown)]

    assert {(answer.status_code, answer.text) for answer in answers} == {(202, "null")}
    costs = {answer.headers["server-timing"].partition('"')[2].partition(" req")[0] for answer in answers}
    assert len(costs) == 1


def test_an_address_gets_three_mails_an_hour_whoever_asks(http: AppClient, mailbox: Mailbox, frozen: FakeClock):
    sign_up_id = ask(http)
    for _ in range(4):
        assert http.post("/accounts/sign-up/resend", json={"sign_up_id": sign_up_id}).status_code == 202

    assert len(mailbox.all("ann@example.com")) <= 3


def test_whoever_confirms_the_configured_address_is_the_owner(person: MakePerson):
    assert person("boss@example.com").signed_in["user"]["roles"] == ["owner", "user"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"password": "short"}, "/password"),
        ({"password": "ann-is-my-name"}, None),
        ({"password": "x" * 1_025}, "/password"),
        ({"password": 5}, "/password"),
        ({"name": " "}, "/name"),
        ({"locale": "not a locale"}, "/locale"),
        ({"roles": ["owner"]}, "/roles"),
        ({"password": "a nul \u0000 in the middle"}, "/password"),
    ],
    ids=str,
)
def test_a_wrong_sign_up_is_refused_with_its_place(http: AppClient, changes: dict[str, object], pointer: str | None):
    answer = http.post("/accounts/sign-up", json={**ASKED, **changes})

    if pointer is None:
        assert answer.status_code == 202
    else:
        assert answer.status_code == 422
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_half_a_surrogate_pair_is_refused_before_anything_is_hashed(http: AppClient):
    body = b'{"email": "ann@example.com", "password": "a quiet morning \\ud800 at sea"}'

    answer = http.post("/accounts/sign-up", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422


def test_a_password_of_a_megabyte_is_refused(http: AppClient):
    assert http.post("/accounts/sign-up", json={**ASKED, "password": "x" * 1_000_001}).status_code == 413


def test_nobody_signs_up_where_it_is_closed(environment, tables, frozen):  # type: ignore[no-untyped-def]
    from .conftest import make_app

    with AppClient(make_app(environment, tables, SIGN_UP="closed")) as http:
        assert http.post("/accounts/sign-up", json=ASKED).json()["type"] == "/problems/sign-up-closed"


def closed(environment, tables, neighbours):  # type: ignore[no-untyped-def]
    from .conftest import make_app

    made = make_app(environment, tables, SIGN_UP="closed")
    made.state.bindings.replace(Internal, Internal("accounts", made.state.bindings, neighbours))
    return made


@pytest.mark.parametrize(("token", "inviter"), [("tin_a-token", "admin"), ("toi_a-token", "organisations")])
def test_an_invitation_opens_it_for_the_address_it_was_sent_to(environment, tables, frozen, neighbours, token, inviter):  # type: ignore[no-untyped-def]
    path = f"/{inviter}/internal/invited"
    neighbours.answers[path] = lambda body: (200, {"invited": body == {"token": token, "email": "ann@example.com"}})

    with AppClient(closed(environment, tables, neighbours)) as http:
        mine = http.post("/accounts/sign-up", json={**ASKED, "invite": token})
        other = http.post("/accounts/sign-up", json={**ASKED, "email": "eve@example.com", "invite": token})
        made_up = http.post("/accounts/sign-up", json={**ASKED, "invite": "txx_made-up"})
        neighbours.answers[path] = None
        unknown = http.post("/accounts/sign-up", json={**ASKED, "invite": token})

    assert [answer.status_code for answer in (mine, other, made_up, unknown)] == [202, 403, 403, 503]
    assert other.json()["type"] == made_up.json()["type"] == "/problems/sign-up-closed"
    assert neighbours.paths() == [path] * 3


def test_a_guest_comes_by_an_invitation_too(environment, tables, frozen, neighbours):  # type: ignore[no-untyped-def]
    neighbours.answers["/admin/internal/invited"] = lambda body: (200, {"invited": body["token"] == "tin_a-token"})

    with AppClient(closed(environment, tables, neighbours)) as http:
        guest = http.post("/accounts/guest", json={}).json()
        mine = {"authorization": f"Bearer {guest['access_token']}"}
        asked = [{**ASKED, "invite": "tin_a-token"}, {**ASKED, "invite": "tin_another"}, ASKED]
        answers = [http.post("/accounts/me/upgrade", json=body, headers=mine).status_code for body in asked]

    assert answers == [202, 403, 403]


def test_where_it_is_closed_a_providers_word_makes_nobody_either(  # type: ignore[no-untyped-def]
    environment, tables, frozen, neighbours, person
):
    ann, ask = person("ann@example.com"), internal_to(closed(environment, tables, neighbours))
    path, said = "/accounts/internal/identities", {"email_verified": True}

    known = ask("POST", path, {**said, "email": ann.email}, caller="oauth")
    status, refused = ask("POST", path, {**said, "email": "new@example.com", "attempt": ids.new()}, caller="oauth")
    unknown, _ = ask("POST", path, {**said, "email": "new@example.com", "create": False}, caller="oauth")

    assert known == (200, {"user_id": ann.id, "created": False})
    assert (status, refused["type"], unknown) == (403, "/problems/sign-up-closed", 404)


def test_where_it_is_open_nobody_is_asked_about_an_invitation(http: AppClient, neighbours):
    ask(http, invite="tin_whatever")

    assert neighbours.paths() == []


@pytest.mark.asvs("6.6.2")
def test_the_code_and_the_link_are_not_mixed(http: AppClient):
    answer = http.post("/accounts/sign-up/verify", json={"code": "123456", "password": PASSWORD})

    assert answer.status_code == 422


def test_without_a_signature_nobody_is_created_and_the_code_still_works(
    http: AppClient, mailbox: Mailbox, table: Table
):
    sign_up_id = ask(http)
    sent = {"sign_up_id": sign_up_id, "code": mailbox.latest("ann@example.com", "verify-sign-up")["opened"]["code"]}

    with failing("kms", "Sign", code="KMSInternalException"):
        refused = http.post("/accounts/sign-up/verify", json=sent)

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/signing-unavailable")
    assert refused.headers["retry-after"] == "1"
    assert not any(item["pk"]["S"].startswith("U#") for item in everything_in(table))
    assert http.post("/accounts/sign-up/verify", json=sent).status_code == 201


def test_a_sign_up_costs_one_read_and_one_transaction(ports: Ports, http: AppClient):
    ports.limits.decide("auth:mail:address", "mail:warm")
    with aws.metered() as meter:
        sign_up.start(ports, email="ann@example.com", password=PASSWORD, name=None, locale=None)

    # The limiter counts apart: one update for the mail.
    assert meter.operations == ["GetItem", "UpdateItem", "TransactWriteItems"]
