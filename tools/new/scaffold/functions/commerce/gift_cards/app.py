"""The app of `gift-cards` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import internal, router
from .store import belongings

app = build_app("gift-cards", router, internal, exports_router("gift-cards", belongings))
handler = lambda_handler(app, triggers.ENTRIES)
