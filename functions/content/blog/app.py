"""The app of `blog` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router
from tessera.entry.jobs import jobs_router
from tessera.problems import Problem

from . import triggers
from .routes import comments, conduit_articles, conduit_users, details, feeds, internal, posts, shelves, transfers
from .routes.conduit_shapes import on_any_problem, on_conduit_error
from .rules.conduit import ConduitError
from .store.belongings import belongings

exports = exports_router("blog", belongings)
ROUTERS = (
    posts.router,
    details.router,
    comments.router,
    shelves.router,
    feeds.router,
    transfers.router,
    jobs_router("blog", read="blog:write", write="blog:write"),
    conduit_users.router,
    conduit_articles.router,
    internal.router,
    exports,
)
app = build_app("blog", *ROUTERS)
app.add_exception_handler(Problem, on_any_problem)
app.add_exception_handler(ConduitError, on_conduit_error)
handler = lambda_handler(app, triggers.ENTRIES)
