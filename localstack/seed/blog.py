"""A blog worth reading: three authors, 24 posts under 12 tags, one long thread, a draft, one that is due, some spam."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from localstack.seed import World

AUTHORS = ("user", "support", "moderator")
DAY = timedelta(days=1)
# Title, tags, and what it says; the first is the newest.
POSTS: tuple[tuple[str, str, str], ...] = (
    (
        "Why our kettle has a version number",
        "tools tea",
        "The office kettle failed three times last year, and each time somebody asked when it was bought.\n\n"
        "Now a small label says *kettle 4, March*. It sounds silly. But the next time it fails we will know "
        "whether the new seal was worth it, and that is all a version number is for: **telling two things apart "
        "that look the same**.",
    ),
    (
        "A garden on a north-facing balcony",
        "garden city",
        "Four hours of indirect light is little, and still more than most guides admit.\n\n"
        "- ferns like it\n- mint survives anything\n- lettuce grows slowly, and never bolts\n\n"
        "Tomatoes were a mistake. I make it every spring.",
    ),
    (
        "Reading a log from the bottom up",
        "tools work",
        "A crash tells its story backwards. The last line is a symptom; the first strange line is the cause.\n\n"
        "```text\n10:02:11 retrying\n10:02:09 retrying\n10:01:58 certificate expired\n```\n\n"
        "Scroll up until something surprises you, then one line more.",
    ),
    (
        "The train that waits",
        "travel city",
        "In the valley the last train waits for the last bus. Nobody ordered it to. The driver looks down the road "
        "for headlights, and a timetable becomes a promise.",
    ),
    (
        "Bread for people with one bowl",
        "cooking",
        "Mix 400 g of flour, 300 g of water, salt and a pinch of yeast in the evening. Go to bed.\n\n"
        "In the morning fold it twice, heat the oven with a pot in it, and bake for 45 minutes. The bowl is all "
        "there is to wash.",
    ),
    (
        "Small meetings, written down",
        "work writing",
        "We stopped meeting to share news, and write it instead. What is left to say aloud is what we disagree about, "
        "and that takes twenty minutes.",
    ),
    (
        "How to lose a game of chess well",
        "games",
        "Say what you saw, ask what you missed, and set the pieces up again. Whoever explains the winning move has "
        "learnt it twice.",
    ),
    (
        "Three maps of the same street",
        "city history",
        "In 1890 it was a river bank, in 1950 a car park, today a market. The river is still there, under the fish "
        "stall. On wet days you can hear it.",
    ),
    (
        "Tea without a thermometer",
        "tea cooking",
        "Small bubbles like shrimp eyes: green tea. Strings of pearls: oolong. Rolling waves: black.\n\n"
        "> Nobody ever burned their tongue on patience.",
    ),
    (
        "The second draft is for the reader",
        "writing",
        "The first draft finds out what I think. The second takes out how I found it.",
    ),
    (
        "A bicycle for every weather",
        "travel tools",
        "Mudguards, a bell, lights that need no battery. Everything else is decoration, and decoration gets stolen.",
    ),
    (
        "What the library taught me about queues",
        "work history",
        "The librarian serves whoever came first, unless a child asks where the dragons are. Every good queue has one "
        "such rule, and everybody knows it.",
    ),
    (
        "Learning a song by heart",
        "music",
        "Start with the last verse. You will always be walking towards what you know best.",
    ),
    (
        "Soup from what is left",
        "cooking garden",
        "Onion first, then whatever is hardest, then whatever is green. Lemon at the end forgives most things.",
    ),
    (
        "The clock in the station hall",
        "history travel",
        "It runs thirty seconds fast on purpose. For a hundred years people have caught trains because of a lie.",
    ),
    (
        "Names for folders",
        "tools writing",
        "A folder called *misc* is a decision put off. A folder called *new* was one last year.",
    ),
    (
        "Rain barrels, a year later",
        "garden weather",
        "Two barrels, 400 litres, one dry July. They paid for themselves in watering cans not carried.",
    ),
    (
        "Playing the piano quietly",
        "music city",
        "With felt between hammer and string the neighbours hear nothing and I hear everything, wrong notes above all.",
    ),
    (
        "Dice that remember",
        "games tools",
        "A friend records every roll of our Tuesday game. After 4 000 of them, her unlucky die is exactly average.",
    ),
    (
        "Walking to work, counted",
        "city work",
        "2 900 steps, 11 trees, one bakery. The day I took the car I arrived earlier and later began.",
    ),
    (
        "An index for a notebook",
        "writing tools",
        "Number the pages, leave the last four free, and write there what is on the others. That is the whole method.",
    ),
    (
        "The night train to the coast",
        "travel music",
        "Somebody played an accordion until the border. The guard asked for tickets in waltz time.",
    ),
)
TAGS = sorted({tag for _, tags, _ in POSTS for tag in tags.split()})
THREADS, ANSWERS_DEEP = 8, 5
SAID = (
    "This made my morning.",
    "I disagree, though only a little.",
    "Have you tried it the other way round?",
    "We did the same at ours, and it held.",
    "Thank you, I will try it on Sunday.",
)


async def seed_after_ready(world: World) -> None:
    """Through the API, the oldest post first, as they would have been written."""
    people = [await world.headers_of(role) for role in AUTHORS]
    now = datetime.now(UTC)
    made: list[dict[str, Any]] = []
    for number, (title, tags, text) in reversed(list(enumerate(POSTS))):
        at = (now - (number + 1) * 3 * DAY).isoformat(timespec="seconds").replace("+00:00", "Z")
        body = {"title": title, "body": text, "tags": tags.split(), "status": "published", "publish_at": at}
        made.append(await world.post("/blog/posts", body, people[number % len(people)]))
    soon = datetime.fromtimestamp(time.time() + 120, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    later = {"title": "Published while you look", "body": "Two minutes ago this was a plan.", "tags": ["tools"]}
    await world.post("/blog/posts", {**later, "status": "scheduled", "publish_at": soon}, people[0])
    await world.post("/blog/posts", {"title": "Unfinished", "body": "It begins with a question."}, people[0])
    await _discuss(world, made[-1], people)


async def _discuss(world: World, post: dict[str, Any], people: list[dict[str, str]]) -> None:
    """Forty comments, five levels deep, and one that nobody should see."""
    path = f"/blog/posts/{post['id']}/comments"
    for thread in range(THREADS):
        above = None
        for level in range(ANSWERS_DEEP):
            body = {"body": SAID[(thread + level) % len(SAID)], **({"parent_id": above} if above else {})}
            said = await world.post(path, body, people[(thread + level) % len(people)])
            above = said["id"]
    spam = "Best casino of all: http://a.example http://b.example http://c.example"
    await world.post(path, {"body": spam}, people[1])
