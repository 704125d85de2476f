"""The app of the mail worker and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import emails, internal, manage, public
from .store.belongings import belongings

exports = exports_router("outbox", belongings)
app = build_app("outbox", emails.router, manage.router, public.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
