"""The app of `apikeys` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import admin, found, internal, keys
from .store.belongings import KeyBelongings

exports = exports_router("apikeys", KeyBelongings)
app = build_app("apikeys", keys.router, found.router, admin.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
