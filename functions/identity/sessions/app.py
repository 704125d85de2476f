"""The app of `sessions` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import internal, listed, session, sign_in
from .store.belongings import belongings

exports = exports_router("sessions", belongings)
app = build_app("sessions", sign_in.router, session.router, listed.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
