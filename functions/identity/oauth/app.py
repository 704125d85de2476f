"""The app of `oauth` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import identities, internal, logout, manage, sign_in

app = build_app("oauth", sign_in.router, identities.router, manage.router, logout.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
