"""Whose account an identity opens, and who has to agree to that."""

from typing import Any

import pytest

from functions.identity.oauth.actions import identities as actions
from functions.identity.oauth.rules.problems import IdentityTaken
from functions.identity.oauth.store.identities import MAX_IDENTITIES, Somebody
from tessera import clock, ids
from tessera.transact import transact
from tests.kit.stores import envelopes_in, events_in
from tests.unit.identity.oauth.conftest import Browser, World, fragment, query

FALSY: list[Any] = [False, "false", 0, None, "", "0", "no", "True", "TRUE", 1, "1", [], [True], {}, "absent"]


@pytest.mark.parametrize("flag", FALSY, ids=repr)
def test_email_verified_falsy_table(world: World, flag: Any) -> None:
    """Whatever is not truth itself neither links nor makes an account, also where linking needs no question."""
    world.change(link_policy="auto_verified", trust_email=True)
    victim = world.neighbours.user("ada@idp.example")
    browser = world.browser()
    # A claim that is None is left out, so null itself has to come from userinfo.
    world.idp.faults.update({"thin": True, "userinfo_claims": {"email": "ada@idp.example", "email_verified": flag}})
    if flag == "absent":
        world.idp.faults.update({"claims": {"email": "ada@idp.example"}})

    gained = browser.gain()

    assert gained["status"] == "email_required"
    assert world.identity_of(victim) == []
    assert list(world.neighbours.users) == [victim]


@pytest.mark.parametrize("flag", [True, "true"], ids=repr)
def test_truth_itself_links_where_the_provider_is_trusted(world: World, flag: Any) -> None:
    world.change(link_policy="auto_verified", trust_email=True)
    known = world.neighbours.user("Ada@IdP.example")
    world.idp.faults["claims"] = {"email_verified": flag}

    gained = world.browser().gain()

    assert gained["access_token"] == f"access-of-{known}"
    assert len(world.identity_of(known)) == 1


@pytest.mark.parametrize("role", ["support", "admin", "owner", "bookkeeper"])
def test_staff_are_asked_first_whatever_the_provider_is_trusted_with(world: World, role: str) -> None:
    """Whoever may set a provider up could have it name the address of somebody of higher rank."""
    world.change(link_policy="auto_verified", trust_email=True)
    boss = world.neighbours.user("Ada@IdP.example", roles=["user", role])

    gained = world.browser().gain()

    assert gained["status"] == "link_required"
    assert world.identity_of(boss) == []


def test_a_verification_of_one_address_counts_for_no_other(world: World) -> None:
    """The id token names an address and says nothing of it; userinfo verifies another one."""
    victim = world.neighbours.user("victim@idp.example")
    world.idp.faults.update({"thin": True, "claims": {"email": "victim@idp.example"}})

    assert world.browser().gain()["status"] == "email_required"
    world.idp.faults.update({"claims": {"email_verified": True}})
    world.idp.faults["userinfo_claims"] = {"email": "victim@idp.example", "email_verified": None}
    assert world.browser().gain()["status"] == "email_required"
    assert world.identity_of(victim) == []


@pytest.mark.parametrize("policy", ["confirm", "auto_verified", "never"])
def test_prehijack_oauth(world: World, policy: str) -> None:
    """Somebody holds an account with the address of another person, who then comes with the provider.

    The owner of the address must not end up in that account without having shown that it is theirs, and whoever
    made it must not keep a way into what the owner does.
    """
    world.change(link_policy=policy, trust_email=False)
    attacker = world.neighbours.user("ada@idp.example")

    ended = world.browser().sign_in()

    assert world.identity_of(attacker) == []
    if policy == "never":
        assert ended == {"error": "email-taken"}
        return
    assert ended["status"] == "link_required"
    ticket = world.browser().exchange(ended["code"]).json()["link_ticket"]
    other = world.neighbours.user("mallory@attacker.example")
    for headers in ({}, world.token(other)):
        answer = world.browser().http.post("/oauth/link/confirm", json={"link_ticket": ticket}, headers=headers)
        assert answer.status_code in (401, 403)
    assert world.identity_of(attacker) == [] and world.identity_of(other) == []


