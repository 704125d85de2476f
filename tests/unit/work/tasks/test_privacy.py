"""What an owner of tasks is told of themselves, and that nothing of them is left."""

from functions.work.tasks.app import handler
from tests.kit.privacy import told_then_gone


def test_everything_of_an_owner_is_told_and_then_gone(alice, person, table, deliveries):
    bob = person()
    for each in (alice, bob):
        each.post("/tasks/lists", json={"name": "Mine"})
        parent = each.post("/tasks", json={"title": "Secret plan", "tags": ["home"], "due_date": "2030-03-20"}).json()
        # Something put below it takes the event off the item, as on AWS, where the stream has it by then.
        deliveries.follow()
        each.post("/tasks", json={"title": "Step", "parent_id": parent["id"], "remind_at": ["2030-03-19T10:00:00Z"]})
        gone = each.post("/tasks", json={"title": "Trashed"}).json()
        each.delete(f"/tasks/{gone['id']}")
        each.post("/tasks/views", json={"name": "Soon", "filter": {"tag": "home"}})
        each.post("/tasks/feed", json={})
        each.post("/tasks/import", json={"format": "csv", "content": "title\nBread"})
    deliveries.follow()

    told = told_then_gone(
        "tasks",
        handler,
        table,
        alice.id,
        unsaid={
            "U#{user}|P#*": "words of a task, to take them back by",
            "K#{user}#*|*": "words of their tasks",
            "U#{user}|X#*": "the tags of a task, which it is told with",
            "U#{user}|C#*": "where a step stands, which it is told with",
            "U#{user}|R#*": "a reminder of a task, which it is told with",
            "U#{user}|G#*": "how many tasks have a tag",
            "ICS#*|MAIN": "whose the token of a feed is",
        },
    )

    assert sorted(one["title"] for one in told["task"]) == ["Secret plan", "Step", "Trashed"]
    assert told["view"][0]["filter"] == {"tag": "home"} and {one["name"] for one in told["list"]} == {"Inbox", "Mine"}
    assert len(bob.get("/tasks").json()["items"]) == 2
