"""The app of `organisations` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import domains, internal, invitations, members, organisations, roles

app = build_app(
    "organisations",
    organisations.router,
    members.router,
    invitations.router,
    domains.router,
    roles.router,
    internal.router,
)
handler = lambda_handler(app, triggers.ENTRIES)
