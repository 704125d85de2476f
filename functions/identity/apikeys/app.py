"""The app of `apikeys` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, router

app = build_app("apikeys", router, internal)
handler = lambda_handler(app, triggers.ENTRIES)
