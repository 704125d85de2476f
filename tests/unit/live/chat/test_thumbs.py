"""Pictures that are attached are shown small, as soon as there is something to show, to who may read the message."""

import json
from typing import Any

import pytest

from functions.live.chat.actions import thumbs
from functions.live.chat.rules.messages import Place
from tests.kit.queues import drain

THUMB = {"w": 160, "h": 90, "blurhash": "00N17T"}


def at(message: dict[str, Any]) -> str:
    return f"/chat/rooms/{message['room_id']}/messages/{message['id']}"


def told(world, room):
    return [one for one in world.log(f"room:{room['id']}") if one.get("type") == "message.attachments"]


def made(world, file_id):
    world.media.made.add(file_id)
    world.receive("media.job.done.v1", job_id="j", file_id=file_id, owner_id="o", n=1, done=3, failed=0)


@pytest.fixture
def room(world, alice, bob):
    return world.room(alice, bob)


@pytest.fixture
def picture(world, alice):
    return world.files.add(alice.id)


def test_a_picture_that_is_made_later_shows_itself_live(world, alice, bob, say, room, picture):
    message = say(alice, room, attachments=[picture])
    world.follow()
    assert bob.get(at(message)).json()["attachments"][0]["thumb"] is None
    assert told(world, room) == []

    made(world, picture)

    shown = bob.get(at(message)).json()
    assert shown["attachments"][0]["thumb"] == THUMB
    assert (shown["version"], shown["edited_at"]) == (message["version"], None)
    assert [one["attachments"][0]["thumb"] for one in told(world, room)] == [THUMB]
    assert (told(world, room)[0]["id"], told(world, room)[0]["n"]) == (message["id"], message["n"])


def test_one_that_was_made_before_is_shown_a_moment_after_it_was_said(world, alice, bob, say, room, picture):
    made(world, picture)
    message = say(alice, room, attachments=[picture])
    world.follow()

    assert bob.get(at(message)).json()["attachments"][0]["thumb"] == THUMB
    assert bob.get(f"/chat/rooms/{room['id']}/messages").json()["items"][0]["attachments"][0]["thumb"] == THUMB


def test_told_twice_it_is_shown_once(world, alice, say, room, picture):
    message = say(alice, room, attachments=[picture])
    world.follow()
    made(world, picture)
    made(world, picture)
    thumbs.show_in(world.ports, room["id"], Place(message["n"]))

    assert len(told(world, room)) == 1


@pytest.mark.parametrize(("media_type", "asked"), [("image/webp", 1), ("application/pdf", 1), ("text/plain", 0)])
def test_only_what_has_a_picture_is_asked_for(world, alice, say, room, picture, media_type, asked):
    world.files.known[picture]["type"] = media_type
    say(alice, room, attachments=[picture])
    world.follow()

    assert len(world.media.asked) == asked


def test_what_was_never_attached_concerns_nobody(world, picture):
    made(world, picture)

    assert world.media.asked == []


def test_wherever_it_is_attached_it_is_shown(world, alice, bob, say, room, picture, monkeypatch):
    monkeypatch.setattr(thumbs, "FILES_AT_ONCE", 2)
    other = world.room(alice, bob)
    root = say(bob, room, "Look")
    messages = [say(alice, one, attachments=[picture]) for one in (room, other, room)]
    messages.append(say(alice, room, attachments=[picture], thread_root=root["id"], also_to_room=True))
    world.follow()

    made(world, picture)
    world.work()

    assert [bob.get(at(one)).json()["attachments"][0]["thumb"] for one in messages] == [THUMB] * 4
    places = [(one["n"], one["thread_n"]) for one in told(world, room)]
    assert sorted(places) == [(1, 1), (2, 0), (3, 0), (4, 0)]


def test_of_two_files_each_has_its_own(world, alice, bob, say, room, picture):
    other = world.files.add(alice.id)
    message = say(alice, room, attachments=[picture, other])
    world.follow()

    made(world, other)

    assert [one["thumb"] for one in bob.get(at(message)).json()["attachments"]] == [None, THUMB]


def test_while_media_is_away_it_is_tried_again(world, alice, bob, say, room, picture):
    message = say(alice, room, attachments=[picture])
    world.deliver_own()
    world.media.made.add(picture)
    world.media.status = 503
    bodies = [json.loads(body) for body in drain(world.queue)]

    assert world.deliver(*bodies)["batchItemFailures"]

    world.media.status = 200
    world.deliver(*bodies)
    assert bob.get(at(message)).json()["attachments"][0]["thumb"] == THUMB


def test_it_goes_with_the_message_and_out_of_the_log(world, alice, bob, say, room, picture):
    message = say(alice, room, attachments=[picture])
    world.follow()
    made(world, picture)
    assert picture in str(world.log(f"room:{room['id']}"))

    assert alice.delete(at(message), headers={"if-match": "*"}).is_success

    assert bob.get(at(message)).json()["attachments"] == []
    assert picture not in str(world.log(f"room:{room['id']}"))
    made(world, picture)
    assert len(told(world, room)) == 0


def test_who_may_read_the_message_is_told_where_it_is(world, alice, bob, say, room, picture):
    message = say(alice, room, attachments=[picture])
    link = f"{at(message)}/attachments/{picture}/thumb"
    assert bob.get(link).status_code == 404
    world.media.made.add(picture)

    found = bob.get(f"{link}?size=lg", headers={"accept": "image/webp"})

    assert found.json() == {"url": f"https://store.test/{picture}-lg", **THUMB}
    assert (found.headers["vary"], found.headers["cache-control"]) == ("Accept", "private, max-age=60")
    assert world.media.asked[-1] == {"file_id": picture, "size": "lg", "accept": "image/webp"}
    assert bob.get(f"{link}?size=xl").status_code == 422
    assert world.person().get(link).status_code == 404


def test_nobody_is_told_where_another_file_or_one_that_is_gone_is(world, alice, bob, say, room, picture):
    message, other = say(alice, room, attachments=[picture]), world.files.add(alice.id)
    world.media.made |= {picture, other}

    assert bob.get(f"{at(message)}/attachments/{other}/thumb").status_code == 404
    world.receive("files.file.infected.v1", file_id=picture)
    assert bob.get(f"{at(message)}/attachments/{picture}/thumb").status_code == 404
    assert world.media.asked == []


def test_while_media_is_away_that_is_said(world, alice, say, room, picture):
    message = say(alice, room, attachments=[picture])
    world.media.status = 500

    assert alice.get(f"{at(message)}/attachments/{picture}/thumb").status_code == 503
