"""An event leaves its item by itself: nobody asks relay for anything."""

import secrets

from tests.kit.people import eventually


def test_a_change_is_relayed_to_its_consumer_on_the_same_trace(people, user):
    trace = secrets.token_hex(16)
    user.post("/tasks", json={"title": "relayed"}, headers={"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"})

    def steps():
        answer = people.client().get(f"/traces/{trace}", headers={"accept": "application/json"})
        told = answer.json()["steps"] if answer.status_code == 200 else []
        # Search reads the same event, so of the messages the one to tasks is meant.
        found = {step["kind"]: step for step in told if step["kind"] != "message" or step["capability"] == "tasks"}
        return found if "message" in found else None

    found = eventually(steps, what="the consumer's step")
    assert {"request", "relayed", "message"} <= found.keys()