def test_an_unverified_address_makes_no_account_that_its_owner_would_find_taken(world: World, browser: Browser) -> None:
    assert browser.gain(person="unverified")["status"] == "email_required"

    assert world.neighbours.by_email("una@idp.example") is None


def test_who_proves_the_account_links_it_and_comes_in_by_the_provider_from_then_on(
    world: World, browser: Browser
) -> None:
    known = world.neighbours.user("ada@idp.example")
    asked = browser.gain()
    assert asked["status"] == "link_required"
    assert (asked["provider"], asked["email_hint"]) == ("idp", "a…@idp.example")

    linked = browser.http.post(
        "/oauth/link/confirm", json={"link_ticket": asked["link_ticket"]}, headers=world.token(known)
    )

    assert linked.status_code == 201 and linked.json()["label"] == "a…@idp.example"
    assert {"oauth.identity.linked.v1", "audit.entry.recorded.v1"} <= set(events_in(world.table))
    assert browser.gain()["access_token"] == f"access-of-{known}"


def test_a_ticket_is_good_once_for_ten_minutes_and_for_one_account(world: World, browser: Browser) -> None:
    known, other = world.neighbours.user("ada@idp.example"), world.neighbours.user("bob@example.com")
    tickets = [browser.gain()["link_ticket"] for _ in range(3)]

    def confirm(ticket: str, user_id: str) -> str:
        answer = browser.http.post("/oauth/link/confirm", json={"link_ticket": ticket}, headers=world.token(user_id))
        return str(answer.json().get("type", answer.status_code))

    assert confirm(tickets[0], other) == "/problems/other-account"
    assert confirm(tickets[0], known) == "201"
    assert confirm(tickets[0], known) == "/problems/ticket-invalid"
    # The identity is linked by now, whichever ticket comes.
    assert confirm(tickets[1], known) == "/problems/identity-taken"
    world.clock.advance(minutes=11)
    assert confirm(tickets[2], known) == "/problems/ticket-invalid"


def test_a_ticket_is_no_code_and_a_code_no_ticket(world: World, browser: Browser) -> None:
    known = world.neighbours.user("ada@idp.example")
    code = browser.sign_in()["code"]

    refused = browser.http.post("/oauth/link/confirm", json={"link_ticket": code}, headers=world.token(known))
    assert refused.json()["type"] == "/problems/ticket-invalid"
    ticket = browser.exchange(code).json()["link_ticket"]
    assert browser.exchange(ticket).json()["type"] == "/problems/exchange-invalid"


def test_confirming_needs_a_sign_in_of_just_now(world: World, browser: Browser) -> None:
    known = world.neighbours.user("ada@idp.example")
    ticket = browser.gain()["link_ticket"]
    old = int(clock.now().timestamp()) - 301

    answer = browser.http.post(
        "/oauth/link/confirm", json={"link_ticket": ticket}, headers=world.token(known, auth_time=old)
    )

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/step-up-required")


def test_a_closed_sign_up_lets_in_who_has_an_account(world: World) -> None:
    world.change(allow_sign_up=False)
    browser = world.browser()

    assert browser.sign_in() == {"error": "sign-up-closed"}
    world.neighbours.user("ada@idp.example")
    assert browser.sign_in()["status"] == "link_required"


def test_a_sign_up_that_is_closed_altogether_is_told(world: World, browser: Browser) -> None:
    world.neighbours.sign_up_closed = True

    assert browser.sign_in() == {"error": "sign-up-closed"}


def test_linking_adds_a_provider_to_the_account_that_began(world: World, browser: Browser) -> None:
    me = world.neighbours.user("me@example.com")

    ended = browser.sign_in(mode="link", headers=world.token(me))

    assert ended["status"] == "linked"
    linked = browser.exchange(ended["code"]).json()
    assert (linked["status"], linked["provider"]) == ("linked", "idp")
    assert [row.sk for row in world.identity_of(me)] == [f"I#{linked['identity_id']}"]
    assert world.neighbours.by_email("ada@idp.example") is None
    assert browser.gain()["access_token"] == f"access-of-{me}"


