"""The app of `chat` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import internal, marks, members, messages, rooms
from .store.belongings import belongings

exports = exports_router("chat", belongings)
app = build_app("chat", rooms.router, members.router, messages.router, marks.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
