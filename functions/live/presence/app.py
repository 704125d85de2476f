"""The app of `presence` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, people, rooms

app = build_app("presence", rooms.router, people.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
