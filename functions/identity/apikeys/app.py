"""The app of `apikeys` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import admin, found, internal, keys

app = build_app("apikeys", keys.router, found.router, admin.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
