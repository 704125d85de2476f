"""The app of `tasks` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router
from tessera.entry.jobs import jobs_router

from . import triggers
from .routes import bulk, internal, lists, personal, tasks, todos, verbs
from .store.belongings import belongings

jobs = jobs_router("tasks", read="tasks:read", write="tasks:write")

exports = exports_router("tasks", belongings)
app = build_app(
    "tasks",
    lists.router,
    tasks.router,
    verbs.router,
    bulk.router,
    personal.router,
    jobs,
    todos.router,
    internal.router,
    exports,
)
handler = lambda_handler(app, triggers.ENTRIES)
