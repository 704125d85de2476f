"""Invitations: sent, sent again, taken back, accepted, run out."""

import pytest

from functions.identity.organisations.actions import upkeep
from functions.identity.organisations.rules.organisation import MAX_INVITATIONS
from functions.identity.organisations.rules.tokens import parse
from tessera import ids
from tests.kit.stores import everything_in

ACCEPT = "/organisations/invitations/accept"


def slug_of(answer):
    return answer.json()["type"].removeprefix("/problems/")


def test_an_invitation_is_mailed_and_its_link_makes_a_member(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, "guest@example.com", "viewer")

    answer = guest.post(ACCEPT, json={"token": token})

    assert answer.status_code == 200
    assert (answer.json()["organisation_id"], answer.json()["role"]) == (atelier, "viewer")
    assert guest.get(path).json()["role"] == "viewer"
    assert owner.get(f"{path}/invitations").json()["items"] == []
    added = [data for kind, data in world.events() if kind == "organisations.member.added.v1"]
    assert [(data["user_id"], data["role"]) for data in added] == [(guest.id, "viewer")]


def test_the_mail_names_the_organisation_and_nobody_in_it(world, owner, atelier):
    world.member(atelier)
    world.invited(owner, atelier, "guest@example.com")

    (mail,) = world.accounts.mails

    assert mail["to"] == "guest@example.com" and mail["template"] == "organisation-invitation"
    assert mail["data"] == {"organisation": "Atelier"}
    assert list(mail["secret"]) == ["link"]
    assert mail["secret"]["link"].startswith("https://app.test/#invitation=toi_")
    assert owner.id not in str(mail) and owner.email not in str(mail)


def test_neither_the_bus_nor_the_table_holds_the_link(world, owner, atelier):
    token = world.invited(owner, atelier, "guest@example.com")

    assert token[-40:] not in str(everything_in(world.served.table))
    (body,) = world.sent
    assert set(body["detail"]["data"]) == {"organisation_id", "by", "invitation_id", "number"}


def test_the_answer_is_the_same_whether_or_not_the_address_has_an_account(world, owner, path):
    world.somebody("known@example.com")

    answers = [
        owner.post(f"{path}/invitations", json={"email": email})
        for email in ("known@example.com", "unknown@example.com")
    ]

    assert {answer.status_code for answer in answers} == {201}
    told = [{**answer.json(), "id": "", "email": "", "created_at": "", "expires_at": ""} for answer in answers]
    assert told[0] == told[1]
    costs = [answer.headers["server-timing"].partition(";app")[0].partition("req")[0] for answer in answers]
    assert costs[0] == costs[1]


def test_invitation_needs_verified_address(world, owner, atelier):
    token = world.invited(owner, atelier, "guest@example.com")
    pending, other = world.somebody("guest@example.com"), world.somebody("other@example.com")
    world.accounts.users[pending.id]["email_verified"] = False

    answers = [somebody.post(ACCEPT, json={"token": token}) for somebody in (pending, other)]

    assert [(answer.status_code, slug_of(answer)) for answer in answers] == [(403, "other-address")] * 2
    world.accounts.users[pending.id]["email_verified"] = True
    assert pending.post(ACCEPT, json={"token": token}).status_code == 200


def test_a_locked_account_accepts_nothing(world, owner, atelier):
    token = world.invited(owner, atelier, "guest@example.com")
    locked = world.somebody("guest@example.com", status="locked")

    assert slug_of(locked.post(ACCEPT, json={"token": token})) == "other-address"


@pytest.mark.parametrize("spelled", ["Guest@Example.com", "guest@EXAMPLE.com", "GUEST@example.com"])
def test_case_makes_no_other_address(world, owner, atelier, spelled):
    token = world.invited(owner, atelier, spelled)

    assert world.somebody("guest@example.com").post(ACCEPT, json={"token": token}).status_code == 200


def test_a_plus_makes_another_address(world, owner, atelier):
    token = world.invited(owner, atelier, "guest+club@example.com")

    answer = world.somebody("guest@example.com").post(ACCEPT, json={"token": token})

    assert slug_of(answer) == "other-address"


