"""The app of `linkpreview` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, previews

app = build_app("linkpreview", previews.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
