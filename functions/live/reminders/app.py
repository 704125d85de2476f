"""The app of `reminders` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import calendar, internal, reminders, secrets, verbs

app = build_app("reminders", reminders.router, verbs.router, calendar.router, secrets.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