def test_a_used_link_says_so_to_whom_it_was_sent_and_nothing_to_others(world, owner, atelier):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email)
    guest.post(ACCEPT, json={"token": token})

    again, stranger = guest.post(ACCEPT, json={"token": token}), world.somebody().post(ACCEPT, json={"token": token})

    assert (again.status_code, slug_of(again)) == (409, "invitation-used")
    assert (stranger.status_code, slug_of(stranger)) == (403, "other-address")


def test_a_link_is_good_for_seven_days(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email)
    world.time.advance(days=7, seconds=1)

    before = guest.post(ACCEPT, json={"token": token})
    assert world.sweep() == 1
    after = guest.post(ACCEPT, json={"token": token})

    assert [(answer.status_code, slug_of(answer)) for answer in (before, after)] == [(410, "invitation-expired")] * 2
    assert owner.get(f"{path}/invitations").json()["items"] == []
    assert owner.get(f"{path}/seats").json()["invited"] == 0


def test_what_is_taken_back_opens_nothing(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email)
    invitation = owner.get(f"{path}/invitations").json()["items"][0]["id"]

    assert owner.delete(f"{path}/invitations/{invitation}").status_code == 204

    assert slug_of(guest.post(ACCEPT, json={"token": token})) == "invitation-expired"
    assert owner.delete(f"{path}/invitations/{invitation}").status_code == 404
    assert owner.get(f"{path}/invitations/{invitation}").status_code == 404


def test_a_closed_invitation_keeps_no_address(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    guest.post(ACCEPT, json={"token": world.invited(owner, atelier, guest.email)})
    world.invited(owner, atelier, "other@example.com")
    newest = owner.get(f"{path}/invitations").json()["items"][0]["id"]
    owner.delete(f"{path}/invitations/{newest}")

    kept = str(everything_in(world.served.table))

    assert "guest@example.com" not in kept and "other@example.com" not in kept


@pytest.mark.parametrize(
    "token",
    ["", "x", "toi_", "toi_" + "A" * 100, "a" * 161, None, 7],
    ids=["empty", "short", "prefix", "made up", "long", "null", "number"],
)
def test_what_is_no_link_of_ours_is_refused(world, token):
    answer = world.somebody().post(ACCEPT, json={"token": token})

    assert answer.status_code in (404, 422)


def test_a_link_that_was_altered_is_none_of_ours(world, owner, atelier):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email)
    other = world.organisation(world.somebody(), "workshop")
    link, code = parse(token)

    for altered in (
        token.replace(atelier, other),
        token.replace(link.invitation_id, ids.new()),
        link.text(bytes([code[0]]) + bytes(32)),
        token[:-1],
        f"{token}A",
    ):
        answer = guest.post(ACCEPT, json={"token": altered})
        assert (answer.status_code, slug_of(answer)) == (404, "not-found")
    assert guest.post(ACCEPT, json={"token": token}).status_code == 200


