"""Who belongs, with which role, and who is out."""

import pytest

from tessera import auth, ids
from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.auth.problems import TokenStale
from tessera.settings import Bindings
from tests.kit.tokens import ISSUER


def slug_of(answer):
    return answer.json()["type"].removeprefix("/problems/")


def assign(by, path, user_id, role):
    etag = by.get(f"{path}/members/{user_id}").headers.get("etag", '"v1"')
    return by.patch(f"{path}/members/{user_id}", json={"role": role}, headers={"if-match": etag})


@pytest.fixture
def elsewhere(world):
    """Another capability's guard on the same revocation feed, in a process of its own."""
    ours = world.bindings.environment
    other = Bindings({**ours, "CAPABILITY": "tasks", "TABLE": "none", "ISSUER": ISSUER})
    other.replace(Internal, Internal("tasks", other, world.accounts))
    guard = auth.require("tasks:read").dependency

    def asked(token):
        headers = (("authorization", f"Bearer {token}"),)
        return guard.admit(Call("GET", "/tasks", headers, "", "203.0.113.9", True, None, other, ids.new()))

    return asked


def test_members_are_listed_with_their_roles_page_by_page(world, owner, atelier, path):
    people = {owner.id: "owner"} | {world.member(atelier, role).id: role for role in ("admin", "viewer")}

    found, cursor = {}, ""
    while cursor is not None:
        page = owner.get(f"{path}/members?limit=2{cursor and f'&cursor={cursor}'}").json()
        found |= {member["user_id"]: member["role"] for member in page["items"]}
        cursor = page["next"]

    assert found == people


def test_every_member_sees_the_others_and_no_address(world, owner, atelier, path):
    viewer = world.member(atelier, "viewer")

    answer = viewer.get(f"{path}/members")

    assert answer.status_code == 200 and len(answer.json()["items"]) == 2
    assert "@" not in answer.text


def test_a_member_who_got_another_role_since_is_not_removed(world, owner, atelier, path):
    one = f"{path}/members/{world.member(atelier).id}"
    read = owner.get(one).headers["etag"]
    now = owner.patch(one, json={"role": "viewer"}, headers={"if-match": read}).headers["etag"]

    kept = owner.delete(one, headers={"if-match": read})
    gone = owner.delete(one, headers={"if-match": now})

    assert (kept.status_code, gone.status_code) == (412, 204)


def test_a_role_is_changed_with_the_members_etag(world, owner, atelier, path):
    member = world.member(atelier)
    etag = owner.get(f"{path}/members/{member.id}").headers["etag"]

    changed = owner.patch(f"{path}/members/{member.id}", json={"role": "viewer"}, headers={"if-match": etag})
    stale = owner.patch(f"{path}/members/{member.id}", json={"role": "admin"}, headers={"if-match": etag})
    without = owner.patch(f"{path}/members/{member.id}", json={"role": "admin"})

    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert (stale.status_code, without.status_code) == (412, 428)
    assert ("organisations.member.role_changed.v1", "viewer", "member") in [
        (kind, data.get("role"), data.get("before")) for kind, data in world.events()
    ]


def test_a_role_that_nobody_knows_is_refused(world, owner, atelier, path):
    member = world.member(atelier)

    answer = assign(owner, path, member.id, "archivist")

    assert (answer.status_code, slug_of(answer)) == (409, "role-unknown")
    assert owner.get(f"{path}/members/{member.id}").json()["role"] == "member"


def test_an_admin_touches_no_owner_and_makes_none(world, owner, atelier, path):
    admin, member = world.member(atelier, "admin"), world.member(atelier)

    answers = [
        assign(admin, path, owner.id, "member"),
        admin.delete(f"{path}/members/{owner.id}"),
        assign(admin, path, member.id, "owner"),
        assign(admin, path, admin.id, "owner"),
        admin.post(f"{path}/invitations", json={"email": "new@example.com", "role": "owner"}),
    ]

    assert [(answer.status_code, slug_of(answer)) for answer in answers] == [(403, "owners-only")] * 5


def test_an_admin_does_to_admins_and_members_what_an_owner_does(world, owner, atelier, path):
    admin, other, member = (world.member(atelier, role) for role in ("admin", "admin", "member"))

    assert assign(admin, path, member.id, "viewer").status_code == 200
    assert assign(admin, path, other.id, "member").status_code == 200
    assert admin.delete(f"{path}/members/{other.id}").status_code == 204


def test_somebody_who_is_no_member_is_not_found(world, owner, path):
    stranger = world.somebody()

    for answer in (
        owner.get(f"{path}/members/{stranger.id}"),
        assign(owner, path, stranger.id, "admin"),
        owner.delete(f"{path}/members/{stranger.id}"),
        owner.post(f"{path}/transfer", json={"user_id": stranger.id}),
    ):
        assert (answer.status_code, slug_of(answer)) == (404, "not-found")


def test_last_owner_never_leaves(world, owner, atelier, path):
    world.member(atelier, "admin")

    answers = [
        owner.post(f"{path}/leave"),
        owner.delete(f"{path}/members/{owner.id}"),
        assign(owner, path, owner.id, "admin"),
    ]

    assert [(answer.status_code, slug_of(answer)) for answer in answers] == [(409, "last-owner")] * 3
    assert owner.get(path).json()["role"] == "owner"


