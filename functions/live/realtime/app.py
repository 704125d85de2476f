"""The app of `realtime` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import internal, listening, manage, publishing, topics

app = build_app("realtime", listening.router, topics.router, publishing.router, manage.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
