"""The app of `openapi` and its Lambda handler. Its function also answers the API's `$default` route."""

from tessera.entry import build_app, lambda_handler

from .routes import router

app = build_app("openapi", router)
handler = lambda_handler(app)
