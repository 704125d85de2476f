"""The app of `admin` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import audit, impersonations, imports, internal, invitations, people, roles, setup
from .store.belongings import belongings

exports = exports_router("admin", belongings)
app = build_app(
    "admin",
    people.router,
    imports.router,
    roles.router,
    invitations.router,
    impersonations.router,
    audit.router,
    setup.router,
    internal.router,
    exports,
)
handler = lambda_handler(app, triggers.ENTRIES)
