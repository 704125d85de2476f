from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import me, passwords, sessions, sign_in, sign_up, staff, tokens, users, well_known

app = build_app(
    "accounts",
    sign_up.router,
    sign_in.router,
    tokens.router,
    passwords.router,
    me.router,
    sessions.router,
    users.router,
    well_known.router,
    staff.router,
)
handler = lambda_handler(app, triggers.ENTRIES)
