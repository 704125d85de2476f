"""The app of `sessions` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, listed, session, sign_in

app = build_app("sessions", sign_in.router, session.router, listed.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
