"""The app of `organisations` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import domains, internal, invitations, members, organisations, roles
from .store.belongings import belongings

exports = exports_router("organisations", belongings)
app = build_app(
    "organisations",
    organisations.router,
    members.router,
    invitations.router,
    domains.router,
    roles.router,
    internal.router,
    exports,
)
handler = lambda_handler(app, triggers.ENTRIES)
