"""The app of `ratelimit` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from . import triggers
from .routes import buckets, checks, insight, internal, leases, policies

app = build_app(
    "ratelimit", checks.router, buckets.router, leases.router, policies.router, insight.router, internal.router
)
handler = lambda_handler(app, triggers.ENTRIES)
