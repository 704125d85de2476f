"""What a message links to is shown with it: asked for behind the scenes, gone with the text that named it."""

from typing import Any

import pytest

from functions.live.chat.actions import cards
from functions.live.chat.rules.messages import Place, links_of
from tests.kit.faults import meanwhile

BREAD, TEA = "https://example.com/bread", "https://example.org/tea?cup=1"


def at(message: dict[str, Any]) -> str:
    return f"/chat/rooms/{message['room_id']}/messages/{message['id']}"


def told(world, room, kind="message.cards"):
    return [one for one in world.log(f"room:{room['id']}") if one["type"] == kind]


@pytest.fixture
def room(world, alice, bob):
    world.pages.titles = {BREAD: "Bread", TEA: "Tea"}
    return world.room(alice, bob)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Nothing here, not even http:// alone", ()),
        (f"Look at {BREAD}.", (BREAD,)),
        (f"(see {TEA})", (TEA,)),
        ("https://example.com/a_(b) and so on", ("https://example.com/a_(b)",)),
        (f"<{BREAD}> “{TEA}", (BREAD, TEA)),
        (f"{BREAD} {BREAD}, {TEA}!", (BREAD, TEA)),
        (" ".join(f"https://example.com/{n}" for n in range(5)), tuple(f"https://example.com/{n}" for n in range(3))),
        ("HTTPS://EXAMPLE.COM/A?", ("HTTPS://EXAMPLE.COM/A",)),
        ("https://).,", ()),
    ],
)
def test_links_are_read_as_people_write_them(text, links):
    assert links_of(text) == links


def test_what_is_linked_to_is_shown_to_the_room(world, alice, bob, say, room):
    message = say(alice, room, f"Bake this: {BREAD}. Then {TEA}")
    assert message["cards"] == []

    world.follow()

    shown = bob.get(at(message)).json()["cards"]
    assert [(one["url"], one["title"]) for one in shown] == [(BREAD, "Bread"), (TEA, "Tea")]
    assert shown[0]["image"] == "https://app.test/linkpreview/image?u=a"
    assert [one["cards"] for one in told(world, room)] == [shown]
    assert bob.get(at(message)).json()["version"] == message["version"]
    assert world.pages.asked == [[BREAD, TEA]]


def test_of_no_link_nothing_is_asked(world, alice, say, room):
    say(alice, room, "Just words")
    world.follow()

    assert world.pages.asked == []
    assert told(world, room) == []


def test_told_twice_they_are_shown_once(world, alice, say, room):
    message = say(alice, room, BREAD)
    world.follow()
    cards.show(world.ports, room["id"], Place(message["n"]), 0)

    assert len(told(world, room)) == 1


def test_a_page_without_a_card_leaves_its_link_a_link(world, alice, bob, say, room):
    message = say(alice, room, "https://example.com/nothing")
    world.follow()

    assert bob.get(at(message)).json()["cards"] == []
    assert told(world, room) == []


def test_a_service_that_is_away_is_asked_three_times_and_no_more(world, alice, bob, say, room, frozen):
    world.pages.away = 9
    message = say(alice, room, BREAD)
    world.deliver_own()
    for tries in range(3):
        cards.show(world.ports, room["id"], Place(message["n"]), tries)

    assert len(world.pages.asked) == 3
    assert bob.get(at(message)).json()["cards"] == []
    world.pages.away = 0
    cards.show(world.ports, room["id"], Place(message["n"]), 1)
    assert [one["title"] for one in bob.get(at(message)).json()["cards"]] == ["Bread"]


def test_an_edit_keeps_the_cards_of_the_links_that_stay(world, alice, bob, say, room):
    message = say(alice, room, f"{BREAD} {TEA}")
    world.follow()

    alice.patch(at(message), json={"text": f"Only {TEA}"}, headers={"if-match": "*"})

    assert [one["title"] for one in bob.get(at(message)).json()["cards"]] == ["Tea"]
    assert [one["title"] for one in told(world, room, "message.edited")[-1]["cards"]] == ["Tea"]
    world.follow()
    assert [one["title"] for one in bob.get(at(message)).json()["cards"]] == ["Tea"]


def test_cards_of_what_is_no_longer_said_are_not_shown(world, alice, bob, say, room):
    message = say(alice, room, BREAD)
    world.deliver_own()

    def edited() -> None:
        assert alice.patch(at(message), json={"text": "No link"}, headers={"if-match": "*"}).is_success

    with meanwhile("TransactWriteItems", edited):
        world.work()

    assert bob.get(at(message)).json()["cards"] == []


def test_what_was_taken_back_has_no_card_and_leaves_no_link_in_the_log(world, alice, bob, say, room):
    message = say(alice, room, BREAD)
    world.follow()

    assert alice.delete(at(message), headers={"if-match": "*"}).is_success

    assert bob.get(at(message)).json()["cards"] == []
    assert BREAD not in str(world.log(f"room:{room['id']}"))


def test_a_reply_that_is_in_the_room_too_shows_them_in_both_places(world, alice, bob, say, room):
    root = say(bob, room, "What do we bake?")
    reply = say(alice, room, BREAD, thread_root=root["id"], also_to_room=True)
    world.follow()

    places = [(one["n"], one["thread_n"]) for one in told(world, room)]
    assert len(places) == len(set(places)) == 2
    history = bob.get(f"/chat/rooms/{room['id']}/messages").json()["items"]
    thread = bob.get(f"/chat/rooms/{room['id']}/messages/{root['id']}/thread").json()["items"]
    assert [one["cards"][0]["title"] for one in (history[-1], *thread)] == ["Bread", "Bread"]
    assert reply["cards"] == []
