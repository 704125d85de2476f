"""Late writers: what was read is not any more what is written upon."""

from dataclasses import replace
from typing import Any

import pytest

from functions.content.blog.actions import commenting, reacting
from functions.content.blog.rules.posts import Post, Status
from functions.content.blog.store.places import felt_of
from functions.content.blog.store.reactions import Felt
from functions.content.blog.store.rows import author_pk
from tessera.listing import pointer
from tessera.problems import Busy
from tests.kit.apps import Caller
from tests.kit.faults import meanwhile
from tests.kit.stores import everything_in

from .conftest import World


def kept(world: World, post: dict[str, Any]) -> Post:
    return world.ports.posts.get(post["id"])


def test_a_revision_is_restored_over_the_version_that_was_seen_alone(world: World, alice: Caller) -> None:
    post = world.post(alice, body="First")
    path = f"/blog/posts/{post['id']}"
    changed = alice.patch(path, json={"body": "Second"}, headers={"if-match": '"v1"'})
    assert changed.status_code == 200

    late = alice.post(f"{path}/revisions/1/restore", headers={"if-match": '"v1"'})

    assert late.status_code == 412
    assert (kept(world, post).version, kept(world, post).rev) == (2, 2)


def test_a_parent_deleted_while_its_last_answer_goes_leaves_no_empty_place(world: World, alice: Caller) -> None:
    post = world.post(alice)
    top = world.comment(alice, post, "top")
    answer = world.comment(alice, post, "answer", parent_id=top["id"])

    def delete(comment: dict[str, Any]) -> None:
        commenting.delete(world.ports, comment["id"], user_id=alice.id, moderates=False)

    with meanwhile("TransactWriteItems", lambda: delete(top)):
        delete(answer)

    assert not [item for item in everything_in(world.table) if item["pk"]["S"].startswith(("C#", "CID#"))]


def test_a_reaction_that_changes_while_it_is_forgotten_is_not_lost(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    # Somebody else's keeps the count above zero, so that it could be taken for the one that is forgotten.
    for user_id in (bob.id, world.person().id):
        reacting.react(world.ports, kept(world, post), user_id, "sad")
    one = pointer(felt_of(bob.id), post["id"], post["id"], alice.id)

    with (
        meanwhile("TransactWriteItems", lambda: reacting.react(world.ports, kept(world, post), bob.id, "love")),
        pytest.raises(Busy),
    ):
        world.ports.reactions.forget(one, kept(world, post), bob.id)

    assert world.ports.reactions.felt(post["id"], bob.id) == Felt("love", False)
    assert kept(world, post).reactions == {**kept(world, post).reactions, "love": 1, "sad": 1}


def test_of_two_that_take_a_post_out_of_sight_one_takes_it_off_the_list(
    world: World, alice: Caller, bob: Caller
) -> None:
    post = world.post(alice)
    reacting.react(world.ports, kept(world, post), bob.id, "like")
    hidden = replace(kept(world, post), status=Status.DRAFT)

    def relist() -> None:
        world.ports.reactions.relist(hidden, after=None, most=9)

    with meanwhile("TransactWriteItems", relist):
        relist()

    # As it is kept: who reads it is shown no count below zero.
    (author,) = [item for item in everything_in(world.table) if item["pk"]["S"] == author_pk(bob.id)]
    assert author["fav_count"] == {"N": "0"}


def test_what_a_forgotten_visit_would_have_taught_is_not_kept(world: World) -> None:
    world.ports.visits.taught("01HZX3J0V7Q8M4N5P6R7S8T9VZ", is_spam=True)

    assert not [item for item in everything_in(world.table) if item["pk"]["S"].startswith("VISIT#")]