@pytest.mark.parametrize("way", ["newcomer", "trusted", "confirmed", "begun"])
def test_every_link_is_on_record_and_so_is_its_end(world: World, way: str) -> None:
    world.change(link_policy="auto_verified" if way == "trusted" else "confirm", trust_email=True)
    browser = world.browser()
    me = world.neighbours.user("ada@idp.example") if way != "newcomer" else ""
    if way == "begun":
        browser.sign_in(mode="link", headers=world.token(me))
    else:
        gained = browser.gain()
        me = me or world.neighbours.by_email("ada@idp.example") or ""
    if way == "confirmed":
        sent = {"link_ticket": gained["link_ticket"]}
        assert browser.http.post("/oauth/link/confirm", json=sent, headers=world.token(me)).status_code == 201

    assert on_record(world) == [("oauth.linked", me, me)]
    world.neighbours.users[me]["has_password"] = True
    (row,) = world.identity_of(me)
    assert unlink(world, me, row.sk.removeprefix("I#")).status_code == 204
    assert on_record(world) == [("oauth.linked", me, me), ("oauth.unlinked", me, me)]


def on_record(world: World) -> list[tuple[str, str, str]]:
    """What was done, to whom and by whom, in the order of the words."""
    entries = [one.data for one in envelopes_in(world.table) if one.type == "audit.entry.recorded.v1"]
    return sorted((entry["action"], entry["target"]["id"], entry["actor"]["id"]) for entry in entries)


def test_linking_again_changes_nothing(world: World, browser: Browser) -> None:
    me = world.neighbours.user("me@example.com")
    first = browser.sign_in(mode="link", headers=world.token(me))

    second = browser.sign_in(mode="link", headers=world.token(me))

    assert browser.exchange(first["code"]).json() == browser.exchange(second["code"]).json()
    assert len(world.identity_of(me)) == 1
    assert on_record(world) == [("oauth.linked", me, me)]


def test_an_identity_of_somebody_else_cannot_be_linked(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.user("me@example.com")

    assert browser.sign_in(mode="link", headers=world.token(me)) == {"error": "identity-taken"}


def test_a_link_begun_elsewhere_does_not_end_in_this_browser(world: World, browser: Browser) -> None:
    """An attacker begins to link their own account and has a victim sign in at the provider."""
    attacker = world.neighbours.user("mallory@attacker.example")
    lure = world.browser().begin(mode="link", headers=world.token(attacker))

    answer = browser.come_back(browser.choose(lure))

    assert answer.status_code == 400
    assert world.identity_of(attacker) == []


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"auth_time": 1}, "step-up-required"),
        ({"act": {"sub": ids.new(), "sid": "x", "write": True}}, "impersonation-forbidden"),
        ({"act": {"sub": ids.new(), "sid": "x"}}, "impersonation-forbidden"),
        ({"org": ids.new(), "org_role": "owner"}, "insufficient-scope"),
        ({"roles": ["guest"]}, "insufficient-scope"),
        ({"scope": "tasks:read"}, "insufficient-scope"),
    ],
    ids=["stale", "impersonated, writing", "impersonated", "for an organisation", "guest", "narrower"],
)
def test_only_a_person_themselves_begins_to_link(
    world: World, browser: Browser, claims: dict[str, Any], told: str
) -> None:
    me = world.neighbours.user("me@example.com")

    answer = browser.start(mode="link", headers=world.token(me, **claims))

    assert answer.json()["type"] == f"/problems/{told}"


def test_nobody_links_without_being_signed_in(browser: Browser) -> None:
    assert browser.start(mode="link").json()["type"] == "/problems/credentials-missing"
    stale = {"authorization": "Bearer x.y.z"}
    assert browser.start(mode="link", headers=stale).json()["type"] == "/problems/token-invalid"
    # Who signs in may have a credential left that is good no more.
    assert browser.start(headers=stale).status_code == 200


