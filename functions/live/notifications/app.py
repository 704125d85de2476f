"""The app of `notifications` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import choices, feed, internal, manage, public, send, types
from .store.belongings import belongings

exports = exports_router("notifications", belongings)
app = build_app(
    "notifications",
    feed.router,
    choices.router,
    send.router,
    types.router,
    manage.router,
    public.router,
    internal.router,
    exports,
)
handler = lambda_handler(app, triggers.ENTRIES)
