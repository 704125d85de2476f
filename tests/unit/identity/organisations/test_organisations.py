"""Organisations themselves."""

from datetime import timedelta

import pytest

from functions.identity.organisations.rules.organisation import MAX_ORGANISATIONS
from tessera import ids
from tests.kit.stores import everything_in


def slug_of(answer):
    return answer.json()["type"].removeprefix("/problems/")


def test_whoever_makes_an_organisation_owns_it(world, owner):
    made = owner.post("/organisations", json={"name": "Atelier", "slug": "atelier"})

    assert made.status_code == 201
    assert made.headers["location"] == f"/organisations/{made.json()['id']}"
    body = owner.get(made.headers["location"]).json()
    assert (body["name"], body["slug"], body["role"], body["status"]) == ("Atelier", "atelier", "owner", "active")
    assert body["members"] == 1 and body["delete_at"] is None


def test_an_outsider_learns_nothing_not_even_that_it_exists(world, path):
    stranger = world.somebody()

    seen, nothing = stranger.get(path), stranger.get(f"/organisations/{ids.new()}")

    assert seen.status_code == nothing.status_code == 404
    assert seen.json()["detail"] == nothing.json()["detail"]


def test_a_create_asked_twice_makes_one_organisation_and_takes_one_slot(world, owner):
    headers = {"idempotency-key": ids.new()}
    body = {"name": "Atelier", "slug": "atelier"}

    first, second = (owner.post("/organisations", json=body, headers=headers) for _ in range(2))

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() and second.headers["idempotent-replay"] == "true"
    assert len(world.ports.organisations.slots(owner.id)) == 1


def test_a_create_asked_twice_with_a_plain_key_is_answered_also_when_no_slot_is_left(world, owner):
    answers = [
        owner.post(
            "/organisations", json={"name": "One", "slug": f"one-{n}"}, headers={"idempotency-key": f"number {n}"}
        )
        for n in range(MAX_ORGANISATIONS)
    ]
    assert {answer.status_code for answer in answers} == {201}

    again = owner.post("/organisations", json={"name": "One", "slug": "one-0"}, headers={"idempotency-key": "number 0"})

    assert (again.status_code, again.json()["id"]) == (201, answers[0].json()["id"])


def test_one_person_makes_ten_organisations_and_no_more(world, owner):
    for number in range(MAX_ORGANISATIONS):
        world.organisation(owner, f"atelier-{number}")

    answer = owner.post("/organisations", json={"name": "One more", "slug": "one-more"})

    assert (answer.status_code, slug_of(answer)) == (409, "organisation-quota")


@pytest.mark.parametrize(
    "slug",
    ["atelier", "ate-lier", "ateller", "atelie-r"],
    ids=["the same", "a hyphen", "not alike", "another hyphen"],
)
def test_a_slug_that_looks_like_a_taken_one_is_taken(world, owner, atelier, slug):
    answer = world.somebody().post("/organisations", json={"name": "Another", "slug": slug})

    assert answer.status_code == (201 if slug == "ateller" else 409)
    assert slug == "ateller" or slug_of(answer) == "slug-taken"


@pytest.mark.parametrize(
    "slug",
    ["Atelier", "àtelier", "аtelier", "ate lier", "-atelier", "atelier-", "a--b", "ab", "a" * 41, "admin", "supp0rt"],
)
def test_a_slug_of_other_letters_or_of_reserved_words_is_refused(owner, slug):
    answer = owner.post("/organisations", json={"name": "Atelier", "slug": slug})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/slug"]


@pytest.mark.parametrize(
    "name",
    ["", "  ", "\u3164", "Ac\u115fme", "\u2800", "A\U000e0041", "a\u202eb", "zero\u200bwidth", "n" * 121, 7, None],
)
def test_a_name_that_cannot_be_seen_is_refused(owner, name):
    answer = owner.post("/organisations", json={"name": name, "slug": "atelier"})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/name"]


def test_what_nobody_may_choose_is_refused(owner):
    answer = owner.post("/organisations", json={"name": "A", "slug": "atelier", "id": ids.new(), "seats": 9})

    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/id", "/seats"}


def test_the_list_has_every_organisation_one_belongs_to_with_ones_role(world, owner, atelier):
    other = world.somebody()
    theirs = world.organisation(other, "workshop")
    token = world.invited(other, theirs, owner.email, "viewer")
    owner.post("/organisations/invitations/accept", json={"token": token})

    first = owner.get("/organisations?limit=1").json()
    second = owner.get(f"/organisations?limit=1&cursor={first['next']}").json()

    found = {item["id"]: item["role"] for item in (*first["items"], *second["items"])}
    assert found == {atelier: "owner", theirs: "viewer"}