def test_identities_are_listed_to_their_owner_alone(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example") or ""

    listed = browser.http.get("/oauth/identities", headers=world.token(me)).json()["items"]

    assert [(one["provider"], one["label"]) for one in listed] == [("idp", "a…@idp.example")]
    assert "sub" not in listed[0] and "ada@idp.example" not in str(listed)
    assert browser.http.get("/oauth/identities", headers=world.token(ids.new())).json() == {"items": []}
    assert browser.http.get("/oauth/identities").status_code == 401


def unlink(world: World, user_id: str, identity_id: str, **claims: Any) -> Any:
    path = f"/oauth/identities/{identity_id}"
    return world.browser().http.delete(path, headers=world.token(user_id, **claims))


def test_the_last_way_in_stays(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example") or ""
    (identity,) = browser.http.get("/oauth/identities", headers=world.token(me)).json()["items"]

    assert unlink(world, me, identity["id"]).json()["type"] == "/problems/last-sign-in-method"
    world.neighbours.users[me]["has_password"] = True
    assert unlink(world, me, identity["id"]).status_code == 204
    assert world.identity_of(me) == [] and "oauth.identity.unlinked.v1" in events_in(world.table)
    assert unlink(world, me, identity["id"]).status_code == 404


@pytest.mark.parametrize("other_way", [{"factors": ["passkey"]}, {"has_password": True}], ids=str)
def test_another_way_in_lets_the_last_identity_go(world: World, browser: Browser, other_way: dict[str, Any]) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example") or ""
    (row,) = world.identity_of(me)
    world.neighbours.users[me].update(other_way)

    assert unlink(world, me, row.sk.removeprefix("I#"), aal=2).status_code == 204


def test_who_has_a_second_factor_shows_it_before_unlinking(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example") or ""
    (row,) = world.identity_of(me)
    world.neighbours.users[me].update(factors=["totp"], has_password=True)

    assert unlink(world, me, row.sk.removeprefix("I#")).json()["type"] == "/problems/step-up-required"
    assert unlink(world, me, row.sk.removeprefix("I#"), aal=2).status_code == 204


def test_what_belongs_to_another_cannot_be_unlinked(world: World, browser: Browser) -> None:
    browser.gain()
    (row,) = world.identity_of(world.neighbours.by_email("ada@idp.example") or "")
    other = world.neighbours.user("bob@example.com")

    assert unlink(world, other, row.sk.removeprefix("I#")).status_code == 404
    assert unlink(world, other, row.sk.removeprefix("I#"), auth_time=1).status_code == 401


def test_an_identity_that_was_unlinked_may_be_linked_anew(world: World, browser: Browser) -> None:
    browser.gain()
    me = world.neighbours.by_email("ada@idp.example") or ""
    world.neighbours.users[me]["has_password"] = True
    (row,) = world.identity_of(me)
    assert unlink(world, me, row.sk.removeprefix("I#")).status_code == 204

    # Its address has an account now, so its owner is asked; and somebody else may link it.
    assert browser.gain()["status"] == "link_required"
    other = world.neighbours.user("bob@example.com")
    assert (
        fragment(browser.come_back(browser.choose(browser.begin(mode="link", headers=world.token(other)))))["status"]
        == "linked"
    )


def test_there_is_room_for_twenty_identities(world: World) -> None:
    me, store = ids.new(), world.ports().identities
    for number in range(MAX_IDENTITIES):
        who = Somebody(f"p{number}", "k", "s", "label")
        transact(*store.linking(who, me, sealed=None)[1])

    assert len(actions.list_identities(world.ports(), me)) == MAX_IDENTITIES
    with pytest.raises(Exception, match="Unlink one first"):
        transact(*store.linking(Somebody("one-more", "k", "s", "label"), me, sealed=None)[1])
    with pytest.raises(IdentityTaken):
        transact(*store.linking(Somebody("p0", "k", "s", "label"), ids.new(), sealed=None)[1])


def test_the_state_of_a_link_is_bound_to_who_began(world: World, browser: Browser) -> None:
    me = world.neighbours.user("me@example.com")
    callback = browser.choose(browser.begin(mode="link", headers=world.token(me)))
    world.neighbours.users[me]["status"] = "locked"

    assert fragment(browser.come_back(callback)) == {"error": "login-failed"}
    assert query(callback)["code"] and world.identity_of(me) == []