def test_an_owner_leaves_when_there_is_another(world, owner, atelier, path):
    other = world.member(atelier, "owner")

    assert owner.post(f"{path}/leave").status_code == 204

    assert owner.get(path).status_code == 404
    assert slug_of(other.post(f"{path}/leave")) == "last-owner"


def test_whoever_leaves_frees_a_seat(world, owner, atelier, path):
    member = world.member(atelier)
    assert owner.get(f"{path}/seats").json()["used"] == 2

    assert member.post(f"{path}/leave").status_code == 204

    assert owner.get(f"{path}/seats").json()["used"] == 1
    assert [data["user_id"] for kind, data in world.events() if kind == "organisations.member.removed.v1"] == [
        member.id
    ]


def test_a_transfer_swaps_the_owner_and_leaves_an_admin(world, owner, atelier, path):
    heir = world.member(atelier, "viewer")

    answer = owner.post(f"{path}/transfer", json={"user_id": heir.id})

    assert (answer.status_code, answer.json()["role"]) == (200, "owner")
    assert owner.get(path).json()["role"] == "admin"
    assert slug_of(heir.post(f"{path}/leave")) == "last-owner"
    assert world.accounts.asked.count(f"GET /users/{owner.id}/state") == 1


def test_a_transfer_to_another_owner_is_stepping_down(world, owner, atelier, path):
    other = world.member(atelier, "owner")

    assert owner.post(f"{path}/transfer", json={"user_id": other.id}).status_code == 200

    assert owner.get(path).json()["role"] == "admin"
    assert slug_of(other.post(f"{path}/leave")) == "last-owner"


def test_a_transfer_to_oneself_is_refused(owner, path):
    answer = owner.post(f"{path}/transfer", json={"user_id": owner.id})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/user_id")


def test_a_transfer_by_somebody_locked_this_moment_is_refused(world, owner, atelier, path):
    heir = world.member(atelier)
    world.accounts.users[owner.id]["status"] = "locked"

    answer = owner.post(f"{path}/transfer", json={"user_id": heir.id})

    assert (answer.status_code, slug_of(answer)) == (401, "session-revoked")
    assert owner.get(path).json()["role"] == "owner"


def test_removed_member_out_in_15s(world, owner, atelier, path, elsewhere):
    member = world.member(atelier)
    token = world.acting(member, atelier, "member").token
    assert elsewhere(token).owner_id == atelier

    assert owner.delete(f"{path}/members/{member.id}").status_code == 204

    world.time.advance(seconds=15)
    with pytest.raises(TokenStale):
        elsewhere(token)
    # The organisation itself does not wait for the feed.
    assert world.acting(member, atelier, "member").get(path).status_code == 404


def test_the_tokens_of_the_others_stay_good(world, owner, atelier, path, elsewhere):
    member, other = world.member(atelier), world.member(atelier)
    token = world.acting(other, atelier, "member").token
    elsewhere(token)

    owner.delete(f"{path}/members/{member.id}")
    world.time.advance(seconds=15)

    assert elsewhere(token).owner_id == atelier


def test_a_demoted_members_token_is_stale_and_the_next_one_is_good(world, owner, atelier, path, elsewhere):
    member = world.member(atelier)
    old = world.acting(member, atelier, "member").token
    elsewhere(old)

    assign(owner, path, member.id, "viewer")
    world.time.advance(seconds=15)

    with pytest.raises(TokenStale):
        elsewhere(old)
    assert not elsewhere(world.acting(member, atelier, "viewer").token).can("tasks:write")


def test_somebody_invited_again_acts_for_the_organisation_at_once(world, owner, atelier, path, elsewhere):
    member = world.member(atelier)
    old = world.acting(member, atelier, "member").token
    owner.delete(f"{path}/members/{member.id}")
    token = world.invited(owner, atelier, member.email)
    assert member.post("/organisations/invitations/accept", json={"token": token}).status_code == 200
    world.time.advance(seconds=9)

    assert elsewhere(world.acting(member, atelier, "member").token).owner_id == atelier
    with pytest.raises(TokenStale):
        elsewhere(old)


def test_every_token_for_a_deleted_organisation_ends_and_starts_anew_when_it_is_restored(
    world, owner, atelier, path, elsewhere
):
    member = world.member(atelier)
    old = world.acting(member, atelier, "member").token
    elsewhere(old)

    owner.delete(path)
    world.time.advance(seconds=15)
    with pytest.raises(TokenStale):
        elsewhere(old)

    owner.post(f"{path}/restore")
    assert elsewhere(world.acting(member, atelier, "member").token).owner_id == atelier
    with pytest.raises(TokenStale):
        elsewhere(old)


def test_a_change_that_changes_nothing_ends_no_token(world, owner, atelier, path, elsewhere):
    member = world.member(atelier)
    token = world.acting(member, atelier, "member").token

    assert assign(owner, path, member.id, "member").status_code == 200
    world.time.advance(seconds=15)

    assert elsewhere(token).owner_id == atelier