def test_a_cursor_is_of_no_use_to_another_person(world, owner, atelier):
    world.organisation(owner, "workshop")
    cursor = owner.get("/organisations?limit=1").json()["next"]

    answer = world.somebody().get(f"/organisations?limit=1&cursor={cursor}")

    assert (answer.status_code, slug_of(answer)) == (400, "bad-cursor")


def test_an_admin_renames_it_with_its_etag(world, owner, atelier, path):
    admin = world.member(atelier, "admin")
    etag = admin.get(path).headers["etag"]

    changed = admin.patch(path, json={"name": "Studio"}, headers={"if-match": etag})
    stale = admin.patch(path, json={"name": "Barn"}, headers={"if-match": etag})
    without = admin.patch(path, json={"name": "Barn"})

    assert (changed.status_code, changed.json()["name"]) == (200, "Studio")
    assert (stale.status_code, without.status_code) == (412, 428)
    assert ("organisations.organisation.updated.v1", ("name",)) in [
        (kind, tuple(data.get("changed", ()))) for kind, data in world.events()
    ]


def test_counts_do_not_change_the_version_a_client_has_read(world, owner, atelier, path):
    etag = owner.get(path).headers["etag"]

    world.member(atelier)

    assert owner.get(path).headers["etag"] == etag


def test_a_new_slug_frees_nothing_for_30_days(world, owner, path):
    etag = owner.get(path).headers["etag"]
    assert owner.patch(path, json={"slug": "studio"}, headers={"if-match": etag}).status_code == 200
    other = world.somebody()

    taken = other.post("/organisations", json={"name": "A", "slug": "atelier"})
    world.time.advance(days=30, seconds=1)
    free = other.post("/organisations", json={"name": "A", "slug": "atelier"})

    assert (taken.status_code, free.status_code) == (409, 201)


def test_an_organisation_takes_its_own_old_slug_back(owner, path):
    for slug in ("studio", "atelier", "ate-lier"):
        etag = owner.get(path).headers["etag"]
        answer = owner.patch(path, json={"slug": slug}, headers={"if-match": etag})
        assert (answer.status_code, answer.json()["slug"]) == (200, slug)


def test_an_empty_change_changes_nothing(world, owner, path):
    before = owner.get(path)

    answer = owner.patch(path, json={}, headers={"if-match": before.headers["etag"]})

    assert answer.headers["etag"] == before.headers["etag"]
    assert answer.json() == before.json()


def test_a_deleted_organisation_is_gone_for_its_members_and_can_be_restored(world, owner, atelier, path):
    member = world.member(atelier)

    deleted = owner.delete(path)

    assert (deleted.status_code, deleted.json()["status"]) == (200, "deleting")
    assert member.get(path).status_code == 404
    assert member.get("/organisations").json()["items"] == []
    assert owner.get(path).json()["delete_at"] == deleted.json()["delete_at"]
    assert [item["status"] for item in owner.get("/organisations").json()["items"]] == ["deleting"]
    assert (owner.get(f"{path}/members").status_code, slug_of(owner.get(f"{path}/members"))) == (
        409,
        "organisation-deleting",
    )

    restored = owner.post(f"{path}/restore")

    assert (restored.status_code, restored.json()["status"], restored.json()["delete_at"]) == (200, "active", None)
    assert member.get(path).json()["role"] == "member"
    kinds = [kind for kind, _ in world.events()]
    assert "organisations.organisation.restored.v1" in kinds


def test_deleting_twice_and_restoring_twice_change_nothing_more(owner, path):
    first, second = owner.delete(path), owner.delete(path)
    assert first.json() == second.json() and first.headers["etag"] == second.headers["etag"]

    first, second = owner.post(f"{path}/restore"), owner.post(f"{path}/restore")
    assert first.json() == second.json() and first.headers["etag"] == second.headers["etag"]


def test_deleting_asks_for_the_second_factor_of_whoever_has_one(world, path, owner):
    world.accounts.users[owner.id]["factors"] = ["totp"]

    weak = owner.delete(path)
    owner.token = world.token(owner.id, aal=2, amr=["pwd", "otp"])
    strong = owner.delete(path)

    assert (weak.status_code, slug_of(weak)) == (401, "step-up-required")
    assert 'acr_values="aal2"' in weak.headers["www-authenticate"]
    assert strong.status_code == 200


