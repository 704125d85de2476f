"""What somebody is told of their notifications, and that nothing of them is left."""

from functions.live.notifications.app import handler
from tests.kit.privacy import told_then_gone

from .test_routes import choose, put


def test_everything_of_somebody_is_told_and_then_gone(world):
    user_id = world.person()
    ann = world.caller(user_id)
    choose(ann, {"matrix": {"order": {"push": False}}})
    ann.post("/notifications/devices", json={"platform": "fcm", "token": "a-token-of-a-phone"})
    put(ann, "/notifications/topics/public.news/subscription", None)
    ann.post("/notifications/phone", json={"number": "+491701234567"})
    for number in range(3):
        world.send(ann.id, kind="order", data={"number": str(number)})
    world.send(ann.id)

    told = told_then_gone(
        "notifications",
        handler,
        world.store.table,
        ann.id,
        address="ann@example.com",
        unsaid={"UNQ#dev#*|-": "whose a device is", "MA#*|{user}": "whose an address is, by its hash"},
        stays={
            "B#*|P#*": "for whom something was sent, with it for sixty days",
            "CAP#{user}#*|-": "how many mails went out in an hour, for sixty days",
        },
    )

    assert len(told["notification"]) == 4 and told["topic"] == [{"kind": "topic", "topic": "public.news"}]
    assert told["preferences"] and told["device"][0]["platform"] == "fcm" and told["delivery"]
