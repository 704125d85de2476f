"""The app of `chat` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router
from tessera.entry.jobs import jobs_router

from . import triggers
from .actions.access import person
from .routes import attachments, exports, internal, marks, members, messages, rooms
from .store.belongings import belongings

app = build_app(
    "chat",
    rooms.router,
    members.router,
    messages.router,
    marks.router,
    attachments.router,
    exports.router,
    internal.router,
    exports_router("chat", belongings),
    jobs_router("chat", read="chat:read", write="chat:write", whose=person),
)
handler = lambda_handler(app, triggers.ENTRIES)
