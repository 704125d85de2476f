"""The app of `reminders` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router

from . import triggers
from .routes import calendar, internal, reminders, secrets, verbs
from .store.belongings import belongings

exports = exports_router("reminders", belongings)
app = build_app("reminders", reminders.router, verbs.router, calendar.router, secrets.router, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
