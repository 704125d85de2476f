"""The app of `chat` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, marks, members, messages, rooms

app = build_app("chat", rooms.router, members.router, messages.router, marks.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
