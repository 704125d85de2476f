"""The app of `oauth` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, router

app = build_app("oauth", router, internal)
handler = lambda_handler(app, triggers.ENTRIES)
