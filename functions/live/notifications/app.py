"""The app of `notifications` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import choices, feed, internal, manage, public, send, types

app = build_app(
    "notifications",
    feed.router,
    choices.router,
    send.router,
    types.router,
    manage.router,
    public.router,
    internal.router,
)
handler = lambda_handler(app, triggers.ENTRIES)