def test_an_organisation_that_is_being_deleted_counts_for_nobody(world, owner):
    made = [world.organisation(owner, f"atelier-{number}") for number in range(MAX_ORGANISATIONS)]
    owner.delete(f"/organisations/{made[0]}")

    another = owner.post("/organisations", json={"name": "Another", "slug": "another"})
    refused = owner.post(f"/organisations/{made[0]}/restore")

    assert another.status_code == 201
    assert (refused.status_code, slug_of(refused)) == (409, "organisation-quota")


def test_after_30_days_everything_of_it_is_erased_and_nobody_restores_it(world, owner, atelier, path):
    world.member(atelier)
    owner.delete(path)
    world.time.advance(days=29)
    assert world.sweep() == 0

    world.time.advance(days=1, seconds=1)
    assert world.sweep() == 1

    assert world.accounts.erasures == [atelier]
    assert owner.get(path).status_code == owner.post(f"{path}/restore").status_code == 404
    assert owner.get("/organisations").json()["items"] == []


def test_an_erasure_is_asked_for_again_until_the_organisation_is_gone(world, owner, atelier, path):
    owner.delete(path)
    world.time.advance(days=30, seconds=1)
    world.sweep()
    assert world.sweep() == 0

    world.time.advance(hours=1, seconds=1)
    world.sweep()

    assert world.accounts.erasures == [atelier, atelier]


def test_what_became_due_before_a_restore_deletes_nothing(world, owner, path):
    owner.delete(path)
    due = [item for item in everything_in(world.served.table) if "due_sk" in item]
    owner.post(f"{path}/restore")
    world.time.advance(days=31)

    seen = {name: due[0][name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")}
    world.give({"kind": "due", "data": seen})

    assert world.accounts.erasures == []
    assert owner.get(path).json()["status"] == "active"


def test_the_audit_trail_says_who_did_what_the_newest_first(world, owner, atelier, path):
    member = world.somebody()
    token = world.invited(owner, atelier, member.email, "viewer")
    member.post("/organisations/invitations/accept", json={"token": token})
    etag = owner.get(f"{path}/members/{member.id}").headers["etag"]
    owner.patch(f"{path}/members/{member.id}", json={"role": "admin"}, headers={"if-match": etag})

    page = owner.get(f"{path}/audit?limit=2").json()
    rest = owner.get(f"{path}/audit?cursor={page['next']}&limit=2").json()

    entries = [*page["items"], *rest["items"]]
    assert [entry["action"] for entry in entries] == ["role-changed", "member-joined", "invited", "created"]
    assert [entry["actor"] for entry in entries] == [owner.id, member.id, owner.id, owner.id]
    assert entries[0]["target"] == f"user:{member.id}"
    assert entries[0]["detail"] == {"role": "admin", "before": "viewer"}
    assert member.email not in str(entries)


def test_every_audit_entry_also_goes_to_everybodys_audit_log(world, owner, atelier, path):
    entries = owner.get(f"{path}/audit").json()["items"]

    told = [data for kind, data in world.events() if kind == "audit.entry.recorded.v1"]
    assert [(data["action"], data["organisation"]) for data in told] == [("organisations.created", atelier)]
    assert [data["id"] for data in told] == [entry["id"] for entry in entries]


def test_the_seats_say_how_many_are_taken_and_promised(world, owner, atelier, path):
    world.member(atelier)
    world.invited(owner, atelier, "guest@example.com")

    assert owner.get(f"{path}/seats").json() == {"used": 2, "limit": 20, "invited": 1}


def test_the_grace_is_30_days(owner, path, world):
    deleted = owner.delete(path).json()

    found = world.ports.organisations.find(deleted["id"])
    assert found.delete_at - world.time.now() <= timedelta(days=30)
    assert found.delete_at - world.time.now() > timedelta(days=29, hours=23)


def test_a_create_asked_again_tells_nothing_to_who_is_out_by_now(world, owner):
    headers, body = {"idempotency-key": ids.new()}, {"name": "Atelier", "slug": "atelier"}
    path = owner.post("/organisations", json=body, headers=headers).headers["location"]
    heir = world.member(path.rpartition("/")[2])
    owner.post(f"{path}/transfer", json={"user_id": heir.id})
    as_admin = owner.post("/organisations", json=body, headers=headers)
    owner.post(f"{path}/leave")
    heir.patch(path, json={"name": "Secret"}, headers={"if-match": "*"})

    outside = owner.post("/organisations", json=body, headers=headers)

    assert (as_admin.status_code, as_admin.json()["role"]) == (201, "admin")
    assert (outside.status_code, slug_of(outside)) == (404, "not-found")
