"""The app of `shortener` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, links, places, public, stats

app = build_app("shortener", links.router, stats.router, places.router, public.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