def test_sending_again_makes_a_new_link_and_ends_the_old_one(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    old = world.invited(owner, atelier, guest.email)
    invitation = owner.get(f"{path}/invitations").json()["items"][0]
    world.time.advance(days=5)

    again = owner.post(f"{path}/invitations/{invitation['id']}/resend")
    world.deliver()

    assert (again.status_code, again.json()["sends"]) == (202, 2)
    assert again.json()["expires_at"] > invitation["expires_at"]
    assert slug_of(guest.post(ACCEPT, json={"token": old})) == "invitation-expired"
    world.time.advance(days=5)
    assert guest.post(ACCEPT, json={"token": world.accounts.token}).status_code == 200


def test_what_became_due_before_it_was_sent_again_ends_nothing(world, owner, atelier, path):
    world.invited(owner, atelier, "guest@example.com")
    (due,) = [item for item in everything_in(world.served.table) if "due_sk" in item]
    invitation = owner.get(f"{path}/invitations").json()["items"][0]["id"]
    world.time.advance(days=6)
    owner.post(f"{path}/invitations/{invitation}/resend")
    world.time.advance(days=2)

    world.give({"kind": "due", "data": {name: due[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")}})

    assert owner.get(f"{path}/invitations/{invitation}").status_code == 200


def test_the_same_invitation_is_sent_three_times_an_hour(world, owner, atelier, path):
    world.invited(owner, atelier, "guest@example.com")
    invitation = owner.get(f"{path}/invitations").json()["items"][0]["id"]

    answers = [owner.post(f"{path}/invitations/{invitation}/resend") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202] * 3 + [429]
    assert slug_of(answers[-1]) == "rate-limited" and int(answers[-1].headers["retry-after"]) > 0


def test_an_organisation_sends_only_so_many_an_hour(world, owner, path):
    answers = [owner.post(f"{path}/invitations", json={"email": f"guest-{number}@example.com"}) for number in range(31)]

    assert {answer.status_code for answer in answers[:30]} == {201}
    assert (answers[30].status_code, slug_of(answers[30])) == (429, "rate-limited")


def test_an_event_that_comes_twice_sends_one_mail(world, owner, atelier):
    world.invited(owner, atelier, "guest@example.com")

    assert world.deliver(again=True) == 1

    assert len(world.accounts.mails) == 1


def test_a_mail_that_could_not_be_asked_for_is_asked_for_again(world, owner, path):
    owner.post(f"{path}/invitations", json={"email": "guest@example.com"})
    world.accounts.is_down = True
    with pytest.raises(AssertionError):
        world.deliver()
    assert world.accounts.mails == []

    world.accounts.is_down = False
    world.deliver(again=True)

    assert [mail["to"] for mail in world.accounts.mails] == ["guest@example.com"]


def test_an_invitation_taken_back_before_its_mail_sends_none(world, owner, path):
    made = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})
    owner.delete(made.headers["location"])

    world.deliver()

    assert world.accounts.mails == []


def test_a_member_is_not_invited_again(world, owner, atelier, path):
    member = world.member(atelier)

    answer = owner.post(f"{path}/invitations", json={"email": member.email})

    assert (answer.status_code, slug_of(answer)) == (409, "already-member")


def test_a_member_by_another_way_leaves_the_invitation_open(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email)
    guest.post(ACCEPT, json={"token": token})
    owner.post(f"{path}/invitations", json={"email": "new@example.com"})
    world.deliver()
    world.accounts.users[guest.id]["email"] = "new@example.com"

    answer = guest.post(ACCEPT, json={"token": world.accounts.token})

    assert (answer.status_code, slug_of(answer)) == (409, "already-member")
    assert len(owner.get(f"{path}/invitations").json()["items"]) == 1


def test_an_address_has_one_open_invitation(world, owner, path):
    first = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})

    second = owner.post(f"{path}/invitations", json={"email": "GUEST@example.com"})
    owner.delete(first.headers["location"])
    third = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})

    assert (second.status_code, slug_of(second)) == (409, "already-invited")
    assert third.status_code == 201


def test_another_organisation_invites_the_same_address(world, path, owner):
    owner.post(f"{path}/invitations", json={"email": "guest@example.com"})
    other = world.somebody()
    elsewhere = world.organisation(other, "workshop")

    answer = other.post(f"/organisations/{elsewhere}/invitations", json={"email": "guest@example.com"})

    assert answer.status_code == 201


def test_a_create_asked_twice_sends_one_mail(world, owner, path):
    headers = {"idempotency-key": ids.new()}

    answers = [
        owner.post(f"{path}/invitations", json={"email": "guest@example.com"}, headers=headers) for _ in range(2)
    ]
    world.deliver()

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json() and answers[1].headers["idempotent-replay"] == "true"
    assert len(world.accounts.mails) == 1


def test_a_create_asked_again_after_it_was_accepted_is_gone(world, owner, atelier, path):
    headers = {"idempotency-key": ids.new()}
    guest = world.somebody("guest@example.com")
    owner.post(f"{path}/invitations", json={"email": guest.email}, headers=headers)
    world.deliver()
    guest.post(ACCEPT, json={"token": world.accounts.token})
    owner.delete(f"{path}/members/{guest.id}")

    answer = owner.post(f"{path}/invitations", json={"email": guest.email}, headers=headers)

    assert (answer.status_code, slug_of(answer)) == (410, "gone")


def test_a_hundred_invitations_are_open_at_most(world, owner, atelier, path):
    from functions.identity.organisations.store.rows import META, OrganisationRow, organisation_pk

    count = OrganisationRow.invitations.set(MAX_INVITATIONS)
    world.served.table.update(OrganisationRow, organisation_pk(atelier), META, count, bump=False)

    answer = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})

    assert (answer.status_code, slug_of(answer)) == (409, "too-many-invitations")


