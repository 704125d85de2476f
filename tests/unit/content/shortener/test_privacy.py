"""What an owner of short links is told of themselves, and that nothing of them is left."""

from functions.content.shortener.app import handler
from tests.kit.privacy import told_then_gone


def test_everything_of_an_owner_is_told_and_then_gone(world, ann):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    made = [world.link(ann, f"https://example.com/{number}", tags=["t"]) for number in range(3)]
    world.link(ann, "https://example.com/locked", password="open sesame")
    world.link(world.person(), "https://example.com/kept")
    world.follow(made[0]["code"])
    world.count()

    told = told_then_gone(
        "shortener",
        handler,
        world.table,
        ann.id,
        between=world.work,
        unsaid={
            "CT#*|*": "how often a link was clicked, which its owner sees at `stats`",
            "L#C#{user}|*": "the same links by their codes",
            "L#TG#{user}#*|*": "the same links by their tags",
            "UX#{user}#*|*": "the same links by where they lead",
        },
        stays={"L#O#{user}|*": "that a link was deleted, for a day"},
    )

    assert sorted(one["url"].rpartition("/")[2] for one in told["link"]) == ["0", "1", "2", "locked"]
    assert told["domain"][0]["host"] == "go.example.com" and "sesame" not in str(told)
