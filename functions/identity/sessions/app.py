"""The app of `sessions` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, router

app = build_app("sessions", router, internal)
handler = lambda_handler(app, triggers.ENTRIES)
