"""What an owner is told of what they keep, and that nothing of it is left."""

from functions.commerce.gift_cards.app import app, handler
from tests.kit.apps import serving
from tests.kit.privacy import told_then_gone


def test_everything_of_an_owner_is_told_and_then_gone(cloud):
    with serving(app, "GiftCards") as served:
        alice = served.person()
        alice.post("/gift-cards", json={"name": "First"})

        told = told_then_gone("gift-cards", handler, served.table, alice.id)

    assert [one["name"] for one in told["item"]] == ["First"]
