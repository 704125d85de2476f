"""The app of `files` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router
from tessera.entry.jobs import jobs_router

from . import triggers
from .routes import files, folders, internal, shares, uppy
from .store.belongings import belongings

jobs = jobs_router("files", read="files:read", write="files:write")

exports = exports_router("files", belongings)
app = build_app("files", files.router, folders.router, shares.router, uppy.router, jobs, internal.router, exports)
handler = lambda_handler(app, triggers.ENTRIES)
