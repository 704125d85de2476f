"""How a capability meets the outside: its ASGI app, and the one Lambda handler around it."""

# Before anything else imports FastAPI.
from tessera.entry import web as web  # isort: skip

from tessera.entry.app import build_app as build_app
from tessera.entry.bound import bound as bound
from tessera.entry.handler import lambda_handler as lambda_handler
from tessera.entry.paths import problems as problems
from tessera.entry.routing import Router as Router
