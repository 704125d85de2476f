"""What the hub tells somebody of themselves, and that nothing of them is left."""

from typing import Any

from functions.live.realtime.app import handler
from tests.kit.privacy import told_then_gone

from ..conftest import TOPIC


def test_everything_of_a_user_is_told_and_then_gone(web: Any, alice: Any) -> None:
    client = web.hub.connected(alice.id)
    client.subscribe(TOPIC)
    web.publish(f"user:{alice.id}", {"kind": "tasks.created"}, {"kind": "tasks.updated"})
    web.grant("room:1", alice.id)
    web.revoke("room:1", alice.id)
    web.hub.upkeep()

    told = told_then_gone(
        "realtime",
        handler,
        web.hub.table,
        alice.id,
        between=web.hub.upkeep,
        unsaid={"SUB#*|*": "what a connection listens to, which it ends with"},
        stays={
            "LOG#user:{user}|HEAD": "where their log stood, so that no offset is used twice",
            "FAN#user:{user}#*|W": "how far its delivery had come",
            "GRANT#*|{user}": "that they may listen no more, for a day",
        },
    )

    assert [one["data"]["kind"] for one in told["news"]] == ["tasks.created", "tasks.updated"]
    assert len(told["connection"]) == 1 and told["online"][0]["online"] is True
