"""The app of `realtime` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .actions.belongings import belongings
from .routes import internal, listening, manage, publishing, topics

exports = exports_router("realtime", belongings)
app = build_app("realtime", listening.router, topics.router, publishing.router, manage.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
