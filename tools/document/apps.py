"""Every capability's app, imported as it stands, without a cloud behind it."""

import importlib
import os
from dataclasses import dataclass
from types import ModuleType

from fastapi import FastAPI

from tools import registry
from tools.say import Failure

# An app binds its environment when it is made, and reads its tables and queues when a request first needs them.
ENVIRONMENT = {"STAGE": "document", "AWS_DEFAULT_REGION": "eu-central-1", "POWERTOOLS_SERVICE_NAME": "tessera"}


@dataclass(frozen=True)
class Loaded:
    capability: registry.Capability
    app: FastAPI


def load_all() -> list[Loaded]:
    """The apps of all capabilities that serve HTTP, in the order of the tree."""
    found = []
    for capability in registry.capabilities():
        app = getattr(load(capability, "app"), "app", None) if capability.has_app else None
        if isinstance(app, FastAPI):
            found.append(Loaded(capability, app))
    return found


def load(capability: registry.Capability, module: str) -> ModuleType | None:
    """One module of a capability, or None when it has no such file."""
    place = capability.folder / module
    if not place.with_suffix(".py").exists() and not (place / "__init__.py").exists():
        return None
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    name = f"functions.{capability.domain}.{capability.package}.{module}"
    try:
        return importlib.import_module(name)
    # Whatever a module raises while it loads, the person who runs the build is told which one it was.
    except Exception as error:
        raise Failure(f"{name} cannot be imported: {type(error).__name__}: {error}") from error
