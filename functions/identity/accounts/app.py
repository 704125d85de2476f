from tessera.entry import build_app, lambda_handler
from tessera.entry.jobs import jobs_router

from . import triggers
from .routes import (
    devices,
    email_change,
    factors,
    guests,
    internal,
    internal_realm,
    internal_sign_in,
    life,
    me,
    passkeys,
    passwords,
    sessions,
    sign_in,
    sign_up,
    staff,
    tokens,
    users,
    well_known,
)

ROUTERS = (
    sign_up.router,
    sign_in.router,
    tokens.router,
    passwords.router,
    me.router,
    sessions.router,
    devices.router,
    users.router,
    well_known.router,
    well_known.root,
    staff.router,
    internal.router,
    internal_sign_in.router,
    internal_realm.router,
    email_change.router,
    guests.router,
    life.router,
    factors.router,
    passkeys.router,
    jobs_router("accounts", read="accounts:self", write="accounts:self"),
)
app = build_app("accounts", *ROUTERS)
handler = lambda_handler(app, triggers.ENTRIES)
