"""Forty tasks in three lists for the demo user, and a few todos in the facade's namespace `demo`."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from localstack.seed import World

LISTS = {"Home": "#2a9d8f", "Work": "#264653", "Someday": "#e9c46a"}
TODOS = ("Taste JavaScript", "Buy a unicorn", "Read the Todo-Backend specs")

_HOME = (
    "Buy milk, Call the plumber, Mend the bicycle, Clean the oven, Repot the fern, Return the library books, "
    "Sort the photos, Book the dentist, Defrost the freezer, Sew on the button, Fetch the parcel, Wash the curtains"
).split(", ")
_WORK = (
    "Answer Ann, Review the budget, Prepare the workshop, Order new chairs, Write the release notes, Plan the offsite, "
    "Update the runbook, Invite the candidates, Renew the certificate, Check the backups, Draft the contract, "
    "Thank the testers"
).split(", ")
_SOMEDAY = (
    "Learn to juggle, See the northern lights, Build a bookshelf, Read Middlemarch, Walk the coast path, "
    "Plant an apple tree, Learn some Finnish, Write to grandmother, Digitise the tapes, Bake sourdough"
).split(", ")


async def seed(world: World) -> None:
    """Three lists and what is in the first of them: a task that comes daily, three that are overdue."""
    headers = await world.headers_of("user")
    # One after the other: each list has its own order, and what is asked at once starts a process each.
    made = [await world.post("/tasks/lists", {"name": name, "color": color}, headers) for name, color in LISTS.items()]
    home = next(one["id"] for one in made if one["name"] == "Home")
    await _all(world, headers, [{**body, "list_id": home} for body in _home()])
    for order, title in enumerate(TODOS, start=1):
        await world.post("/tasks/todo-backend/demo", {"title": title, "order": order, "completed": order == 1}, {})


async def seed_after_ready(world: World) -> None:
    """The other lists, 40 tasks in all: one comes every second Tuesday, one more is overdue."""
    headers = await world.headers_of("user")
    ids = {one["name"]: one["id"] for one in (await world.ask("GET", "/tasks/lists", headers=headers))["items"]}
    await _all(world, headers, [{**body, "list_id": ids["Work"]} for body in _work()])
    await _all(world, headers, [{"title": title, "list_id": ids["Someday"], "tags": ["dream"]} for title in _SOMEDAY])


def _home() -> list[dict[str, Any]]:
    today = datetime.now(UTC).date()
    overdue = [
        {"title": title, "due_date": _day(today, -number), "tags": ["home"], "priority": 1 + number % 3}
        for number, title in enumerate(("Pay the rent", "Water the neighbour's cat", "Renew the passport"), start=1)
    ]
    plants = {"title": "Water the plants", "due_date": _day(today), "recurrence": {"rule": "FREQ=DAILY"}}
    rest = [
        {"title": title, "tags": ["home"], **({"due_date": _day(today, number)} if number % 3 == 0 else {})}
        for number, title in enumerate(_HOME)
    ]
    return [*overdue, plants, *rest]


def _work() -> list[dict[str, Any]]:
    today = datetime.now(UTC).date()
    # `every 2nd Tuesday`: the Tuesday of every other week, beginning with the coming one.
    tuesday = today + timedelta(days=(1 - today.weekday()) % 7)
    repeats = {"rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"}
    team = {"title": "Team meeting", "due_date": _day(tuesday), "recurrence": repeats, "priority": 2}
    late = {"title": "Send the invoice", "due_date": _day(today, -5), "priority": 1, "tags": ["money"]}
    rest = [
        {"title": title, "tags": ["work"], "priority": 1 + number % 4, "due_date": _day(today, number)}
        for number, title in enumerate(_WORK)
    ]
    return [team, late, *rest]


def _day(start: date, days: int = 0) -> str:
    return (start + timedelta(days=days)).isoformat()


async def _all(world: World, headers: dict[str, str], bodies: list[dict[str, Any]]) -> None:
    for body in bodies:
        await world.post("/tasks", body, headers)
