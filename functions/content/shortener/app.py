"""The app of `shortener` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import internal, links, places, public, stats
from .store.belongings import belongings

exports = exports_router("shortener", belongings)
app = build_app("shortener", links.router, stats.router, places.router, public.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
