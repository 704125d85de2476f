"""The app of the mail worker and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import emails, internal, manage, public

app = build_app("outbox", emails.router, manage.router, public.router, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
