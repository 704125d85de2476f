"""The app of `health` and its Lambda handler."""

from tessera.entry import build_app, lambda_handler

from .routes import router

app = build_app("health", router)
handler = lambda_handler(app)