def test_no_seat_is_left_for_one_more(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email)
    upkeep.set_seats(world.ports, atelier, 1, by=upkeep.MYSELF)

    full = guest.post(ACCEPT, json={"token": token})
    upkeep.set_seats(world.ports, atelier, 2, by=upkeep.MYSELF)
    free = guest.post(ACCEPT, json={"token": token})

    assert (full.status_code, slug_of(full)) == (409, "seats-exhausted")
    assert free.status_code == 200


def test_nobody_joins_an_organisation_that_is_being_deleted(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email)
    owner.delete(path)

    answer = guest.post(ACCEPT, json={"token": token})

    assert (answer.status_code, slug_of(answer)) == (404, "not-found")


@pytest.mark.parametrize(
    "email", ["guest", "guest@", "@example.com", "a b@example.com", "x" * 321, "a@b\u202e.com", "änn@example.com", 5]
)
def test_what_is_no_address_is_refused(owner, path, email):
    answer = owner.post(f"{path}/invitations", json={"email": email})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/email"]


def test_open_invitations_come_newest_first_page_by_page(world, owner, path):
    emails = [f"guest-{number}@example.com" for number in range(5)]
    for email in emails:
        owner.post(f"{path}/invitations", json={"email": email})

    first = owner.get(f"{path}/invitations?limit=3").json()
    second = owner.get(f"{path}/invitations?limit=3&cursor={first['next']}").json()

    assert [one["email"] for one in (*first["items"], *second["items"])] == emails[::-1]
    assert second["next"] is None


def test_an_invitation_is_not_found_in_another_organisation(world, owner, path):
    made = owner.post(f"{path}/invitations", json={"email": "guest@example.com"}).json()["id"]
    other = world.somebody()
    elsewhere = world.organisation(other, "workshop")

    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/resend")):
        answer = other.request(method, f"/organisations/{elsewhere}/invitations/{made}{rest}")
        assert (answer.status_code, slug_of(answer)) == (404, "not-found")


def test_accounts_away_is_no_defect_of_ours(world, owner, path):
    world.accounts.is_down = True

    answer = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})

    assert (answer.status_code, slug_of(answer)) == (503, "unavailable")


def test_what_ran_out_does_not_free_an_address_that_was_invited_anew(world, owner, atelier, path):
    world.invited(owner, atelier, "guest@example.com")
    world.time.advance(days=7, seconds=1)
    second = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})

    world.sweep()
    third = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})

    assert second.status_code == 201
    assert (third.status_code, slug_of(third)) == (409, "already-invited")


def test_what_ran_out_is_not_sent_again_beside_a_newer_one(world, owner, atelier, path):
    old = owner.post(f"{path}/invitations", json={"email": "guest@example.com"}).json()["id"]
    world.time.advance(days=7, seconds=1)
    new = owner.post(f"{path}/invitations", json={"email": "guest@example.com"}).json()["id"]

    answer = owner.post(f"{path}/invitations/{old}/resend")
    owner.delete(f"{path}/invitations/{new}")
    again = owner.post(f"{path}/invitations/{old}/resend")

    assert (answer.status_code, slug_of(answer)) == (409, "already-invited")
    assert again.status_code == 202


def test_taking_an_invitation_back_sends_nobody_more_mails_an_hour(world, owner, path):
    answers = []
    for _ in range(6):
        made = owner.post(f"{path}/invitations", json={"email": "guest@example.com"})
        answers.append(made.status_code)
        if made.status_code == 201:
            world.deliver()
            owner.delete(made.headers["location"])

    assert answers == [201] * 4 + [429] * 2
    assert len(world.accounts.mails) == 4


def test_one_person_sends_only_so_many_an_hour_from_however_many_organisations(world, owner):
    paths = [f"/organisations/{world.organisation(owner)}" for _ in range(3)]
    answers = []
    for number in range(65):
        # No faster than anybody may write at all.
        world.time.advance(milliseconds=500)
        email = f"guest-{number}@example.com"
        answers.append(owner.post(f"{paths[number % 3]}/invitations", json={"email": email}).status_code)

    # One of them has come back by then.
    assert answers == [201] * 61 + [429] * 4
