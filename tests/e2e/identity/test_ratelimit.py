"""`ratelimit` through the front door."""


def test_what_is_made_is_listed_until_it_is_deleted(user):
    made = user.post("/ratelimit", json={"name": "First"})
    assert made.status_code == 201

    listed = user.get("/ratelimit?limit=1").json()["items"]
    assert [item["id"] for item in listed] == [made.json()["id"]]

    assert user.delete(made.headers["location"]).status_code == 204
    assert user.get(made.headers["location"]).status_code == 404


def test_another_person_is_told_nothing(people, user):
    made = user.post("/ratelimit", json={"name": "First"})

    assert people.new().get(made.headers["location"]).status_code == 404


def test_erasure_is_not_for_the_outside(user):
    assert user.post("/ratelimit/internal/erase", json={"owner_id": user.id}).status_code == 404
