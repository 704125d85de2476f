"""The app of `presence` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import internal, people, rooms
from .store.belongings import belongings

exports = exports_router("presence", belongings)
app = build_app("presence", rooms.router, people.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
