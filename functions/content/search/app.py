"""The app of `search` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.jobs import jobs_router

from . import triggers
from .routes import internal, manage, search

jobs = jobs_router("search", read="search:manage", write="search:manage")

app = build_app("search", search.router, manage.router, jobs, internal.router)
handler = lambda_handler(app, triggers.ENTRIES)
