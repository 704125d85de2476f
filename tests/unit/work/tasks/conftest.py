"""The app of `tasks` on a table of its own, and people who may use it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from functions.work.tasks.actions import create as creating
from functions.work.tasks.actions import plans
from functions.work.tasks.app import app, handler
from functions.work.tasks.rules.task import Task, TaskList
from functions.work.tasks.store.listing import Listing
from functions.work.tasks.store.search import Search
from functions.work.tasks.store.tasks import TaskStore
from functions.work.tasks.store.todos import TodoStore
from functions.work.tasks.triggers import ENTRIES
from tessera import clock, ids, queues
from tessera.auth.principal import Principal
from tessera.due import DueItem
from tessera.idempotency import Intent
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller, invocation
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch, drain, make_queue
from tests.kit.stores import envelopes_in, everything_in
from tests.kit.tokens import ISSUER, Signer, publish
from tests.kit.web import AppClient
from tests.kit.worlds import carried


@pytest.fixture
def table(table_of: Callable[[str], Table]) -> Table:
    return table_of("Tasks")


@pytest.fixture
def queue(cloud: None) -> str:
    return make_queue("tasks")


@pytest.fixture
def bindings(
    table: Table, queue: str, table_of: Callable[[str], Table], secret: str, signer: Signer, frozen: FakeClock
) -> Bindings:
    feed = table_of("Authfeed")
    publish(feed, signer.entry())
    return Bindings(
        {
            "STAGE": "test",
            "CAPABILITY": "tasks",
            "TABLE": table.name,
            "QUEUE": queue,
            "ISSUER": ISSUER,
            "AUTHFEED": feed.name,
            "RATELIMIT": table_of("Ratelimit").name,
            "REALTIME": table_of("Realtime").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
        }
    )


@pytest.fixture
def client(bindings: Bindings) -> Iterator[AppClient]:
    before, app.state.bindings = app.state.bindings, bindings
    yield AppClient(app, base_url="https://tasks.test")
    app.state.bindings = before


@pytest.fixture
def person(client: AppClient, signer: Signer) -> Callable[[], Caller]:
    """`person()`: somebody new, signed in."""

    def new() -> Caller:
        user_id = ids.new()
        # A year is long enough for any test that moves the clock.
        expires = int(clock.now().timestamp()) + 31_536_000
        return Caller(client, signer.token(sub=user_id, sid=f"family-{user_id}", exp=expires), user_id)

    return new


@pytest.fixture
def alice(person: Callable[[], Caller]) -> Caller:
    return person()


@pytest.fixture
def tasks(table: Table) -> TaskStore:
    return TaskStore(table)


@pytest.fixture
def listing(table: Table) -> Listing:
    return Listing(table)


@pytest.fixture
def search(table: Table) -> Search:
    return Search(table)


@pytest.fixture
def todos(table: Table) -> TodoStore:
    return TodoStore(table)


@pytest.fixture
def owner() -> Principal:
    user_id = ids.new()
    return Principal(kind="user", id=user_id, user_id=user_id)


@pytest.fixture
def add(tasks: TaskStore, listing: Listing, owner: Principal) -> Callable[..., Task]:
    """`add("Buy milk", tags=("home",))`: a task as the route makes it."""

    def make(
        title: str = "Buy milk",
        *,
        list_id: str | None = None,
        after_id: str | None = None,
        before_id: str | None = None,
        by: Principal | None = None,
        **fields: Any,
    ) -> Task:
        made, _ = creating.create(
            tasks,
            listing,
            {"title": title, **fields},
            list_id=list_id,
            after_id=after_id,
            before_id=before_id,
            by=by or owner,
            intent=Intent(ids.new(), "made by a test"),
        )
        return made

    return make


@pytest.fixture
def add_list(tasks: TaskStore, owner: Principal) -> Callable[..., TaskList]:
    def make(name: str = "Home") -> TaskList:
        new = TaskList(ids.new(), owner.owner_id, name, None, f"a{len(tasks.lists(owner.owner_id))}", 0, 0, clock.now())
        return tasks.create_list(new, Intent(new.id, "made by a test"))[0]

    return make


@pytest.fixture
def run(tasks: TaskStore, owner: Principal) -> Callable[..., plans.Plan]:
    """`run(task, plans.complete)`: one verb on one task, as its route does it."""

    def do(task: Task, verb: Callable[..., plans.Plan], *before: Any, **given: Any) -> plans.Plan:
        by = owner.id
        return plans.run(tasks, task.owner_id, task.id, lambda found: verb(*before, found, by=by, **given))

    return do


@dataclass
class Deliveries:
    """Brings to the queue's consumer what would reach it: events of the table, and what waits in the queue."""

    table: Table
    queue: str
    bindings: Bindings

    def events(self) -> list[Envelope]:
        """The events the items carry now, in the order in which they were made."""
        return envelopes_in(self.table)

    def types(self) -> list[str]:
        return [envelope.type for envelope in self.events()]

    def follow(self) -> None:
        """Deliver every event the consumer has a rule for."""
        wanted = {on.name for on in ENTRIES.events}
        bodies = [json.dumps(carried(envelope)) for envelope in self.events() if envelope.type in wanted]
        assert self.deliver(bodies) == []

    def deliver(self, bodies: list[str]) -> list[str]:
        """Give these messages to the consumer; what it wants to have again comes back."""
        if not bodies:
            return []
        answer = dispatch(ENTRIES, batch(*bodies), self.bindings)
        return [bodies[int(entry["itemIdentifier"])] for entry in answer["batchItemFailures"]]

    def jobs(self, *, at_most: int = 50) -> int:
        """Work off the queue, and what the work itself puts there; how many messages it took."""
        worked = 0
        while worked < at_most and (bodies := drain(self.queue)):
            assert self.deliver(bodies) == []
            worked += len(bodies)
        return worked


@pytest.fixture
def deliveries(table: Table, queue: str, bindings: Bindings) -> Deliveries:
    return Deliveries(table, queue, bindings)


@pytest.fixture
def invoke(client: AppClient) -> Callable[..., dict[str, Any]]:
    """`invoke(path, body)`: as another function of ours calls, past any gateway."""

    def call(path: str, body: dict[str, Any], *, caller: str = "accounts") -> dict[str, Any]:
        answer: dict[str, Any] = handler(invocation(path, body, caller=caller), None)
        return answer

    return call


@pytest.fixture
def waiting(table: Table) -> Callable[[], list[str]]:
    """What the sweeper would send now, as messages."""

    def read() -> list[str]:
        found = []
        for item in everything_in(table):
            if "due_pk" in item and clock.parse(item["due_sk"]["S"].partition("#")[0]) <= clock.now():
                due = DueItem(**{name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})
                found.append(queues.message("due", asdict(due)))
        return found

    return read
