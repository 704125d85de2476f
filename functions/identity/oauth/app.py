"""The app of `oauth` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import identities, internal, logout, manage, sign_in
from .store.belongings import belongings

exports = exports_router("oauth", belongings)
app = build_app("oauth", sign_in.router, identities.router, manage.router, logout.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
