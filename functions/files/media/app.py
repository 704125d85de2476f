"""The app of `media` and its Lambda handler. What reads files is the worker's: `triggers.handler`."""

from tessera.entry import build_app, lambda_handler
from tessera.entry.exports import exports_router
from tessera.triggers import Entries

from .routes import files, internal, jobs, presets
from .store.belongings import belongings

exports = exports_router("media", belongings)
app = build_app("media", jobs.router, files.router, presets.router, internal.router, exports)
handler = lambda_handler(app, Entries())
