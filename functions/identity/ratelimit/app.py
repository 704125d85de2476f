"""The app of `ratelimit` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, router

app = build_app("ratelimit", router, internal)
handler = lambda_handler(app, triggers.ENTRIES)
